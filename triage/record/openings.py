"""Who has a message before them at this moment: for ten minutes, and as long as the page says that they still have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.people_tables import people
from triage.record.store import Transaction
from triage.record.tables import openings


@dataclass(frozen=True, slots=True)
class Opening:
    """``display`` is how the person is called."""

    message_id: int
    person_id: int
    display: str
    since: datetime
    until: datetime


def openings_of(tx: Transaction, message_ids: Sequence[int]) -> dict[int, Opening]:
    """Who has which of these before them now."""
    query = (
        sa.select(openings.c.message_id, openings.c.person_id, people.c.display, openings.c.since, openings.c.until)
        .join_from(openings, people, people.c.id == openings.c.person_id)
        .where(openings.c.message_id.in_(list(message_ids)), openings.c.until > tx.now)
    )
    return {row.message_id: Opening(*row) for row in tx.execute(query)} if message_ids else {}


def open_for(tx: Transaction, message_id: int, person_id: int, span: timedelta, *, over: bool = False) -> None:
    """This person has it from now on; renewed if they had it already, left to another who has it unless ``over``."""
    values = {"person_id": person_id, "since": tx.now, "until": tx.now + span}
    renewed = tx.execute(
        sa.update(openings)
        .where(openings.c.message_id == message_id, openings.c.person_id == person_id, openings.c.until > tx.now)
        .values(until=tx.now + span)
    )
    if renewed.rowcount:
        return
    statement = tx.insert(openings).values(message_id=message_id, **values)
    free = None if over else openings.c.until <= tx.now
    tx.execute(statement.on_conflict_do_update(index_elements=["message_id"], set_=values, where=free))


def let_go_of(tx: Transaction, message_id: int, person_id: int) -> None:
    """This person has turned to something else."""
    tx.execute(sa.delete(openings).where(openings.c.message_id == message_id, openings.c.person_id == person_id))
