"""Places in, answers of the guide out: comune probabilities summed after the map to projects.

In: a ``Classification``, which knows places only, and the rules, which know projects. Out: one
probability per answer (guide, section 1). Nothing is refused: numbers that are no probabilities
count as nothing, and a classification that says nothing is ``non_indicato``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from triage.rules.types import Rules
from triage.vocabulary import OUTSIDE, SECOND_HAND, SEVERAL, UNCOVERED, UNSTATED, Classification, PlaceMention, Role

MATERIAL = 0.05
"""Share of the places' probability from which an answer counts as one that the message speaks of."""

RIVAL = 0.10
"""Probability from which a second answer explains why the first is not sure enough."""

NAMED = 0.55
"""Weight from which a place that is named in passing may be the one that counts."""

SURE_NAME = 0.95
SURE_PREFIX = 0.90
"""Share of one answer from which a mention that spans several answers decides all the same. A name,
area or CAP that is shared says nothing; the prefix 0375 decides, save two comuni of twenty-two."""


@dataclass(frozen=True, slots=True)
class TerritoryScores:
    """Probability of each answer: project codes and the guide's four others; they sum to 1.

    ``scores`` is in an order that does not depend on project codes, so that ties do not either.
    """

    scores: Mapping[str, float]
    best: str

    def runner_up(self) -> tuple[str, float]:
        """The second most probable answer and its probability ("" and 0 when there is none)."""
        others = [(code, score) for code, score in self.scores.items() if code != self.best]
        return max(others, key=lambda item: item[1], default=("", 0.0))

    def has_rival_place(self) -> bool:
        """Whether a place with another answer than the best is likely as well; to name no place is none."""
        return any(score >= RIVAL for code, score in self.scores.items() if code not in (self.best, UNSTATED))


def territory_of(classification: Classification, rules: Rules) -> TerritoryScores:
    """The answers' probabilities for one message under these rules."""
    by_answer = _summed(classification, rules)
    if _spans_answers(classification, by_answer, rules):
        stated = {OUTSIDE: by_answer[OUTSIDE]}
        by_answer = {UNSTATED: math.fsum(by_answer.values()) - by_answer[OUTSIDE], **stated}
    several = _probability(classification.several) if _two_answers(by_answer) else 0.0
    scores = {SEVERAL: several}
    scores.update({answer: score * (1.0 - several) for answer, score in by_answer.items()})
    return TerritoryScores(scores, max(scores, key=lambda answer: scores[answer]))


def answer_for(comune: str, rules: Rules) -> str:
    """The answer that one comune means: its project, ``scoperto``, or ``non_indicato`` if unknown."""
    if comune not in rules.places:
        return UNSTATED
    return rules.project_of.get(comune, UNCOVERED)


def names_another_place(territory: str, places: Sequence[PlaceMention], rules: Rules) -> bool:
    """Whether the writer's new words name a place of another answer that may count (design, decision 7).

    A home elsewhere, a second family, a desk just over the border: who of two is meant, a person decides.
    Places that count for nothing (work, streets, hospitals, countries of birth) have no weight and are passed over.
    Where only the sender's name or domain leads to the answer, a second place in these is another one, too.
    """
    told = any(
        place.where in _WRITTEN and place.weight > 0.0 and territory in _answers(place, rules) for place in places
    )
    for place in places:
        of_sender = place.where in _OF_SENDER and not told and place.weight > 0.0 and bool(place.comuni)
        if of_sender and territory not in _answers(place, rules):
            return True
        if place.where not in _WRITTEN:
            continue
        if place.kind == "outside" and place.weight > 0.0:
            return True
        if place.kind == "homonym" and place.weight >= NAMED and not _confirmed(place, places):
            return True  # Rovereto near Crema, or the town in Trentino
        if place.weight >= NAMED and place.comuni and territory not in _answers(place, rules):
            return True
    return False


