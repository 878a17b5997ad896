"""How much waits for a person: numbers for every page, for whoever has one open, and for the daily digest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from triage.record.filing import AT_REST
from triage.record.store import Transaction
from triage.record.tables import messages


@dataclass(frozen=True, slots=True)
class Waiting:
    """``danger``: of ``count`` the ones to be read today. ``newest`` is the last one's number, 0 where none waits."""

    count: int
    danger: int
    newest: int


def count_waiting(tx: Transaction) -> int:
    """Messages that wait for a person."""
    query = sa.select(sa.func.count()).select_from(messages).where(messages.c.state.in_(AT_REST))
    number: int = tx.execute(query).scalar_one()
    return number


def waiting_now(tx: Transaction) -> Waiting:
    """What waits at this moment."""
    danger = sa.func.sum(sa.case((messages.c.urgent.is_(True), 1), else_=0))
    query = sa.select(sa.func.count(), danger, sa.func.max(messages.c.id)).where(messages.c.state.in_(AT_REST))
    count, urgent, newest = tx.execute(query).one()
    return Waiting(count, urgent or 0, newest or 0)


def waits_longest(tx: Transaction) -> datetime | None:
    """Since when the oldest of them is here."""
    query = sa.select(sa.func.min(messages.c.id)).where(messages.c.state.in_(AT_REST))
    first = tx.execute(query).scalar()
    found: datetime | None = tx.execute(sa.select(messages.c.listed_at).where(messages.c.id == first)).scalar()
    return found
