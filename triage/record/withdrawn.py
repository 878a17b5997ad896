"""What a person takes back before it has left: dispatches of one act end, and do not count as their case's one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.dispatches import DispatchRow, dispatch_row, end_unsent, select_dispatches
from triage.record.misroutes import withdraw_rows
from triage.record.store import Transaction
from triage.record.tables import attempts, dispatches, exceptions
from triage.vocabulary import TO_FAMILIES, DispatchKind, DispatchState

UNDONE = "annullato"


def planned_by(
    tx: Transaction, message_id: int, generations: Collection[int], since: datetime, kinds: Collection[str] = ()
) -> list[DispatchRow]:
    """What was planned for these generations of a message from ``since`` on, of these kinds or of all, locked."""
    query = select_dispatches().where(
        dispatches.c.message_id == message_id,
        dispatches.c.generation.in_(list(generations)),
        dispatches.c.created_at >= since,
        dispatches.c.state != DispatchState.CANCELLED,
    )
    if kinds:
        query = query.where(dispatches.c.kind.in_(list(kinds)))
    rows = tx.execute(query.order_by(dispatches.c.id).with_for_update(of=dispatches)).mappings()
    return [dispatch_row(row) for row in rows]


def forwards_stopped(tx: Transaction, message_id: int, generation: int, at: datetime) -> list[DispatchRow]:
    """The forwards of one generation that an act at this instant has stopped, and nothing has planned again."""
    query = select_dispatches().where(
        dispatches.c.message_id == message_id,
        dispatches.c.generation == generation,
        dispatches.c.kind == DispatchKind.FORWARD,
        dispatches.c.state == DispatchState.CANCELLED,
        dispatches.c.ended_at == at,
        dispatches.c.withdrawn.is_(None),
    )
    return [dispatch_row(row) for row in tx.execute(query.order_by(dispatches.c.id)).mappings()]


def any_left(tx: Transaction, rows: Sequence[DispatchRow], since: datetime) -> bool:
    """Whether any of these has left, or may have, or is on the wire."""
    if any(row.state != DispatchState.PENDING for row in rows):
        return True
    query = sa.select(attempts.c.dispatch_id).where(
        attempts.c.dispatch_id.in_([row.id for row in rows]), attempts.c.started_at >= since
    )
    return tx.execute(query.limit(1)).first() is not None


def withdraw(tx: Transaction, rows: Sequence[DispatchRow]) -> None:
    """These do not leave; the case may have another acknowledgement, question or notice."""
    ended = end_unsent(tx, rows, DispatchState.CANCELLED, UNDONE)
    # What went on the wire meanwhile has its place in the case.
    tx.execute(sa.update(dispatches).where(dispatches.c.id.in_([row.id for row in ended])).values(withdrawn=True))


def take_back_what_followed(tx: Transaction, settlement_id: int, message_id: int, since: datetime) -> None:
    """The register's rows of an undone correction say so; what the act taught ends."""
    withdraw_rows(tx, settlement_id)
    tx.execute(
        sa.update(exceptions)
        .where(exceptions.c.message_id == message_id, exceptions.c.created_at >= since)
        .where(exceptions.c.ended_at.is_(None))
        .values(ended_at=tx.now)
    )


def bring_back(tx: Transaction, message_id: int, withdrawn_at: datetime) -> None:
    """What families were to get and an act that is undone had withdrawn, unless their case has its like by now."""
    other = dispatches.alias()
    taken = sa.select(other.c.id).where(
        other.c.case_id == dispatches.c.case_id, other.c.kind == dispatches.c.kind, other.c.withdrawn.is_(None)
    )
    query = (
        sa.select(dispatches.c.id)
        .where(dispatches.c.message_id == message_id, dispatches.c.state == DispatchState.CANCELLED)
        .where(dispatches.c.withdrawn.is_(True), dispatches.c.ended_at == withdrawn_at)
        .where(dispatches.c.kind.in_(sorted(TO_FAMILIES)), ~taken.exists())
    )
    keys = list(tx.execute(query).scalars())
    tx.execute(
        sa.update(dispatches)
        .where(dispatches.c.id.in_(keys))
        .values(state=DispatchState.PENDING, withdrawn=None, ended_at=None)
    )
    states = DispatchState.CANCELLED, DispatchState.PENDING
    write_changes(tx, [Change("dispatch", key, "brought_back", *states) for key in keys])
