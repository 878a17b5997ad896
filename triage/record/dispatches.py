"""Rows of outgoing messages: leased, given back, ended; ``attempts`` holds what happens on the wire."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.store import Transaction
from triage.record.tables import attempts, dispatches, messages
from triage.vocabulary import DispatchKind, DispatchState, MessageState


@dataclass(frozen=True, slots=True)
class DispatchRow:
    """One outgoing message and what must be known of its message before it may leave."""

    id: int
    message_id: int
    generation: int
    case_id: int
    kind: str
    project: str
    address_key: str
    forward_path: str
    rfc_message_id: str
    state: str
    neutral: bool
    asks: bool | None
    created_at: datetime
    due_at: datetime
    attempts: int
    unknowns: int
    left_out: int
    lease_epoch: int
    message_state: str
    message_generation: int
    mailbox_id: int
    sha256: str | None
    size: int
    present_at: datetime | None
    gone_at: datetime | None


_AFTER_A_FORWARD = (DispatchKind.ACKNOWLEDGEMENT, DispatchKind.REROUTE)
_OWN = DispatchRow.__slots__[: DispatchRow.__slots__.index("message_state")]
_COLUMNS = [
    *(dispatches.c[name] for name in _OWN if name != "left_out"),
    # Absent in rows of an earlier release.
    sa.func.coalesce(dispatches.c.left_out, 0).label("left_out"),
    messages.c.state.label("message_state"),
    messages.c.generation.label("message_generation"),
    messages.c.mailbox_id,
    messages.c.sha256,
    messages.c.size,
    messages.c.present_at,
    messages.c.gone_at,
]


def select_dispatches() -> sa.Select[*tuple[object, ...]]:
    return sa.select(*_COLUMNS).join_from(dispatches, messages, dispatches.c.message_id == messages.c.id)


def dispatch_row(mapping: sa.RowMapping) -> DispatchRow:
    return DispatchRow(**{name: mapping[name] for name in DispatchRow.__slots__})


def dispatches_of(tx: Transaction, message_id: int) -> list[DispatchRow]:
    """Everything that was to leave because of one message, in the order it was written."""
    query = select_dispatches().where(dispatches.c.message_id == message_id).order_by(dispatches.c.id)
    return [dispatch_row(row) for row in tx.execute(query).mappings()]


def attempts_of(tx: Transaction, dispatch_id: int) -> list[sa.RowMapping]:
    """Every try of one dispatch with the server's answer."""
    query = sa.select(attempts).where(attempts.c.dispatch_id == dispatch_id).order_by(attempts.c.number)
    return list(tx.execute(query).mappings())


def has_due(tx: Transaction, *, notices_only: bool = False) -> bool:
    """Whether any dispatch may be leased now; a look that costs no write."""
    query = (
        sa.select(dispatches.c.id)
        .where(dispatches.c.state == DispatchState.PENDING, dispatches.c.due_at <= tx.now)
        .where(sa.or_(dispatches.c.lease_until.is_(None), dispatches.c.lease_until <= tx.now))
        .where(_may_be_leased(notices_only))
        .limit(1)
    )
    return tx.execute(query).first() is not None


def has_abandoned(tx: Transaction) -> bool:
    """Whether any dispatch was begun by somebody whose lease has run out."""
    query = (
        sa.select(dispatches.c.id)
        .where(dispatches.c.state == DispatchState.SUBMITTING, dispatches.c.lease_until <= tx.now)
        .limit(1)
    )
    return tx.execute(query).first() is not None


def _may_be_leased(notices_only: bool) -> sa.ColumnElement[bool]:
    return dispatches.c.kind == DispatchKind.NOTICE if notices_only else sa.true()


