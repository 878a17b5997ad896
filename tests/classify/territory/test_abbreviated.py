"""Names of comuni with words cut short are read where only one place fits them."""

from __future__ import annotations

import pytest

from tests.classify.letters import letter
from triage.classify.territory import comuni, find_places, load_gazetteer


def found(text: str) -> list[tuple[str, ...]]:
    return [one.comuni for one in find_places(letter(text), load_gazetteer())]


@pytest.mark.parametrize(
    ("written", "comune"),
    [
        ("S.Giov. del Dosso", "San Giovanni del Dosso"),
        ("S. Giov. in C.", "San Giovanni in Croce"),
        ("Castigl. d. Stiviere", "Castiglione delle Stiviere"),
        ("Gazoldo d. Ippoliti", "Gazoldo degli Ippoliti"),
        ("Gazoldo d. Ippol.", "Gazoldo degli Ippoliti"),
        ("Casalmagg.", "Casalmaggiore"),
        ("Porto Mn", "Porto Mantovano"),
        ("Bagnolo S. V.", "Bagnolo San Vito"),
        ("S. Mart. dall'Arg.", "San Martino dall'Argine"),
        ("Serravalle a P.", "Serravalle a Po"),
        ("Rivolta d'A.", "Rivolta d'Adda"),
        ("Rivarolo Mant.", "Rivarolo Mantovano"),
        ("Pieve S. Giac.", "Pieve San Giacomo"),
    ],
)
def test_a_cut_name_is_the_one_comune_that_it_fits(written: str, comune: str) -> None:
    assert found(f"Abitiamo a {written} e vorremmo un colloquio.") == [(comune,)]


@pytest.mark.parametrize("written", ["Crem.", "Casalm.", "Castell.", "Roncof.", "Rip.", "S. Giorgio B."])
def test_what_several_places_fit_is_none_of_them(written: str) -> None:
    """Crema and Cremona; Roncoferraro and Roncofreddo, which is elsewhere."""
    assert not any(one for one in found(f"Abitiamo a {written} e vorremmo un colloquio."))


@pytest.mark.parametrize("name", sorted(comuni()))
def test_no_cut_of_a_comune_is_read_as_another(name: str) -> None:
    first, _, rest = name.partition(" ")
    for letters in (number for number in range(5, len(first)) if first[number - 1] not in "aeiou"):
        for written in {f"{first[:letters]}. {rest}".strip(), f"{first[:letters]}."}:
            for group in found(f"Abito a {written} e scrivo."):
                assert name in group or not group, written


def test_an_everyday_abbreviation_is_no_place() -> None:
    text = "Gent. dott. Verdi, vs. rif. del 3 nov. u.s., il sig. Martin. chiede la doc. per l'ass. fam."
    assert not found(text)


def test_the_morainic_hills_are_an_area() -> None:
    (group,) = found("Veniamo dalle colline moreniche e cerchiamo un corso.")
    assert "Cavriana" in group
