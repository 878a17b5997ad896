"""A hamlet's name inside a longer one is another place: asked about, or known to be elsewhere."""

from __future__ import annotations

import pytest

from tests.classify.letters import letter
from triage.classify.territory import find_places, load_gazetteer, score_places


@pytest.mark.parametrize("home", ["Abitiamo a {}.", "Siamo di {}, vorrei iscrivere le bambine."])
@pytest.mark.parametrize(
    "name",
    [
        "Vho di Tortona",
        "vho di tortona",
        "Poiano di Valpantena",
        "Casalbellotto di Zobbiola",
        "Barchi nelle Marche",
        "Salina alle Eolie",
        "Rivalta Trebbia",
        "Rivalta sull'Adda",
        "Campitello Matese",
        "Viadana di Calvisano",
        "San Rocco di Camogli",
    ],
)
def test_a_longer_name_is_no_hamlet_of_ours(home: str, name: str) -> None:
    gazetteer = load_gazetteer()
    scores = score_places(find_places(letter(home.format(name)), gazetteer), gazetteer)
    assert scores.unstated + scores.outside > 0.9


@pytest.mark.parametrize(
    ("text", "comune"),
    [
        ("Abito a Vho di Piadena.", "Piadena Drizzona"),
        ("Siamo di Rivalta sul Mincio.", "Rodigo"),
        ("Abito a Pozzolo sul Mincio.", "Marmirolo"),
        ("Siamo di Salina e cerchiamo un corso.", "Viadana"),
        ("Abito a Levata di Curtatone.", "Curtatone"),
        ("Abitiamo a Cogozzo Viadana.", "Viadana"),
        ("Abito a Casalbellotto Vorrei sapere gli orari", "Casalmaggiore"),
        ("Siamo di Casalbellotto in Via Verdi 3.", "Casalmaggiore"),
        ("Abito a Casalbellotto in provincia di Cremona.", "Casalmaggiore"),
        ("We moved to Castellaro Lagusello in September.", "Monzambano"),
        ("Vivimos en Spino de Adda.", "Spino d'Adda"),
        ("Abito a Rivolta d'Adda.", "Rivolta d'Adda"),
        ("Sto a S. Matteo d. Chiaviche.", "Viadana"),
        ("Buongiorno da Poiano Mario Rossi", "Castel Goffredo"),
    ],
)
def test_an_ordinary_ending_leaves_the_hamlet(text: str, comune: str) -> None:
    gazetteer = load_gazetteer()
    assert score_places(find_places(letter(text), gazetteer), gazetteer).comune_scores[comune] > 0.75
