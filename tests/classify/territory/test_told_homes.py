"""A home in a place that no list holds is seen however it is told, and asked about."""

from __future__ import annotations

import pytest

from tests.classify.letters import letter
from triage.classify.territory import find_places, load_gazetteer, score_places

NAMES = ("Zobbiola", "San Zuanne", "Corte Bruna")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "home",
    [
        "Casa nostra è a {}.",
        "Vi scrivo da {}.",
        "Il nostro indirizzo è via dei Tigli 4, {}.",
        "Abitiamo in via Rossi 12, {}.",
        "Indirizzo: via Rossi 12, {}",
        "Residenza: {}",
        "Viviamo con i suoceri a {}.",
        "Siamo in affitto a {}.",
        "Stiamo di casa a {}.",
        "La nostra famiglia sta a {}.",
        "Siamo una famiglia di {}.",
        "Vivo da dieci anni con mia madre a {}.",
        "Abitiamo in campagna, a {}.",
        "Mia figlia vive con me a {}.",
        "Ci siamo trasferiti da poco a {}.",
        "Da {}, dove abitiamo, è lontano.",
    ],
)
def test_an_unknown_home_outweighs_a_known_school(home: str, name: str) -> None:
    text = f"Buongiorno. {home.format(name)}\nMio figlio va a scuola a Viadana. Vorrei un colloquio."
    places = find_places(letter(text), load_gazetteer())
    unknown = [one for one in places if one.kind == "unknown"]
    (home_told,) = (text[one.start : one.end] for one in unknown)
    assert name.endswith(home_told)
    assert score_places(places, load_gazetteer()).unstated > 0.85


@pytest.mark.parametrize(
    "text",
    [
        "Abito con mio figlio che va a scuola a Zobbiola.",
        "I miei suoceri vivono con una badante a Zobbiola.",
        "Viviamo con i nonni a Goito.",
        "Siamo ospiti di mia sorella, lavoro a Zobbiola.",
        "Abitiamo in via Rossi 12, 46044 Goito.",
        "Siamo in quattro a tavola e nessuno parla.",
        "Sono la mamma di Tommaso e vivo con lui.",
        "Viviamo con mio suocero. Anna",
        "Abito a Pincopallo, frazione di Viadana.",
        "ci hanno trasferito una settimana prima",
    ],
)
def test_what_tells_no_unknown_home_is_not_taken_for_one(text: str) -> None:
    assert not [one for one in find_places(letter(text), load_gazetteer()) if one.kind == "unknown"]
