"""A second request, a second family and a second topic are named; nothing is decided by them."""

from __future__ import annotations

import pytest

from tests.decide.builders import message
from triage.classify.folding import fold
from triage.classify.second import PERHAPS_ALSO, find_second, second_requests
from triage.vocabulary import NOT_FOR_US

SURE = {"laboratori": 0.9, "ascolto": 0.06, NOT_FOR_US: 0.04}


def keys(text: str) -> set[str]:
    return {match.key for match in find_second(fold(text))}


@pytest.mark.parametrize(
    "text",
    [
        "A che ora apre il laboratorio? Un'altra cosa: mio figlio non dorme.",
        "Ho due domande sul gruppo di sabato.",
        "Vorrei iscrivermi. Già che ci sono, sapete chi fa l'ISEE?",
        "Grazie degli orari.\nAltra domanda, il parcheggio è a pagamento?",
        "e poi volevo chiedere se c'è un posto per il fratellino",
        "Thank you. One more question: is it free?",
        "Mulțumesc. Încă o întrebare, e gratuit?",
        "谢谢。另外，要带什么材料？",
    ],
)
def test_a_second_request_is_found(text: str) -> None:
    assert keys(text) == {"richiesta"}


@pytest.mark.parametrize(
    "text",
    [
        "A casa è tranquillo, a scuola è un'altra cosa.",
        "Mi hanno detto che serviva un'altra domanda e l'ho fatta.",
        "Abbiamo due figli e una domanda: quando aprite?",
        "Ho letto di due cose belle sul vostro sito.",
        "",
    ],
)
def test_the_same_words_about_something_else_are_none(text: str) -> None:
    assert keys(text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "Scrivo anche per mia cognata, che abita in un altro paese.",
        "Siamo due mamme con bimbi di un anno.",
        "Buongiorno, scrivo per due famiglie che seguiamo.",
    ],
)
def test_a_second_family_is_found(text: str) -> None:
    assert keys(text) == {"famiglia"}


def test_ones_own_sister_is_no_second_family() -> None:
    assert keys("Io e mia sorella non ci parliamo da anni, e la mamma soffre.") == set()


def test_each_kind_is_named_once_where_it_first_stands() -> None:
    text = "Quando aprite? Già che ci sono: quanto costa? Un'altra cosa: c'è posto anche per mia cugina?"
    found = second_requests(message(new_text=text), "laboratori", SURE)
    assert [one.code for one in found] == ["seconda_richiesta", "seconda_famiglia"]
    start, end = int(found[0].params["start"]), int(found[0].params["end"])
    assert text[start:end].lower() == "già che ci sono"


def test_the_second_topic_is_named_from_its_bar_on() -> None:
    below = {"laboratori": 0.7, "ascolto": PERHAPS_ALSO - 0.01, NOT_FOR_US: 0.11}
    at = {"laboratori": 0.7, "ascolto": PERHAPS_ALSO, NOT_FOR_US: 0.1}
    assert second_requests(message(new_text="Salve."), "laboratori", below) == ()
    (found,) = second_requests(message(new_text="Salve."), "laboratori", at)
    assert (found.code, found.params) == ("argomento_anche", {"topic": "ascolto", "probability": PERHAPS_ALSO})


def test_what_is_not_for_us_is_no_second_topic_and_has_none() -> None:
    torn = {"laboratori": 0.5, NOT_FOR_US: 0.45, "ascolto": 0.05}
    assert second_requests(message(new_text="Salve."), "laboratori", torn) == ()
    assert second_requests(message(new_text="Salve."), NOT_FOR_US, {"laboratori": 0.4, NOT_FOR_US: 0.6}) == ()
