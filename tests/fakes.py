"""Stand-ins that tests hand in where the service takes a Protocol or an object of its own.

Nothing here is patched into anything: a fake is an argument.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from triage.classify import Classifier
from triage.clock import Clock
from triage.knowledge import InForce, Knowledge
from triage.record import Store, StoreError, Transaction
from triage.rules import Rules
from triage.vocabulary import Classification, InboundMessage


class FakeClock:
    """Tells the time that the test says; stands still until it is moved. Safe from any thread.

    Starts at the present instant unless told otherwise, because a real mail server stamps what is
    delivered without a date with the real time.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime.now(UTC)

    def now(self) -> datetime:
        """The instant that the test has chosen."""
        return self._now

    def forward(self, by: timedelta) -> None:
        """Let time pass."""
        self._now += by


class WatchedStore(Store):
    """A real record that remembers which durable steps were taken, and can fail before one commits.

    ``steps`` are the names of committed steps in their order. A step told to fail raises
    :class:`StoreError`, as a full disk does, and nothing of it is kept.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        super().__init__(url, clock)
        self.steps: list[str] = []
        self._failing: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def fail(self, step: str, *, times: int = 1, skip: int = 0) -> None:
        """Let ``skip`` steps of this name pass, then fail ``times`` of them."""
        with self._lock:
            self._failing[step] = (skip, times)

    @contextmanager
    def write(self, step: str, actor: str = "triage") -> Iterator[Transaction]:
        """As the record does, with the step watched."""
        with super().write(step, actor) as tx:
            yield tx
            if self._fails(step):
                raise StoreError(step, "OperationalError", " (SQLITE_FULL)")
        with self._lock:
            self.steps.append(step)

    def _fails(self, step: str) -> bool:
        with self._lock:
            skip, times = self._failing.get(step, (0, 0))
            if skip:
                self._failing[step] = (skip - 1, times)
            elif times:
                self._failing[step] = (0, times - 1)
                return True
            return False


class ChosenClassifier:
    """Gives each message the classification that the test's function makes of it."""

    def __init__(self, choose: Callable[[InboundMessage], Classification]) -> None:
        self.choose = choose

    def classify(self, messages: Sequence[InboundMessage]) -> list[Classification]:
        """One classification a message, in order; raises what the test's function raises."""
        return [self.choose(message) for message in messages]


class ChosenKnowledge:
    """Rules and classifier that the test changes while the stages run."""

    def __init__(self, rules: Rules, classifier: Any) -> None:
        self.rules = rules
        self.classifier = classifier

    def in_force(self) -> InForce:
        """What decides now."""
        return InForce(self.rules, cast(Classifier, self.classifier))

    def as_knowledge(self) -> Knowledge:
        """The same object under the type that the stages ask for."""
        return cast(Knowledge, self)
