"""All that the record knows of one person, by the keyed hash of an address. Reads, by index, and changes nothing.

In: the hash. Out: messages that the person wrote, cases that the person takes part in, what was sent to the person,
rules taught about the person; and of these what still stands against erasing them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

import sqlalchemy as sa

from triage.record.exceptions import Taught
from triage.record.labels import TELLING
from triage.record.messages import COLUMNS, PAGE, MessageRow, row_of
from triage.record.protocol import unexported_among
from triage.record.recall import cases_with_author
from triage.record.retention import ERASABLE, Place
from triage.record.samples import GONE
from triage.record.store import Transaction
from triage.record.tables import (
    cases,
    dispatches,
    exceptions,
    legal_holds,
    messages,
    misroutes,
    octets,
    returns,
    samples,
    settlements,
)
from triage.vocabulary import DispatchKind, DispatchState, MessageState

Value = TypeVar("Value")

UNSIGNED = (
    *(MessageState.HELD, MessageState.QUARANTINED, MessageState.OVERSIZE, MessageState.CLOSED),
    MessageState.RECEIVED,
)
"""States in which a message may have octets and no author on record: nobody has decided it.

One that was only matched has the octets of another row, by which it is found."""
WITH_OCTETS = (*UNSIGNED, MessageState.DECIDED, MessageState.FORWARDED, MessageState.FILED)
AT_REST = (*ERASABLE, MessageState.ERASED, MessageState.CLOSED, MessageState.VANISHED, MessageState.BASELINE)
"""States in which nothing more happens to a message by itself, nor waits for anybody."""


class Against(StrEnum):
    """Why something of a case may not be erased now."""

    LEGAL_HOLD = "legal_hold"
    REGISTER_OPEN = "register_open"
    WAITING = "waiting"
    """A message waits for a person, or is on its way."""
    SENDING = "sending"
    """Something that we send has not left yet."""
    UNDOABLE = "undoable"
    """What a person did can still be taken back."""
    UNJUDGED = "unjudged"
    """A forward was drawn for the blind check and nobody has judged it."""
    UNREGISTERED = "unregistered"
    """It must be entered in the agency's register of documents and was not exported yet (DPR 445/2000, article 53)."""


@dataclass(frozen=True, slots=True)
class Labels:
    """How many labels persons gave to some messages, and between which days."""

    count: int = 0
    first: date | None = None
    last: date | None = None


NO_LABELS = Labels()


def written_by(tx: Transaction, key: str) -> list[MessageRow]:
    """Messages whose author this is, and further appearances of the same octets; oldest first."""
    query = sa.select(*COLUMNS).where(messages.c.author_key == key)
    found = {row.id: row for row in map(row_of, tx.execute(query).mappings())}
    found |= {row.id: row for row in alike(tx, found.values())}
    return [found[number] for number in sorted(found)]


def alike(tx: Transaction, rows: Iterable[MessageRow]) -> list[MessageRow]:
    """Every row with the octets of one of these, in whichever mailbox."""
    digests = sorted({row.sha256 for row in rows if row.sha256})
    return [
        row_of(row)
        for part in _parts(digests)
        for row in tx.execute(sa.select(*COLUMNS).where(messages.c.sha256.in_(part))).mappings()
    ]


def rows_with_octets(
    tx: Transaction, state: str, place: Place, most: int, *, unsigned: bool
) -> tuple[list[MessageRow], Place | None]:
    """A page of messages of one state that have octets, by the index of what is due, and where the next begins.

    ``unsigned``: only those without an author on record.
    """
    query = sa.select(*COLUMNS).where(messages.c.state == state)
    if place.due_at is not None:
        after = sa.and_(messages.c.due_at == place.due_at, messages.c.id > place.id)
        query = query.where(sa.or_(messages.c.due_at > place.due_at, after))
    query = query.order_by(messages.c.due_at, messages.c.id).limit(most)
    page = [row_of(row) for row in tx.execute(query).mappings()]
    found = [row for row in page if row.sha256 is not None and not (unsigned and row.author_key is not None)]
    return found, Place(page[-1].due_at, page[-1].id) if len(page) == most else None


def cases_of(tx: Transaction, key: str) -> set[int]:
    """Cases in which the person wrote, was written to, or that were opened for the person."""
    wrote = sa.select(messages.c.case_id).where(messages.c.author_key == key, messages.c.case_id.is_not(None))
    pairs = [(case, key) for case in sorted(set(tx.execute(wrote).scalars())) if case is not None]
    # Whoever only sends a report about a case takes no part in it.
    found = {case for part in _parts(pairs) for case, _ in cases_with_author(tx, part)}
    told = sa.select(dispatches.c.case_id).where(dispatches.c.recipient_key == key)
    opened = sa.select(cases.c.id).where(cases.c.author_key == key)
    return found | {case for query in (told, opened) for case in tx.execute(query).scalars()}


def messages_of_cases(tx: Transaction, case_ids: Collection[int]) -> list[MessageRow]:
    """Every message of these cases, oldest first."""
    query = sa.select(*COLUMNS).order_by(messages.c.id)
    return [
        row_of(row)
        for part in _parts(sorted(case_ids))
        for row in tx.execute(query.where(messages.c.case_id.in_(part))).mappings()
    ]


