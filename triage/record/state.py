"""How the service stands, in numbers and times: for the screen of the state and for metrics.

A transaction enters; codes, numbers and times leave, never an address or a word of any mail. Each question reads a few
rows by an index, or counts what is under way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from triage.record.breaker import stands_open
from triage.record.canaries import newest_arrivals
from triage.record.destinations import SICK
from triage.record.health import Finding, findings
from triage.record.heartbeats import all_beats
from triage.record.identity import is_stopped
from triage.record.incidents import open_incidents
from triage.record.mailboxes import known_mailboxes
from triage.record.restored import is_restored
from triage.record.store import Transaction
from triage.record.tables import audit, current_versions, destinations, dispatches, messages, purges, staff_notices
from triage.record.waiting_list import PERHAPS_NOT_FOR_US, WAITING
from triage.vocabulary import DispatchKind, DispatchState, MessageState

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for a stage or for a person, how many, and since when the oldest."""

    name: str
    waiting: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox: when it was last read, and what is between its server and us."""

    name: str
    last_read_at: datetime | None
    compared_at: datetime | None
    refused: bool
    canary_at: datetime | None = None
    """When the newest test message of our own arrived; ``None``: none has in the last days."""
    canary_took: float = 0.0
    """Seconds from its planning until it was read."""


@dataclass(frozen=True, slots=True)
class Sick:
    """An address that takes no mail, by its project: why, and since when."""

    project: str
    why: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Left:
    """What ended within the last hour, by kind, project and outcome."""

    kind: str
    project: str
    state: str
    count: int


@dataclass(frozen=True, slots=True)
class Happened:
    """When something was last done, and what came of it, in numbers."""

    at: datetime
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """Everything at one instant."""

    at: datetime
    findings: tuple[Finding, ...]
    workers: Mapping[str, datetime]
    mailboxes: tuple[Mailbox, ...]
    queues: tuple[Queue, ...]
    people: tuple[Queue, ...]
    sick: tuple[Sick, ...]
    left: tuple[Left, ...]
    stopped: bool
    acknowledgements_stopped: bool
    restored: bool
    incidents: Mapping[str, int]
    versions: Mapping[str, str]
    backup: Happened | None
    purge: Happened | None


def state_of(tx: Transaction) -> State:
    """How the service stands now."""
    incidents: dict[str, int] = {}
    for row in open_incidents(tx):
        incidents[row["kind"]] = incidents.get(row["kind"], 0) + 1
    workers: dict[str, datetime] = {}
    for beat in all_beats(tx):
        workers[beat.place] = max(beat.at, workers.get(beat.place, beat.at))
    sick = sa.select(destinations.c.project, destinations.c.why, destinations.c.since).where(
        destinations.c.state == SICK
    )
    versions = tx.execute(
        sa.select(current_versions.c.kind, current_versions.c.version).order_by(current_versions.c.kind)
    )
    return State(
        at=tx.now,
        findings=tuple(findings(tx)),
        workers=workers,
        mailboxes=tuple(_mailboxes(tx)),
        queues=tuple(_queues(tx)),
        people=tuple(_people(tx)),
        sick=tuple(Sick(*row) for row in tx.execute(sick.order_by(destinations.c.project))),
        left=tuple(_left(tx)),
        stopped=is_stopped(tx),
        acknowledgements_stopped=stands_open(tx),
        restored=is_restored(tx),
        incidents=incidents,
        versions={row.kind: row.version for row in versions},
        backup=_last_backup(tx),
        purge=_last_purge(tx),
    )


def _mailboxes(tx: Transaction) -> Iterator[Mailbox]:
    canaries = newest_arrivals(tx)
    for box in known_mailboxes(tx):
        came, took = None, 0.0
        if (canary := canaries.get(box.id)) is not None and canary.seen_at is not None:
            came, took = canary.seen_at, max(0.0, (canary.seen_at - canary.planned_at).total_seconds())
        yield Mailbox(box.name, box.last_read_at, box.reconciled_at, box.refused_at is not None, came, took)


def _queues(tx: Transaction) -> list[Queue]:
    to_file = messages.c.file_step != ""
    wanted = (
        ("fetch", messages, messages.c.state == MessageState.LISTED),
        ("decide", messages, messages.c.state == MessageState.RECEIVED),
        ("dispatch", dispatches, dispatches.c.state.in_((DispatchState.PENDING, DispatchState.SUBMITTING))),
        ("file", messages, messages.c.state.in_((MessageState.DECIDED, MessageState.FORWARDED)) & to_file),
        ("notices", staff_notices, staff_notices.c.state == DispatchState.PENDING),
    )
    return [_queue(tx, name, table.c.due_at, condition) for name, table, condition in wanted]


def _people(tx: Transaction) -> list[Queue]:
    held = messages.c.state == MessageState.HELD
    aside = messages.c.state.in_([state for state in WAITING if state != MessageState.HELD])
    perhaps_not = messages.c.hold_reason == PERHAPS_NOT_FOR_US
    groups = (
        ("danger", held & messages.c.urgent),
        ("decide", held & ~messages.c.urgent & ~perhaps_not),
        ("perhaps_not", held & ~messages.c.urgent & perhaps_not),
        ("aside", aside),
    )
    return [_queue(tx, name, messages.c.listed_at, condition) for name, condition in groups]


def _queue(tx: Transaction, name: str, time: sa.Column[datetime], condition: sa.ColumnElement[bool]) -> Queue:
    count, oldest = tx.execute(sa.select(sa.func.count(), sa.func.min(time, type_=time.type)).where(condition)).one()
    return Queue(name, count, oldest)


def _left(tx: Transaction) -> list[Left]:
    keys = (dispatches.c.kind, dispatches.c.project, dispatches.c.state)
    query = sa.select(*keys, sa.func.count()).where(dispatches.c.ended_at > tx.now - HOUR)
    # With the kinds named, the index over kind and end is read and no more.
    query = query.where(dispatches.c.kind.in_(list(DispatchKind))).group_by(*keys).order_by(*keys)
    return [Left(*row) for row in tx.execute(query)]


def _last_backup(tx: Transaction) -> Happened | None:
    query = sa.select(audit.c.at, audit.c.params).where(audit.c.subject == "backup", audit.c.subject_id == 0)
    row = tx.execute(query.order_by(audit.c.id.desc()).limit(1)).first()
    return Happened(row.at, row.params) if row is not None else None


def _last_purge(tx: Transaction) -> Happened | None:
    query = sa.select(purges.c.ended_at, purges.c.messages).where(purges.c.ended_at.is_not(None))
    row = tx.execute(query.order_by(purges.c.id.desc()).limit(1)).first()
    return Happened(row.ended_at, {"messages": row.messages}) if row is not None else None
