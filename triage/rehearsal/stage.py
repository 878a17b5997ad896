"""Runs mail through decide, gate and compose as it arrived, on a record and with a clock of its own.

Enters messages with the moments of their arrival; leaves an :class:`Outcome` each. The record lies in a folder that
the caller throws away. Under :func:`unbound` rules every project counts as *automatico*, every address as confirmed and
acknowledgements as switched on, so that the outcome is what the service would do once it may.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from triage.ages import EARLIEST
from triage.decider import Decider
from triage.dispatch.prepare import Preparer
from triage.dispatch.stage import DispatchStage
from triage.dispatch.text_files import Texts
from triage.knowledge import InForce, Knowledge
from triage.reading import ParsedMessages
from triage.record import Store
from triage.record.decisions import decisions_of
from triage.record.dispatches import dispatches_of
from triage.record.mailboxes import begin_numbering, lease_mailbox, mailbox_row, note_probe
from triage.record.messages import (
    MessageRow,
    Reception,
    list_messages,
    listed_messages,
    messages_by_id,
    record_receptions,
)
from triage.rehearsal.transport import NOWHERE, NotingPool
from triage.rules.types import Rules
from triage.vocabulary import Decision, DispatchKind, DispatchState, ListedMessage, MessageState, Mode

WORKER = "rehearsal"
KNOWN_AGAIN = "ricomparso"
"""What intake says of octets that have been seen before; they are not decided a second time."""
_BATCH = 100
_TOGETHER = timedelta(hours=6)
"""Mail of so much time is looked at under one hand of the clock."""
_LEASE = timedelta(minutes=10)
_ROUND = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message as it is rehearsed: its name (a path, or folder and UID), where its octets lie, when it came."""

    name: str
    octets: Path
    at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would have become of one message. ``reason``: why it waits; empty when it does not."""

    name: str
    arrived: datetime
    action: str
    """``inoltra``, ``trattieni`` or ``archivia``."""
    project: str
    address_key: str
    to: str
    topic: str
    urgent: bool
    reason: str
    acknowledged: bool


class RehearsalClock:
    """Stands where the mail says, and never goes back."""

    def __init__(self) -> None:
        self._now = EARLIEST

    def now(self) -> datetime:
        """The rehearsal's present."""
        return self._now

    def to(self, moment: datetime) -> None:
        """Later, or not at all."""
        self._now = max(self._now, moment.astimezone(UTC))

    def forward(self, by: timedelta) -> None:
        """Let time pass."""
        self._now += by


class _Rehearsed(Knowledge):
    """Rules and model as they are rehearsed; files and record change nothing of them."""

    def __init__(self, store: Store, in_force: InForce, rules_path: Path, model_path: Path) -> None:
        super().__init__(store, rules_path, model_path)
        self._fixed = in_force

    def in_force(self) -> InForce:
        return self._fixed


def unbound(rules: Rules) -> Rules:
    """The rules without what holds mail back only at the beginning: modes, confirmations, the switch of answers."""
    projects = {
        code: replace(
            project,
            mode=Mode.AUTOMATIC,
            addresses={key: replace(one, confirmed=True) for key, one in project.addresses.items()},
        )
        for code, project in rules.projects.items()
    }
    answers = replace(rules.acknowledgements, enabled=True)
    service = replace(rules.service, mode=Mode.AUTOMATIC)
    return replace(rules, service=service, projects=projects, acknowledgements=answers)


