"""Which comuni ATS has ticked on the page as certainly a project's; a tick counts for this comune of this project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.store import Transaction
from triage.record.tables import confirmed_comuni


@dataclass(frozen=True, slots=True)
class Tick:
    """One ticked comune: when, and by whom."""

    comune: str
    confirmed_at: datetime
    confirmed_by: str


def ticked_comuni(tx: Transaction) -> frozenset[tuple[str, str]]:
    """(project, comune) of all that are ticked."""
    rows = tx.execute(sa.select(confirmed_comuni.c.project, confirmed_comuni.c.comune))
    return frozenset((row.project, row.comune) for row in rows)


def ticks_of(tx: Transaction, project: str) -> dict[str, Tick]:
    """A project's, by comune."""
    columns = (confirmed_comuni.c[name] for name in Tick.__slots__)
    query = sa.select(*columns).where(confirmed_comuni.c.project == project)
    return {row.comune: Tick(*row) for row in tx.execute(query)}


def tick_comuni(tx: Transaction, project: str, comuni: Sequence[str]) -> int:
    """Tick these; how many were not ticked before."""
    fresh = 0
    for comune in comuni:
        values = {"project": project, "comune": comune, "confirmed_at": tx.now, "confirmed_by": tx.actor[:64]}
        statement = tx.insert(confirmed_comuni).values(**values)
        fresh += tx.execute(statement.on_conflict_do_nothing(index_elements=["project", "comune"])).rowcount
    if fresh:
        write_changes(tx, [Change("area", 0, "comuni_ticked", params={"project": project, "count": fresh})])
    return fresh


def untick_comuni(tx: Transaction, project: str, comuni: Sequence[str]) -> int:
    """Take these ticks away; how many there were."""
    which = sa.and_(confirmed_comuni.c.project == project, confirmed_comuni.c.comune.in_(list(comuni)))
    gone = tx.execute(sa.delete(confirmed_comuni).where(which)).rowcount
    if gone:
        write_changes(tx, [Change("area", 0, "comuni_unticked", params={"project": project, "count": gone})])
    return gone
