"""What befalls a worker between two of its steps: nothing, death, or a pause in which the others go on.

Points lie on either side of every commit and of every command to a server. Death is an exception that no
handler of the service may catch, as SIGKILL is: what was committed stays, what was not is rolled back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from triage.clock import Clock
from triage.record import Store, Transaction


class Died(BaseException):
    """The worker's process ended at this point."""


class Fate:
    """One worker's fate. ``at`` is how many points it still passes before it strikes; never, unless told to."""

    def __init__(self) -> None:
        self.dead = False
        self._left = 0
        self._meanwhile: Callable[[], None] | None = None
        self._waits = False

    def die(self, at: int) -> None:
        """Let the worker die at its ``at``-th point from now, counted from 0."""
        self._left, self._meanwhile, self._waits = at, None, True

    def pause(self, at: int, meanwhile: Callable[[], None]) -> None:
        """Let it stand still there until ``meanwhile`` is over; not inside a transaction, which would keep all out."""
        self._left, self._meanwhile, self._waits = at, meanwhile, True

    def spare(self) -> bool:
        """Nothing befalls it any more; whether something still would have."""
        waited, self._waits = self._waits, False
        return waited

    def reach(self, *, inside: bool = False) -> None:
        """Pass one point."""
        if self.dead:
            raise Died
        if not self._waits:
            return
        if self._left > 0:
            self._left -= 1
            return
        if self._meanwhile is None:
            self.dead = True
            raise Died
        if not inside:
            self._waits = False
            _beside(self._meanwhile)


def _beside(work: Callable[[], None]) -> None:
    """Run it to its end in another thread: this one may be amid an event loop, which cannot be entered twice."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


class MortalStore(Store):
    """The real record, as one worker's process has it open."""

    def __init__(self, url: str, clock: Clock, fate: Fate) -> None:
        super().__init__(url, clock)
        self._fate = fate

    @contextmanager
    def write(self, step: str, actor: str = "triage") -> Iterator[Transaction]:
        """As the record does, with a point before the transaction, before its commit and after it."""
        self._fate.reach()
        with super().write(step, actor) as tx:
            yield tx
            self._fate.reach(inside=True)
        self._fate.reach()
