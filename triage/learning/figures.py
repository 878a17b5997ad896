"""How well answers do, each figure with its n and a 95 % interval.

Enters answers, leaves plain values for the card, the report and the command line. Intervals are
Wilson's, or by resampling whole writers where messages of one writer are kin (cluster bootstrap).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from triage.learning.answers import Answer
from triage.vocabulary import NOBODY, STAFF, TOPICS, UNSTATED, Action


@dataclass(frozen=True, slots=True)
class Share:
    """``right`` of ``n``, with the 95 % Wilson interval; all ``None`` where n is 0."""

    right: int
    n: int
    share: float | None
    low: float | None
    high: float | None


def wilson(right: int, n: int) -> Share:
    """The 95 % score interval of a proportion (Wilson 1927)."""
    if n == 0:
        return Share(0, 0, None, None, None)
    z = 1.959964
    share = right / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Share(right, n, round(share, 4), round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4))


Question = tuple[Callable[[Answer], bool], Callable[[Answer], bool]]
"""Whom it is asked of, and what counts as yes."""


def _always(_: Answer) -> bool:
    return True


def _gate(destination: str) -> str:
    return destination if destination in {STAFF, NOBODY} else "progetto"


def _forwarded(one: Answer) -> bool:
    return one.decision.action is Action.FORWARD


QUESTIONS: Mapping[str, Question] = {
    "territory": (_always, lambda one: one.decision.territory == one.example.territory),
    "topic": (_always, lambda one: one.decision.topic == one.example.topic),
    "language": (_always, lambda one: one.decision.language == one.example.language),
    "automatic_right": (_always, lambda one: one.decision.automatic == one.example.automatic),
    "automatic_found": (lambda one: one.example.automatic, lambda one: one.decision.automatic),
    "automatic_false": (lambda one: not one.example.automatic, lambda one: one.decision.automatic),
    "urgent_found": (lambda one: one.example.urgent, lambda one: one.decision.urgent),
    "urgent_false_alarms": (lambda one: not one.example.urgent, lambda one: one.decision.urgent),
    "alert_found": (lambda one: one.example.urgent, lambda one: one.judged.classification.alert),
    "alert_false": (lambda one: not one.example.urgent, lambda one: one.judged.classification.alert),
    "gate": (_always, lambda one: _gate(one.decision.destination) == _gate(one.example.destination)),
    "destination": (_always, lambda one: one.right),
    "forwarded_wrong": (_forwarded, lambda one: not one.right),
    "coverage": (lambda one: _gate(one.example.destination) == "progetto", _forwarded),
    "filed_persons": (lambda one: one.decision.action is Action.FILE, lambda one: not one.example.automatic),
    "acknowledged_machines": (lambda one: one.example.automatic, lambda one: one.decision.acknowledge),
}
"""Every figure by name; ``forwarded_wrong``, ``filed_persons`` and ``acknowledged_machines`` are to be 0 or near."""


def share(answers: Sequence[Answer], name: str) -> Share:
    """One figure over all answers that it is asked of."""
    asked, yes = QUESTIONS[name]
    chosen = [one for one in answers if asked(one)]
    return wilson(sum(bool(yes(one)) for one in chosen), len(chosen))


def measure(answers: Sequence[Answer]) -> dict[str, Any]:
    """Every figure, and the same by batch and by language."""
    found: dict[str, Any] = {name: asdict(share(answers, name)) for name in QUESTIONS}
    found["topic_by_name"] = {
        topic: {
            "recall": asdict(_topic_share([one for one in answers if one.example.topic == topic])),
            "precision": asdict(_topic_share([one for one in answers if one.decision.topic == topic])),
        }
        for topic in TOPICS
    }
    found["by_batch"] = {
        batch: _short([one for one in answers if one.example.batch == batch])
        for batch in sorted({one.example.batch for one in answers})
    }
    counted = Counter(one.example.language for one in answers)
    found["by_language"] = {
        language: _short([one for one in answers if one.example.language == language])
        for language, _ in counted.most_common()
    }
    return found


def measure_hidden(answers: Sequence[Answer]) -> dict[str, Any]:
    """What becomes of messages whose hamlet stands in no list."""
    names = ("territory", "coverage", "forwarded_wrong")
    asked = wilson(sum(one.decision.territory == UNSTATED for one in answers), len(answers))
    return {"messages": len(answers), "asked": asdict(asked)} | {name: asdict(share(answers, name)) for name in names}


def confusion(answers: Sequence[Answer], of: Callable[[Answer], tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Counts of (true, answered) pairs."""
    counts: dict[str, Counter[str]] = {}
    for one in answers:
        true, given = of(one)
        counts.setdefault(true, Counter())[given] += 1
    return {true: dict(sorted(row.items())) for true, row in sorted(counts.items())}


def cluster_interval(answers: Sequence[Answer], name: str, seed: int, draws: int = 1_000) -> tuple[float, float] | None:
    """95 % percentile interval when whole writers are drawn again; None where nothing is asked."""
    asked, yes = QUESTIONS[name]
    by_writer: dict[str, list[int]] = {}
    for one in answers:
        if asked(one):
            row = by_writer.setdefault(one.example.writer, [0, 0])
            row[0] += bool(yes(one))
            row[1] += 1
    if not by_writer:
        return None
    table = np.asarray(list(by_writer.values()), dtype=float)
    random = np.random.default_rng(seed)
    drawn = table[random.integers(0, len(table), size=(draws, len(table)))].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
    return round(float(low), 4), round(float(high), 4)


def _short(answers: Sequence[Answer]) -> dict[str, Any]:
    return {"n": len(answers), **{name: asdict(share(answers, name)) for name in _IN_SHORT}}


_IN_SHORT = (
    "territory",
    "topic",
    "language",
    "gate",
    "urgent_found",
    "urgent_false_alarms",
    "forwarded_wrong",
    "coverage",
)


def _topic_share(chosen: Sequence[Answer]) -> Share:
    return wilson(sum(one.decision.topic == one.example.topic for one in chosen), len(chosen))
