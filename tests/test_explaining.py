"""What staff read beside a message is a sentence, and the sentences do not contradict one another."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.classify.letters import letter
from tests.decide.builders import message
from tests.record.builders import a_decision
from triage.classify import load_classifier
from triage.classify.wording import explain, known_codes
from triage.decide import DecisionContext, decide
from triage.defects import GRAVE_DEFECTS
from triage.explaining import (
    DEFECTS,
    HOLDS,
    uncapitalised,
    word_all_holds,
    word_confidence,
    word_reason,
    word_reasons,
)
from triage.knowledge import known_places
from triage.rules import MailboxRole, load_rules
from triage.rules.types import HOLD_CODES
from triage.vocabulary import SPECIAL_TERRITORIES, TOPICS, Action, Reason


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (Action.FORWARD, "Senza, andrebbe da sé a «Crema» (fiducia 83%)"),
        (Action.HOLD, "Senza, resterebbe comunque a una persona, con la proposta «Crema» (fiducia 83%)"),
        (Action.FILE, "Senza, verrebbe archiviato"),
    ],
)
def test_urgency_says_that_it_holds_and_what_would_be_without_it(action: Action, said: str) -> None:
    about: dict[str, str | int | float] = {
        "destination": "crema",
        "confidence": 0.834,
        "rule": "al progetto",
        "line": 159,
    }
    reason = Reason("senza_urgenza", {"action": str(action), **about})
    assert word_reason(reason) == f"È l'urgenza che lo trattiene. {said}: per la regola «al progetto» (riga 159)."


def test_an_incomplete_reason_is_a_sentence_all_the_same() -> None:
    said = "È l'urgenza che lo trattiene. Senza, non si sa che cosa ne sarebbe: nessuna regola lo prevede."
    assert word_reason(Reason("senza_urgenza")) == said


def test_of_urgent_mail_nobody_says_that_the_destination_is_certain() -> None:
    assert word_confidence(a_decision(confidence=0.97)) == "97% che la destinazione sia giusta"
    urgent = word_confidence(a_decision(Action.HOLD, confidence=1.0, urgent=True, destination="operatore"))
    assert "%" not in urgent
    assert "urgenza" in urgent


def test_a_message_that_would_wait_for_several_reasons_is_shown_with_all_of_them() -> None:
    reasons = (
        Reason("fiducia_bassa", {"confidence": 0.7, "threshold": 0.9}),
        Reason("luoghi_in_gara", {"first": "crema", "second": "mantova"}),
        Reason("lingua_da_verificare", {"language": "ar"}),
        Reason("regola_applicata", {"rule": "al progetto", "line": 9}),
        Reason("lingua", {"code": "ar"}),
    )
    waiting = a_decision(Action.HOLD, reasons=reasons)
    unsure = "Il servizio non è abbastanza sicuro per inviarlo da solo"
    assert (
        word_all_holds("fiducia_bassa", waiting)
        == f"{unsure}: fiducia 70%, ne serve almeno 90%. Lingua da verificare: arabo."
    )
    assert word_all_holds("fiducia_bassa", None) == f"{unsure}."
    assert word_all_holds("ricomparso", None).startswith("Già visto")
    assert word_all_holds("", waiting) == ""


@pytest.mark.parametrize("code", sorted({*HOLDS, *HOLD_CODES, "dal_progetto", "difetti_gravi", "troppi_passaggi"}))
def test_a_hold_of_which_only_the_code_is_known_is_a_whole_sentence(code: str) -> None:
    said = word_all_holds(code, None)
    assert re.fullmatch(r"[A-ZÈ«].*[^\s:.,]\.", said), said
    assert re.search(r"\.\.|: \.| \.|\{| {2}|\(\)", said) is None
    assert not uncapitalised(said).endswith(".")


def test_every_grave_defect_is_told_in_words() -> None:
    assert DEFECTS.keys() >= GRAVE_DEFECTS
    said = word_reason(Reason("difetti_gravi", {"defects": "from_missing limit_parts"}))
    assert said.endswith("(manca il mittente, ha troppe parti).")


def test_a_language_that_nobody_recognised_is_told_in_words() -> None:
    unknown = a_decision(Action.HOLD, reasons=(Reason("lingua_da_verificare", {"language": ""}),))
    assert word_all_holds("lingua_da_verificare", unknown) == "Lingua da verificare: non è riconosciuta."


def test_a_proposal_that_names_nobody_is_none() -> None:
    reason = Reason("senza_urgenza", {"action": "trattieni", "destination": "operatore", "confidence": 0.9})
    assert "proposta" not in word_reason(reason)


SHIPPED = Path(__file__).parents[1]
CODES = frozenset({"genitorialita", "multiplo", "crema", "mantova", "automatic", "bulk", "auto-replied", "list"})
"""Codes without an underscore that are no Italian words as they stand."""
LETTERS = (
    letter(
        "Abito a Crema e lavoro a Viadana. Mio figlio non dorme: che orari fate allo sportello di Goito o di Asola?"
    ),
    letter("Il mio ex marito vive a Casalmaggiore, i bambini una settimana da me a Viadana e una da lui."),
    letter("Vi scrivo da Zobbiola. Mio figlio va a scuola a Viadana, al Vho e a Sermide."),
    letter("Mi picchia, ho paura. Mio marito mi picchia davanti ai bambini. Ho paura. Siamo di Crema."),
    letter("Bună ziua, locuim in Casalmaggiore și căutăm ceva pentru copii."),
    letter("Sono in ferie fino al 24. Per urgenze scrivere alla segreteria.", ("Auto-Submitted", "auto-replied")),
    letter("Novità del mese.", ("List-Id", "<novita.example.org>"), ("Precedence", "bulk"), subject="Newsletter"),
    letter("Dzień dobry, mieszkamy w Cremonie i szukamy pomocy dla syna."),
    letter("", subject=""),
)


@pytest.fixture(scope="module")
def said() -> list[list[str]]:
    """All reasons of some letters, as the shipped model and rules give them."""
    rules = load_rules(SHIPPED / "routing_rules.yaml", known_places())
    context = DecisionContext(next(iter(rules.mailboxes)), MailboxRole.INBOX, None, False, 1, False)
    found = load_classifier(SHIPPED / "models" / "model.skops").classify(LETTERS)
    pairs = zip(LETTERS, found, strict=True)
    return [word_reasons(decide(one, found, rules, context, ignore_modes=True), one) for one, found in pairs]


def test_no_reason_holds_a_raw_code(said: list[list[str]]) -> None:
    for reason in (reason for reasons in said for reason in reasons):
        unquoted = re.sub("«[^»]*»", "", reason)
        assert not re.search(r"\b\w+_\w+", unquoted.replace("routing_rules.yaml", "")), reason
        assert CODES.isdisjoint(re.findall(r"[\w-]+", unquoted)), reason
        assert not re.search(r"Lingua: [a-z]{2}\.|: [a-z]{2}\.$", unquoted), reason


def test_no_reason_is_given_twice(said: list[list[str]]) -> None:
    for reasons in said:
        assert reasons
        assert len(reasons) == len(set(reasons))


def test_every_value_that_a_reason_may_hold_has_a_name() -> None:
    """Each code that a sentence shows: topics, territories, folders, and what a proposal would do."""
    for topic in TOPICS:
        assert "_" not in word_reason(Reason("argomento", {"topic": topic, "probability": 0.9}))
    for territory in (*SPECIAL_TERRITORIES, "oglio_po"):
        assert territory not in word_reason(Reason("territorio", {"territory": territory, "score": 0.9}))
    for folder in ("automatic", "not_for_us", "settled"):
        said = word_reason(Reason("archiviata", {"folder": folder}))
        assert CODES.isdisjoint(re.findall(r"[\w-]+", said)), said
        assert "_" not in said
    assert "oglio_po" not in word_reason(Reason("senza_urgenza", {"action": "inoltra", "destination": "oglio_po"}))
    assert word_reason(Reason("lingua_da_verificare", {"language": "xx"})) == "Lingua da verificare: un'altra (xx)."


def test_a_probability_is_shown_and_an_unknown_one_leaves_no_brackets() -> None:
    shown = word_reason(Reason("urgente_modello", {"probability": 0.416}))
    assert shown == "Il messaggio somiglia a quelli che vanno letti oggi (probabilità 42 %)."
    assert word_reason(Reason("urgente_modello")) == "Il messaggio somiglia a quelli che vanno letti oggi."


def test_a_sentence_whose_end_is_unknown_ends_before_it() -> None:
    assert explain(Reason("lingua_da_verificare")) == "Lingua da verificare."
    assert explain(Reason("dal_progetto")) == "Arriva dal centro."


def test_a_second_request_is_quoted() -> None:
    text = "Quando aprite? Già che ci sono, quanto costa?"
    start = text.index("Già")
    second = Reason("seconda_richiesta", {"where": "text", "start": start, "end": start + 15})
    also = Reason("argomento_anche", {"topic": "laboratori", "probability": 0.24})
    found = word_reasons(replace(a_decision(), reasons=(also, second)), message(new_text=text))
    assert found == [
        "Potrebbe riguardare anche: laboratori e attività (probabilità 24 %).",
        "Sembra chiedere più di una cosa: «Già che ci sono».",
    ]


def test_nobody_is_said_to_tell_of_a_home_that_may_be_somebody_elses() -> None:
    """A former husband's village or a grandmother's: what is shown is how it looks, not what was "said"."""
    home = word_reason(Reason("luogo_residenza", {"comune": "Viadana", "where": "text"}))
    assert home == "La famiglia sembra vivere a Viadana (nel testo)."
    for code in known_codes():
        if code.startswith("luogo_"):
            assert not word_reason(Reason(code, {"comune": "Viadana"})).startswith(
                ("Dice di", "Sta per", "Chi scrive lav")
            )
