"""What a person did in the last minutes and may still take back."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta

import sqlalchemy as sa

from triage.record.settlements import SettlementRow
from triage.record.store import Transaction
from triage.record.tables import messages, settlements

_LATELY = timedelta(minutes=10)
"""Longer than anything can be taken back: keeps the look within the newest acts."""
_COLUMNS = [settlements.c[field.name] for field in fields(SettlementRow)]


def undoable(tx: Transaction, person_id: int | None, limit: int = 100) -> list[SettlementRow]:
    """The acts of this person whose time is not over and that nothing followed, newest first."""
    later = settlements.alias()
    followed = sa.select(later.c.id).where(
        later.c.message_id == settlements.c.message_id, later.c.id > settlements.c.id, later.c.undone_at.is_(None)
    )
    query = (
        sa.select(*_COLUMNS, messages.c.generation.label("now"))
        .join_from(settlements, messages, messages.c.id == settlements.c.message_id)
        .where(settlements.c.at > tx.now - _LATELY, settlements.c.person_id == person_id)
        .where(settlements.c.undo_until > tx.now, settlements.c.undone_at.is_(None))
        .where(~followed.exists())
        .order_by(settlements.c.at.desc(), settlements.c.id.desc())
        .limit(limit)
    )
    found = (
        (row["now"], {name: row[name] for name in SettlementRow.__slots__}) for row in tx.execute(query).mappings()
    )
    acts = ((now, SettlementRow(**values)) for now, values in found)
    # Undoing another would be refused: offered, it would promise what is not done.
    return [act for now, act in acts if now in act.generations]
