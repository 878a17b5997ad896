"""Numbers about the flow for the page: how much, how fast, how long it waits; never who did it.

Volumes are counted by the first decision of each message, from the index alone. Times are those of the newest few
thousand, so that their cost does not grow with the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.filing import AT_REST
from triage.record.plans import unindexed
from triage.record.store import Transaction
from triage.record.tables import decisions, dispatches, messages, settlements
from triage.vocabulary import DispatchKind, DispatchState

NEWEST = 2_000
"""So many of the newest forwards, and settlements, are measured."""


@dataclass(frozen=True, slots=True)
class Volume:
    """How many messages of one span were first decided like this; ``destination``: project, operatore, nessuna."""

    destination: str
    topic: str
    language: str
    action: str
    count: int


def volumes(tx: Transaction, begin: datetime, end: datetime) -> list[Volume]:
    """Of one span of time, its end excluded."""
    query = volumes_query(begin, end)
    return [Volume(*row) for row in tx.execute(query)]


def volumes_query(begin: datetime, end: datetime) -> sa.Select[tuple[str, str, str, str, int]]:
    """What :func:`volumes` asks."""
    kinds = (decisions.c.destination, decisions.c.topic, decisions.c.language, decisions.c.action)
    return (
        sa.select(*kinds, sa.func.count())
        .where(decisions.c.generation == 1, decisions.c.decided_at >= begin, decisions.c.decided_at < end)
        .group_by(*kinds)
    )


def forward_times(tx: Transaction) -> tuple[list[timedelta], list[timedelta]]:
    """From a message's reception to its forward's 250: those that left by themselves, and those a person decided."""
    alone: list[timedelta] = []
    decided: list[timedelta] = []
    for generation, ended_at, received_at in tx.execute(forward_times_query()):
        (alone if generation == 1 else decided).append(ended_at - received_at)
    return alone, decided


def forward_times_query() -> sa.Select[tuple[int, datetime, datetime]]:
    """What :func:`forward_times` asks."""
    return (
        sa.select(dispatches.c.generation, dispatches.c.ended_at, messages.c.received_at)
        .join_from(dispatches, messages, messages.c.id == dispatches.c.message_id)
        .where(dispatches.c.kind == DispatchKind.FORWARD, dispatches.c.ended_at.is_not(None))
        .where(unindexed(dispatches.c.state) == DispatchState.ACCEPTED, messages.c.received_at.is_not(None))
        .order_by(dispatches.c.ended_at.desc())
        .limit(NEWEST)
    )


def held_times(tx: Transaction) -> list[timedelta]:
    """From a message's reception to its settlement by a person."""
    return [at - received_at for at, received_at in tx.execute(held_times_query())]


def held_times_query() -> sa.Select[tuple[datetime, datetime]]:
    """What :func:`held_times` asks."""
    return (
        sa.select(settlements.c.at, messages.c.received_at)
        .join_from(settlements, messages, messages.c.id == settlements.c.message_id)
        .where(settlements.c.undone_at.is_(None), messages.c.received_at.is_not(None))
        .order_by(settlements.c.at.desc())
        .limit(NEWEST)
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a person: how many, since when the oldest, and how many longer than each age."""

    count: int
    oldest: datetime | None
    longer: tuple[int, ...]


def waiting(tx: Transaction, ages: Sequence[timedelta]) -> Waiting:
    """Of everything that waits now, from its arrival in the mailbox."""
    count, oldest, *longer = tx.execute(waiting_query(tx.now, ages)).one()
    return Waiting(count, oldest, tuple(number or 0 for number in longer))


def waiting_query(now: datetime, ages: Sequence[timedelta]) -> sa.Select[tuple[int, ...]]:
    """What :func:`waiting` asks."""
    arrived = (messages.c.internal_date, messages.c.received_at, messages.c.listed_at)
    since = sa.func.coalesce(*arrived, type_=messages.c.listed_at.type)
    older = [sa.func.sum(sa.case((since <= now - age, 1), else_=0)) for age in ages]
    return sa.select(sa.func.count(), sa.func.min(since), *older).where(messages.c.state.in_(AT_REST))


def states(tx: Transaction) -> dict[str, int]:
    """How many messages stand in each state, from the index alone."""
    return {row[0]: row[1] for row in tx.execute(states_query())}


def states_query() -> sa.Select[tuple[str, int]]:
    """What :func:`states` asks."""
    return sa.select(messages.c.state, sa.func.count()).group_by(messages.c.state)
