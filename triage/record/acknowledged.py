"""What was acknowledged before: the history that the gate is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.store import Transaction
from triage.record.tables import dispatches
from triage.vocabulary import DispatchKind, DispatchState

_COUNTS = (DispatchState.PENDING, DispatchState.SUBMITTING, DispatchState.ACCEPTED, DispatchState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One acknowledgement that was, or is about to be, sent to an address."""

    case_id: int
    created_at: datetime


def acknowledged_lately(
    tx: Transaction, recipient_keys: Sequence[str], window: timedelta
) -> dict[str, tuple[Acknowledged, ...]]:
    """By recipient key, what went to it within the window, oldest first; unknown outcomes count."""
    query = (
        sa.select(dispatches.c.recipient_key, dispatches.c.case_id, dispatches.c.created_at)
        .where(dispatches.c.recipient_key.in_(list(recipient_keys)))
        .where(dispatches.c.kind == DispatchKind.ACKNOWLEDGEMENT, dispatches.c.state.in_(_COUNTS))
        .where(dispatches.c.created_at > tx.now - window)
        .order_by(dispatches.c.id)
    )
    found: dict[str, tuple[Acknowledged, ...]] = {}
    for key, case_id, created_at in tx.execute(query):
        found[key] = (*found.get(key, ()), Acknowledged(case_id, created_at))
    return found


def acknowledged_count(tx: Transaction, since: datetime) -> int:
    """How many acknowledgements were put on their way since then, to anybody: for the breaker."""
    query = sa.select(sa.func.count()).where(
        dispatches.c.kind == DispatchKind.ACKNOWLEDGEMENT,
        dispatches.c.created_at > since,
        dispatches.c.state.in_(_COUNTS),
    )
    return int(tx.execute(query).scalar_one())
