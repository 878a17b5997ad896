"""Locking what lies in clear, or under a data key of before, step by step; and counting what lies how.

Said again after an interruption it goes on: a step looks only for values that the newest data key did not lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from triage.record.encrypted import MARK, TEXT_MARK, EncryptedText
from triage.record.people_tables import people
from triage.record.store import Store, Transaction
from triage.record.tables import attempts, exceptions, identity, legal_holds, octet_chunks, settlements, staff_texts

ROWS = 100
"""Values of one step; of octets so many rows of at most 1 MB each as :data:`OCTET_ROWS` says."""
OCTET_ROWS = 8
COLUMNS: tuple[sa.Column[str] | sa.Column[bytes], ...] = (
    octet_chunks.c.data,
    staff_texts.c.text,
    settlements.c.note,
    attempts.c.reply,
    exceptions.c.phrase,
    legal_holds.c.reason,
    people.c.totp_secret,
    identity.c.value,
)
"""Locked with a nonce of chance. Addresses have a key for ever; what sessions remember is gone within hours."""


@dataclass(frozen=True, slots=True)
class Lying:
    """How the values of one column lie in the record; empty ones are not counted."""

    column: str
    newest: int
    earlier: int
    clear: int


def count_values(tx: Transaction, newest: int) -> list[Lying]:
    """Every column's values; reads the beginning of each, so it takes its time on a large record."""
    return [_count(tx, column, newest) for column in COLUMNS]


def lock_all(store: Store) -> Iterator[tuple[str, int]]:
    """Lock everything by the newest data key; yields each step's column and how many values it locked."""
    store.open_keys(anew=True)
    newest = store.ring.newest
    if not newest:
        return
    for column in COLUMNS:
        after: tuple[object, ...] | None = None
        while True:
            with store.write("lock values") as tx:
                done, after = _step(tx, column, newest, after)
            if done:
                yield _name(column), done
            if after is None:
                break


def _count(tx: Transaction, column: sa.Column[str] | sa.Column[bytes], newest: int) -> Lying:
    raw = _raw(column)
    by_newest = _begins(raw, _prefix(column, newest))
    locked = _begins(raw, _prefix(column, None))
    counts = [sa.func.count().filter(one) for one in (by_newest, sa.and_(locked, ~by_newest), ~locked)]
    first, second, third = tx.execute(sa.select(*counts).where(sa.func.length(raw) > 0)).one()
    return Lying(_name(column), first, second, third)


def _step(
    tx: Transaction, column: sa.Column[str] | sa.Column[bytes], newest: int, after: tuple[object, ...] | None
) -> tuple[int, tuple[object, ...] | None]:
    keys = list(column.table.primary_key)
    raw = _raw(column)
    most = OCTET_ROWS if column is octet_chunks.c.data else ROWS
    query = sa.select(*keys, column).where(sa.func.length(raw) > 0, ~_begins(raw, _prefix(column, newest)))
    if after is not None:
        last = [sa.literal(value, column.type) for value, column in zip(after, keys, strict=True)]
        query = query.where(sa.tuple_(*keys) > sa.tuple_(*last))
    rows = tx.execute(query.order_by(*keys).limit(most).with_for_update(of=column.table)).all()
    whole = [row for row in rows if row[-1]]
    for row in whole:
        # What was altered opens as nothing, and stays as it lies: perhaps somebody can still mend it.
        mine = sa.and_(*(key == value for key, value in zip(keys, row[:-1], strict=True)))
        # Read through the column's type it is in clear; written through it, it is locked by the newest key.
        tx.execute(sa.update(column.table).where(mine).values({column.name: row[-1]}))
    return len(whole), tuple(rows[-1][:-1]) if len(rows) == most else None


def _raw(column: sa.Column[str] | sa.Column[bytes]) -> sa.ColumnElement[object]:
    if isinstance(column.type, EncryptedText):
        return sa.type_coerce(column, sa.Text())
    return sa.type_coerce(column, sa.LargeBinary())


def _prefix(column: sa.Column[str] | sa.Column[bytes], number: int | None) -> str | bytes:
    if isinstance(column.type, EncryptedText):
        return TEXT_MARK if number is None else f"{TEXT_MARK}{number}."
    return MARK if number is None else MARK + number.to_bytes(4, "big")


def _begins(raw: sa.ColumnElement[object], prefix: str | bytes) -> sa.ColumnElement[bool]:
    return sa.func.substr(raw, 1, len(prefix)) == sa.literal(prefix, raw.type)


def _name(column: sa.Column[str] | sa.Column[bytes]) -> str:
    return f"{column.table.name}.{column.name}"
