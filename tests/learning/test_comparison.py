"""Champion against challenger: who was right where just one was, and what that shows."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from tests.classify.small_set import write_examples
from tests.learning.rivals import RULES, corrections, make_model, placed_examples, unwatched
from triage.cards import read_card
from triage.classify import load_classifier
from triage.classify.examples import read_examples
from triage.classify.prepare import prepare
from triage.classify.territory import load_gazetteer
from triage.learning.answers import Answer, answer
from triage.learning.comparison import (
    ERRORS,
    HARD,
    Outcome,
    Pair,
    Rival,
    Verdict,
    compare,
    judge,
    mcnemar,
    pair_up,
)
from triage.learning.figures import QUESTIONS
from triage.review.model_words import caution_words
from triage.vocabulary import Action


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rivals")


@pytest.fixture(scope="module")
def models(folder: Path) -> tuple[Path, Path]:
    heavy = [{**one, "weight": 10} for one in corrections()]
    return make_model(folder / "champion"), make_model(folder / "challenger", also=heavy)


@pytest.fixture(scope="module")
def base(models: tuple[Path, Path], folder: Path) -> list[Answer]:
    read, _ = read_examples(folder / "champion" / "examples")
    gazetteer = load_gazetteer()
    return answer(load_classifier(models[0]), read, [prepare(one.message, gazetteer) for one in read], RULES)


def named(pairs: tuple[Pair, ...]) -> dict[str, Pair]:
    return {pair.name: pair for pair in pairs}


def made(one: Answer, destination: str, action: Action) -> Answer:
    """The same message, answered so."""
    return replace(one, decision=replace(one.decision, destination=destination, action=action))


def labelled(one: Answer, **labels: object) -> Answer:
    return replace(one, example=replace(one.example, **labels))  # type: ignore[arg-type]


# --------------------------------------------------------------------------- the test


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(0, 0, 1.0), (1, 1, 1.0), (0, 1, 1.0), (0, 5, 0.0625), (0, 6, 0.03125), (3, 12, 0.03515625), (12, 3, 0.03515625)],
)
def test_the_exact_p_value_is_that_of_a_fair_coin(first: int, second: int, expected: float) -> None:
    assert math.isclose(mcnemar(first, second), expected)


def test_every_question_is_known_to_be_a_success_or_a_mistake() -> None:
    successes = {"territory", "topic", "language", "automatic_right", "automatic_found", "urgent_found"}
    successes |= {"alert_found", "gate", "destination", "coverage"}
    assert successes | ERRORS == set(QUESTIONS)
    assert successes & ERRORS == set()
    assert set(HARD) < ERRORS


# --------------------------------------------------------------------------- pairs


def test_a_model_against_itself_shows_no_difference(base: list[Answer]) -> None:
    pairs = pair_up(base, base)
    assert judge(pairs) is Verdict.EQUAL
    assert {(pair.only_champion, pair.only_challenger, pair.p_value) for pair in pairs} == {(0, 0, 1.0)}


def test_messages_are_counted_by_who_was_right(base: list[Answer]) -> None:
    right = [replace(one, decision=replace(one.decision, topic=one.example.topic)) for one in base]
    wrong = [replace(one, decision=replace(one.decision, topic="?")) for one in base]
    champion = [*right[:4], *wrong[4:]]
    challenger = [*right[:2], *wrong[2:4], *right[4:9], *wrong[9:]]
    topic = named(pair_up(champion, challenger))["topic"]
    counts = (topic.both_right, topic.only_champion, topic.only_challenger, topic.neither)
    assert counts == (2, 2, 5, len(base) - 9)
    assert math.isclose(topic.p_value, mcnemar(2, 5), abs_tol=1e-6)
    assert (topic.champion.right, topic.challenger.right) == (4, 7)


def test_a_difference_that_chance_could_make_is_called_none(base: list[Answer]) -> None:
    right = [replace(one, decision=replace(one.decision, topic=one.example.topic)) for one in base]
    wrong = [replace(one, decision=replace(one.decision, topic="?")) for one in base]
    few = pair_up(wrong, [*right[:4], *wrong[4:]])
    all_of_them = pair_up(wrong, right)
    assert (named(few)["topic"].outcome, judge(few)) == (Outcome.EQUAL, Verdict.EQUAL)
    assert (named(all_of_them)["topic"].outcome, judge(all_of_them)) == (Outcome.BETTER, Verdict.BETTER)
    back = pair_up(right, wrong)
    assert (named(back)["topic"].outcome, judge(back)) == (Outcome.WORSE, Verdict.WORSE)


def test_better_at_one_thing_and_worse_at_another_is_for_a_person(base: list[Answer]) -> None:
    first = [replace(one, decision=replace(one.decision, topic=one.example.topic, language="?")) for one in base]
    second = [replace(one, decision=replace(one.decision, topic="?", language=one.example.language)) for one in base]
    assert judge(pair_up(first, second)) is Verdict.MIXED


# --------------------------------------------------------------------------- hard figures


def test_one_more_wrong_forward_is_worse_even_if_chance_could_make_it(base: list[Answer]) -> None:
    messages = [labelled(one, destination="crema", territory="crema") for one in base]
    right = [made(one, "crema", Action.FORWARD) for one in messages]
    slip = [made(messages[0], "mantova", Action.FORWARD), *right[1:]]
    pairs = pair_up(right, slip)
    pair = named(pairs)["forwarded_wrong"]
    assert (pair.only_champion, pair.only_challenger, pair.p_value) == (1, 0, 1.0)
    assert (pair.outcome, judge(pairs)) == (Outcome.WORSE, Verdict.UNSAFE)
    assert judge(pair_up(slip, right)) is Verdict.EQUAL


def test_more_wrong_forwards_but_a_smaller_share_of_them_are_not_worse(base: list[Answer]) -> None:
    messages = [labelled(one, destination="crema", territory="crema") for one in base]
    held = [made(one, "crema", Action.HOLD) for one in messages]
    champion = [made(messages[0], "mantova", Action.FORWARD), *held[1:]]
    challenger = [
        *(made(one, "mantova", Action.FORWARD) for one in messages[:2]),
        *(made(one, "crema", Action.FORWARD) for one in messages[2:]),
    ]
    pair = named(pair_up(champion, challenger))["forwarded_wrong"]
    assert (pair.champion.right, pair.challenger.right) == (1, 2)
    assert pair.outcome is Outcome.EQUAL


def test_a_wrong_forward_is_worse_than_forwarding_nothing(base: list[Answer]) -> None:
    messages = [labelled(one, destination="crema", territory="crema") for one in base]
    held = [made(one, "crema", Action.HOLD) for one in messages]
    challenger = [made(messages[0], "mantova", Action.FORWARD), *held[1:]]
    assert judge(pair_up(held, challenger)) is Verdict.UNSAFE
    assert judge(pair_up(challenger, held)) is Verdict.EQUAL


def test_one_person_filed_or_one_machine_answered_is_worse(base: list[Answer]) -> None:
    person = labelled(base[0], automatic=False)
    machine = labelled(base[-1], automatic=True)
    silent = replace(machine, decision=replace(machine.decision, acknowledge=False))
    answered = replace(machine, decision=replace(machine.decision, acknowledge=True))
    held, filed = made(person, "operatori", Action.HOLD), made(person, "operatori", Action.FILE)
    assert named(pair_up([held, silent], [filed, silent]))["filed_persons"].outcome is Outcome.WORSE
    assert named(pair_up([held, silent], [held, answered]))["acknowledged_machines"].outcome is Outcome.WORSE
    assert judge(pair_up([filed, answered], [held, silent])) is Verdict.EQUAL


# --------------------------------------------------------------------------- a fair test


def rival(model: Path) -> Rival:
    return Rival(load_classifier(model), read_card(model.with_name("card.json").read_bytes()))


def run(folder: Path, first: Rival, second: Rival) -> tuple[bool, tuple[str, ...]]:
    found = compare(folder, first, second, RULES, unwatched)
    return found.held_out, found.cautions


def test_fresh_messages_are_a_fair_test_and_both_models_are_named(models: tuple[Path, Path], tmp_path: Path) -> None:
    rows = [{**one, "id": f"n-{one['id']}", "date": "2026-11-09"} for one in placed_examples()]
    found = compare(write_examples(tmp_path, rows), rival(models[0]), rival(models[1]), RULES, unwatched)
    assert (found.held_out, found.cautions) == (True, ())
    assert (found.champion, found.challenger) == tuple(load_classifier(path).version for path in models)
    assert (found.messages, found.writers, found.rules_version) == (14, 4, RULES.version)


def test_messages_that_a_model_learnt_from_are_no_test(models: tuple[Path, Path], folder: Path) -> None:
    held_out, cautions = run(folder / "champion" / "examples", rival(models[0]), rival(models[1]))
    assert not held_out
    assert [text.partition(" learnt")[0] for text in cautions] == ["the champion", "the challenger"]
    words = [caution_words(text).partition(" ha imparato anche da ")[0] for text in cautions]
    assert words == ["Il modello in vigore", "Questo modello"], "staff read them in Italian"


def test_labels_must_be_later_than_those_learnt(models: tuple[Path, Path], tmp_path: Path) -> None:
    rows = [{**one, "id": f"n-{one['id']}", "date": "2026-11-03"} for one in placed_examples()]
    rows[0]["date"] = "2026-11-04"
    held_out, (caution,) = run(write_examples(tmp_path, rows), rival(models[0]), rival(models[1]))
    assert not held_out
    assert caution.startswith("13 messages are not later than the last correction the challenger learnt")


def test_without_a_card_nobody_knows_what_was_learnt(models: tuple[Path, Path], tmp_path: Path) -> None:
    rows = [{**one, "id": f"n-{one['id']}"} for one in placed_examples()]
    first = replace(rival(models[0]), card=None)
    held_out, (caution,) = run(write_examples(tmp_path, rows), first, rival(models[1]))
    assert held_out
    assert "not known" in caution
