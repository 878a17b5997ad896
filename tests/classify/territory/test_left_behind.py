"""A place that is told as no home, or no home any more, sends no letter there (guide, section 1)."""

from __future__ import annotations

import pytest

from tests.classify.letters import letter
from triage.classify.territory import PlaceScores, find_places, load_gazetteer, score_places
from triage.vocabulary import SECOND_HAND, Role

COMUNI = ("Castelleone", "Curtatone", "Quistello", "Casalmaggiore", "Goito")
"""One of each project, none a common word."""


def scored(text: str) -> PlaceScores:
    gazetteer = load_gazetteer()
    return score_places(find_places(letter(text), gazetteer), gazetteer)


@pytest.mark.parametrize("comune", COMUNI)
@pytest.mark.parametrize(
    "sentence",
    [
        "Da settembre non abitiamo più a {}.",
        "Non vivo più in quel di {}.",
        "Non stiamo più a {} da due anni.",
        "Non siamo più di {}.",
        "Io non sono più residente a {}.",
        "I miei figli non vivono più a {}.",
        "Non ho più la residenza a {}.",
        "Non abbiamo mai abitato a {}.",
        "A {} non ci abitiamo più da un pezzo.",
        "A {} non viviamo più.",
        "{} non è più casa nostra.",
        "Ex residente a {}.",
        "Ex abitanti di {}, ormai lontani.",
        "Ex {}, adesso siamo in giro.",
        "Mi sono trasferita da {} in primavera.",
        "Ce ne siamo andati da {}.",
        "Ho vissuto a {} fino al 2019.",
        "{} non c'entra, ci sta solo mio cugino.",
        "Noi non abbiamo niente a che vedere con {}.",
        "Siamo residenti a {} ma non ci viviamo.",
        "We no longer live in {}.",
        "I used to live in {}.",
        "Nu mai locuim in {}.",
        "Nous n'habitons plus à {}.",
        "Ya no vivimos en {}.",
        "Nuk jetojme më në {}.",
    ],
)
def test_a_home_that_is_denied_or_left_is_asked_about(sentence: str, comune: str) -> None:
    text = f"Buongiorno. {sentence.format(comune)} Vorrei un colloquio."
    assert scored(text).unstated == 1.0
    assert {m.role for m in find_places(letter(text), load_gazetteer()) if m.comuni == (comune,)} == {Role.NEGATED}


@pytest.mark.parametrize(
    "text",
    [
        "Non abitiamo più a Goito, ora stiamo a Viadana.",
        "Non risiediamo più a Goito ma a Viadana.",
        "Ex residenti a Goito, adesso a Viadana.",
        "Ci siamo trasferiti da Goito a Viadana.",
        "Abbiamo lasciato Goito e ora abitiamo a Viadana.",
        "Nos mudamos de Goito a Viadana.",
        "Non siamo più di Lumezzane, adesso Viadana.",
    ],
)
def test_the_new_home_wins(text: str) -> None:
    scores = scored(f"{text} Vorrei un colloquio.")
    assert max(scores.comune_scores, key=lambda comune: scores.comune_scores[comune]) == "Viadana"
    assert scores.comune_scores.get("Goito", 0.0) == scores.outside == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "Non siamo residenti a Goito ma ci viviamo da anni.",
        "Anche se non siamo residenti a Goito, ci abitiamo.",
        "Non vivo da sola a Goito, c'è mia madre.",
        "Non vivo più con mio marito, abito a Goito.",
        "Abito a Goito e non vivo più con mio marito.",
        "Non sto bene, sto a Goito.",
        "Abbiamo sempre vissuto a Goito.",
        "Ho lasciato il lavoro e vivo a Goito.",
        "Il laboratorio di Goito non c'è più?",
        "A Goito non siamo riusciti a prenotare.",
    ],
)
def test_what_ends_something_else_leaves_the_home(text: str) -> None:
    assert scored(text).comune_scores["Goito"] > 0.8


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Abitiamo a Goito, anzi a Viadana.", "Viadana"),
        ("Abitiamo a Goito. Anzi no, Viadana.", "Viadana"),
        ("Siamo di Goito, no scusi, Viadana.", "Viadana"),
        ("Siamo di Goito. Mi correggo: siamo di Viadana.", "Viadana"),
        ("Lo sportello di Goito, anzi quello di Viadana, quando apre?", "Viadana"),
        ("Abitiamo a Goito... volevo dire Isso (BG).", "outside"),
        ("Siamo di Goito, anzi di Lumezzane.", "outside"),
        ("Siamo di Goito... ito? no, Gottolengo.", "outside"),
        ("Siamo di Goito, volevo dire Zobbiola.", "unstated"),
        ("Siamo di Goito. Volevo dire che Marco non dorme.", "Goito"),
        ("Siamo di Goito, anzi Marta verrebbe da sola.", "Goito"),
    ],
)
def test_who_corrects_themselves_means_the_later_place(text: str, answer: str) -> None:
    scores = scored(text)
    known = scores.comune_scores.get(answer, 0.0)
    assert {"outside": scores.outside, "unstated": scores.unstated}.get(answer, known) > 0.8


@pytest.mark.parametrize("comune", COMUNI)
@pytest.mark.parametrize(
    "sentence",
    [
        "La supplente viene da {}.",
        "La tata scende da {} tutte le mattine.",
        "Mia sorella fa la postina a {}.",
        "Ho scritto da una panchina di {}.",
        "In casa tifiamo {}.",
    ],
)
def test_the_town_of_who_works_for_us_and_of_our_team_is_no_home(sentence: str, comune: str) -> None:
    places = find_places(letter(f"Buongiorno. {sentence.format(comune)} Mio figlio non dorme."), load_gazetteer())
    assert max(place.weight for place in places) <= SECOND_HAND
