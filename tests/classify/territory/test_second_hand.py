"""Where somebody works, plays, saw a poster or heard of us is not where the family is (guide, section 1, rule 5)."""

from __future__ import annotations

import pytest

from tests.classify.letters import letter
from triage.classify.territory import find_places, load_gazetteer
from triage.vocabulary import SECOND_HAND, PlaceMention

COMUNI = ("Castelleone", "Curtatone", "Quistello", "Casalmaggiore", "Goito")
"""One of each project, none a common word."""


def strongest(text: str, comune: str) -> PlaceMention:
    found = [one for one in find_places(letter(text), load_gazetteer()) if comune in one.comuni]
    return max(found, key=lambda one: one.weight)


@pytest.mark.parametrize("comune", COMUNI)
@pytest.mark.parametrize(
    "sentence",
    [
        "Ho trovato un vostro volantino in biblioteca a {}.",
        "ho visto un manifesto appeso davanti alla chiesa di {}",
        "Al parco di {} ho visto il vostro manifesto.",
        "Ho letto di voi sul giornale di {}.",
        "La dottoressa del consultorio di {} mi ha detto di scrivervi.",
        "L'assistente sociale di {} mi ha dato la vostra mail.",
        "Vi scrivo su consiglio del parroco di {}.",
        "Ho sentito che a {} fate dei gruppi.",
        "Dicono che a {} organizzate delle serate.",
    ],
)
def test_what_was_only_seen_or_heard_there_is_a_guess(sentence: str, comune: str) -> None:
    assert strongest(f"Buongiorno. {sentence.format(comune)} Mio figlio non dorme.", comune).weight <= SECOND_HAND


@pytest.mark.parametrize("comune", COMUNI)
@pytest.mark.parametrize(
    "sentence",
    [
        "Mio figlio fa calcio a {}.",
        "mio figlio gioca a calcio a {}",
        "Mia figlia fa danza due volte a settimana a {}.",
        "La bambina va a ginnastica artistica a {}.",
        "Io faccio le pulizie in una scuola di {}.",
        "Il mio ex compagno si è trasferito a {}.",
        "Il padre di mio figlio convive con un'altra a {}.",
        "Ci siamo conosciuti a {}.",
        "La logopedista ci riceve a {}.",
        "Vado a fare la spesa a {}.",
    ],
)
def test_sports_work_former_partners_and_errands_count_for_nothing(sentence: str, comune: str) -> None:
    assert strongest(f"Buongiorno. {sentence.format(comune)} Mio figlio non dorme.", comune).weight == 0.0


@pytest.mark.parametrize("comune", COMUNI)
@pytest.mark.parametrize(
    "sentence",
    [
        "Ho sentito che a {} fate dei gruppi, come ci si iscrive?",
        "Ho saputo che a {} c'è un corso: ci sono ancora posti?",
        "Ho visto il volantino del laboratorio di {} e vorrei iscriverlo.",
        "Ho visto il vostro volantino e sono di {}.",
        "Mi ha detto la maestra di scrivervi, abito a {}.",
        "abito a {} mi ha detto il pediatra di scrivervi",
        "Mi hanno detto di scrivere allo sportello di {}.",
        "Lavoro a Milano ma viviamo a {}.",
        "Mio figlio si trasferisce a {} a gennaio con me.",
        "Mio figlio fa calcio e abitiamo a {}.",
    ],
)
def test_a_home_and_a_desk_that_is_asked_for_still_count(sentence: str, comune: str) -> None:
    assert strongest(f"Buongiorno. {sentence.format(comune)} Mio figlio non dorme.", comune).weight >= 0.6


def test_calcio_is_a_comune_where_somebody_lives_there_and_a_game_elsewhere() -> None:
    (there,) = find_places(letter("Abito a Calcio, in provincia di Bergamo."), load_gazetteer())[:1]
    assert there.kind == "outside"
    game = find_places(letter("Mio figlio fa calcio a Goito."), load_gazetteer())
    assert [one.comuni for one in game] == [("Goito",)]