class Rehearsal:
    """One run on an empty record; to be closed."""

    def __init__(
        self,
        store: Store,
        clock: RehearsalClock,
        in_force: InForce,
        files: tuple[Path, Path],
        parsed: ParsedMessages,
        texts: Texts,
        *,
        return_path: bool,
    ) -> None:
        """``files``: rules and model; ``return_path``: whether the mail carries the field that answers go by."""
        self._store, self._clock, self._rules = store, clock, in_force.rules
        # What decisions name must be on record.
        Knowledge(store, *files).import_files()
        knowledge = _Rehearsed(store, in_force, *files)
        self._name = next(iter(in_force.rules.mailboxes))
        self._decider = Decider(store, knowledge, parsed, WORKER, _LEASE, lambda: None)
        self.pool = NotingPool()
        preparer = Preparer(store, knowledge, parsed, texts=texts)
        self._dispatcher = DispatchStage(
            store, preparer, NOWHERE, WORKER, _LEASE, lambda: None, lambda: None, pool=self.pool
        )
        with store.write("rehearsal") as tx:
            mailbox = lease_mailbox(tx, self._name, WORKER, _LEASE)
            if mailbox is not None:
                begin_numbering(tx, mailbox, 1, 1)
            note_probe(tx, self._name, WORKER, "INBOX", return_path=return_path, plus=None)
        self._rows: dict[int, Arrival] = {}
        self._again: list[Arrival] = []

    def close(self) -> None:
        """Close the stages."""
        self._dispatcher.close()

    def run(self, arrivals: Iterable[Arrival], told: Callable[[int], None] = lambda _: None) -> None:
        """Take mail in, in the order in which it came, and let everything that follows from it happen."""
        seen: set[bytes] = set()
        uid = 0
        for batch in _batches(sorted(arrivals, key=lambda one: (one.at, one.name))):
            fresh = [one for one in batch if not self._is_known(one, seen)]
            self._clock.to(batch[-1].at)
            self._work()
            if fresh:
                self._take_in(fresh, uid)
                uid += len(fresh)
            self._work()
            told(len(batch))
        limits = self._rules.acknowledgements
        waits = timedelta(hours=limits.neutral_after_hours), timedelta(minutes=limits.undo_minutes)
        for pause in (_ROUND, waits[1], waits[0], _ROUND):
            self._clock.forward(pause)
            self._work()

    def outcomes(self) -> Iterator[Outcome]:
        """What became of each message, in the order in which they came."""
        keys = sorted(self._rows)
        for start in range(0, len(keys), _BATCH):
            with self._store.read("rehearsed") as tx:
                rows = messages_by_id(tx, keys[start : start + _BATCH])
                decisions = decisions_of(tx, [(row.id, row.generation) for row in rows.values()])
                sent = {key: [(one.kind, one.state) for one in dispatches_of(tx, key)] for key in rows}
            for key in sorted(rows):
                yield _outcome(self._rows[key], rows[key], decisions.get(key), sent[key])
        for one in self._again:
            yield Outcome(one.name, one.at, "trattieni", "", "", "", "", False, KNOWN_AGAIN, False)

    def _is_known(self, arrival: Arrival, seen: set[bytes]) -> bool:
        digest = hashlib.sha256(arrival.octets.read_bytes()).digest()
        if digest in seen:
            self._again.append(arrival)
            return True
        seen.add(digest)
        return False

    def _take_in(self, batch: Sequence[Arrival], uid: int) -> None:
        contents = [one.octets.read_bytes() for one in batch]
        listed = [
            ListedMessage(uid + number, len(content), one.at)
            for number, (one, content) in enumerate(zip(batch, contents, strict=True), start=1)
        ]
        with self._store.write("rehearsed mail") as tx:
            lease_mailbox(tx, self._name, WORKER, _LEASE)
            mailbox = mailbox_row(tx, self._name)
            list_messages(tx, mailbox, listed, state=MessageState.LISTED, last_uid=listed[-1].uid)
            keys = [row.id for row in listed_messages(tx, mailbox, len(listed))]
            receptions = [
                Reception(key, MessageState.RECEIVED, content, hashlib.sha256(content).hexdigest())
                for key, content in zip(keys, contents, strict=True)
            ]
            record_receptions(tx, mailbox, receptions)
        self._rows |= dict(zip(keys, batch, strict=True))

    def _work(self) -> None:
        while self._decider.work():
            pass
        while self._dispatcher.work():
            pass


def _batches(arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """At most so many, of at most so much time."""
    batch: list[Arrival] = []
    for one in arrivals:
        if batch and (len(batch) == _BATCH or one.at - batch[0].at > _TOGETHER):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


def _outcome(arrival: Arrival, row: MessageRow, decision: Decision | None, sent: Sequence[tuple[str, str]]) -> Outcome:
    forwarded = (DispatchKind.FORWARD, DispatchState.ACCEPTED) in sent
    waits = row.state in (MessageState.HELD, MessageState.QUARANTINED, MessageState.OVERSIZE, MessageState.RECEIVED)
    acknowledged = (DispatchKind.ACKNOWLEDGEMENT, DispatchState.ACCEPTED) in sent
    goes = forwarded and not waits
    return Outcome(
        name=arrival.name,
        arrived=arrival.at,
        action="trattieni" if waits else "inoltra" if goes else "archivia",
        project=decision.project if decision is not None else "",
        address_key=decision.address_key if decision is not None and goes else "",
        to=decision.forward_path if decision is not None and goes else "",
        topic=decision.topic if decision is not None else "",
        urgent=decision is not None and decision.urgent,
        reason=row.hold_reason if waits else "",
        acknowledged=acknowledged,
    )
