"""How long what is kept, and erasing it when its time is over: every night, and when a person asks.

In: the record and the rules in force. Out: a report. It goes by small steps and leaves the record free between them;
whatever is left when it is cut off is the next night's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from triage.record import Store, StoreError, Transaction
from triage.record.purges import begin_purge, last_purge, lived_yesterday, note_purge, was_begun
from triage.record.retention import Outcome, Place, blank_replies, erase_step
from triage.rules.retention import RetentionRules
from triage.vocabulary import DispatchKind

log = logging.getLogger("triage.keeping")

FROM_HOUR = 2
"""Local hour from which the night's erasing may begin: a service that is up by day alone does it then."""
PAUSE = 0.02
"""Seconds that the record is left to others after each step."""
_ROME = ZoneInfo("Europe/Rome")


@dataclass(slots=True)
class Erased:
    """What was erased, or would be. ``octets``: their number; ``kept_back``: whose time is over, and which stay."""

    messages: int = 0
    octets: int = 0
    replies: int = 0
    kept_back: int = 0
    steps: int = 0
    longest: float = 0.0
    """Seconds of the longest step."""


def purge_when_due(store: Store, retention: RetentionRules, stopped: Callable[[], bool] = lambda: False) -> None:
    """Once a night, by whichever worker comes first; what the record refuses now is done the next time.

    Not in the first night of a clock that says much time has passed: it may be wrong.
    """
    now = store.clock.now()
    here = now.astimezone(_ROME)
    if here.hour < FROM_HOUR:
        return
    night = here.date().isoformat()
    with suppress(StoreError):
        with store.read("purge due") as tx:
            if was_begun(tx, night) or not lived_yesterday(tx):
                return
        due = would_erase(store, retention)
        if due.messages or due.replies:
            purge(store, retention, night=night, stopped=stopped)


def purge(
    store: Store,
    retention: RetentionRules,
    *,
    night: str | None = None,
    by: str = "triage",
    stopped: Callable[[], bool] = lambda: False,
) -> Erased | None:
    """Erase all whose time is over; ``None``: somebody else does this night's."""
    with store.write("purge begun", by) as tx:
        number = begin_purge(tx, night)
    if number is None:
        return None
    found = Erased()
    until = _work(_Pass(store, found, stopped, by), retention)
    with store.write("purge ended", by) as tx:
        note_purge(
            tx,
            number,
            messages=found.messages,
            octets=found.octets,
            replies=found.replies,
            kept_back=found.kept_back,
            until=until,
        )
    if found.messages or found.replies:
        counts = {"messages": found.messages, "replies": found.replies, "kept_back": found.kept_back}
        log.info("kept no longer", extra={"action": "purged", **counts})
    return found


def would_erase(store: Store, retention: RetentionRules) -> Erased:
    """What :func:`purge` would erase now; changes nothing."""
    found = Erased()
    _work(_Pass(store, found, lambda: False, only_count=True), retention)
    return found


@dataclass(frozen=True, slots=True)
class _Pass:
    """One pass over the record: erases, or only counts."""

    store: Store
    found: Erased
    stopped: Callable[[], bool]
    by: str = "triage"
    only_count: bool = False

    def messages(self, before: Mapping[Outcome, datetime]) -> bool:
        """Message by message; whether it came to the end."""
        place: Place | None = Place()
        while place is not None and not self.stopped():
            with self._step() as tx:
                step = erase_step(tx, before, place, only_count=self.only_count)
            self.found.messages += step.messages
            self.found.octets += step.octets
            self.found.kept_back += step.kept_back
            place = step.on
        return place is None

    def replies(self, after: datetime | None, until: datetime) -> bool:
        """Kind by kind; whether it came to the end."""
        for kind in DispatchKind:
            at = after
            while at != until:
                if self.stopped():
                    return False
                with self._step() as tx:
                    blanked, at = blank_replies(tx, kind, at, until, only_count=self.only_count)
                self.found.replies += blanked
        return True

    @contextmanager
    def _step(self) -> Iterator[Transaction]:
        began = time.perf_counter()
        with self.store.read("purge") if self.only_count else self.store.write("purge", self.by) as tx:
            yield tx
        self.found.steps += 1
        self.found.longest = max(self.found.longest, time.perf_counter() - began)
        time.sleep(0 if self.only_count else PAUSE)


def _work(one: _Pass, retention: RetentionRules) -> datetime | None:
    """The instant up to which servers' words are blanked; ``None``: it was stopped before its end."""
    now = one.store.clock.now()
    with one.store.read("purge") as tx:
        last = last_purge(tx)
    done = last.replies_until if last is not None else None
    until = now - timedelta(days=retention.server_replies)
    if not one.messages(limits(retention, now)):
        return None
    if done is not None and done >= until:
        return done
    return until if one.replies(done, until) else None


def limits(retention: RetentionRules, now: datetime) -> Mapping[Outcome, datetime]:
    """The instant before which messages of each outcome may go; outcomes that are kept for ever are absent."""
    days = {
        Outcome.FORWARDED: retention.forwarded,
        Outcome.SETTLED: retention.settled,
        Outcome.NOT_FOR_US: retention.not_for_us,
    }
    return {outcome: now - timedelta(days=number) for outcome, number in days.items() if number is not None}
