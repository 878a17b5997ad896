"""Works everything off that is due now, in one thread: what ``triage worker --once`` and many tests do.

And what a start has to put right, for good or once.
"""

from __future__ import annotations

from collections.abc import Callable

from triage.bootstrap import Service
from triage.keeping import purge_when_due
from triage.quiet import KIND as SILENT_MAILBOX
from triage.record.acts_watch import mind_the_acts
from triage.record.clock_back import mind_the_clock
from triage.record.incidents import close_incidents
from triage.tokens.watch import note_endings

MOST_ROUNDS = 10_000


def forget_mailboxes(service: Service) -> None:
    """Incidents of mailboxes that are no longer configured are over."""
    wanted = service.knowledge.in_force().rules.mailboxes
    with service.store.write("mailboxes configured") as tx:
        for kind in ("mailbox", "unlisted", "unreadable", SILENT_MAILBOX):
            close_incidents(tx, kind, but=wanted)


def tell_endings(service: Service) -> None:
    """Note which secrets of the configured accounts end within two weeks, two weeks ahead."""
    mailboxes = service.knowledge.in_force().rules.mailboxes
    note_endings(service.store, service.tokens, service.settings, mailboxes)


def run_once(service: Service, progress: Callable[[str, int], None] | None = None) -> tuple[str, ...]:
    """Work everything off that is due now, in this thread; the troubles of accounts that failed (each is logged too).

    Ends when a whole round finds nothing to do.
    """
    mind_the_clock(service.store)
    mind_the_acts(service.store)
    forget_mailboxes(service)
    tell_endings(service)
    purge_when_due(service.store, service.knowledge.in_force().rules.retention)
    readers = {name: service.make_reader(name) for name in service.knowledge.in_force().rules.mailboxes}
    troubles: dict[str, str] = {}
    try:
        for _ in range(MOST_ROUNDS):
            done = 0
            for name, reader in readers.items():
                if name not in troubles:
                    try:
                        count = reader.work()
                        done += count
                        _tell(progress, "read or filed", count)
                    except Exception as error:  # noqa: BLE001 - one mailbox's trouble stops no other
                        troubles[name] = reader.fail(error)
            while count := service.decider.work():
                done += count
                _tell(progress, "decided", count)
            while count := service.dispatcher.work():
                done += count
                _tell(progress, "submitted", count)
            done += service.notices.work() + service.rescorer.work()
            if not done and not service.notices.settle():
                break
        found = {"record": service.decider.trouble, "submission": service.dispatcher.trouble}
        troubles |= {name: text for name, text in found.items() if text}
    finally:
        for reader in readers.values():
            reader.close()
        service.dispatcher.close()
        service.notices.close()
    return tuple(f"{name}: {text}" for name, text in troubles.items())


def _tell(progress: Callable[[str, int], None] | None, what: str, count: int) -> None:
    if progress is not None and count:
        progress(what, count)
