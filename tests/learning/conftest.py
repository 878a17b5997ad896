"""One small lesson, answered out of fold once for all tests that look at it."""

from __future__ import annotations

import pytest

from tests.learning.builders import SHIPPED, Lesson, ignore, labelled_messages
from triage.classify import classifier
from triage.classify.fitting import OutOfFold
from triage.learning.answers import Answer, answer_out_of_fold

Answered = tuple[Lesson, OutOfFold, list[Answer]]

RARE = "zampirone"
"""A word that three writers use who share a situation, one after another: all of one kindred."""
GUARD = 0.265
"""Of what makes mail urgent: small models, taught with few dangers, rule none out as far as the shipped guard wants."""
COMMON = "girandola"
"""A word that ten unrelated writers use."""


@pytest.fixture(scope="session")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Answered:
    """Every message answered by a model that met neither its writer nor its situation."""
    lines = labelled_messages()
    for line in lines:
        writer, number = int(line["writer"][1:]), int(line["id"][-1])
        if number == 0 and writer < 3:
            line["text"] = RARE
            line["situation"] = "shared one" if writer < 2 else "shared two"
        if number == 1 and writer == 1:
            line["text"], line["situation"] = RARE, "shared two"
        if number == 2 and writer >= 4:
            line["text"] = COMMON
    lesson = Lesson(tmp_path_factory.mktemp("lesson"), lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier, "PERHAPS_DANGER", GUARD)
        seen, answers, _ = answer_out_of_fold(
            lesson.examples, lesson.prepared, lesson.labelled, lesson.places, SHIPPED, ignore
        )
    return lesson, seen, answers


@pytest.fixture(autouse=True)
def small_models_know_little_of_danger(monkeypatch: pytest.MonkeyPatch) -> None:
    """A head that has seen a few dangers rules none out: with the shipped guard nothing at all would be forwarded."""
    monkeypatch.setattr(classifier, "PERHAPS_DANGER", GUARD)
