"""What families were sent before: the history that the gate is given, for a whole batch at once.

Questions and notices of a new centre count for the limits like acknowledgements.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.plans import unindexed
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
    for recipient, domain in tx.execute(_ON_THE_WIRE):
        to_address[recipient] += 1
        to_domain[domain] += 1
        total += 1
    asked = {"since": tx.now - timedelta(days=1), "addresses": addresses}
    for recipient, count in tx.execute(_TO_ADDRESSES, asked):
        to_address[recipient] += count
    for domain, count in tx.execute(_TO_DOMAINS, {"since": tx.now - timedelta(hours=1)}):
        to_domain[domain] += count
        total += count
    return Acknowledged(
        last_in_case=_last_in_case(tx, addresses, tx.now - window),
        to_address_last_day={key: count for key, count in to_address.items() if key in addresses},
        to_domain_last_hour={key: count for key, count in to_domain.items() if key in domains},
        total_last_hour=total,
    )


def _last_in_case(tx: Transaction, addresses: Sequence[str], since: datetime) -> dict[tuple[str, int], datetime]:
    asked = {"since": since, "addresses": addresses}
    return {(key, case): ended for key, case, ended in tx.execute(_LAST_IN_CASE, asked)}


# Built once and not for every message: that took longer than asking them.
_SINCE = dispatches.c.ended_at > sa.bindparam("since")
_ADDRESSES = dispatches.c.recipient_key.in_(sa.bindparam("addresses", expanding=True))
_ON_THE_WIRE = sa.select(dispatches.c.recipient_key, dispatches.c.domain_key).where(
    dispatches.c.state == DispatchState.SUBMITTING, dispatches.c.kind.in_(TO_FAMILIES)
)
_ANSWERED = [dispatches.c.kind.in_(TO_FAMILIES), _SINCE, unindexed(dispatches.c.state).in_(_LEFT)]
_TO_ADDRESSES = (
    sa.select(dispatches.c.recipient_key, sa.func.count())
    .where(*_ANSWERED, _ADDRESSES)
    .group_by(dispatches.c.recipient_key)
)
_TO_DOMAINS = sa.select(dispatches.c.domain_key, sa.func.count()).where(*_ANSWERED).group_by(dispatches.c.domain_key)
_LAST_IN_CASE = (
    sa.select(dispatches.c.recipient_key, dispatches.c.case_id, sa.func.max(dispatches.c.ended_at))
    .where(dispatches.c.kind == DispatchKind.ACKNOWLEDGEMENT, _ADDRESSES, dispatches.c.state.in_(_LEFT), _SINCE)
    .group_by(dispatches.c.recipient_key, dispatches.c.case_id)
)
