"""How sure the service is of a place, and that it says why."""

from __future__ import annotations

import pytest

from tests.classify.territory.invented import build
from triage.classify.territory import PlaceScores, ambiti, comuni, find_places, load_gazetteer, score_places
from triage.vocabulary import InboundMessage

GAZETTEER = load_gazetteer()


def scored(message: InboundMessage) -> PlaceScores:
    return score_places(find_places(message, GAZETTEER), GAZETTEER)


def codes(scores: PlaceScores) -> list[str]:
    return [reason.code for reason in scores.reasons]


def test_nothing_said_is_certainly_unstated() -> None:
    assert scored(build("Buongiorno, vorrei informazioni.")) == PlaceScores({}, 0.0, 1.0, 0.0)


def test_an_exact_home_is_surer_than_a_signature_than_a_misspelt_home() -> None:
    home = scored(build("Abitiamo a Casalmaggiore.")).comune_scores["Casalmaggiore"]
    signed = scored(build("Saluti", signature="via Po 1, Casalmaggiore")).comune_scores["Casalmaggiore"]
    slip = scored(build("Abitiamo a Casalmaggoire.")).comune_scores["Casalmaggiore"]
    assert home >= 0.97
    assert 0.8 <= signed <= 0.9
    assert 0.75 <= slip <= 0.85


def test_a_shared_cap_is_spread_evenly_over_its_comuni() -> None:
    scores = scored(build("Chiedo informazioni.", signature="CAP 46010"))
    assert set(scores.comune_scores) == {c.name for c in comuni().values() if c.cap == "46010"}
    assert max(scores.comune_scores.values()) == pytest.approx(min(scores.comune_scores.values()))
    assert codes(scores) == ["cap_condiviso"]


def test_a_prefix_spreads_over_its_comuni_and_0363_mostly_beyond_the_provinces() -> None:
    scores = scored(build("Chiedo informazioni.", signature="tel. 0386 123456"))
    assert set(scores.comune_scores) == {c.name for c in comuni().values() if c.phone_prefix == "0386"}
    assert codes(scores) == ["prefisso_condiviso"]
    assert scored(build("Chiedo informazioni.", signature="tel. 0363 123456")).outside > 0.4


def test_a_wide_area_says_that_it_is_one_and_a_narrow_one_names_its_ambito() -> None:
    wide = scored(build("Abitiamo nell'Oltrepò mantovano."))
    assert codes(wide) == ["solo_area_ampia"]
    assert {comuni()[name].ambito for name in wide.comune_scores} == {"Ostiglia (Destra Secchia)", "Suzzara"}
    narrow = scored(build("Abitiamo nel Cremasco."))
    assert codes(narrow) == ["luogo_area"]
    assert set(narrow.comune_scores) == set(ambiti()["Cremasco"])


def test_a_desk_beats_a_home_which_beats_a_school_which_beats_a_signature() -> None:
    desk, home, school, signed = (
        "Vorrei venire allo sportello di Viadana.",
        "Abitiamo a Goito.",
        "Fa la primaria di Medole.",
        "via Po 1, Soncino",
    )
    places = ["Viadana", "Goito", "Medole"]
    for count, place in enumerate(places):
        text = " ".join([desk, home, school][count:])
        scores = scored(build(text, signature=signed)).comune_scores
        assert max(scores, key=lambda name: scores[name]) == place
    assert set(scored(build("Saluti", signature=signed)).comune_scores) == {"Soncino"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Abitiamo a Goito.", "luogo_residenza"),
        ("Lo sportello di Goito è aperto?", "luogo_sportello"),
        ("Fa la primaria di Goito.", "luogo_scuola"),
        ("Ci trasferiamo a Goito.", "luogo_trasferimento"),
        ("Abitiamo a Pincopallo.", "luogo_sconosciuto"),
        ("Abitiamo a Brescia.", "fuori_provincia"),
        ("Abitiamo a Gabbiana.", "nome_ambiguo"),
        ("Il CAP è 26013.", "luogo_cap"),
    ],
)
def test_each_answer_gives_its_reason_with_offsets_but_no_words_of_the_message(text: str, code: str) -> None:
    reasons = scored(build(text)).reasons
    assert [reason.code for reason in reasons] == [code]
    params = dict(reasons[0].params)
    assert params["where"] == "text"
    start, end = params["start"], params["end"]
    assert isinstance(start, int)
    assert isinstance(end, int)
    assert text[start:end].strip(".") == text[start:end] != ""
    assert "Pincopallo" not in params.values()


def test_two_homes_share_the_probability_and_compete_openly() -> None:
    scores = scored(build("Siamo due famiglie: una mamma di Asola e una mamma di Casalmaggiore."))
    assert scores.several >= 0.6
    assert scores.comune_scores["Asola"] == pytest.approx(scores.comune_scores["Casalmaggiore"])
    assert codes(scores) == ["luogo_residenza", "luogo_residenza", "luoghi_in_gara"]


def test_an_unknown_village_silences_the_signature() -> None:
    scores = scored(build("Abitiamo a Pincopallo.", signature="via Po 1\n26013 Crema"))
    assert scores.unstated >= 0.9
    assert "Crema" not in scores.comune_scores


def test_the_words_of_our_own_answer_say_nothing_about_the_family() -> None:
    quoted = "Il giorno lun 2 nov 2026 Centro <info@example.com> ha scritto:\n> Il laboratorio è a Goito."
    assert scored(build("Va bene, grazie.", quoted=quoted)).unstated == 1.0


def test_crema_and_cremona_are_never_taken_for_each_other() -> None:
    for slip in ("Cremna", "Cremoa", "Cremona,", "Crema,", "Creman", "Cremoma", "Ccrema"):
        scores = scored(build(f"Abitiamo a {slip} da poco.")).comune_scores
        assert len(scores) <= 1
        assert set(scores) <= {slip.strip(",")}
