"""How the mail of the last weeks differs from that of the months before, in counts: no message is looked into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from triage.record.messages import PAGE
from triage.record.store import Transaction
from triage.record.tables import decisions, messages
from triage.vocabulary import Action

CONFIDENCE_BANDS = (0.5, 0.8, 0.9, 0.95)
MOST = 2_000
"""Messages of one stretch of time that are counted."""


@dataclass(frozen=True, slots=True)
class Mix:
    """Decisions of a stretch of time: how many, and how they are divided."""

    messages: int
    topics: Mapping[str, int]
    languages: Mapping[str, int]
    territories: Mapping[str, int]
    confidence: Mapping[str, int]
    """By the band that it lies in, as ``0``, ``1``, ...: below 0.5, below 0.8, and so on."""
    held: int
    sampled: bool = False
    """Whether only a part of them was counted."""


def mix_between(tx: Transaction, since: datetime, until: datetime, most: int = MOST) -> Mix:
    """First decisions of persons' calm mail that was listed between two instants.

    Of more than ``most`` messages only every second, third, ... is counted: enough for shares, and quick.
    """
    low, high = _first_since(tx, since), _first_since(tx, until)
    step = max(1, -(-(high - low) // most))
    keys = range(low, high, step)
    parts: tuple[dict[str, int], dict[str, int], dict[str, int], dict[str, int]] = ({}, {}, {}, {})
    total = held = 0
    for start in range(0, len(keys), PAGE):
        for *values, action, count in tx.execute(_counts(keys[start : start + PAGE], step)):
            total += count
            held += count if action == Action.HOLD else 0
            for part, value in zip(parts, values, strict=True):
                part[str(value)] = part.get(str(value), 0) + count
    return Mix(total, *parts, held=held, sampled=step > 1)


def _counts(keys: range, step: int) -> sa.Select[*tuple[Any, ...]]:
    band = sa.case(
        *((decisions.c.confidence < edge, str(number)) for number, edge in enumerate(CONFIDENCE_BANDS)),
        else_=str(len(CONFIDENCE_BANDS)),
    )
    columns = (decisions.c.topic, decisions.c.language, decisions.c.territory, band, decisions.c.action)
    chosen = decisions.c.message_id.between(keys[0], keys[-1]) if step == 1 else decisions.c.message_id.in_(list(keys))
    return (
        sa.select(*columns, sa.func.count())
        .where(chosen, decisions.c.generation == 1)
        .where(decisions.c.automatic.is_(False), decisions.c.urgent.is_(False))
        .group_by(*columns)
    )


def _first_since(tx: Transaction, moment: datetime) -> int:
    """The number of the first message listed at or after an instant; numbers follow the time of listing."""
    low, high = 1, (tx.execute(sa.select(sa.func.max(messages.c.id))).scalar() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        query = sa.select(messages.c.id, messages.c.listed_at).where(messages.c.id >= middle)
        row = tx.execute(query.order_by(messages.c.id).limit(1)).first()
        if row is None or row.listed_at >= moment:
            high = middle
        else:
            low = int(row.id) + 1
    return low
