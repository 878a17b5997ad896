"""What persons said of messages, as labels to learn from: the last word on each, page by page.

A settlement counts once it can no longer be taken back, and only where it says what the message was: sent on to a
centre, or not for us. A blind check counts where no settlement says more. What a person only ended says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from triage.record.messages import COLUMNS, MessageRow, row_of
from triage.record.samples import AUTOMATIC, GONE
from triage.record.settlements import SENDS_ON, Exit
from triage.record.store import Transaction
from triage.record.tables import messages, samples, settlements
from triage.vocabulary import NOT_FOR_US

TELLING = (*sorted(SENDS_ON), Exit.NOT_FOR_US)
_BESIDE = (Exit.QUESTION, Exit.JOINED, Exit.SPLIT, Exit.ALSO)
"""Acts that leave what was said before as it was."""


@dataclass(frozen=True, slots=True)
class PersonsLabel:
    """One message as a person saw it: codes of the guide; empty: they did not say."""

    row: MessageRow
    on: date
    territory: str
    comune: str
    topic: str


def labels_by_settlement(tx: Transaction, after: int, most: int) -> list[tuple[int, PersonsLabel]]:
    """Up to ``most`` of them whose settlement's number is above ``after``, with that number, in its order."""
    later = settlements.alias()
    stands = sa.and_(later.c.undone_at.is_(None), later.c.exit.not_in(_BESIDE))
    superseded = sa.exists().where(
        later.c.message_id == settlements.c.message_id, later.c.id > settlements.c.id, stands
    )
    over = sa.or_(settlements.c.undo_until.is_(None), settlements.c.undo_until <= tx.now)
    named = [settlements.c[name].label(f"said_{name}") for name in ("id", "at", "exit", "comune", "topic")]
    query = (
        sa.select(*COLUMNS, *named)
        .join_from(settlements, messages, settlements.c.message_id == messages.c.id)
        .where(settlements.c.id > after, settlements.c.exit.in_(TELLING), settlements.c.undone_at.is_(None))
        .where(over, sa.not_(superseded))
        .order_by(settlements.c.id)
        .limit(most)
    )
    return [(row["said_id"], _settled(row)) for row in tx.execute(query).mappings()]


def labels_by_check(tx: Transaction, after: int, most: int) -> list[tuple[int, PersonsLabel]]:
    """The same of messages that were drawn and looked at blind, and that no settlement says more of."""
    said_more = sa.exists().where(
        settlements.c.message_id == samples.c.message_id,
        settlements.c.undone_at.is_(None),
        settlements.c.exit.in_(TELLING),
    )
    query = (
        sa.select(*COLUMNS, *(samples.c[name].label(f"said_{name}") for name in ("id", "territory", "comune", "topic")))
        .add_columns(samples.c.labelled_at.label("said_at"))
        .join_from(samples, messages, samples.c.message_id == messages.c.id)
        .where(samples.c.id > after, samples.c.kind == AUTOMATIC, samples.c.labelled_at.is_not(None))
        .where(samples.c.destination != GONE, samples.c.topic != "", sa.not_(said_more))
        .order_by(samples.c.id)
        .limit(most)
    )
    return [(row["said_id"], _checked(row)) for row in tx.execute(query).mappings()]


def _settled(row: sa.RowMapping) -> PersonsLabel:
    """Of the place only what the person named: without a comune the territory may be the service's own reading."""
    topic = NOT_FOR_US if row["said_exit"] == Exit.NOT_FOR_US else row["said_topic"]
    return PersonsLabel(row_of(row), row["said_at"].date(), "", row["said_comune"], topic)


def _checked(row: sa.RowMapping) -> PersonsLabel:
    territory, comune, topic = row["said_territory"], row["said_comune"], row["said_topic"]
    return PersonsLabel(row_of(row), row["said_at"].date(), territory, comune, topic)
