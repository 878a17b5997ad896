"""How good a model is on labelled messages that it never saw.

Enters a folder of JSON lines, a classifier and rules; leaves an :class:`Evaluation` of plain values,
for the page (``report``) and for programs. Nothing is learnt or chosen here: a set that was looked
into to choose something is no evaluation any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from triage.classify import Classifier
from triage.classify.examples import read_examples
from triage.classify.prepare import prepare
from triage.classify.territory import load_gazetteer
from triage.learning.answers import Answer, answer
from triage.learning.figures import QUESTIONS, cluster_interval, confusion, measure, share
from triage.rules import Rules
from triage.vocabulary import Action

SEED = 20261125
_BATCH = 100
_BINS = 10
_WORST = 40


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All plain values. ``invented``: the messages were written, not received."""

    model_version: str
    rules_version: str
    messages: int
    writers: int
    invented: bool
    figures: dict[str, Any]
    intervals: dict[str, tuple[float, float] | None]
    """Of each figure when whole writers are drawn again."""
    by_project: dict[str, Any]
    topics: dict[str, dict[str, int]]
    destinations: dict[str, dict[str, int]]
    reliability: list[dict[str, float]]
    coverage: list[dict[str, float]]
    held: dict[str, Any]
    """Of what a project should get, how many wait for a person, and by reason how many of these, alone, and rightly
    meant."""
    worst: list[dict[str, Any]]
    """Wrong answers that the model was surest of: identities and codes, no words of a message."""


def evaluate(
    folder: Path, classifier: Classifier, rules: Rules, *, invented: bool, progress: Callable[[int, int], None]
) -> Evaluation:
    """Answer every message of ``folder``/*.jsonl. Raises ``ExamplesError`` for data that are no examples."""
    read, _ = read_examples(folder)
    gazetteer = load_gazetteer()
    answers: list[Answer] = []
    for start in range(0, len(read), _BATCH):
        batch = read[start : start + _BATCH]
        answers += answer(classifier, batch, [prepare(one.message, gazetteer) for one in batch], rules)
        progress(len(answers), len(read))
    return summarise(answers, classifier.version, rules, invented=invented)


def summarise(answers: Sequence[Answer], model_version: str, rules: Rules, *, invented: bool) -> Evaluation:
    """The figures of answers that were given already."""
    return Evaluation(
        model_version=model_version,
        rules_version=rules.version,
        messages=len(answers),
        writers=len({one.example.writer for one in answers}),
        invented=invented,
        figures=measure(answers),
        intervals={name: cluster_interval(answers, name, SEED) for name in QUESTIONS},
        by_project={
            code: {
                name: asdict(share([one for one in answers if _concerns(one, code)], name))
                for name in ("territory", "destination", "forwarded_wrong", "coverage")
            }
            for code in rules.projects
        },
        topics=confusion(answers, lambda one: (one.example.topic, one.decision.topic)),
        destinations=confusion(answers, lambda one: (one.example.destination, one.decision.destination)),
        reliability=_reliability(answers),
        coverage=_coverage(answers),
        held=_held(answers),
        worst=_worst(answers),
    )


def _concerns(one: Answer, project: str) -> bool:
    return project in {one.example.destination, one.decision.destination}


def _proposals(answers: Sequence[Answer]) -> list[Answer]:
    return [one for one in answers if one.decision.project and not one.decision.urgent]


def _reliability(answers: Sequence[Answer]) -> list[dict[str, float]]:
    """Promised against found, in ten bins of confidence."""
    bins: list[list[Answer]] = [[] for _ in range(_BINS)]
    for one in _proposals(answers):
        bins[min(int(one.decision.confidence * _BINS), _BINS - 1)].append(one)
    return [
        {
            "from": number / _BINS,
            "n": len(group),
            "promised": round(sum(one.decision.confidence for one in group) / len(group), 4),
            "right": round(sum(one.right for one in group) / len(group), 4),
        }
        for number, group in enumerate(bins)
        if group
    ]


def _coverage(answers: Sequence[Answer]) -> list[dict[str, float]]:
    """If the surest were forwarded first: how many of what a project should get, and how many wrong."""
    due = sum(one.example.destination == one.example.territory for one in answers)
    ordered = sorted(_proposals(answers), key=lambda one: (-one.decision.confidence, one.example.identity))
    points: list[dict[str, float]] = []
    wrong = 0
    for number, one in enumerate(ordered, start=1):
        wrong += not one.right
        if number % max(1, len(ordered) // 60) == 0 or number == len(ordered):
            points.append(
                {
                    "confidence": round(one.decision.confidence, 4),
                    "coverage": round((number - wrong) / max(due, 1), 4),
                    "wrong": round(wrong / number, 4),
                    "forwards": number,
                }
            )
    return points


def _held(answers: Sequence[Answer]) -> dict[str, Any]:
    """``alone_right``: the destination was the labelled one, so that this reason alone cost a right forward."""
    due = [one for one in answers if one.example.destination == one.example.territory]
    waiting = [(one, {reason.code for reason in one.decision.holds}) for one in due if _waits(one)]
    codes = sorted({code for _, found in waiting for code in found})
    rows: list[dict[str, Any]] = [
        {
            "reason": code,
            "n": sum(code in found for _, found in waiting),
            "alone": sum(found == {code} for _, found in waiting),
            "alone_right": sum(found == {code} and one.right for one, found in waiting),
        }
        for code in codes
    ]
    rows.sort(key=lambda row: (-row["n"], row["reason"]))
    return {"due": len(due), "waiting": len(waiting), "reasons": rows}


def _waits(one: Answer) -> bool:
    return one.decision.action is Action.HOLD


def _worst(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    wrong = [one for one in answers if not one.right or (one.example.urgent and not one.decision.urgent)]
    wrong.sort(key=lambda one: (one.decision.action is not Action.FORWARD, -one.decision.confidence))
    return [
        {
            "id": one.example.identity,
            "esito": str(one.decision.action),
            "confidenza": round(one.decision.confidence, 3),
            "destinazione": [one.example.destination, one.decision.destination],
            "territorio": [one.example.territory, one.decision.territory],
            "argomento": [one.example.topic, one.decision.topic],
            "urgente": [one.example.urgent, one.decision.urgent],
            "lingua": one.example.language,
        }
        for one in wrong[:_WORST]
    ]
