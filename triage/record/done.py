"""Messages that are done: forwarded, answered, closed, filed; found by what is known of them, by index only.

In: what is wanted, and before which message to go on. Out: rows, the newest first. Every query walks one index down
from that message and stops after a page: what it costs does not grow with the mail on record. Which index it is says
:func:`done_page`; ``tests/record/test_done.py`` holds the engines to it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.messages import COLUMNS, MessageRow, row_of
from triage.record.store import Transaction
from triage.record.tables import decisions, dispatches, messages
from triage.vocabulary import TO_FAMILIES, WRITTEN_BY_STAFF, MessageState

DONE = (
    *(MessageState.DECIDED, MessageState.FORWARDED, MessageState.FILED),
    *(MessageState.ERASED, MessageState.CLOSED),
)
APART = timedelta(hours=1)
"""Rows are numbered in the order in which they were listed, but for what several workers did at the same time."""
LATE = timedelta(days=3)
"""So long after its arrival a message is still found by the day on which it arrived: walking further costs more."""
END = 1 << 62
"""More than any message's number."""
_TO_PERSONS = tuple(sorted(TO_FAMILIES | WRITTEN_BY_STAFF))
_Query = sa.Select[*tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Sought:
    """What somebody looks for; empty: everything. ``person`` is a keyed hash, everything else a code or an instant.

    ``since`` and ``until`` (not included) are about when a message came into its mailbox, which is what lists show, or
    when the service first saw it, where that was much later.
    """

    person: str = ""
    comune: str = ""
    project: str = ""
    topic: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class DonePage:
    """Some rows, the newest first. ``more``: older ones follow."""

    rows: tuple[MessageRow, ...]
    more: bool


def done_page(tx: Transaction, sought: Sought, *, before: int = 0, size: int = 25) -> DonePage:
    """The ``size`` newest messages that are done, with a number below ``before`` (0: the newest of all)."""
    low, high = _numbers(tx, sought)
    high = min(high, before) if before else high
    if low >= high:
        return DonePage((), False)
    streams = [_rows(tx, query.limit(size + 1)) for query in _queries(sought, low, high)]
    found = list(_newest(streams, size + 1))
    return DonePage(tuple(found[:size]), len(found) > size)


def _numbers(tx: Transaction, sought: Sought) -> tuple[int, int]:
    """Between which numbers (the second not included) messages of this time stand; the rows' own times decide."""
    at, number = messages.c.listed_at, messages.c.id
    low, high = 0, END
    if sought.since is not None:
        first = sa.select(number).where(at >= sought.since - APART).order_by(at, number).limit(1)
        low = tx.execute(first).scalar() or END
    if sought.until is not None:
        last = sa.select(number).where(at < sought.until + LATE).order_by(at.desc(), number.desc()).limit(1)
        high = (tx.execute(last).scalar() or 0) + 1
    return low, high


def _queries(sought: Sought, low: int, high: int) -> Iterator[_Query]:
    """One query, or several whose rows are put together, each ordered by the index that it walks."""
    number = messages.c.id
    if sought.person:
        # Whoever wrote, and whoever was written to: answers may go to another address of the same person.
        wrote = messages.c.author_key == sought.person
        got = sa.select(dispatches.c.message_id).where(
            dispatches.c.recipient_key == sought.person, dispatches.c.kind.in_(_TO_PERSONS)
        )
        for condition in (wrote, number.in_(got)):
            query = _decided(sought).where(condition, number >= low, number < high)
            yield query.where(messages.c.state.in_(DONE)).order_by(number.desc())
        return
    if sought.comune or sought.topic or sought.project:
        key = decisions.c.message_id
        query = _decided(sought).where(key >= low, key < high, messages.c.state.in_(DONE))
        yield query.order_by(key.desc())
        return
    for state in DONE:
        for urgent in (True, False):
            of_state = sa.and_(messages.c.state == state, messages.c.urgent.is_(urgent))
            yield _decided(sought).where(of_state, number >= low, number < high).order_by(number.desc())


def _decided(sought: Sought) -> _Query:
    """Rows of messages, with the conditions on the decision in force."""
    # What was erased without ever having been decided is no message that was done: another row stands for it, or it was
    # a test message of our own. What a person closed where it lay was never decided, and is done.
    was_done = sa.or_(messages.c.generation > 0, messages.c.state == MessageState.CLOSED)
    query = sa.select(*COLUMNS).where(was_done)
    query = query.where(sa.or_(_within(messages.c.internal_date, sought), _within(messages.c.listed_at, sought)))
    wanted = {
        decisions.c.comune: sought.comune,
        decisions.c.topic: sought.topic,
        decisions.c.project: sought.project,
    }
    conditions = [column == value for column, value in wanted.items() if value]
    if not conditions:
        return query
    in_force = sa.and_(decisions.c.message_id == messages.c.id, decisions.c.generation == messages.c.generation)
    return query.join(decisions, in_force).where(*conditions)


def _within(at: sa.Column[datetime], sought: Sought) -> sa.ColumnElement[bool]:
    after = at >= sought.since if sought.since is not None else sa.true()
    return sa.and_(after, at < sought.until) if sought.until is not None else after


def _rows(tx: Transaction, query: _Query) -> list[MessageRow]:
    return [row_of(row) for row in tx.execute(query).mappings()]


def _newest(streams: Iterable[list[MessageRow]], most: int) -> Iterator[MessageRow]:
    last = 0
    for row in heapq.merge(*streams, key=lambda row: -row.id):
        if row.id != last and most > 0:
            last, most = row.id, most - 1
            yield row
