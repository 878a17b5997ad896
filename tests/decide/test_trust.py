"""How far an answer is trusted: corrected probabilities, promised levels, and whom nobody answers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.decide.builders import RULES, classification, close_to, context, message
from tests.rules.builders import OTHERS, build_rules
from triage.decide import decide
from triage.decide.trust import PERHAPS_NOT_FOR_US, corrected, least_confidence, may_be_answered
from triage.rules import Rules
from triage.vocabulary import Acceptance, Action, Decision

LEVELS = ((0.005, 0.99), (0.02, 0.95), (0.1, 0.6))
PROBABILITY = st.floats(0, 1)
ACCEPTANCE = st.builds(Acceptance, slope=st.floats(0, 50), offset=st.floats(-100, 100))


# --------------------------------------------------------------------------- the corrected probability


@given(PROBABILITY)
def test_a_model_that_learnt_no_correction_changes_nothing(raw: float) -> None:
    assert corrected(raw, Acceptance()) == raw


def test_the_correction_works_on_the_odds() -> None:
    """0.9 are odds of 9 to 1; doubled log-odds are 81 to 1, less ln 9 they are 9 to 1 again."""
    assert corrected(0.9, Acceptance(slope=2.0)) == close_to(81 / 82)
    assert corrected(0.9, Acceptance(slope=2.0, offset=-math.log(9))) == close_to(0.9)
    assert corrected(0.9, Acceptance(offset=-math.log(9))) == close_to(0.5)


@given(PROBABILITY, PROBABILITY, ACCEPTANCE)
def test_a_corrected_probability_is_one_and_keeps_the_order(one: float, other: float, acceptance: Acceptance) -> None:
    low, high = (corrected(raw, acceptance) for raw in sorted((one, other)))
    assert 0.0 <= low <= high + 1e-9 <= 1.0 + 1e-9


# --------------------------------------------------------------------------- the promised level


@pytest.mark.parametrize(
    ("floor", "max_wrong", "least"),
    [
        (0.9, 0.005, 0.99),
        (0.9, 0.01, 0.99),
        (0.9, 0.02, 0.95),
        (0.9, 0.05, 0.95),
        (0.9, 0.1, 0.9),
        (0.0, 0.5, 0.6),
        (0.9, 0.004, 1.1),
    ],
)
def test_the_level_is_that_of_the_laxest_promise_that_is_strict_enough(
    floor: float, max_wrong: float, least: float
) -> None:
    """Never below the floor of the rules, and above 1 (nothing leaves) where no promise is strict enough."""
    assert least_confidence(floor, max_wrong, Acceptance(levels=LEVELS)) == least


def test_a_model_without_levels_is_held_to_the_floor_alone() -> None:
    assert least_confidence(0.9, 0.01, Acceptance()) == 0.9


# --------------------------------------------------------------------------- what the decision makes of it


def decision(confidence: float, acceptance: Acceptance, rules: Rules = RULES) -> Decision:
    """Of a message that is of Altavilla with this probability, and else of Dossobuono."""
    content = classification(
        comune_scores={"Altavilla": confidence, "Dossobuono": 1.0 - confidence},
        outside=0.0,
        unstated=0.0,
        topic="ascolto",
        acceptance=acceptance,
    )
    return decide(message(), content, rules, context())


def why(found: Decision) -> dict[str, object]:
    return next((dict(reason.params) for reason in found.reasons if reason.code == "fiducia_bassa"), {})


def test_the_promise_is_one_per_cent_unless_the_rules_say_otherwise() -> None:
    assert RULES.thresholds.max_wrong == 0.01
    assert build_rules(others=OTHERS + "thresholds: {max_wrong: 0.02}\n").thresholds.max_wrong == 0.02


@pytest.mark.parametrize(
    ("max_wrong", "action", "threshold"),
    [("0.004", Action.HOLD, 1.1), ("0.01", Action.HOLD, 0.99), ("0.02", Action.FORWARD, None)],
)
def test_the_promise_in_the_rules_decides_what_may_leave(max_wrong: str, action: Action, threshold: float) -> None:
    rules = build_rules(others=f"{OTHERS}thresholds: {{min_confidence: 0.9, max_wrong: {max_wrong}}}\n")
    found = decision(0.96, Acceptance(levels=LEVELS), rules)
    assert found.action is action
    assert why(found).get("threshold") == threshold
    assert found.destination == "nord", "the best guess is shown, held or not"


def test_a_model_without_levels_decides_as_before() -> None:
    floor = RULES.thresholds.min_confidence
    assert decision(floor + 0.01, Acceptance()).action is Action.FORWARD
    assert why(decision(floor - 0.01, Acceptance())) == {"confidence": close_to(floor - 0.01), "threshold": floor}


def test_doubt_that_the_model_has_learnt_holds_what_the_places_alone_would_send() -> None:
    assert decision(0.97, Acceptance()).action is Action.FORWARD
    doubtful = decision(0.97, Acceptance(slope=1.0, offset=-3.0))
    assert doubtful.action is Action.HOLD
    assert doubtful.confidence == close_to(corrected(0.97, Acceptance(offset=-3.0)))


# --------------------------------------------------------------------------- who may be answered


@pytest.mark.parametrize(
    ("changes", "answered"),
    [
        ({"topic": "ascolto"}, True),
        ({"topic": "reclamo"}, True),
        ({"topic": "ascolto", "automatic": True}, False),
        ({"topic": "non_pertinente"}, False),
        ({"topic": "eventi", "topic_scores": {"eventi": 0.86, "non_pertinente": 0.14}}, True),
        ({"topic": "eventi", "topic_scores": {"eventi": 0.75, "non_pertinente": PERHAPS_NOT_FOR_US}}, False),
        ({"topic": "eventi", "topic_scores": {}}, True),
    ],
)
def test_no_machine_and_no_likely_advertisement_is_answered(changes: dict[str, object], answered: bool) -> None:
    content = classification(**changes)
    assert may_be_answered(content) is answered
    assert decide(message(), content, RULES, context()).acknowledge is answered
