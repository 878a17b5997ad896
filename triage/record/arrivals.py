"""How much mail arrived in which hours, a row an hour and mailbox. What is usual is judged by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from triage.record.store import Transaction
from triage.record.tables import arrival_hours

NEWS = timedelta(days=7)
"""What reached the mailbox longer ago than this before it was listed is no arrival: it was moved in or renumbered."""


def note_arrivals(tx: Transaction, mailbox_id: int, dates: Iterable[datetime | None]) -> None:
    """Something was listed; ``dates`` say when each message reached its mailbox, ``None``: the server does not say."""
    moments = (min(date, tx.now) if date is not None else tx.now for date in dates)
    hours = Counter(
        moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        for moment in moments
        if tx.now - moment <= NEWS
    )
    if hours:
        rows = [{"mailbox_id": mailbox_id, "hour": hour, "messages": hours[hour]} for hour in sorted(hours)]
        statement = tx.insert(arrival_hours)
        more = arrival_hours.c.messages + statement.excluded.messages
        tx.execute(
            statement.on_conflict_do_update(index_elements=["mailbox_id", "hour"], set_={"messages": more}), rows
        )


def uncount_arrival(tx: Transaction, mailbox_id: int, date: datetime | None, listed_at: datetime) -> None:
    """One that was listed then is our own test message: whether mail comes is not told by it."""
    moment = min(date, listed_at) if date is not None else listed_at
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    row = sa.and_(arrival_hours.c.mailbox_id == mailbox_id, arrival_hours.c.hour == hour)
    tx.execute(sa.update(arrival_hours).where(row).values(messages=arrival_hours.c.messages - 1))
    tx.execute(sa.delete(arrival_hours).where(row, arrival_hours.c.messages <= 0))


def hours_of(tx: Transaction, mailbox_id: int, since: datetime) -> dict[datetime, int]:
    """The beginnings of the hours since then in which something arrived, and how much."""
    query = sa.select(arrival_hours.c.hour, arrival_hours.c.messages).where(
        arrival_hours.c.mailbox_id == mailbox_id, arrival_hours.c.hour >= since
    )
    return {row.hour: row.messages for row in tx.execute(query.order_by(arrival_hours.c.hour))}


def forget_hours(tx: Transaction, before: datetime) -> None:
    """What lies further back is no longer asked for."""
    tx.execute(sa.delete(arrival_hours).where(arrival_hours.c.hour < before))
