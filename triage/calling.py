"""Tells the other processes of the record what there is to do, and hears it from them: LISTEN and NOTIFY.

Enters: a stage's word that it has committed work; leaves: the wake-ups of this process, and one call to the others for
the whole batch. Nothing depends on it: a lost call costs the seconds until a stage looks by itself. On SQLite nobody
is called.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum

from triage.record import Store, StoreError
from triage.signals import Wakeup

log = logging.getLogger("triage.calling")

PROVE_EVERY = 60.0
"""Seconds after which we call ourselves: a line that a pooler or a firewall has made deaf looks quiet."""
PROVE_WITHIN = 10.0
"""Seconds in which our own call must come back."""
PAUSES = (0.2, 1.0, 5.0, 15.0, 30.0)
"""Seconds before another try to listen, growing with the failures, each with some chance in it."""
LOOK = 1.0


class Call(StrEnum):
    """What others have to do."""

    DECIDE = "decide"
    DISPATCH = "dispatch"
    FILE = "file"
    MAILBOXES = "mailboxes"
    """A mailbox, or a worker, is free or gone: look who reads what."""
    PROOF = "proof"
    """Nothing: the caller listens for itself."""


class Caller:
    """Calls the others; ``name`` is what this process's calls are known by, to itself."""

    def __init__(self, store: Store, name: str, wakes: Mapping[Call, Wakeup] | None = None, *, calls: bool) -> None:
        """``wakes``: who is to be woken here; ``calls`` False: nobody else is to be called."""
        self.name = name
        self.wakes = wakes or {}
        self._store = store
        self._calls = calls and store.engine_name == "postgresql"

    def __call__(self, *calls: Call) -> None:
        """There is something to do of these kinds, committed: for this process and all others. Raises nothing."""
        for what in calls:
            if what in self.wakes:
                self.wakes[what].set()
        self.tell(*calls)

    def tell(self, *calls: Call) -> None:
        """The same for the others only."""
        if self._calls:
            with suppress(StoreError):  # it is said on the next occasion, and found without
                self.call(*calls)

    def call(self, *calls: Call) -> None:
        """The same at once, whoever listens; raises :class:`StoreError`."""
        from triage.record.hearing import call  # PostgreSQL's driver is an extra

        call(self._store, f"{self.name} {','.join(calls)}")


class Hearing:
    """Hears the others, until it is told to end: a thread of its own."""

    def __init__(self, caller: Caller, url: str, stopping: threading.Event, beat: Callable[[], None]) -> None:
        """``url``: where to listen."""
        self._caller = caller
        self._url = url
        self._stopping = stopping
        self._beat = beat
        self._told = False
        self._proof_at = 0.0
        self._asked_at: float | None = None

    def run(self) -> None:
        """Listen, and again after every cut; while nobody can be heard, the stages' own looks must do."""
        failures = 0
        while not self._stopping.is_set():
            begun = time.monotonic()
            try:
                self._listen()
            except StoreError as error:
                failures = failures + 1 if time.monotonic() - begun < PROVE_EVERY else 1
                self._tell(error)
                self._pause(PAUSES[min(failures, len(PAUSES)) - 1] * random.uniform(0.7, 1.0))  # noqa: S311 - jitter

    def _listen(self) -> None:
        from triage.record.hearing import Listener  # PostgreSQL's driver is an extra

        listener = Listener(self._url)
        try:
            self._proof_at, self._asked_at = 0.0, None
            # What was called while nobody listened.
            self._wake(*self._caller.wakes)
            while not self._stopping.is_set():
                self._beat()
                self._prove()
                for words in listener.hear(LOOK):
                    self._take(words)
        finally:
            listener.close()

    def _prove(self) -> None:
        now = time.monotonic()
        if self._asked_at is not None and now - self._asked_at > PROVE_WITHIN:
            raise StoreError("listen", "Deaf", ", because what is called there does not arrive")
        if self._asked_at is None and now >= self._proof_at:
            self._caller.call(Call.PROOF)
            self._asked_at, self._proof_at = now, now + PROVE_EVERY

    def _take(self, words: str) -> None:
        name, _, calls = words.rpartition(" ")
        if name != self._caller.name:
            self._wake(*calls.split(","))
        elif calls == Call.PROOF:
            self._asked_at = None
            if self._told:
                log.info("other workers are heard again", extra={"action": "listening"})
            self._told = False

    def _wake(self, *calls: str) -> None:
        for what, wake in self._caller.wakes.items():
            if what in calls:
                wake.set()

    def _tell(self, error: StoreError) -> None:
        if not self._told:
            log.warning(
                f"{error}. Nothing is lost: work of other processes is found by looking every few seconds. Check "
                "TRIAGE_DATABASE_LISTEN_URL: it must lead to the same database and past a pooler.",
                extra={"action": "not_listening", "kind": error.kind},
            )
        self._told = True

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._stopping.wait(min(LOOK, left)):
            self._beat()
