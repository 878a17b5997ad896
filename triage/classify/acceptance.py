"""What of a message speaks for and against trusting its answer.

Enters everything that was found in one message, leaves an :class:`Acceptance`: how to correct the
probability that its destination is right. The signs are the margin of each head, competing places,
danger nearly seen, a foreign or unsure language, length, and words that the model never met. The
weights are learnt out of fold (``triage.learning.acceptance``); without them nothing is corrected.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage.classify.territory import PlaceScores
from triage.vocabulary import PROJECT_TOPICS, Acceptance, InboundMessage, PlaceMention, Role


@dataclass(frozen=True, slots=True)
class AcceptanceWeights:
    """Names and weights of the signs, the slope of the raw logit, and the promised levels.

    ``limits`` and ``thresholds`` belong together: the share that may be wrong and the least
    probability with which an answer keeps to it.
    """

    names: tuple[str, ...]
    weights: npt.NDArray[np.float32]
    slope: float
    limits: tuple[float, ...]
    thresholds: tuple[float, ...]


UNTAUGHT = AcceptanceWeights((), np.zeros(0, dtype=np.float32), 1.0, (), ())
"""Corrects nothing and promises nothing."""


def signs(
    message: InboundMessage,
    places: Sequence[PlaceMention],
    scores: PlaceScores,
    topics: Mapping[str, float],
    urgent: float,
    automatic: float,
    language: tuple[str, float],
    known_words: float,
    spoken_of: Mapping[str, float],
) -> Mapping[str, float]:
    """The signs of one message, all within about -3..3.

    ``known_words``: share of words the model has met. ``spoken_of``: the message's concepts by name.
    """
    ordered = sorted(topics.values(), reverse=True)
    best = max(topics, key=lambda name: topics[name])
    comuni = sorted(scores.comune_scores.values(), reverse=True)
    telling = {mention.comuni for mention in places if mention.weight > 0}
    words = len(message.new_text.split())
    return {
        "b": 1.0,
        "topic": ordered[0],
        "topic_margin": ordered[0] - ordered[1],
        "topic_sure": logit(ordered[0]) / 3,
        "for_projects": logit(math.fsum(score for name, score in topics.items() if name in PROJECT_TOPICS)) / 3,
        f"topic={best}": 1.0,
        "unstated": scores.unstated,
        "outside": scores.outside,
        "several": scores.several,
        "comune": comuni[0] if comuni else 0.0,
        "place_sure": logit(math.fsum(comuni)) / 3,
        f"places={min(len(telling), 4)}": 1.0,
        "danger": logit(urgent) / 3,
        "danger_near": float(urgent > 0.2),
        "machine": logit(automatic) / 3,
        "foreign": float(language[0] != "it"),
        "language": 1.0 - language[1],
        "length": math.log1p(words) / 3,
        "short": float(words < 12),
        "long": float(words > 150),
        "unknown_words": 1.0 - known_words,
        "quoted": float(bool(message.quoted_text)),
        "forward": float(message.is_forward),
        "second_comune": comuni[1] if len(comuni) > 1 else 0.0,
        **{f"perhaps={name}": logit(topics[name]) / 3 for name in topics if name not in PROJECT_TOPICS},
        **_of_places(places),
        **{f"says={area}": math.log1p(_sum(spoken_of, area)) for area in _AREAS},
    }


_AREAS = ("pericolo", "quiete", "protesta", "altro_ufficio", "programma")


def _sum(spoken_of: Mapping[str, float], area: str) -> float:
    start = f"concept:{area}/"
    return math.fsum(value for name, value in spoken_of.items() if name.startswith(start))


def _of_places(places: Sequence[PlaceMention]) -> Mapping[str, float]:
    """What the mentions say beside their scores: homes elsewhere, names that several comuni share."""
    homes = {mention.comuni for mention in places if mention.role in _HOMES and mention.weight >= _HOME_WEIGHT}
    roles = {mention.role for mention in places if mention.weight > 0}
    strongest = max(places, key=lambda mention: mention.weight, default=None)
    return {
        "home_outside": float(() in homes),
        "homes": float(len(homes) > 1),
        "outside_named": float(any(mention.kind == "outside" for mention in places)),
        "unknown_named": float(any(mention.kind == "unknown" for mention in places)),
        "shared_name": float(strongest is not None and len(strongest.comuni) > 1),
        "weak_place": float(strongest is None or strongest.weight < _HOME_WEIGHT - 0.1),
        **{f"role={role}": 1.0 for role in roles},
    }


_HOMES = frozenset({Role.RESIDENCE, Role.MOVING_TO})
_HOME_WEIGHT = 0.8


def acceptance_of(weights: AcceptanceWeights, found: Mapping[str, float]) -> Acceptance:
    """How the answer of a message with these signs is to be corrected."""
    known = dict(zip(weights.names, map(float, weights.weights), strict=True))
    offset = math.fsum(known.get(name, 0.0) * value for name, value in found.items())
    return Acceptance(weights.slope, offset, tuple(zip(weights.limits, weights.thresholds, strict=True)))


def logit(probability: float) -> float:
    """Natural log-odds, cut at 1e-4 and 1 - 1e-4."""
    kept = min(max(probability, 1e-4), 1.0 - 1e-4)
    return math.log(kept / (1.0 - kept))
