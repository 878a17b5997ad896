"""How far an answer is trusted: corrected probabilities, promised levels, and who may be answered.

Enters what the classification says of itself and what the administrator promised, leaves numbers and
yes or no. Pure (design, decisions 7 and 9).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from triage.vocabulary import NOT_FOR_US, Acceptance, Classification, Reason

SURE_NOT_FOR_US = 0.7
"""Probability of ``non_pertinente`` from which even a machine's mail may be filed unseen."""
PERHAPS_NOT_FOR_US = 0.15
"""Probability of ``non_pertinente`` from which nobody is answered automatically."""


def may_be_answered(classification: Classification) -> bool:
    """The guide's ``ricevuta``, on the safe side: what may well be an advertisement or a machine's gets no answer."""
    return (
        not classification.automatic
        and not any(reason.code == "forse_automatico" for reason in classification.reasons)
        and classification.topic != NOT_FOR_US
        and classification.topic_scores.get(NOT_FOR_US, 0.0) < PERHAPS_NOT_FOR_US
    )


UNSURE_LANGUAGE = "lingua_incerta"
"""Reason that says that families had better be answered in Italian and in easy English (failure F114)."""
SURE_LANGUAGE = 0.7
"""Confidence from which a language is taken as the writer's. Latin letters for another script are below it:
who writes Punjabi or Arabic so need not read the script."""


def doubt(classification: Classification) -> tuple[Reason, ...]:
    """What the families' texts must know of a language that is only guessed."""
    return (Reason(UNSURE_LANGUAGE),) if classification.language_confidence < SURE_LANGUAGE else ()


def corrected(raw: float, acceptance: Acceptance) -> float:
    """The probability that a destination is right, from the rules' own sum and what the model learnt of it."""
    if acceptance.slope == 1.0 and acceptance.offset == 0.0:
        return raw
    kept = min(max(raw, 1e-4), 1.0 - 1e-4)
    value = acceptance.slope * math.log(kept / (1.0 - kept)) + acceptance.offset
    return 1.0 / (1.0 + math.exp(-min(max(value, -30.0), 30.0)))


def least_confidence(floor: float, max_wrong: float, acceptance: Acceptance) -> float:
    """From which confidence on a forward may leave: the floor, and the level that keeps the promise.

    A model without levels promises nothing, and the floor alone counts. One that has none for a
    promise as strict as this holds everything: the answer is above 1.
    """
    if not acceptance.levels:
        return floor
    kept = [threshold for limit, threshold in acceptance.levels if limit <= max_wrong]
    return max(floor, min(kept, default=1.1))


def topic_probabilities(classification: Classification) -> Mapping[str, float]:
    """The topics' probabilities, normalised; the chosen topic alone when there are none."""
    scores = {
        topic: score for topic, score in classification.topic_scores.items() if math.isfinite(score) and score > 0.0
    }
    largest = max(scores.values(), default=0.0)
    if largest <= 0.0:
        return {classification.topic: 1.0}
    total = math.fsum(score / largest for score in scores.values())
    return {topic: score / largest / total for topic, score in sorted(scores.items())}
