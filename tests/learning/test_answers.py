"""What the service would answer: by models that met no kin, through the functions that decide real mail."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.learning.builders import SHIPPED, Lesson, ignore, labelled_messages, whole
from tests.learning.conftest import COMMON, RARE, Answered
from triage.classify import Classifier
from triage.classify.fitting import OutOfFold, calibrate, fit, logits, shuffled
from triage.classify.fitting_places import fit_places
from triage.classify.territory import load_gazetteer
from triage.decide import DecisionContext, decide
from triage.learning.answers import Answer, answer, answer_out_of_fold, decide_again
from triage.rules import MailboxRole
from triage.vocabulary import Acceptance, Action, Address


def test_every_message_is_answered_once_in_its_place(answered: Answered) -> None:
    lesson, seen, answers = answered
    assert [one.example for one in answers] == list(lesson.examples)
    assert seen.topic_logits.any(axis=1).all()


def test_the_three_writers_are_of_one_kindred(answered: Answered) -> None:
    lesson, _, _ = answered
    kin = {lesson.groups[number] for number, one in enumerate(lesson.examples) if one.writer in {"w00", "w01", "w02"}}
    assert len(kin) == 1
    assert len(set(lesson.groups)) == 12


def test_a_word_of_ones_kin_alone_is_unknown_to_the_model_that_answers(answered: Answered) -> None:
    """Three writers would be enough for the vocabulary, had the model met them."""
    lesson, _, answers = answered
    unknown = {one.example.identity: one.judged.signs["unknown_words"] for one in answers}
    of = {word: [one.identity for one in lesson.examples if one.message.new_text == word] for word in (RARE, COMMON)}
    assert [unknown[name] for name in of[RARE]] == [1.0] * 4
    assert [unknown[name] for name in of[COMMON]] == [0.0] * 10
    known_to_all = answer(whole(lesson), lesson.examples, lesson.prepared, SHIPPED)
    assert all(one.judged.signs["unknown_words"] == 0.0 for one in known_to_all if one.example.identity in of[RARE])


def test_no_label_of_ones_kin_reaches_ones_answer(tmp_path: Path) -> None:
    """Other labels for one writer change what others are answered, and not one of that writer's own answers."""
    lines = labelled_messages(6)
    before = _scores(Lesson(tmp_path / "one", lines))
    for line in lines:
        if line["writer"] == "w03":
            line["argomento"], line["urgente"], line["automatico"] = "rete", not line["urgente"], False
    after = _scores(Lesson(tmp_path / "two", lines))
    own = [name for name in before if name.startswith("t-03")]
    assert len(own) == 8
    assert all(np.array_equal(before[name], after[name]) for name in own)
    assert any(not np.array_equal(before[name], after[name]) for name in before if name not in own)


def _scores(lesson: Lesson) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]]:
    seen, _, _ = answer_out_of_fold(lesson.examples, lesson.prepared, lesson.labelled, lesson.places, SHIPPED, ignore)
    return {
        one.identity: np.append(seen.topic_logits[number], (seen.urgent_logits[number], seen.automatic_logits[number]))
        for number, one in enumerate(lesson.examples)
    }


def test_out_of_fold_answers_are_those_of_the_classifier_in_service(tmp_path: Path) -> None:
    """Two writers, two folds: each is answered as a classifier of the other's messages answers it in service."""
    lesson = Lesson(tmp_path, labelled_messages(2))
    seen, answers, _ = answer_out_of_fold(
        lesson.examples, lesson.prepared, lesson.labelled, lesson.places, SHIPPED, ignore
    )
    gazetteer = load_gazetteer()
    positions = {
        writer: [n for n, one in enumerate(lesson.examples) if one.writer == writer] for writer in ("w00", "w01")
    }
    raw = OutOfFold.empty(len(lesson.examples))
    models = {}
    for writer, own in positions.items():
        others = [number for number in range(len(lesson.examples)) if number not in own]
        weights = fit([lesson.labelled[number] for number in others])
        weights = replace(weights, places=fit_places([lesson.places[number] for number in others], gazetteer))
        logits(weights, [lesson.labelled[number] for number in own], raw, own)
        models[writer] = weights
    for writer, own in positions.items():
        service = Classifier(calibrate(models[writer], lesson.labelled, raw), gazetteer, "out of fold")
        expected = service.classify([lesson.examples[number].message for number in own])
        assert [answers[number].judged.classification for number in own] == expected
    assert np.array_equal(raw.topic_logits, seen.topic_logits)


def test_one_message_is_decided_as_in_service_but_for_modes(answered: Answered) -> None:
    """The shipped rules are in *ombra*; what would leave is asked all the same, and of somebody who can be answered."""
    _, _, answers = answered
    context = DecisionContext("generale", MailboxRole.INBOX, None, False, 1, False)
    for one in answers[:20]:
        author = Address("", "persona@example.org")
        message = replace(one.example.message, author=author, authors=(author,))
        expected = decide(message, one.judged.classification, SHIPPED, context, ignore_modes=True)
        assert (one.decision.action, one.decision.reasons) == (expected.action, expected.reasons)
    assert {Action.FORWARD, Action.HOLD} <= {one.decision.action for one in answers}
    assert not any(reason.code == "modo_ombra" for one in answers for reason in one.decision.reasons)


def test_the_lesson_is_learnt(answered: Answered) -> None:
    """The messages are easy: whoever gets them wrong has lost labels or places on the way."""
    _, _, answers = answered
    plain = [one for one in answers if one.example.message.new_text not in {RARE, COMMON}]
    assert sum(one.decision.topic == one.example.topic for one in plain) >= 0.95 * len(plain)
    assert sum(one.decision.territory == one.example.territory for one in plain) >= 0.95 * len(plain)
    assert sum(one.right for one in plain) >= 0.9 * len(plain)


def test_a_changed_trust_is_decided_anew(answered: Answered) -> None:
    one = next(one for one in answered[2] if one.decision.action is Action.FORWARD)
    doubtful = replace(one.judged.classification, acceptance=Acceptance(levels=((0.01, 1.1),)))
    again: Answer = decide_again(replace(one, judged=replace(one.judged, classification=doubtful)), SHIPPED)
    assert again.decision.action is Action.HOLD
    assert again.decision.reasons[0].code == "fiducia_bassa"


def test_messages_of_one_kindred_alone_cannot_be_tested(tmp_path: Path) -> None:
    lines = [{**line, "situation": "the same"} for line in labelled_messages(3)]
    lesson = Lesson(tmp_path, lines)
    with pytest.raises(ValueError, match="two writers"):
        answer_out_of_fold(lesson.examples, lesson.prepared, lesson.labelled, lesson.places, SHIPPED, ignore)


def test_an_order_depends_on_its_seed_alone() -> None:
    assert shuffled(50, 3) == shuffled(50, 3) != shuffled(50, 4)
    assert Counter(shuffled(50, 3)) == Counter(range(50))