def lease_dispatches(
    tx: Transaction, worker: str, limit: int, lease: timedelta, *, notices_only: bool = False
) -> list[DispatchRow]:
    """Take the next dispatches that are due: notices, forwards, the rest; oldest first."""
    query = (
        sa.select(dispatches.c.id)
        .where(dispatches.c.state == DispatchState.PENDING, dispatches.c.due_at <= tx.now)
        .where(sa.or_(dispatches.c.lease_until.is_(None), dispatches.c.lease_until <= tx.now))
        .where(_may_be_leased(notices_only))
        .order_by(dispatches.c.priority, dispatches.c.due_at, dispatches.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    keys = list(tx.execute(query).scalars())
    if not keys:
        return []
    _take(tx, keys, worker, lease)
    rows = select_dispatches().where(dispatches.c.id.in_(keys)).order_by(dispatches.c.priority, dispatches.c.id)
    return [dispatch_row(row) for row in tx.execute(rows).mappings()]


def _take(tx: Transaction, keys: Sequence[int], worker: str, lease: timedelta) -> None:
    tx.execute(
        sa.update(dispatches)
        .where(dispatches.c.id.in_(list(keys)))
        .values(lease_owner=worker, lease_until=tx.now + lease, lease_epoch=dispatches.c.lease_epoch + 1)
    )


def take_abandoned(
    tx: Transaction, worker: str, limit: int, lease: timedelta, *, still_mine: Collection[int] = ()
) -> list[DispatchRow]:
    """Dispatches that somebody began and whose lease ran out: their outcome is unknown.

    ``still_mine`` are on this worker's own wire: it will know.
    """
    query = (
        sa.select(dispatches.c.id)
        .where(dispatches.c.state == DispatchState.SUBMITTING, dispatches.c.lease_until <= tx.now)
        .where(dispatches.c.id.not_in(list(still_mine)))
        .order_by(dispatches.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    keys = list(tx.execute(query).scalars())
    if not keys:
        return []
    _take(tx, keys, worker, lease)
    return [dispatch_row(row) for row in tx.execute(select_dispatches().where(dispatches.c.id.in_(keys))).mappings()]


def renew_leases(tx: Transaction, keys: Sequence[int], worker: str, lease: timedelta) -> set[int]:
    """Keep what is on the wire while a slow server makes us wait; those that are still this worker's."""
    statement = (
        sa.update(dispatches)
        .where(dispatches.c.id.in_(list(keys)), dispatches.c.lease_owner == worker)
        .values(lease_until=tx.now + lease)
    )
    return set(tx.execute(statement.returning(dispatches.c.id)).scalars())


def put_back(tx: Transaction, rows: Sequence[DispatchRow], due_at: datetime) -> None:
    """Give leased, unbegun dispatches back, due at a later (or the same) time."""
    for row in rows:
        tx.execute(
            sa.update(dispatches)
            .where(dispatches.c.id == row.id, dispatches.c.lease_epoch == row.lease_epoch)
            .where(dispatches.c.state == DispatchState.PENDING)
            .values(lease_owner=None, lease_until=None, due_at=due_at)
        )


def end_unsent(tx: Transaction, rows: Sequence[DispatchRow], state: DispatchState, reason: str) -> list[DispatchRow]:
    """End dispatches that wait, leased or not, so that they do not go on the wire (again); those ended."""
    ended = []
    for row in rows:
        changed = tx.execute(
            sa.update(dispatches)
            .where(dispatches.c.id == row.id, dispatches.c.lease_epoch == row.lease_epoch)
            .where(dispatches.c.state == DispatchState.PENDING)
            .values(state=state, ended_at=tx.now, lease_owner=None, lease_until=None)
        )
        if changed.rowcount:
            ended.append(row)
    write_changes(tx, [Change("dispatch", row.id, "unsent", row.state, state, {"reason": reason}) for row in ended])
    return ended


def unfinished_forwards(tx: Transaction, message_ids: Sequence[int]) -> set[int]:
    """Messages of these that still have a forward of their current generation not accepted."""
    query = (
        sa.select(dispatches.c.message_id)
        .join_from(dispatches, messages, dispatches.c.message_id == messages.c.id)
        .where(dispatches.c.message_id.in_(list(message_ids)), dispatches.c.generation == messages.c.generation)
        .where(dispatches.c.kind == DispatchKind.FORWARD, dispatches.c.state != DispatchState.ACCEPTED)
    )
    return set(tx.execute(query).scalars())


def forwarded_at(tx: Transaction, message_ids: Sequence[int]) -> dict[int, datetime]:
    """When the last accepted forward of each of these messages got its 250."""
    query = (
        sa.select(dispatches.c.message_id, sa.func.max(dispatches.c.ended_at, type_=dispatches.c.ended_at.type))
        .where(dispatches.c.message_id.in_(list(message_ids)), dispatches.c.kind == DispatchKind.FORWARD)
        .where(dispatches.c.state == DispatchState.ACCEPTED)
        .group_by(dispatches.c.message_id)
    )
    return {key: moment for key, moment in tx.execute(query) if moment is not None}


def mark_forwarded(tx: Transaction, rows: Sequence[DispatchRow], halved: Collection[int] = ()) -> None:
    """The forwards of these were accepted: to be filed, and what families are told of it falls due.

    ``halved`` are messages of which the project has the text only: they are left for the caller to hold.
    """
    generations = {row.message_id: row.generation for row in rows}
    # Locked before the others are looked at: of two workers that each end one of a message's
    # forwards, the second must see what the first one wrote.
    query = (
        sa.select(messages.c.id, messages.c.generation)
        .where(messages.c.id.in_(list(generations)), messages.c.state == MessageState.DECIDED)
        .order_by(messages.c.id)
        .with_for_update()
    )
    current = [key for key, generation in tx.execute(query) if generation == generations[key]]
    waiting = unfinished_forwards(tx, current)
    done = [key for key in current if key not in waiting]
    if not done:
        return
    moved = [key for key in done if key not in halved]
    tx.execute(
        sa.update(messages)
        .where(messages.c.id.in_(moved))
        .values(state=MessageState.FORWARDED, file_step="ready", due_at=tx.now)
    )
    write_changes(
        tx, [Change("message", key, "forwarded", MessageState.DECIDED, MessageState.FORWARDED) for key in moved]
    )
    projects = {row.message_id: row.project for row in rows}
    for project in sorted({projects[key] for key in done}):
        # What is to leave names this centre, whichever an earlier decision had in mind.
        tx.execute(
            sa.update(dispatches)
            .where(dispatches.c.message_id.in_([key for key in done if projects[key] == project]))
            .where(dispatches.c.kind.in_(_AFTER_A_FORWARD))
            .where(dispatches.c.state == DispatchState.PENDING, dispatches.c.attempts == 0)
            .values(due_at=tx.now, neutral=False, project=project)
        )
