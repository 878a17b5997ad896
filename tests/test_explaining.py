"""What staff read beside a message is a sentence, and the sentences do not contradict one another."""

import re

import pytest

from tests.record.builders import a_decision
from triage.defects import GRAVE_DEFECTS
from triage.explaining import DEFECTS, HOLDS, uncapitalised, word_all_holds, word_confidence, word_reason
from triage.rules.types import HOLD_CODES
from triage.vocabulary import Action, Reason


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (Action.FORWARD, "Senza, andrebbe da sé a «crema» (fiducia 83%)"),
        (Action.HOLD, "Senza, resterebbe comunque a una persona, con la proposta «crema» (fiducia 83%)"),
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
        == f"{unsure}: fiducia 70%, ne serve almeno 90%. Lingua da verificare: ar."
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
