"""Exceptions that settlements taught: kept until they expire or a person ends them, each use counted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from triage.record.messages import COLUMNS, MessageRow, row_of
from triage.record.store import Transaction
from triage.record.tables import exceptions, messages, settlements


class ExceptionKind(StrEnum):
    """What a message must have in common with the one that taught."""

    SENDER = "mittente"
    PHRASE = "frase"
    NEVER = "mai"
    """Nothing of this sender is for us."""


@dataclass(frozen=True, slots=True)
class Taught:
    """One exception. ``comune``, ``territory`` are what the person said, ``read_...`` what had been read."""

    id: int
    kind: str
    sender_key: str
    phrase: str
    comune: str
    territory: str
    read_comune: str
    read_territory: str
    read_topic: str
    topic: str
    project: str
    address_key: str
    message_id: int
    created_at: datetime
    created_by: str
    expires_at: datetime
    ended_at: datetime | None
    uses: int
    last_used_at: datetime | None


_COLUMNS = [exceptions.c[name] for name in Taught.__slots__]
_NEW = (
    *("kind", "sender_key", "phrase", "comune", "territory", "read_comune", "read_territory", "read_topic"),
    *("topic", "project", "address_key", "message_id"),
)


def add_exception(tx: Transaction, expires_at: datetime, **values: str | int) -> int:
    """Keep what was taught; its number."""
    unknown = set(values) - set(_NEW)
    if unknown:
        raise ValueError(f"no column of an exception: {sorted(unknown)}")
    row = {"created_at": tx.now, "created_by": tx.actor[:64], "expires_at": expires_at, "uses": 0}
    statement = sa.insert(exceptions).values(**values, **row)
    number: int = tx.execute(statement.returning(exceptions.c.id)).scalar_one()
    return number


def taught_now(tx: Transaction, expires_at: datetime, values: Mapping[str, Any]) -> Taught:
    """What :func:`add_exception` would keep of these values, to be looked at before."""
    unused: dict[str, Any] = {"id": 0, "ended_at": None, "uses": 0, "last_used_at": None}
    return Taught(**values, **unused, created_at=tx.now, created_by=tx.actor[:64], expires_at=expires_at)


def working_exceptions(tx: Transaction, sender_keys: Collection[str] | None = None) -> list[Taught]:
    """What decides messages of these senders, or of all, now: what holds, less what an undo would still end."""
    found = live_exceptions(tx, sender_keys)
    resting = resting_exceptions(tx) if found else frozenset()
    return [one for one in found if one.id not in resting]


def resting_exceptions(tx: Transaction) -> frozenset[int]:
    """Those that hold and do not work yet: the settlement that taught them may still be undone."""
    query = sa.select(exceptions.c.id).where(
        exceptions.c.ended_at.is_(None),
        exceptions.c.expires_at > tx.now,
        settlements.c.message_id == exceptions.c.message_id,
        settlements.c.at <= exceptions.c.created_at,
        settlements.c.undo_until > tx.now,
        settlements.c.undone_at.is_(None),
    )
    return frozenset(tx.execute(query).scalars())


def live_exceptions(tx: Transaction, sender_keys: Collection[str] | None = None) -> list[Taught]:
    """What holds now, newest first: of these senders, and every phrase; of all senders unless they are given."""
    query = sa.select(*_COLUMNS).where(exceptions.c.ended_at.is_(None), exceptions.c.expires_at > tx.now)
    if sender_keys is not None:
        query = query.where(
            sa.or_(exceptions.c.sender_key.in_(sorted(sender_keys)), exceptions.c.kind == ExceptionKind.PHRASE)
        )
    return [Taught(**row) for row in tx.execute(query.order_by(exceptions.c.id.desc())).mappings()]


def exception_numbered(tx: Transaction, number: int) -> Taught | None:
    """One exception, or ``None``."""
    found = tx.execute(sa.select(*_COLUMNS).where(exceptions.c.id == number)).mappings().first()
    return Taught(**found) if found else None


def all_exceptions(tx: Transaction, limit: int = 200) -> list[Taught]:
    """Those that hold and those that ended, the newest first."""
    query = sa.select(*_COLUMNS).order_by(exceptions.c.id.desc()).limit(limit)
    return [Taught(**row) for row in tx.execute(query).mappings()]


def taught_by(tx: Transaction, message_id: int) -> list[Taught]:
    """What this message taught and still holds, the newest first."""
    return [one for one in live_exceptions(tx) if one.message_id == message_id]


def end_exception(tx: Transaction, number: int) -> bool:
    """It holds no more; whether it had."""
    statement = sa.update(exceptions).where(exceptions.c.id == number, exceptions.c.ended_at.is_(None))
    return tx.execute(statement.values(ended_at=tx.now)).rowcount > 0


def hold_exception_again(tx: Transaction, number: int) -> bool:
    """It holds again until it expires; whether it had been ended."""
    statement = sa.update(exceptions).where(exceptions.c.id == number, exceptions.c.ended_at.is_not(None))
    return tx.execute(statement.values(ended_at=None)).rowcount > 0


def messages_since(tx: Transaction, one: Taught, limit: int) -> list[MessageRow]:
    """The newest messages of the sender whom a rule is about, since it was taught."""
    mine = (messages.c.author_key == one.sender_key) & (messages.c.id > one.message_id)
    query = sa.select(*COLUMNS).where(mine).order_by(messages.c.id.desc()).limit(limit)
    return [row_of(row) for row in tx.execute(query).mappings()] if one.sender_key else []


def note_uses(tx: Transaction, numbers: Sequence[int]) -> None:
    """Each of these has decided a message once more."""
    for number in numbers:
        statement = sa.update(exceptions).where(exceptions.c.id == number)
        tx.execute(statement.values(uses=exceptions.c.uses + 1, last_used_at=tx.now))
