"""Reports of erasing, and cases under a legal hold: of these nothing is erased."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.store import Transaction
from triage.record.tables import audit, legal_holds, purges


@dataclass(frozen=True, slots=True)
class PurgeRow:
    """One report. ``octets``: their number; ``ended_at`` is ``None`` where it was cut off."""

    id: int
    night: str | None
    began_at: datetime
    ended_at: datetime | None
    by: str
    messages: int
    octets: int
    replies: int
    kept_back: int
    replies_until: datetime | None


@dataclass(frozen=True, slots=True)
class HoldRow:
    """One case that is kept, since when, by whom and why."""

    case_id: int
    since: datetime
    by: str
    reason: str


_COLUMNS = [purges.c[name] for name in PurgeRow.__slots__]


def begin_purge(tx: Transaction, night: str | None) -> int | None:
    """A new report; ``None``: somebody has begun this night's already."""
    values = {"night": night, "began_at": tx.now, "by": tx.actor}
    counts = {"messages": 0, "octets": 0, "replies": 0, "kept_back": 0}
    statement = tx.insert(purges).values(**values, **counts).on_conflict_do_nothing().returning(purges.c.id)
    number: int | None = tx.execute(statement).scalar()
    return number


def note_purge(
    tx: Transaction, number: int, *, messages: int, octets: int, replies: int, kept_back: int, until: datetime | None
) -> None:
    """What has been done so far; ``until`` at its end: how far servers' words are blanked."""
    values = {"messages": messages, "octets": octets, "replies": replies, "kept_back": kept_back}
    ended = {"ended_at": tx.now, "replies_until": until} if until is not None else {}
    tx.execute(sa.update(purges).where(purges.c.id == number).values(**values, **ended))


def last_purge(tx: Transaction) -> PurgeRow | None:
    """The latest that came to its end."""
    query = sa.select(*_COLUMNS).where(purges.c.ended_at.is_not(None)).order_by(purges.c.id.desc()).limit(1)
    row = tx.execute(query).first()
    return PurgeRow(*row) if row is not None else None


def lived_yesterday(tx: Transaction) -> bool:
    """Whether something happened a day before the clock's present word.

    A clock that has jumped ahead has no such day: what it calls old may have come this morning. A service that was
    off for long waits one night more.
    """
    day = sa.select(audit.c.id).where(
        audit.c.at >= tx.now - timedelta(hours=50), audit.c.at <= tx.now - timedelta(hours=12)
    )
    return tx.execute(day.limit(1)).first() is not None


def was_begun(tx: Transaction, night: str) -> bool:
    """Whether a night has its report."""
    return tx.execute(sa.select(purges.c.id).where(purges.c.night == night)).first() is not None


def hold(tx: Transaction, case_id: int, reason: str) -> bool:
    """Keep everything of a case; ``False``: it is kept already."""
    values = {"case_id": case_id, "since": tx.now, "by": tx.actor, "reason": reason}
    statement = tx.insert(legal_holds).values(**values).on_conflict_do_nothing().returning(legal_holds.c.case_id)
    if tx.execute(statement).scalar() is None:
        return False
    write_changes(tx, [Change("case", case_id, "legal_hold")])
    return True


def let_go(tx: Transaction, case_id: int) -> bool:
    """A case is kept no longer than others; ``False``: it was under no hold."""
    if not tx.execute(sa.delete(legal_holds).where(legal_holds.c.case_id == case_id)).rowcount:
        return False
    write_changes(tx, [Change("case", case_id, "legal_hold_ended")])
    return True


def holds(tx: Transaction) -> list[HoldRow]:
    """All cases that are kept, the oldest hold first."""
    query = sa.select(*(legal_holds.c[name] for name in HoldRow.__slots__)).order_by(legal_holds.c.since)
    return [HoldRow(*row) for row in tx.execute(query)]
