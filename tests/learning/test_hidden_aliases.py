"""A hamlet that nobody knows leads to a person, not to the wrong office."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.decide.builders import message
from tests.learning.builders import SHIPPED, Lesson, ignore, labelled_messages
from triage.classify import Classifier
from triage.classify.artefact import load_weights
from triage.classify.examples import Example, read_examples
from triage.classify.territory import find_places, load_gazetteer
from triage.classify.territory.tables import rows
from triage.learning.answers import answer, answer_out_of_fold
from triage.learning.figures import measure_hidden
from triage.learning.hidden import PARTS, TAUGHT_PART, Hidden, alias_parts, hide_aliases, without_place

MODELS = Path(__file__).parents[2] / "models"
SEED = 20261125
"""The shipped model's: of which aliases it learnt while they were hidden."""
SMALL = 1_500


@pytest.fixture(scope="module")
def examples() -> tuple[Example, ...]:
    """A tenth of what is shipped: enough messages that hang on a hamlet."""
    return read_examples(MODELS / "training")[0][:SMALL]


@pytest.fixture(scope="module")
def hidden(examples: tuple[Example, ...]) -> list[Hidden]:
    return hide_aliases(examples, SEED)


def test_every_alias_is_in_one_part_and_the_seed_alone_says_in_which() -> None:
    parts = alias_parts(SEED)
    assert len(parts) == PARTS
    assert sorted(name for part in parts for name in part) == sorted({row["name"] for row in rows("aliases.csv")})
    assert parts == alias_parts(SEED) != alias_parts(1)


def test_a_hidden_alias_is_known_by_no_spelling_sound_or_slip_and_all_others_are() -> None:
    known, without = load_gazetteer(), load_gazetteer(frozenset({"Vicomoscano"}))
    for text in ("Abito a Vicomoscano.", "sono di Vicomosccano", "abitiamo a Vicomoscono"):
        assert [one.comuni for one in find_places(message(new_text=text), known)] == [("Casalmaggiore",)], text
        assert all(one.comuni == () for one in find_places(message(new_text=text), without)), text
    near = message(new_text="Abito a Casalbellotto.")
    assert find_places(near, without) == find_places(near, known)


def test_of_a_message_without_its_place_the_places_that_are_left_decide_nothing(hidden: list[Hidden]) -> None:
    taught = [one for one in hidden if one.part == TAUGHT_PART]
    assert len(taught) > 20
    assert any(one.place.none and one.place.found for one in taught), "other places stand beside the hidden one"
    assert all(one.place.none == (not one.place.right) for one in taught)
    some = [one.position for one in taught[:5]]
    assert without_place(hidden, some) == [one.place for one in taught[:5]], "and of the other parts nothing is taught"


def test_messages_of_a_hamlet_that_is_not_known_wait_for_a_person(
    examples: tuple[Example, ...], hidden: list[Hidden]
) -> None:
    """Of the four parts that the shipped model was not taught."""
    asked = [one for one in hidden if one.part != TAUGHT_PART]
    weights = load_weights((MODELS / "model.skops").read_bytes())
    answers = [
        found
        for one in asked
        for found in answer(Classifier(weights, one.gazetteer, "m"), [examples[one.position]], [one.prepared], SHIPPED)
    ]
    figures = measure_hidden(answers)
    assert figures["messages"] > 100
    assert figures["territory"]["share"] < 0.3, "the names were hidden, else this shows nothing"
    assert figures["coverage"]["share"] < 0.125, "hardly any is sure enough without its place"
    assert figures["forwarded_wrong"]["right"] <= figures["messages"] / 100


def test_training_answers_the_other_parts_out_of_fold(tmp_path: Path) -> None:
    lines = labelled_messages()
    for line in lines:
        line["text"] = line["text"].replace("Casalmaggiore", "Vicomoscano").replace("Crema", "Ombriano")
        for mention in line["mentions"]:
            mention["text"] = {"Casalmaggiore": "Vicomoscano", "Crema": "Ombriano"}.get(
                mention["text"], mention["text"]
            )
    lesson = Lesson(tmp_path, lines)
    found = hide_aliases(lesson.examples, SEED)
    _, answers, without = answer_out_of_fold(
        lesson.examples, lesson.prepared, lesson.labelled, lesson.places, SHIPPED, ignore, hidden=found
    )
    asked = {lesson.examples[one.position].identity for one in found if one.part != TAUGHT_PART}
    assert {one.example.identity for one in without} == asked != set()
    assert len(answers) == len(lesson.examples)