def is_somebody_elses(territory: str, places: Sequence[PlaceMention], rules: Rules) -> bool:
    """Whether every place that leads to this answer counts for nothing: where somebody works, a relative lives.

    What was learnt may have taken such a place for the family's all the same (guide, section 1, rule 5). What the
    writer only saw or heard of there ("un volantino in biblioteca a ...") is a guess, and sends nothing either.
    """
    leading = [place for place in places if place.comuni and territory in _answers(place, rules)]
    return all(place.weight <= SECOND_HAND for place in leading) and any(place.role in _SOMEBODYS for place in leading)


_WRITTEN = frozenset({"subject", "text"})
_OF_SENDER = frozenset({"author", "domain"})
_SOMEBODYS = frozenset({Role.WORK, Role.RELATIVES, Role.HOSPITAL, Role.NEGATED, Role.OTHER})


def _confirmed(place: PlaceMention, places: Sequence[PlaceMention]) -> bool:
    """Whether another place, CAP or prefix of the message leads to the same comune."""
    return any(
        other.weight > 0 and other.kind != "homonym" and not set(other.comuni).isdisjoint(place.comuni)
        for other in places
    )


def _summed(classification: Classification, rules: Rules) -> dict[str, float]:
    """Probabilities after the map, normalised; comuni in order of name."""
    outside = _probability(classification.outside)
    unstated = _probability(classification.unstated)
    sums: dict[str, list[float]] = {UNSTATED: [unstated], OUTSIDE: [outside], UNCOVERED: []}
    for comune in sorted(classification.comune_scores):
        score = _probability(classification.comune_scores[comune])
        sums.setdefault(answer_for(comune, rules), []).append(score)
    total = math.fsum(score for scores in sums.values() for score in scores)
    if total <= 0.0:
        return {UNSTATED: 1.0, OUTSIDE: 0.0, UNCOVERED: 0.0}
    return {answer: math.fsum(scores) / total for answer, scores in sums.items()}


def _spans_answers(classification: Classification, by_answer: Mapping[str, float], rules: Rules) -> bool:
    """Whether all that the message says of places are names, areas, CAPs or prefixes of several answers."""
    carrying = frozenset(answer for answer, share in _shares(by_answer).items() if share >= MATERIAL)
    answers = [(place, _answers(place, rules)) for place in classification.places if place.weight > 0]
    # A mention that was outweighed altogether, such as a place of work, neither spreads nor decides.
    spread = [(place, found) for place, found in answers if found & carrying]
    if not spread or any(len(found) == 1 for _, found in spread):
        return False
    if len(frozenset.intersection(*(found for _, found in spread))) == 1:
        return False  # a CAP and a hamlet that share one answer have told it together
    comuni = {answer: score for answer, score in by_answer.items() if answer not in (UNSTATED, OUTSIDE)}
    total = math.fsum(comuni.values())
    if total <= 0.0:
        return False
    sure = SURE_PREFIX if all(place.kind == "prefix" for place, _ in spread) else SURE_NAME
    return max(comuni.values()) / total < sure


def _answers(place: PlaceMention, rules: Rules) -> frozenset[str]:
    if place.kind == "outside":
        return frozenset({OUTSIDE})
    return frozenset(answer_for(comune, rules) for comune in place.comuni)


def _two_answers(by_answer: Mapping[str, float]) -> bool:
    """Whether places in two different answers carry weight: two comuni of one project are no ``multiplo``."""
    return sum(share >= MATERIAL for share in _shares(by_answer).values()) >= 2


def _shares(by_answer: Mapping[str, float]) -> dict[str, float]:
    """How what is said of places, in the provinces or outside, is divided among the answers."""
    placed = {answer: score for answer, score in by_answer.items() if answer != UNSTATED}
    total = math.fsum(placed.values())
    return {answer: score / total for answer, score in placed.items()} if total > 0.0 else {}


def _probability(value: float) -> float:
    return min(1.0, value) if math.isfinite(value) and value > 0.0 else 0.0
