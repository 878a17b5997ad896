"""Mail that must be entered in the agency's register of documents: marked, exported, numbered.

Enters a transaction and numbers of messages; leaves rows. A mark is never taken away: what is not to be registered
after all is said so in the register, not here. Pages walk the primary key, or the index of what waits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from triage.record.store import Transaction
from triage.record.tables import messages, protocol_entries


@dataclass(frozen=True, slots=True)
class ProtocolEntry:
    """One message that must be registered. ``number``: the register's, as staff have given it."""

    message_id: int
    marked_at: datetime
    why: str
    exported_at: datetime | None
    exported_by: str | None
    number: str | None
    numbered_at: datetime | None
    numbered_by: str | None


_table = protocol_entries


def note_to_register(tx: Transaction, why: Mapping[int, str]) -> int:
    """Mark these messages, each with why; how many were not marked yet."""
    if not why:
        return 0
    rows = [{"message_id": key, "marked_at": tx.now, "why": text} for key, text in why.items()]
    known = set(tx.execute(sa.select(_table.c.message_id).where(_table.c.message_id.in_(list(why)))).scalars())
    tx.execute(tx.insert(_table).on_conflict_do_nothing(), rows)
    return len(why.keys() - known)


def protocol_page(
    tx: Transaction, *, waiting: bool, after: int = 0, before: int = 0, size: int = 50
) -> list[ProtocolEntry]:
    """At most ``size``: what waits for its export, oldest first beyond ``after``; else all, newest first."""
    query = sa.select(_table)
    if waiting:
        query = query.where(_table.c.exported_at.is_(None), _table.c.message_id > after).order_by(_table.c.message_id)
    else:
        query = query.order_by(_table.c.message_id.desc())
        query = query.where(_table.c.message_id < before) if before else query
    return [_entry(row) for row in tx.execute(query.limit(size)).mappings()]


def waiting_since(tx: Transaction, since: datetime | None, after: int, size: int) -> list[ProtocolEntry]:
    """The next that wait for their export, of messages that were listed since then."""
    query = sa.select(_table).where(_table.c.exported_at.is_(None), _table.c.message_id > after)
    if since is not None:
        query = query.join(messages, messages.c.id == _table.c.message_id).where(messages.c.listed_at >= since)
    return [_entry(row) for row in tx.execute(query.order_by(_table.c.message_id).limit(size)).mappings()]


def protocol_entries_of(tx: Transaction, message_ids: Collection[int]) -> dict[int, ProtocolEntry]:
    """Those among these messages that must be registered."""
    query = sa.select(_table).where(_table.c.message_id.in_(list(message_ids)))
    return {row["message_id"]: _entry(row) for row in tx.execute(query).mappings()}


def count_waiting(tx: Transaction, most: int = 1000) -> int:
    """How many wait for their export, counted up to ``most``."""
    some = sa.select(_table.c.message_id).where(_table.c.exported_at.is_(None)).limit(most).subquery()
    number: int = tx.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
    return number


def note_exported(tx: Transaction, message_ids: Sequence[int], by: str) -> list[int]:
    """Their originals and metadata are written; those for which that was not on record yet."""
    query = sa.select(_table.c.message_id).where(
        _table.c.message_id.in_(list(message_ids)), _table.c.exported_at.is_(None)
    )
    fresh = sorted(tx.execute(query.with_for_update()).scalars())
    values = {"exported_at": tx.now, "exported_by": by[:64]}
    tx.execute(sa.update(_table).where(_table.c.message_id.in_(fresh)).values(**values))
    return fresh


def note_number(tx: Transaction, message_id: int, number: str, by: str) -> bool:
    """Keep the register's number; whether the message is one that must be registered."""
    values = {"number": number, "numbered_at": tx.now, "numbered_by": by[:64]}
    return tx.execute(sa.update(_table).where(_table.c.message_id == message_id).values(**values)).rowcount > 0


def unexported_among(tx: Transaction, message_ids: Sequence[int]) -> set[int]:
    """Those that must not be erased yet."""
    query = sa.select(_table.c.message_id).where(
        _table.c.message_id.in_(list(message_ids)), _table.c.exported_at.is_(None)
    )
    return set(tx.execute(query).scalars())


def waits_for_export() -> sa.ColumnElement[bool]:
    """The condition on a message: it must be registered, and nothing of it was exported yet."""
    return sa.exists().where(_table.c.message_id == messages.c.id, _table.c.exported_at.is_(None))


def _entry(row: sa.RowMapping) -> ProtocolEntry:
    return ProtocolEntry(**{name: row[name] for name in ProtocolEntry.__slots__})
