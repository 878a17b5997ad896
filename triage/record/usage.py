"""How much each submission account was used lately: one count for all workers of a record.

Counted by spans of time and summed over whole ones, so that no minute and no day ever holds more
than its limit. Costs nothing while an account has no limits.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import sqlalchemy as sa

from triage.record.store import Transaction
from triage.record.tables import account_use

UNLIMITED = 1 << 30
_SPANS = {"minute": (60, 5), "day": (86_400, 3_600)}
"""Seconds of the whole, and of the spans that it is counted in."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an account takes; 0 is no limit. ``account`` says which, in any words."""

    account: str
    per_minute: int
    per_day: int

    @property
    def any(self) -> bool:
        """Whether there is anything to count."""
        return bool(self.per_minute or self.per_day)


@dataclass(frozen=True, slots=True)
class Room:
    """How many messages may begin now."""

    this_minute: int
    today: int

    @property
    def messages(self) -> int:
        """Under both limits."""
        return min(self.this_minute, self.today)


def room_for(tx: Transaction, limits: Limits, *, lock: bool = False) -> Room:
    """What the account still takes. With ``lock`` no other worker counts until this transaction ends."""
    if not limits.any:
        return Room(UNLIMITED, UNLIMITED)
    key = _key(limits)
    if lock and tx.skips_locked:
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(7216, int(key[:7], 16))))
    wanted = [("minute", limits.per_minute), ("day", limits.per_day)]
    left = []
    for span, limit in wanted:
        query = sa.select(sa.func.coalesce(sa.func.sum(account_use.c.begun), 0)).where(
            account_use.c.account == key, account_use.c.span == span, account_use.c.slot >= _first_slot(tx, span)
        )
        left.append(max(0, limit - int(tx.execute(query).scalar_one())) if limit else UNLIMITED)
    return Room(*left)


def count_begun(tx: Transaction, limits: Limits, messages: int) -> None:
    """So many messages begin now; what is too old to matter is forgotten."""
    if not (limits.any and messages):
        return
    key = _key(limits)
    rows = [
        {"account": key, "span": span, "slot": _slot(tx, step), "begun": messages} for span, (_, step) in _SPANS.items()
    ]
    statement = tx.insert(account_use).values(rows)
    statement = statement.on_conflict_do_update(
        index_elements=["account", "span", "slot"], set_={"begun": account_use.c.begun + statement.excluded.begun}
    )
    tx.execute(statement)
    for span in _SPANS:
        tx.execute(
            sa.delete(account_use).where(
                account_use.c.account == key, account_use.c.span == span, account_use.c.slot < _first_slot(tx, span)
            )
        )


def forget_use_to_come(tx: Transaction) -> None:
    """What was counted in times that have not come, as by a clock that was ahead, uses up nothing."""
    for span, (_, step) in _SPANS.items():
        tx.execute(sa.delete(account_use).where(account_use.c.span == span, account_use.c.slot > _slot(tx, step)))


def _slot(tx: Transaction, step: int) -> int:
    return int(tx.now.timestamp()) // step


def _first_slot(tx: Transaction, span: str) -> int:
    whole, step = _SPANS[span]
    return (int(tx.now.timestamp()) - whole) // step


def _key(limits: Limits) -> str:
    # An account's name is an address: kept as a digest.
    return hashlib.sha256(limits.account.encode()).hexdigest()[:32]
