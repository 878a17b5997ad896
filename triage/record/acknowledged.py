"""What was acknowledged before: the history that the gate is given, for a whole batch at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.store import Transaction
from triage.record.tables import dispatches
from triage.vocabulary import DispatchKind, DispatchState

_LEFT = (DispatchState.SUBMITTING, DispatchState.ACCEPTED, DispatchState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Counts and times of acknowledgements that left, or may have left, by keyed hash."""

    last_in_case: Mapping[tuple[str, int], datetime]
    """By recipient key and case."""
    to_address_last_day: Mapping[str, int]
    to_domain_last_hour: Mapping[str, int]
    total_last_hour: int


def acknowledged_before(
    tx: Transaction, recipient_keys: Iterable[str], domain_keys: Iterable[str], window: timedelta
) -> Acknowledged:
    """The history of these addresses; unknown outcomes count, since they may have arrived."""
    addresses, domains = sorted(set(recipient_keys)), sorted(set(domain_keys))
    left = (dispatches.c.kind == DispatchKind.ACKNOWLEDGEMENT, dispatches.c.state.in_(_LEFT))
    hour = dispatches.c.created_at > tx.now - timedelta(hours=1)
    day = dispatches.c.created_at > tx.now - timedelta(days=1)
    last = (
        sa.select(dispatches.c.recipient_key, dispatches.c.case_id, sa.func.max(dispatches.c.ended_at))
        .where(*left, dispatches.c.recipient_key.in_(addresses), dispatches.c.created_at > tx.now - window)
        .group_by(dispatches.c.recipient_key, dispatches.c.case_id)
    )
    return Acknowledged(
        last_in_case={(key, case): ended for key, case, ended in tx.execute(last) if ended is not None},
        to_address_last_day=_counts(tx, dispatches.c.recipient_key, addresses, (*left, day)),
        to_domain_last_hour=_counts(tx, dispatches.c.domain_key, domains, (*left, hour)),
        total_last_hour=tx.execute(sa.select(sa.func.count()).where(*left, hour)).scalar_one(),
    )


def _counts(
    tx: Transaction, column: sa.Column[str], keys: list[str], conditions: tuple[sa.ColumnElement[bool], ...]
) -> dict[str, int]:
    query = sa.select(column, sa.func.count()).where(*conditions, column.in_(keys)).group_by(column)
    return {key: count for key, count in tx.execute(query)}  # noqa: C416 - rows are not pairs to a type checker
