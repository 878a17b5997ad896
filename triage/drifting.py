"""Whether the mail has changed since the model learnt it: the last weeks against the months before.

Enters counts (``triage.record.drift``), leaves for each property how far its mix has moved. Measured by the population
stability index, the sum over values of (p - q) ln(p / q): below 0.1 nothing to speak of, below 0.25 some, above it
much. With few messages chance alone moves a mix, so nothing is said of fewer than :data:`FEWEST`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from triage.record.drift import Mix, mix_between
from triage.record.store import Transaction

RECENT = timedelta(days=28)
BEFORE = timedelta(days=182)
FEWEST = 400
"""Messages in each of the two stretches: with ten values, chance alone then moves the index by about 0.05."""
SOME, MUCH = 0.1, 0.25
_RARE = 0.005
"""Share below which values are counted as one: a single message in a rare language is no change."""
REST = "altro"


class Change(StrEnum):
    """How far a mix has moved."""

    NONE = "nessuno"
    SOME = "qualcosa"
    MUCH = "molto"


@dataclass(frozen=True, slots=True)
class Drift:
    """One property: the shares of its values before and recently, greatest change first, and the whole in a number."""

    name: str
    change: Change
    index: float
    shares: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class Drifts:
    """All properties; none where either stretch has too few messages."""

    before: Mix
    recent: Mix
    found: tuple[Drift, ...]


def drifts(tx: Transaction) -> Drifts:
    """The last four weeks against the half year before them."""
    edge = tx.now - RECENT
    before, recent = mix_between(tx, edge - BEFORE, edge), mix_between(tx, edge, tx.now + timedelta(seconds=1))
    if min(before.messages, recent.messages) < FEWEST:
        return Drifts(before, recent, ())
    pairs = {
        "argomenti": (before.topics, recent.topics),
        "zone": (before.territories, recent.territories),
        "lingue": (before.languages, recent.languages),
        "fiducia": (before.confidence, recent.confidence),
    }
    return Drifts(before, recent, tuple(drift(name, first, second) for name, (first, second) in pairs.items()))


def drift(name: str, before: Mapping[str, int], recent: Mapping[str, int]) -> Drift:
    """How far one mix has moved; values that are rare both times count together."""
    totals = sum(before.values()), sum(recent.values())
    shares: dict[str, tuple[float, float]] = {}
    for value in sorted({*before, *recent}):
        pair = before.get(value, 0) / totals[0], recent.get(value, 0) / totals[1]
        known = value if max(pair) >= _RARE else REST
        rest = shares.get(known, (0.0, 0.0))
        shares[known] = rest[0] + pair[0], rest[1] + pair[1]
    floor = 0.5 / max(totals)
    index = sum((max(q, floor) - max(p, floor)) * math.log(max(q, floor) / max(p, floor)) for p, q in shares.values())
    change = Change.MUCH if index >= MUCH else Change.SOME if index >= SOME else Change.NONE
    ordered = sorted(shares.items(), key=lambda item: -abs(item[1][1] - item[1][0]))
    return Drift(name, change, round(index, 3), tuple((value, p, q) for value, (p, q) in ordered))
