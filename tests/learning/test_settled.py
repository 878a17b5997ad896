"""What persons settled is learnt: topics and places, nothing of danger, no word of fewer than three writers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from tests.classify.small_set import small_examples, write_examples
from tests.decide.builders import message
from tests.learning.builders import SHIPPED, Lesson, ignore, labelled_messages
from triage.classify.examples import Settled
from triage.classify.fitting import fit
from triage.classify.fitting_places import fit_places
from triage.classify.prepare import prepare
from triage.classify.territory import load_gazetteer
from triage.classify.topics import TopicModel, Weights
from triage.learning import train
from triage.learning.answers import answer_out_of_fold
from triage.learning.settled import lessons_of, places_of, topics_of

DAY = date(2026, 11, 26)
WORD = "girandolina"
"""A word that no example has."""


def settled(writers: int, text: str = f"vorrei sapere della {WORD}", topic: str = "eventi") -> list[Settled]:
    return [Settled(message(new_text=text), f"w{number}", topic, "", "", DAY) for number in range(writers)]


def taught(lesson: Lesson, more: Sequence[Settled]) -> Weights:
    return fit(lesson.labelled, topics_of(lessons_of(more, load_gazetteer())))


def topic_of(weights: Weights, text: str) -> dict[str, float]:
    model = TopicModel(weights)
    rows = model.rows([prepare(message(new_text=text), load_gazetteer()).topic_text])
    return dict(zip(weights.topics, map(float, model.topic_probabilities(rows)[0]), strict=True))


def test_a_word_that_three_writers_used_tells_its_topic_from_then_on(tmp_path: Path) -> None:
    lesson = Lesson(tmp_path, labelled_messages())
    before, after = taught(lesson, []), taught(lesson, settled(4))
    two, three = taught(lesson, settled(2)), taught(lesson, settled(3))
    assert topic_of(after, WORD)["eventi"] > topic_of(before, WORD)["eventi"] + 0.1
    known = [any(WORD[:8] in term for term in one.fields["text"].terms) for one in (two, three)]
    assert known == [False, True]


def test_whether_there_was_danger_is_nothing_that_a_settlement_teaches(tmp_path: Path) -> None:
    lesson = Lesson(tmp_path, labelled_messages())
    same_words = next(one.message.new_text for one in lesson.examples if one.urgent)
    one = taught(lesson, settled(9, same_words, "orientamento"))
    model = TopicModel(one)
    rows = model.rows([prepare(message(new_text=same_words), load_gazetteer()).topic_text])
    assert float(model.urgent_probabilities(rows)[0]) > 0.5, "nine settlements of these words say nothing of danger"


def test_a_place_that_was_named_teaches_the_judge_of_places_and_none_was_named_teaches_nothing(tmp_path: Path) -> None:
    gazetteer = load_gazetteer()
    text = "scrivo per conto di mia sorella, lei sta a Viadana e io a Crema"
    named = [replace(one, comune="Viadana") for one in settled(6, text)]
    assert places_of(lessons_of(settled(6, text), gazetteer)) == []
    places = places_of(lessons_of(named, gazetteer))
    assert [one.found[number].comuni for one in places for number in one.right] == [("Viadana",)] * 6
    lesson = Lesson(tmp_path, labelled_messages())
    before, after = fit_places(lesson.places, gazetteer), fit_places([*lesson.places, *places], gazetteer)
    assert (before.terms, list(before.weights)) != (after.terms, list(after.weights))


def test_every_model_out_of_fold_learns_from_them_and_none_is_measured_on_them(tmp_path: Path) -> None:
    lesson = Lesson(tmp_path, labelled_messages())
    lessons = lessons_of(settled(4), load_gazetteer())
    given = (lesson.examples, lesson.prepared, lesson.labelled, lesson.places, SHIPPED, ignore)
    without, answers, _ = answer_out_of_fold(*given)
    seen, again, _ = answer_out_of_fold(*given, settled=lessons)
    assert len(answers) == len(again) == len(lesson.examples)
    assert (without.topic_logits != seen.topic_logits).any()


def test_the_card_counts_them_apart_and_says_until_when(tmp_path: Path) -> None:
    examples = write_examples(tmp_path / "examples", small_examples())
    none = train(examples, tmp_path / "none", rules=SHIPPED, seed=7, progress=ignore)
    card = train(examples, tmp_path / "out", rules=SHIPPED, seed=7, progress=ignore, settled=settled(3))
    known = card.data["corrections"]
    assert (known["messages"], known["from_record"], known["to"]) == (3, 3, "2026-11-26")
    assert card.data["messages"] == none.data["messages"] + 3
    assert card.measures["topic"]["n"] == none.measures["topic"]["n"], "learnt, not measured"
    assert "messaggi veri definiti da persone (3)" in card.statement
    assert "imparato anche" not in none.statement
    assert "w0" not in json.dumps(card.data)
