"""The record's rows as they are, table by table, in a form that either engine takes back.

A transaction enters; rows of plain JSON values leave, or come in again. Columns are read by the kind of value that the
engine stores, never through a type of ours: what is encrypted stays so. Times are ISO 8601 in UTC, octets base64.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from triage.record.people_tables import sessions, sign_in_failures
from triage.record.store import Transaction
from triage.record.tables import heartbeats, metadata, octet_chunks, openings, workers
from triage.record.utc import UtcDateTime

LEFT_OUT = frozenset(table.name for table in (heartbeats, openings, sessions, sign_in_failures, workers))
"""What says only who is there at this moment."""
_AT_ONCE = 500
_WIDE = {octet_chunks.name: 8}
"""Rows in the memory at once, where one may be as long as a megabyte."""

Row = list[Any]
Column = tuple[str, str]
"""A column's name and its kind of value."""


@dataclass(frozen=True, slots=True)
class _Kind:
    type: sa.types.TypeEngine[Any]
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


_KINDS = {
    "time": _Kind(UtcDateTime(), lambda value: value.isoformat(), datetime.fromisoformat),
    "day": _Kind(sa.Date(), lambda value: value.isoformat(), date.fromisoformat),
    "octets": _Kind(sa.LargeBinary(), lambda value: base64.b64encode(value).decode("ascii"), base64.b64decode),
    "json": _Kind(sa.JSON(), _same, _same),
    "truth": _Kind(sa.Boolean(), _same, _same),
    "whole": _Kind(sa.BigInteger(), _same, _same),
    "real": _Kind(sa.Float(), _same, _same),
    "text": _Kind(sa.Text(), _same, _same),
}


def tables() -> list[str]:
    """Names of all tables that are kept, those first to which others refer."""
    return [table.name for table in metadata.sorted_tables if table.name not in LEFT_OUT]


def columns(table: str) -> list[Column]:
    """The columns of one of this release's tables."""
    return [(column.name, _kind(column.type)) for column in metadata.tables[table].columns]


def rows(tx: Transaction, table: str) -> Iterator[Row]:
    """Every row of a table, in the order of its key."""
    there = columns(table)
    raw = _raw(table, there)
    query = sa.select(raw).order_by(*(raw.c[column.name] for column in metadata.tables[table].primary_key))
    writes = [_KINDS[kind].write for _, kind in there]
    at_once = _WIDE.get(table, _AT_ONCE)
    with tx.connection.execute(query, execution_options={"yield_per": at_once}) as result:
        for row in result:
            yield [None if value is None else write(value) for write, value in zip(writes, row, strict=True)]


def put_back(tx: Transaction, table: str, there: Sequence[Column], lines: Iterable[Row]) -> int:
    """Insert rows with these columns into the table as it is now; how many."""
    reads = [(name, _KINDS[kind].read) for name, kind in there]
    raw, count, waiting = _raw(table, there), 0, iter(lines)
    while group := list(islice(waiting, _WIDE.get(table, _AT_ONCE))):
        values = [
            {name: None if value is None else read(value) for (name, read), value in zip(reads, line, strict=True)}
            for line in group
        ]
        tx.execute(sa.insert(raw), values)
        count += len(values)
    return count


def is_empty(tx: Transaction) -> bool:
    """Whether none of our tables that are there holds a row."""
    return not any(
        tx.execute(sa.select(sa.literal(1)).select_from(sa.table(name)).limit(1)).first()
        for name in set(sa.inspect(tx.connection).get_table_names()) & metadata.tables.keys()
    )


def drop_empty_tables(tx: Transaction) -> None:
    """Take away tables that hold nothing, so that those of an earlier form can be made."""
    found = sa.MetaData()
    found.reflect(tx.connection, only=lambda name, _: name in metadata.tables or name == "alembic_version")
    found.drop_all(tx.connection)


def count_on(tx: Transaction) -> None:
    """New rows get numbers above those that were put back; SQLite does so by itself."""
    if not tx.skips_locked:
        return
    for table in metadata.sorted_tables:
        keys = list(table.primary_key)
        if len(keys) == 1 and keys[0] is table.autoincrement_column and not keys[0].foreign_keys:
            highest = sa.select(sa.func.max(keys[0])).scalar_subquery()
            sequence = sa.func.pg_get_serial_sequence(table.name, keys[0].name)
            tx.execute(sa.select(sa.func.setval(sequence, highest)).where(highest.is_not(None)))


def _raw(table: str, there: Sequence[Column]) -> sa.Table:
    return sa.Table(table, sa.MetaData(), *(sa.Column(name, _KINDS[kind].type) for name, kind in there))


def _kind(type_: sa.types.TypeEngine[Any]) -> str:
    if isinstance(type_, UtcDateTime):
        return "time"
    if isinstance(type_, sa.types.TypeDecorator):
        return _kind(type_.impl_instance)
    found = {
        sa.Date: "day",
        sa.LargeBinary: "octets",
        sa.JSON: "json",
        sa.Boolean: "truth",
        sa.Integer: "whole",
        sa.Float: "real",
        sa.String: "text",
    }
    return next(kind for base, kind in found.items() if isinstance(type_, base))
