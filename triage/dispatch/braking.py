"""Stops acknowledgements at the last moment: in the transaction that would begin them (failure F10).

The gate was asked when each was composed. What another worker has begun since counts, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from triage.conversations import recipient_keys
from triage.decide import against_limits
from triage.decide.gate import SAME_THREAD
from triage.loops import brakes_on
from triage.record import Transaction
from triage.record.acknowledged import acknowledged_before
from triage.record.breaker import KINDS, Limits, begins_alone, judge
from triage.record.dispatches import DispatchRow, put_back
from triage.record.identity import known_secret
from triage.rules.types import Rules
from triage.telling import history_of

AGAIN = timedelta(minutes=15)
"""How soon acknowledgements are looked at again while the breaker or a limit stops them."""
IN_TURN = timedelta(seconds=1)
"""How soon they are begun that another worker's were in the way of: one at a time looks how many have left."""


def let_through(tx: Transaction, rows: Sequence[DispatchRow], rules: Rules) -> list[DispatchRow]:
    """Those that may begin now; what a limit or the breaker stops is put back: never a forward or a notice."""
    counted = [row for row in rows if row.kind in KINDS]
    if not counted:
        return list(rows)
    if begins_alone(tx):
        within = _within_limits(tx, counted, rules)
        chosen = within[: judge(tx, limits_of(rules), len(within))]
        stopped = [row for row in counted if row not in chosen]
        put_back(tx, stopped, tx.now + AGAIN)
    else:
        stopped = counted
        put_back(tx, stopped, tx.now + IN_TURN)
    return [row for row in rows if row not in stopped]


def _within_limits(tx: Transaction, rows: Sequence[DispatchRow], rules: Rules) -> list[DispatchRow]:
    """Those that the caps leave room for, in their order."""
    secret = known_secret(tx)
    keys = [recipient_keys(secret, row.forward_path) for row in rows]
    before = acknowledged_before(tx, [key for key, _ in keys], [domain for _, domain in keys], SAME_THREAD)
    brakes = brakes_on(tx, [row.mailbox_id for row in rows])
    chosen = []
    for row, (recipient, domain) in zip(rows, keys, strict=True):
        history = history_of(
            before, secret, row.forward_path, row.case_id, forward_accepted=True, case_acknowledged=False
        )
        if not against_limits(rules, history, brakes.on(rules, row.mailbox_id)):
            chosen.append(row)
            before = before.plus(recipient, domain)
            brakes.count(row.mailbox_id)
    return chosen


def limits_of(rules: Rules) -> Limits:
    """How many acknowledgements may leave and come back in an hour."""
    limits = rules.acknowledgements
    return Limits(limits.breaker_sent_per_hour, limits.breaker_returned_per_hour)
