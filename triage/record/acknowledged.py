"""What was acknowledged before: the history that the gate is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.store import Transaction
from triage.record.tables import dispatches
from triage.vocabulary import DispatchKind, DispatchState

_COUNTS = (DispatchState.SUBMITTING, DispatchState.ACCEPTED, DispatchState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Counts and times of acknowledgements that left, or may have left."""

    last_in_case: datetime | None
    to_address_last_day: int
    to_domain_last_hour: int
    total_last_hour: int


def acknowledged_before(
    tx: Transaction, *, case_id: int | None, recipient_key: str, domain_key: str, window: timedelta
) -> Acknowledged:
    """The history of one address; unknown outcomes count, since they may have arrived."""
    left = sa.select(sa.func.count()).where(
        dispatches.c.kind == DispatchKind.ACKNOWLEDGEMENT, dispatches.c.state.in_(_COUNTS)
    )
    hour = dispatches.c.created_at > tx.now - timedelta(hours=1)
    day = dispatches.c.created_at > tx.now - timedelta(days=1)
    last = sa.select(sa.func.max(dispatches.c.ended_at)).where(
        dispatches.c.recipient_key == recipient_key,
        dispatches.c.kind == DispatchKind.ACKNOWLEDGEMENT,
        dispatches.c.case_id == (case_id or 0),
        dispatches.c.created_at > tx.now - window,
        dispatches.c.state.in_(_COUNTS),
    )
    return Acknowledged(
        last_in_case=tx.execute(last).scalar(),
        to_address_last_day=tx.execute(left.where(dispatches.c.recipient_key == recipient_key, day)).scalar_one(),
        to_domain_last_hour=tx.execute(left.where(dispatches.c.domain_key == domain_key, hour)).scalar_one(),
        total_last_hour=tx.execute(left.where(hour)).scalar_one(),
    )
