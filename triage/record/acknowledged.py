"""What families were sent before: the history that the gate is given, for a whole batch at once.

Questions and notices of a new centre count for the limits like acknowledgements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.store import Transaction
from triage.record.tables import dispatches
from triage.vocabulary import TO_FAMILIES, DispatchKind, DispatchState

_LEFT = (DispatchState.SUBMITTING, DispatchState.ACCEPTED, DispatchState.UNKNOWN)
"""It left, or may have left: what went unanswered may have arrived."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Counts and times of acknowledgements that left, or may have left, by keyed hash."""

    last_in_case: Mapping[tuple[str, int], datetime]
    """By recipient key and case."""
    to_address_last_day: Mapping[str, int]
    to_domain_last_hour: Mapping[str, int]
    total_last_hour: int

    def plus(self, recipient_key: str, domain_key: str) -> Acknowledged:
        """The same with one more that is about to leave."""
        address, domain = self.to_address_last_day, self.to_domain_last_hour
        return Acknowledged(
            self.last_in_case,
            {**address, recipient_key: address.get(recipient_key, 0) + 1},
            {**domain, domain_key: domain.get(domain_key, 0) + 1},
            self.total_last_hour + 1,
        )


def acknowledged_before(
    tx: Transaction, recipient_keys: Iterable[str], domain_keys: Iterable[str], window: timedelta
) -> Acknowledged:
    """The history of these addresses, counted from when each left (not from when it was planned)."""
    addresses, domains = sorted(set(recipient_keys)), set(domain_keys)
    to_address: Counter[str] = Counter()
    to_domain: Counter[str] = Counter()
    total = 0
    for recipient, domain in tx.execute(_on_the_wire()):
        to_address[recipient] += 1
        to_domain[domain] += 1
        total += 1
    for recipient, count in tx.execute(_answered(dispatches.c.recipient_key, tx.now - timedelta(days=1), addresses)):
        to_address[recipient] += count
    for domain, count in tx.execute(_answered(dispatches.c.domain_key, tx.now - timedelta(hours=1))):
        to_domain[domain] += count
        total += count
    return Acknowledged(
        last_in_case=_last_in_case(tx, addresses, tx.now - window),
        to_address_last_day={key: count for key, count in to_address.items() if key in addresses},
        to_domain_last_hour={key: count for key, count in to_domain.items() if key in domains},
        total_last_hour=total,
    )


def _on_the_wire() -> sa.Select[str, str]:
    return sa.select(dispatches.c.recipient_key, dispatches.c.domain_key).where(
        dispatches.c.state == DispatchState.SUBMITTING, dispatches.c.kind.in_(TO_FAMILIES)
    )


def _answered(key: sa.Column[str], since: datetime, keys: Sequence[str] | None = None) -> sa.Select[str, int]:
    query = (
        sa.select(key, sa.func.count())
        .where(dispatches.c.kind.in_(TO_FAMILIES), dispatches.c.ended_at > since)
        .where(dispatches.c.state.in_(_LEFT))
        .group_by(key)
    )
    return query if keys is None else query.where(key.in_(keys))


def _last_in_case(tx: Transaction, addresses: Sequence[str], since: datetime) -> dict[tuple[str, int], datetime]:
    query = (
        sa.select(dispatches.c.recipient_key, dispatches.c.case_id, sa.func.max(dispatches.c.ended_at))
        .where(dispatches.c.kind == DispatchKind.ACKNOWLEDGEMENT, dispatches.c.recipient_key.in_(addresses))
        .where(dispatches.c.state.in_(_LEFT), dispatches.c.ended_at > since)
        .group_by(dispatches.c.recipient_key, dispatches.c.case_id)
    )
    return {(key, case): ended for key, case, ended in tx.execute(query)}
