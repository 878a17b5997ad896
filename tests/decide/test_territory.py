"""From places to the guide's answers: sums after the map, and what says nothing."""

from __future__ import annotations

import math

import pytest

from tests.decide.builders import RULES, classification, close_to
from triage.decide import territory_of
from triage.decide.territory import TerritoryScores
from triage.vocabulary import PlaceMention, Role


def mention(kind: str, *comuni: str, weight: float = 1.0) -> PlaceMention:
    return PlaceMention("text", 0, 1, kind, comuni, Role.RESIDENCE, weight)


def scores(**changes: object) -> TerritoryScores:
    empty = {"comune_scores": {}, "outside": 0.0, "unstated": 0.0}
    return territory_of(classification(**(empty | changes)), RULES)


def test_comuni_of_one_project_are_added_up() -> None:
    """Two comuni at 0.4 each are one project at 0.8, though neither comune is sure."""
    found = scores(comune_scores={"Altavilla": 0.4, "Borgonuovo": 0.4, "Dossobuono": 0.2})
    assert found.best == "nord"
    assert found.scores["nord"] == close_to(0.8)
    assert found.runner_up() == ("sud", close_to(0.2))


@pytest.mark.parametrize(
    ("changes", "best"),
    [
        ({"comune_scores": {"Fontanelle": 1.0}}, "scoperto"),
        ({"outside": 1.0}, "fuori_ats"),
        ({"unstated": 1.0}, "non_indicato"),
        ({"comune_scores": {"Nowhere": 1.0}}, "non_indicato"),
        ({}, "non_indicato"),
        ({"comune_scores": {"Altavilla": math.nan, "Erbezzo": -3.0}, "outside": math.inf}, "non_indicato"),
        ({"comune_scores": {"Altavilla": 0.5, "Dossobuono": 0.5}, "several": 0.9}, "multiplo"),
        ({"comune_scores": {"Altavilla": 0.5, "Fontanelle": 0.5}, "several": 0.9}, "multiplo"),
        ({"comune_scores": {"Altavilla": 0.5}, "outside": 0.5, "several": 0.9}, "multiplo"),
        ({"comune_scores": {"Altavilla": 0.5, "Borgonuovo": 0.5}, "several": 0.9}, "nord"),
        ({"comune_scores": {"Fontanelle": 0.5, "Gambara": 0.5}, "several": 0.9}, "scoperto"),
        ({"comune_scores": {"Altavilla": 0.5}, "unstated": 0.5, "several": 0.9}, "non_indicato"),
    ],
)
def test_each_answer_of_the_guide(changes: dict[str, object], best: str) -> None:
    """Two comuni that have the same answer are no ``multiplo`` (guide, section 1)."""
    assert scores(**changes).best == best


@pytest.mark.parametrize(
    ("places", "comune_scores", "best"),
    [
        ((mention("area", "Campofiorito", "Dossobuono"),), {"Campofiorito": 0.7, "Dossobuono": 0.3}, "non_indicato"),
        ((mention("area", "Altavilla", "Borgonuovo"),), {"Altavilla": 0.5, "Borgonuovo": 0.5}, "nord"),
        ((mention("cap", "Altavilla", "Fontanelle"),), {"Altavilla": 0.9, "Fontanelle": 0.1}, "non_indicato"),
        ((mention("prefix", "Altavilla", "Fontanelle"),), {"Altavilla": 0.91, "Fontanelle": 0.09}, "nord"),
        ((mention("hamlet", "Altavilla", "Erbezzo"),), {"Altavilla": 0.5, "Erbezzo": 0.5}, "non_indicato"),
        (
            (mention("hamlet", "Altavilla", "Erbezzo"), mention("cap", "Altavilla", "Fontanelle")),
            {"Altavilla": 0.8, "Erbezzo": 0.1, "Fontanelle": 0.1},
            "nord",
        ),
        (
            (mention("area", "Altavilla", "Dossobuono"), mention("comune", "Dossobuono")),
            {"Altavilla": 0.2, "Dossobuono": 0.8},
            "sud",
        ),
        (
            (mention("area", "Altavilla", "Dossobuono"), mention("comune", "Altavilla", weight=0.0)),
            {"Altavilla": 0.7, "Dossobuono": 0.3},
            "non_indicato",
        ),
        (
            (mention("area", "Altavilla", "Dossobuono"), mention("outside", weight=0.3), mention("comune", "Gambara")),
            {"Altavilla": 0.7, "Dossobuono": 0.3},
            "non_indicato",
        ),
    ],
)
def test_a_name_that_spans_several_answers_says_nothing_alone(
    places: tuple[PlaceMention, ...], comune_scores: dict[str, float], best: str
) -> None:
    """Guide, section 1: a shared CAP says nothing; a shared prefix that is nearly one project's decides."""
    found = scores(places=places, comune_scores=comune_scores)
    assert found.best == best
    assert math.fsum(found.scores.values()) == close_to(1.0)


def test_a_tie_does_not_depend_on_the_order_of_scores() -> None:
    """Equal answers go to the comune that is first by name, whatever its project is called."""
    one = scores(comune_scores={"Altavilla": 0.5, "Dossobuono": 0.5})
    other = scores(comune_scores={"Dossobuono": 0.5, "Altavilla": 0.5})
    assert one == other
    assert one.best == "nord"
