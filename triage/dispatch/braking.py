"""Stops acknowledgements at the last moment: in the transaction that would begin them (failure F10)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from triage.record import Transaction
from triage.record.breaker import KINDS, Limits, judge
from triage.record.dispatches import DispatchRow, put_back
from triage.rules.types import Rules

AGAIN = timedelta(minutes=15)
"""How soon acknowledgements are looked at again while the breaker stops them."""


def let_through(tx: Transaction, rows: Sequence[DispatchRow], rules: Rules) -> list[DispatchRow]:
    """Those that may begin now; what the breaker stops is put back. It never stops a forward or a notice."""
    counted = [row for row in rows if row.kind in KINDS]
    if not counted:
        return list(rows)
    stopped = counted[judge(tx, limits_of(rules), len(counted)) :]
    put_back(tx, stopped, tx.now + AGAIN)
    return [row for row in rows if row not in stopped]


def limits_of(rules: Rules) -> Limits:
    """How many acknowledgements may leave and come back in an hour."""
    limits = rules.acknowledgements
    return Limits(limits.breaker_sent_per_hour, limits.breaker_returned_per_hour)
