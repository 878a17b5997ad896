"""Each figure, on answers made by hand whose result can be counted on one's fingers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.learning.builders import made
from triage.learning.answers import Answer
from triage.learning.figures import QUESTIONS, Share, cluster_interval, confusion, measure, share, wilson
from triage.vocabulary import NOBODY, STAFF, Action

# --------------------------------------------------------------------------- intervals


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (1, 20, 0.0089, 0.2361), (81, 263, 0.2553, 0.3662), (10, 10, 0.7225, 1.0)],
)
def test_the_interval_is_wilsons_score_interval(right: int, n: int, low: float, high: float) -> None:
    """The third is the worked example of Newcombe (1998), table I."""
    assert wilson(right, n) == Share(right, n, round(right / n, 4), low, high)


def test_of_nothing_there_is_no_share() -> None:
    assert wilson(0, 0) == Share(0, 0, None, None, None)
    assert share([], "topic") == wilson(0, 0)
    assert cluster_interval([], "topic", 1) is None


def test_the_interval_between_writers_is_the_same_each_time() -> None:
    answers = [made(writer=f"w{n % 23}", topic="ascolto" if n % 4 else "rete") for n in range(90)]
    first = cluster_interval(answers, "topic", 7)
    assert first == cluster_interval(answers, "topic", 7)
    assert cluster_interval(answers, "topic", 7, 40) != cluster_interval(answers, "topic", 8, 40)
    assert first is not None
    assert first[0] <= 0.75 <= first[1]


def test_writers_who_are_each_wholly_right_or_wrong_widen_the_interval() -> None:
    """Twenty messages of one writer say little more than one does."""
    clustered = [made(writer=f"w{n // 20}", topic="ascolto" if (n // 20) % 2 else "rete") for n in range(200)]
    spread = [made(writer=f"w{n // 20}", topic="ascolto" if n % 2 else "rete") for n in range(200)]
    wide, narrow, plain = (
        cluster_interval(clustered, "topic", 1),
        cluster_interval(spread, "topic", 1),
        wilson(100, 200),
    )
    assert wide is not None
    assert narrow == (0.5, 0.5)
    assert plain.low is not None
    assert plain.high is not None
    assert wide[1] - wide[0] > 3 * (plain.high - plain.low)


# --------------------------------------------------------------------------- questions

ASKED: dict[str, list[tuple[dict[str, Any], bool | None]]] = {
    "territory": [
        ({}, True),
        ({"territory": "mantova"}, False),
        ({"true_territory": "multiplo"}, False),
        ({"action": Action.HOLD, "true_urgent": True}, True),
    ],
    "topic": [({}, True), ({"topic": "rete"}, False)],
    "language": [({}, True), ({"language": "ro"}, False)],
    "automatic_right": [
        ({}, True),
        ({"automatic": True}, False),
        ({"true_automatic": True}, False),
        ({"true_automatic": True, "automatic": True}, True),
    ],
    "automatic_found": [
        ({}, None),
        ({"true_automatic": True}, False),
        ({"true_automatic": True, "automatic": True}, True),
    ],
    "automatic_false": [({"true_automatic": True, "automatic": True}, None), ({}, False), ({"automatic": True}, True)],
    "urgent_found": [
        ({"urgent": True}, None),
        ({"true_urgent": True}, False),
        ({"true_urgent": True, "urgent": True}, True),
    ],
    "urgent_false_alarms": [({"true_urgent": True, "urgent": True}, None), ({}, False), ({"urgent": True}, True)],
    "alert_found": [
        ({"alert": True}, None),
        ({"true_urgent": True}, False),
        ({"true_urgent": True, "alert": True}, True),
    ],
    "alert_false": [({"true_urgent": True, "alert": True}, None), ({}, False), ({"alert": True}, True)],
    "gate": [
        ({}, True),
        ({"destination": "mantova"}, True),
        ({"destination": STAFF}, False),
        ({"destination": NOBODY}, False),
        ({"destination": STAFF, "true_destination": STAFF}, True),
        ({"destination": STAFF, "true_destination": NOBODY}, False),
    ],
    "destination": [({}, True), ({"destination": "mantova"}, False), ({"action": Action.HOLD}, True)],
    "forwarded_wrong": [
        ({"action": Action.HOLD, "destination": "mantova"}, None),
        ({}, False),
        ({"destination": "mantova"}, True),
        ({"true_destination": STAFF}, True),
    ],
    "coverage": [
        ({"true_destination": STAFF}, None),
        ({}, True),
        ({"action": Action.HOLD}, False),
        ({"destination": "mantova"}, True),
    ],
    "filed_persons": [
        ({}, None),
        ({"action": Action.FILE}, True),
        ({"action": Action.FILE, "true_automatic": True}, False),
    ],
    "acknowledged_machines": [
        ({}, None),
        ({"true_automatic": True}, True),
        ({"true_automatic": True, "acknowledge": False}, False),
    ],
}
"""Of each figure: an answer, and whether it counts as yes, as no, or is not asked (None)."""


def test_every_figure_is_counted_here() -> None:
    assert ASKED.keys() == QUESTIONS.keys()


@pytest.mark.parametrize("name", ASKED)
def test_a_figure_asks_and_counts_the_right_messages(name: str) -> None:
    answers = [made(**changes) for changes, _ in ASKED[name]]
    for one, (changes, counted) in zip(answers, ASKED[name], strict=True):
        expected = wilson(0, 0) if counted is None else wilson(int(counted), 1)
        assert share([one], name) == expected, changes
    asked = [counted for _, counted in ASKED[name] if counted is not None]
    assert share(answers, name) == wilson(sum(asked), len(asked))
    assert {True, False} <= set(asked), "a figure that cannot be both is none"


# --------------------------------------------------------------------------- the whole sheet


def some() -> list[Answer]:
    return [
        made(batch="a", identity="1"),
        made(batch="a", identity="2", topic="rete"),
        made(batch="b", identity="3", true_language="ro", language="ro", true_topic="rete"),
    ]


def test_the_sheet_holds_every_figure_whole_by_batch_and_by_language() -> None:
    found = measure(some())
    assert {name for name in QUESTIONS if found[name]["n"] is None} == set()
    assert (found["topic"]["right"], found["topic"]["n"]) == (1, 3)
    assert [found["by_batch"][batch]["topic"]["right"] for batch in ("a", "b")] == [1, 0]
    assert list(found["by_language"]) == ["it", "ro"], "the most frequent first"
    assert found["by_language"]["ro"]["n"] == 1
    assert found["topic_by_name"]["ascolto"]["recall"]["n"] == 2
    assert found["topic_by_name"]["ascolto"]["precision"] == found["topic_by_name"]["ascolto"]["recall"]
    assert found["topic_by_name"]["rete"]["precision"]["right"] == 0


def test_a_confusion_counts_pairs_of_true_and_answered() -> None:
    found = confusion(some(), lambda one: (one.example.topic, one.decision.topic))
    assert found == {"ascolto": {"ascolto": 1, "rete": 1}, "rete": {"ascolto": 1}}
