"""Requests of persons about their own data (GDPR articles 15, 17, 20): begun, counted meanwhile, ended.

Of whom a request is stands in its row as a keyed hash only while it is under way, so that one that was cut off goes on;
what remains is a number that the office gave it, who carried it out, when, and counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from triage.record.of_person import Labels
from triage.record.store import Transaction
from triage.record.tables import person_requests

EXPORT, ERASE = "export", "erase"


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request. ``ended_at`` is ``None`` where it was cut off; ``kept``: what could not be erased yet at its end."""

    id: int
    kind: str
    reference: str
    began_at: datetime
    ended_at: datetime | None
    by: str
    messages: int
    octets: int
    sendings: int
    kept: int
    labelled: int
    labelled_from: date | None
    labelled_to: date | None


_COLUMNS = [person_requests.c[name] for name in RequestRow.__slots__]


def begin_request(tx: Transaction, kind: str, key: str, reference: str) -> RequestRow:
    """The request of this person that is under way, or a new one."""
    open_one = sa.select(*_COLUMNS).where(
        person_requests.c.kind == kind, person_requests.c.person_key == key, person_requests.c.ended_at.is_(None)
    )
    row = tx.execute(open_one).first()
    if row is not None:
        return RequestRow(*row)
    values = {"kind": kind, "reference": reference, "person_key": key, "began_at": tx.now, "by": tx.actor}
    counts = dict.fromkeys(("messages", "octets", "sendings", "kept", "labelled"), 0)
    statement = sa.insert(person_requests).values(**values, **counts).returning(*_COLUMNS)
    return RequestRow(*tx.execute(statement).one())


def is_under_way(tx: Transaction, kind: str, key: str) -> bool:
    """Whether a request of this person was begun and not ended."""
    query = sa.select(person_requests.c.id).where(
        person_requests.c.kind == kind, person_requests.c.person_key == key, person_requests.c.ended_at.is_(None)
    )
    return tx.execute(query).first() is not None


def add_to_request(tx: Transaction, number: int, messages: int, octets: int, sendings: int, labels: Labels) -> None:
    """What one step did, in the step's own transaction."""
    row = request_numbered(tx, number)
    days = [day for day in (row.labelled_from, row.labelled_to, labels.first, labels.last) if day is not None]
    tx.execute(
        sa.update(person_requests)
        .where(person_requests.c.id == number)
        .values(
            messages=row.messages + messages,
            octets=row.octets + octets,
            sendings=row.sendings + sendings,
            labelled=row.labelled + labels.count,
            labelled_from=min(days, default=None),
            labelled_to=max(days, default=None),
        )
    )


def end_request(tx: Transaction, number: int, kept: int) -> RequestRow:
    """It is done as far as it can be; whose it was is no longer on record."""
    values = {"ended_at": tx.now, "kept": kept, "person_key": ""}
    tx.execute(sa.update(person_requests).where(person_requests.c.id == number).values(**values))
    return request_numbered(tx, number)


def request_numbered(tx: Transaction, number: int) -> RequestRow:
    """One request; raises when there is none."""
    return RequestRow(*tx.execute(sa.select(*_COLUMNS).where(person_requests.c.id == number)).one())


def erasures_of_labelled(tx: Transaction) -> list[RequestRow]:
    """Erasures, ended or not, of messages that persons had labelled: what learnt before them may know these."""
    query = sa.select(*_COLUMNS).where(person_requests.c.kind == ERASE, person_requests.c.labelled > 0)
    return [RequestRow(*row) for row in tx.execute(query.order_by(person_requests.c.id))]