def came_back(tx: Transaction, message_ids: Collection[int]) -> dict[int, int]:
    """Messages that only report on what we sent of one of these, each with that one."""
    query = sa.select(returns.c.message_id, returns.c.about_message_id)
    return {
        row.message_id: row.about_message_id
        for part in _parts(sorted(message_ids))
        for row in tx.execute(query.where(returns.c.about_message_id.in_(part)))
    }


def taught_about(tx: Transaction, key: str, message_ids: Collection[int] = ()) -> list[Taught]:
    """Rules taught about this sender, and those that these messages taught; ended ones too."""
    columns = [exceptions.c[name] for name in Taught.__slots__]
    found = {row["id"]: row for row in tx.execute(sa.select(*columns).where(exceptions.c.sender_key == key)).mappings()}
    for part in _parts(sorted(message_ids)):
        query = sa.select(*columns).where(exceptions.c.message_id.in_(part))
        found |= {row["id"]: row for row in tx.execute(query).mappings()}
    return [Taught(**found[number]) for number in sorted(found)]


def against(tx: Transaction, rows: Sequence[MessageRow], case_id: int | None) -> list[Against]:
    """What speaks against erasing messages of one case now; ``rows`` are all of the case, or one that has none."""
    found = []
    numbers = [row.id for row in rows]
    if case_id is not None and _any(tx, sa.select(legal_holds.c.case_id).where(legal_holds.c.case_id == case_id)):
        found.append(Against.LEGAL_HOLD)
    entry = sa.select(misroutes.c.id).where(misroutes.c.case_id == case_id)
    if case_id is not None and _any(
        tx, entry.where(misroutes.c.closed_at.is_(None), misroutes.c.withdrawn_at.is_(None))
    ):
        found.append(Against.REGISTER_OPEN)
    if any(row.state not in AT_REST for row in rows):
        found.append(Against.WAITING)
    pending = sa.select(dispatches.c.id).where(
        dispatches.c.message_id.in_(numbers),
        dispatches.c.state.in_((DispatchState.PENDING, DispatchState.SUBMITTING)),
    )
    if _any(tx, pending):
        found.append(Against.SENDING)
    undoable = sa.select(settlements.c.id).where(
        settlements.c.message_id.in_(numbers), settlements.c.undo_until > tx.now, settlements.c.undone_at.is_(None)
    )
    if _any(tx, undoable):
        found.append(Against.UNDOABLE)
    drawn = sa.select(samples.c.id).where(samples.c.message_id.in_(numbers))
    if _any(tx, drawn.where(samples.c.chosen, samples.c.labelled_at.is_(None))):
        found.append(Against.UNJUDGED)
    if unexported_among(tx, numbers):
        found.append(Against.UNREGISTERED)
    return found


def labels_on(tx: Transaction, message_ids: Sequence[int]) -> Labels:
    """The labels that persons gave to these messages, from which a model may have learnt."""
    said = sa.select(settlements.c.message_id, settlements.c.at).where(
        settlements.c.message_id.in_(list(message_ids)),
        settlements.c.undone_at.is_(None),
        settlements.c.exit.in_(TELLING),
    )
    judged = sa.select(samples.c.message_id, samples.c.labelled_at).where(
        samples.c.message_id.in_(list(message_ids)), samples.c.labelled_at.is_not(None), samples.c.destination != GONE
    )
    found: list[tuple[int, datetime]] = [(row[0], row[1]) for query in (said, judged) for row in tx.execute(query)]
    days = sorted(at.date() for _, at in found)
    return Labels(len({number for number, _ in found}), days[0], days[-1]) if days else NO_LABELS


def octets_kept(tx: Transaction, rows: Iterable[MessageRow]) -> dict[str, int]:
    """Which contents of these are still there, with their sizes."""
    digests = sorted({row.sha256 for row in rows if row.sha256})
    return {
        row.sha256: row.size
        for part in _parts(digests)
        for row in tx.execute(sa.select(octets.c.sha256, octets.c.size).where(octets.c.sha256.in_(part)))
    }


def _any(tx: Transaction, query: sa.Select[int]) -> bool:
    return tx.execute(query.limit(1)).first() is not None


def _parts(values: list[Value]) -> Iterable[list[Value]]:
    return (values[start : start + PAGE] for start in range(0, len(values), PAGE))


def sent_to(tx: Transaction, key: str, message_ids: Sequence[int], case_id: int | None) -> list[int]:
    """Numbers of what was sent to the person because of these messages, or of the case."""
    which: sa.ColumnElement[bool] = dispatches.c.message_id.in_(list(message_ids))
    if case_id is not None:
        which = sa.or_(which, dispatches.c.case_id == case_id)
    return list(tx.execute(sa.select(dispatches.c.id).where(dispatches.c.recipient_key == key, which)).scalars())


def projects_that_have(tx: Transaction, message_ids: Sequence[int]) -> dict[str, int]:
    """Projects that may have got these messages, with how many each."""
    left = (DispatchState.ACCEPTED, DispatchState.UNKNOWN)
    query = (
        sa.select(dispatches.c.project, sa.func.count(sa.distinct(dispatches.c.message_id)).label("messages"))
        .where(dispatches.c.message_id.in_(list(message_ids)), dispatches.c.kind == DispatchKind.FORWARD)
        .where(sa.or_(dispatches.c.state.in_(left), dispatches.c.unknowns > 0))
        .group_by(dispatches.c.project)
    )
    return {row.project: row.messages for row in tx.execute(query)}
