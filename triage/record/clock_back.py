"""Brings what is due back when the machine's clock was put back: else it would wait until the old time comes again.

The clock's word for now enters, in a transaction; moved times leave. The newest audit row says what
time it was; nothing else does. What was due then is due now, and no lease or pause gets longer.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.incidents import close_incident, open_incident
from triage.record.store import Store, StoreError, Transaction
from triage.record.tables import (
    acknowledgement_holds,
    audit,
    canaries,
    dispatches,
    in_charge,
    incidents,
    mailboxes,
    messages,
    staff_notices,
    workers,
)
from triage.record.usage import forget_use_to_come
from triage.vocabulary import DispatchState, MessageState

log = logging.getLogger("triage.record")

NOTICED = timedelta(minutes=10)
"""Machines whose clocks differ by less are let be: a pause is that much longer, no more."""
KIND, SUBJECT = "clock", "record"

_MOVING = (MessageState.LISTED, MessageState.RECEIVED, MessageState.DECIDED, MessageState.FORWARDED)
_DUE = (
    (messages, messages.c.due_at, messages.c.state.in_(_MOVING)),
    (messages, messages.c.lease_until, sa.true()),
    (dispatches, dispatches.c.due_at, dispatches.c.state == DispatchState.PENDING),
    (dispatches, dispatches.c.lease_until, sa.true()),
    (mailboxes, mailboxes.c.lease_until, sa.true()),
    (acknowledgement_holds, acknowledgement_holds.c.until, sa.true()),
    (in_charge, in_charge.c.due_at, sa.true()),
    (in_charge, in_charge.c.base_at, sa.true()),
    (staff_notices, staff_notices.c.due_at, sa.true()),
    (staff_notices, staff_notices.c.lease_until, sa.true()),
    (workers, workers.c.until, sa.true()),
    # What is counted from: a look, a report or a test message to come would keep the next one away until then.
    (messages, messages.c.present_at, messages.c.state.in_((*_MOVING, MessageState.HELD))),
    (staff_notices, staff_notices.c.created_at, sa.true()),
    (canaries, canaries.c.planned_at, sa.true()),
    (incidents, incidents.c.opened_at, incidents.c.closed_at.is_(None)),
)
"""Every time in the record that something waits for, or is counted from."""


def mind_the_clock(store: Store) -> None:
    """Look, at the cost of two rows, and bring back what waits; what the record refuses now is done the next time."""
    with suppress(StoreError):
        with store.read("clock") as tx:
            well = _back_by(tx) <= NOTICED and _told_at(tx) is None
        if not well:
            with store.write("clock") as tx:
                moved = take_clock_back(tx)
            if moved:
                log.error("the clock went back", extra={"action": "clock_back", "moved": moved})


def take_clock_back(tx: Transaction) -> int:
    """Move what waits by as much as the clock went back; how many times were moved.

    Two machines whose clocks differ so much would take turns: within an hour it is done once. It is an incident
    for that hour.
    """
    back, told = _back_by(tx), _told_at(tx)
    if told is not None and timedelta(0) <= tx.now - told < timedelta(hours=1):
        return 0
    close_incident(tx, KIND, SUBJECT)
    if back <= NOTICED:
        return 0
    moved = sum(_move(tx, table, column, which, back) for table, column, which in _DUE)
    forget_use_to_come(tx)
    minutes = int(back.total_seconds() // 60)
    open_incident(
        tx,
        KIND,
        SUBJECT,
        f"The clock of a machine was {minutes} minutes ahead, or is behind now. What waited was brought back. "
        "Check the time service (NTP) of every machine that runs a worker.",
    )
    write_changes(tx, [Change("record", 0, "clock_back", params={"minutes": minutes, "moved": moved})])
    return moved


def _back_by(tx: Transaction) -> timedelta:
    newest = tx.execute(sa.select(audit.c.at).order_by(audit.c.id.desc()).limit(1)).scalar()
    return newest - tx.now if newest is not None else timedelta(0)


def _told_at(tx: Transaction) -> datetime | None:
    query = sa.select(incidents.c.opened_at).where(incidents.c.kind == KIND, incidents.c.closed_at.is_(None))
    found: datetime | None = tx.execute(query).scalar()
    return found


def _move(
    tx: Transaction, table: sa.Table, column: sa.Column[datetime], which: sa.ColumnElement[bool], back: timedelta
) -> int:
    # Times are moved here and not in SQL: SQLite has no arithmetic of dates that keeps our form.
    (key,) = table.primary_key
    waiting = tx.execute(sa.select(key, column).where(column > tx.now, which)).all()
    for number, at in waiting:
        tx.execute(sa.update(table).where(key == number).values({column.name: max(tx.now, at - back)}))
    return len(waiting)
