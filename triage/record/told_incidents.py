"""Which troubles of the service are told to people, and of which they are told that they are over.

An incident is told once, while it is open, and its end once. One that comes back before its end was told is the same
trouble to whoever was told of it: nothing is said until it is over for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.store import Transaction
from triage.record.tables import incidents

CALM = timedelta(minutes=10)
"""So long must a trouble be over before anybody hears of its end: what comes and goes is one trouble."""
_UNTOLD = 0
"""In the place of a report's number: the end need not be told."""


@dataclass(frozen=True, slots=True)
class Incident:
    """Trouble, open or over."""

    id: int
    kind: str
    subject: str
    detail: str
    opened_at: datetime
    times: int
    closed_at: datetime | None


_COLUMNS = [incidents.c[name] for name in Incident.__slots__]


def incidents_between(tx: Transaction, low: int, high: int | None = None) -> Sequence[Incident]:
    """Incidents of these numbers that are open and news: what was over before it was told is not told (failure F33)."""
    news = sa.or_(incidents.c.told_at.is_(None), incidents.c.told_at >= incidents.c.opened_at)
    query = sa.select(*_COLUMNS).where(incidents.c.id >= low, incidents.c.closed_at.is_(None), news)
    if high is not None:
        query = query.where(incidents.c.id <= high)
    return [Incident(**row) for row in tx.execute(query.order_by(incidents.c.id)).mappings()]


def note_told(tx: Transaction, low: int, high: int, composed_at: datetime) -> None:
    """A report of the incidents of these numbers that were open then has reached somebody."""
    was_open = sa.or_(incidents.c.closed_at.is_(None), incidents.c.closed_at > composed_at)
    tx.execute(
        sa.update(incidents)
        .where(incidents.c.id >= low, incidents.c.id <= high, incidents.c.told_at.is_(None), was_open)
        .values(told_at=tx.now)
    )


def carry_on(tx: Transaction) -> None:
    """What has come back before its end was told counts as told, and that end is told to nobody."""
    before = incidents.alias("before")
    pairs = tx.execute(
        sa.select(incidents.c.id, before.c.id, before.c.told_at)
        .join_from(
            incidents,
            before,
            sa.and_(before.c.kind == incidents.c.kind, before.c.subject == incidents.c.subject),
        )
        # Also when it is over again: between two looks it may come and go.
        .where(incidents.c.told_at.is_(None), incidents.c.opened_at >= before.c.closed_at)
        .where(before.c.told_at.is_not(None), before.c.over_report.is_(None))
        .order_by(incidents.c.id)
    ).all()
    last = {earlier: again for again, earlier, _ in pairs}
    for again, earlier, told_at in pairs:
        superseded = {earlier, again} - {last[earlier]}
        tx.execute(sa.update(incidents).where(incidents.c.id == again).values(told_at=told_at))
        tx.execute(sa.update(incidents).where(incidents.c.id.in_(superseded)).values(over_report=_UNTOLD))


def next_over_report(tx: Transaction) -> int:
    """Put every end that is to be told now into one report; its number, 0 when there is none."""
    newest: int = tx.execute(sa.select(sa.func.coalesce(sa.func.max(incidents.c.over_report), 0))).scalar_one()
    over = tx.execute(
        sa.update(incidents)
        .where(incidents.c.told_at.is_not(None), incidents.c.over_report.is_(None))
        .where(incidents.c.closed_at <= tx.now - CALM)
        .values(over_report=newest + 1)
    )
    return newest + 1 if over.rowcount else 0


def over_in(tx: Transaction, report: int) -> Sequence[Incident]:
    """The incidents whose end a report tells."""
    query = sa.select(*_COLUMNS).where(incidents.c.over_report == report).order_by(incidents.c.id)
    return [Incident(**row) for row in tx.execute(query).mappings()]
