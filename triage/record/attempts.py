"""Attempts: the intent to send is committed before SMTP speaks, the answer after.

Between the two commits a dispatch is ``submitting``: whoever finds it so after the lease has run
out knows only that the outcome is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.ids import given_id
from triage.record.audit import Change, write_changes
from triage.record.dispatches import DispatchRow, dispatch_row, select_dispatches
from triage.record.store import Transaction
from triage.record.tables import attempts, dispatches
from triage.vocabulary import TO_FAMILIES, AttemptOutcome, DispatchKind, DispatchState, SubmissionResult


def begin_attempts(tx: Transaction, rows: Sequence[DispatchRow], worker: str, lease: timedelta) -> list[DispatchRow]:
    """Commit the intent to send. Only those returned may go on the wire.

    Left out: rows whose lease was lost, and rows of a generation that is no longer the message's.
    """
    wanted = {row.id: row for row in rows}
    query = (
        select_dispatches()
        .where(dispatches.c.id.in_(list(wanted)), dispatches.c.state == DispatchState.PENDING)
        .where(dispatches.c.lease_owner == worker, dispatches.c.lease_until > tx.now)
        # They go on the wire in this order: an urgent notice waits for no forward.
        .order_by(dispatches.c.priority, dispatches.c.id)
        .with_for_update(of=dispatches)
    )
    begun = []
    for row in (dispatch_row(mapping) for mapping in tx.execute(query).mappings()):
        # What families get, and a recall, hold whatever was decided since.
        free = row.kind in TO_FAMILIES or row.kind == DispatchKind.RECALL
        current = free or row.generation == row.message_generation
        if row.lease_epoch == wanted[row.id].lease_epoch and current:
            begun.append(row)
    if not begun:
        return []
    keys = [row.id for row in begun]
    tx.execute(
        sa.update(dispatches)
        .where(dispatches.c.id.in_(keys))
        .values(state=DispatchState.SUBMITTING, attempts=dispatches.c.attempts + 1, lease_until=tx.now + lease)
    )
    tx.execute(
        sa.insert(attempts),
        [{"dispatch_id": row.id, "number": row.attempts + 1, "worker": worker, "started_at": tx.now} for row in begun],
    )
    write_changes(tx, [Change("dispatch", row.id, "begun", row.state, DispatchState.SUBMITTING) for row in begun])
    return begun


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended and what the dispatch's state is now."""

    row: DispatchRow
    result: SubmissionResult
    state: DispatchState
    due_at: datetime
    left_out: int = 0
    """How much of the message this one or the next attempt leaves out for its size."""


def end_attempts(tx: Transaction, endings: Sequence[Ending]) -> list[Ending]:
    """Record answers. Those whose lease was lost are not recorded; the rest are returned."""
    kept = _still_mine(tx, endings)
    if not kept:
        return []
    tx.execute(
        sa.update(attempts)
        .where(attempts.c.dispatch_id == sa.bindparam("key"), attempts.c.ended_at.is_(None))
        .values(
            ended_at=tx.now,
            outcome=sa.bindparam("how"),
            stage=sa.bindparam("where"),
            code=sa.bindparam("reply_code"),
            enhanced_status=sa.bindparam("enhanced"),
            reply=sa.bindparam("words"),
        ),
        [
            {
                "key": item.row.id,
                "how": item.result.outcome,
                "where": item.result.stage,
                "reply_code": item.result.code,
                "enhanced": _storable(item.result.enhanced_status)[:16],
                "words": _storable(item.result.text)[:2000],
            }
            for item in kept
        ],
    )
    tx.execute(
        sa.update(dispatches)
        .where(dispatches.c.id == sa.bindparam("key"))
        .values(
            state=sa.bindparam("new_state"),
            due_at=sa.bindparam("due", type_=dispatches.c.due_at.type),
            ended_at=sa.bindparam("end", type_=dispatches.c.ended_at.type),
            unknowns=dispatches.c.unknowns + sa.bindparam("unknown", type_=sa.Integer),
            left_out=sa.bindparam("omitted", type_=sa.Integer),
            given_message_id=sa.bindparam("given"),
            lease_owner=None,
            lease_until=None,
        ),
        [
            {
                "key": item.row.id,
                "new_state": item.state,
                "due": item.due_at,
                "end": None if item.state == DispatchState.PENDING else tx.now,
                "unknown": int(item.result.outcome == AttemptOutcome.UNKNOWN),
                "omitted": item.left_out,
                "given": _given_id(item),
            }
            for item in kept
        ],
    )
    write_changes(
        tx,
        [
            Change(
                "dispatch",
                item.row.id,
                "answered",
                DispatchState.SUBMITTING,
                item.state,
                {"outcome": str(item.result.outcome), "code": item.result.code, "stage": item.result.stage},
            )
            for item in kept
        ],
    )
    return kept


def _given_id(item: Ending) -> str | None:
    """What the server that took it calls it now (some put a Message-ID of their own in place of ours)."""
    if item.result.outcome is not AttemptOutcome.ACCEPTED:
        return None
    return given_id(item.result.text, item.row.rfc_message_id)[:255] or None


def _storable(words: str) -> str:
    # A server may answer anything: no engine keeps a lone surrogate (from octets that are not
    # UTF-8), PostgreSQL no NUL, and an answer that cannot be recorded would be sent for again.
    return words.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _still_mine(tx: Transaction, endings: Sequence[Ending]) -> list[Ending]:
    query = (
        sa.select(dispatches.c.id, dispatches.c.lease_epoch, dispatches.c.generation)
        .where(dispatches.c.id.in_([item.row.id for item in endings]))
        .where(dispatches.c.state == DispatchState.SUBMITTING)
        .with_for_update()
    )
    now = {row.id: row for row in tx.execute(query)}
    mine = [item for item in endings if item.row.id in now and now[item.row.id].lease_epoch == item.row.lease_epoch]
    # A later generation may have taken it over while it was on the wire: the answer is for that one.
    return [replace(item, row=replace(item.row, generation=now[item.row.id].generation)) for item in mine]
