"""Whose letter it is does not decide how it is read: names are hidden from the models."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.classify.letters import letter
from triage.classify import Classifier, load_classifier
from triage.classify.examples import read_examples
from triage.classify.personal_names import NAMES_FILE, without_sender_name
from triage.learning.personal_names import personal_names
from triage.vocabulary import Address

ROOT = Path(__file__).parents[2]
NAMES = ["", "Anna", "Luca", "Maria", "Mario Rossi", "Bianchi Anna", "Fatima El Amrani", "Laura", "Giuseppe Viola"]
NAMES += ["Gurpreet Kaur", "Олена", "francesca.ferrari", "Mamma Lucia", "李娜"]
LETTERS = (
    "Buongiorno, a Goito c'è ancora posto? Tanto a marzo io non ci sarò, ci penserà mia sorella ai bambini.",
    "Salve, mia figlia ha smesso di mangiare e ieri è svenuta in bagno, non so a chi chiedere.",
    "Vorrei iscrivere mio figlio al laboratorio di lettura di Viadana del sabato, grazie.",
    "Mi ha messo le mani addosso un'altra volta e la piccola guardava. Abitiamo a Soncino.",
)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return load_classifier(ROOT / "models" / "model.skops")


@pytest.mark.parametrize("text", LETTERS)
def test_a_letter_is_read_alike_whoever_has_sent_it(text: str, classifier: Classifier) -> None:
    sent = [letter(text, author=Address(name, "qualcuno@example.org")) for name in NAMES]
    said = classifier.classify(sent)
    assert {(one.urgent, one.topic, one.comune_scores.get("Goito")) for one in said} == {
        (said[0].urgent, said[0].topic, said[0].comune_scores.get("Goito"))
    }
    assert {tuple(sorted(one.topic_scores.items())) for one in said} == {tuple(sorted(said[0].topic_scores.items()))}


@pytest.mark.parametrize("text", LETTERS)
def test_and_whoever_has_signed_it(text: str, classifier: Classifier) -> None:
    signed = [
        letter(text, signature=f"{name} {other}", author=Address(f"{name} {other}", "qualcuno@example.org"))
        for name, other in (("Anna", "Ferrari"), ("Mario", "Rossi"), ("Laura", "Viola"), ("Fatima", "Bianchi"))
    ]
    said = classifier.classify(signed)
    assert {tuple(sorted(one.topic_scores.items())) for one in said} == {tuple(sorted(said[0].topic_scores.items()))}
    assert len({one.urgent for one in said}) == 1


def test_what_a_display_name_says_of_an_office_stays() -> None:
    assert without_sender_name("Comune di Goito - Servizi Sociali", "").split() == ["comune", "servizi", "sociali"]
    told = without_sender_name("dott.ssa Anna Bianchi", "Anna Bianchi, psicologa")
    assert told.split() == ["dott", "ssa", ",", "psicologa"]


def test_the_list_of_names_is_what_the_training_messages_give() -> None:
    found = personal_names(read_examples(ROOT / "models" / "training")[0])
    assert list(found) == NAMES_FILE.read_text(encoding="utf-8").split()
    assert {"anna", "fatima", "luca", "ferrari"} <= set(found)
    assert not {"mamma", "picchia", "casa", "comune", "dott", "speranza"} & set(found)
