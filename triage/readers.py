"""The mailboxes that this worker reads: its share of all of them, a thread each.

Every worker looks now and then who else there is and who reads what (``record.workers``, ``sharing``); it begins what
is free until it has its part, and gives up what is too much. The lease of the mailbox alone decides who may read: when
two begin the same one, one of them gets it, and the other sees that at its next look.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from datetime import timedelta

from triage.bootstrap import Service
from triage.calling import Call
from triage.intake.reader import MailboxReader
from triage.once import forget_mailboxes
from triage.record.workers import leave, mailboxes_with_work, standing, take_part
from triage.sharing import divide

log = logging.getLogger("triage.readers")

LEAST = 0.1
"""Seconds between two looks at least."""
FIRST = 5.0
"""Seconds until the next look while the first one has not succeeded."""


class Readers:
    """Begins and ends readers as the shares of the workers change; used by one thread, but for :meth:`wake`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._running: dict[str, tuple[MailboxReader, threading.Thread]] = {}
        self._ending: list[tuple[str, threading.Thread]] = []
        self._known: frozenset[str] = frozenset()
        self._lock = threading.Lock()
        self._stopped = False
        self.pause = FIRST
        """Seconds until the next look, unless somebody calls: soon enough to take what a dead worker had."""

    def share(self) -> int:
        """One look, and what follows from it; how many readers began or ended."""
        service, me = self._service, self._service.settings.worker_name
        lease = timedelta(seconds=service.settings.lease_seconds)
        self.pause = usual = lease.total_seconds() / 4
        names = frozenset(service.knowledge.in_force().rules.mailboxes)
        if names != self._known:
            forget_mailboxes(service)
            self._known = names
        with service.store.write("worker lives") as tx:
            is_new = take_part(tx, me, lease)
        if is_new:
            service.caller.tell(Call.MAILBOXES)  # those that have too many now shall not wait for their next look
        with service.store.read("who reads what") as tx:
            now = standing(tx, names)
            left = (now.next_end - tx.now).total_seconds() if now.next_end is not None else usual
        self.pause = max(LEAST, min(usual, left + LEAST))
        with self._lock:
            if self._stopped:
                return 0
            share = divide(me, now.workers, names, now.readers, tuple(self._running))
            for name in share.give:
                self._end(name)
            # One that is only renamed is read under its new name once it is free, and so is what we give up ourselves.
            self._ending = [(name, thread) for name, thread in self._ending if thread.is_alive()]
            begun = [name for name in share.take if name not in dict(self._ending)]
            for name in begun:
                self._begin(name)
        if begun or share.give:
            told = {"action": "mailboxes_shared", "reads": len(self._running), "workers": len(now.workers)}
            log.info("mailboxes shared", extra=told)
        return len(begun) + len(share.give)

    def _begin(self, name: str) -> None:
        reader = self._service.make_reader(name)
        thread = threading.Thread(target=self._read, args=(reader,), name=f"reader {name}")
        self._running[name] = (reader, thread)
        thread.start()

    def _read(self, reader: MailboxReader) -> None:
        reader.run()
        # It is free now: whoever has too few takes it at once.
        self._service.caller(Call.MAILBOXES)

    def _end(self, name: str) -> None:
        reader, thread = self._running.pop(name)
        reader.stop()
        self._ending.append((name, thread))

    # ---------------------------------------------------------------- for the others

    def are_others(self, names: Collection[str]) -> bool:
        """Whether these are other mailboxes than those of the last look: the rules have changed."""
        return frozenset(names) != self._known

    def wake(self) -> None:
        """Wake those that have something to do which their server will not tell them of."""
        with self._service.store.read("who has work") as tx:
            wanted = mailboxes_with_work(tx)
        for name, (reader, _) in self._now():
            if name in wanted:
                reader.wake.set()

    def reconcile(self) -> None:
        """Let each compare its whole list at its next pass."""
        for _, (reader, _) in self._now():
            reader.request_reconciliation()

    def stop(self) -> None:
        """Ask all to end; none is begun any more. Returns at once, and may be called in a signal's handler."""
        self._stopped = True
        for _, (reader, _) in list(self._running.items()):
            reader.stop()

    def leave(self) -> None:
        """Tell the others that this worker ends, before its mailboxes are free."""
        with self._service.store.write("worker leaves") as tx:
            leave(tx, self._service.settings.worker_name)

    def threads(self) -> list[threading.Thread]:
        """Those that may still run."""
        with self._lock:
            return [thread for _, thread in (*self._running.values(), *self._ending)]

    def _now(self) -> list[tuple[str, tuple[MailboxReader, threading.Thread]]]:
        with self._lock:
            return list(self._running.items())
