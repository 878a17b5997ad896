"""Certified mail (PEC) as the commands tell of it: ``show``, ``explain``, ``classify``, ``check``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.commands.conftest import Invoke
from tests.commands.test_check import ACCOUNTS
from tests.dispatch.builders import Desk, a_mail
from tests.laid import lay_sqlite
from tests.pec.builders import OUR_ID, authority, sealed
from tests.pec.test_flow import PEC_BOX
from triage.rules.types import Rules

ALTERED = (b"alleghiamo il modulo", b"alleghiamo un modulo")


@pytest.fixture
def envelope(tmp_path: Path) -> Path:
    path = tmp_path / "pec.eml"
    path.write_bytes(sealed("envelope-x-pkcs7-sha1"))
    return path


def declare(
    environment: dict[str, str], old: str = "    role: inbox", new: str = "    role: inbox\n    pec: true"
) -> None:
    """Change the rules file, once."""
    rules = Path(environment["TRIAGE_RULES"])
    text = rules.read_text(encoding="utf-8")
    assert old in text
    rules.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def desk(environment: dict[str, str]) -> Iterator[Desk]:
    """The record that the commands look at, with a decider in front of it; nothing is sent."""
    folder = Path(environment["TRIAGE_STATE_DIR"])
    folder.mkdir()
    desk = Desk(lay_sqlite(folder / "triage.db"), 1, rules=PEC_BOX)
    yield desk
    desk.close()


def lines_of(invoke: Invoke, *arguments: str | Path, **options: dict[str, str]) -> list[str]:
    result = invoke(*arguments, **options)
    assert result.exit_code == 0, result.stderr
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def test_explain_says_what_the_envelope_is_and_reads_the_person_inside(
    invoke: Invoke, environment: dict[str, str], envelope: Path
) -> None:
    declare(environment)
    lines = lines_of(invoke, "explain", envelope)
    assert "Posta certificata: messaggio di posta certificata" in lines
    assert "Firma del gestore: intatta" in lines
    assert "Data e ora certificate: 25/11/2026, ore 10:22:00" in lines
    assert "Gestore: GESTORE UNO S.p.A." in lines
    assert "Identificativo: opec210.20261125102200.01.aruba" in lines
    assert any("alleghiamo il modulo" in line.replace("*", "") for line in lines), "marks apart"


def test_explain_says_that_a_signature_was_altered(invoke: Invoke, environment: dict[str, str], envelope: Path) -> None:
    declare(environment)
    envelope.write_bytes(envelope.read_bytes().replace(*ALTERED))
    assert "Firma del gestore: alterata" in lines_of(invoke, "explain", envelope)


def test_explain_believes_no_envelope_in_an_ordinary_mailbox_but_a_recognised_providers(
    invoke: Invoke, envelope: Path, tmp_path: Path
) -> None:
    lines = lines_of(invoke, "explain", envelope)
    assert "Posta certificata: si presenta come messaggio di posta certificata, ma nulla lo conferma" in lines
    anchors = tmp_path / "gestori.pem"
    anchors.write_bytes(authority().pem)
    lines = lines_of(invoke, "explain", envelope, settings={"TRIAGE_PEC_CA_FILE": str(anchors)})
    assert "Firma del gestore: intatta (gestore riconosciuto)" in lines


@pytest.mark.parametrize("declared", [True, False])
def test_classify_never_forwards_a_receipt(
    invoke: Invoke, environment: dict[str, str], tmp_path: Path, declared: bool
) -> None:
    path = tmp_path / "ricevuta.eml"
    path.write_bytes(sealed("receipt-consegna-completa"))
    if declared:
        declare(environment)
    found = json.loads(invoke("classify", path).stdout)
    assert (found["esito"], found["destinazione"], found["ricevuta"], found["urgente"]) == (
        "trattieni",
        "nessuna",
        False,
        False,
    )


def test_show_tells_of_the_envelope_and_of_the_receipts_beside_a_message(invoke: Invoke, desk: Desk) -> None:
    (envelope,) = desk.take_in(sealed("envelope-x-pkcs7-sha1"))
    (sent,) = desk.take_in(a_mail(message_id=OUR_ID))
    (receipt,) = desk.take_in(sealed("receipt-accettazione"))
    (failure,) = desk.take_in(sealed("receipt-errore-altro"))
    lines = lines_of(invoke, "show", str(envelope))
    assert "Da: Anna Rossi <anna.rossi@pec.example>" in lines
    assert "Oggetto: Richiesta colloquio" in lines
    assert "Posta certificata: messaggio di posta certificata" in lines
    assert "Firma del gestore: intatta" in lines
    assert "Allegato: modulo.pdf (application/pdf, 28 byte)" in lines
    lines = lines_of(invoke, "show", str(sent))
    assert f"Ricevuta PEC (messaggio {receipt}): Ricevuta di accettazione." in lines
    assert (
        f"Ricevuta PEC (messaggio {failure}): una ricevuta PEC dice che una nostra mail non è stata consegnata: "
        "altro motivo (anche una casella che non esiste)"
    ) in lines
    lines = lines_of(invoke, "show", str(failure))
    assert "Errore indicato: altro motivo (anche una casella che non esiste)" in lines
    assert "Destinatario: nord@nord.example" in lines
    assert "Spiegazione: 5.1.1 - Indirizzo non valido" in lines
    found = json.loads(invoke("show", str(sent), "--json").stdout)
    assert [item["id"] for item in found["receipts"]] == [receipt, failure]


def test_show_believes_what_was_believed_when_it_was_decided(invoke: Invoke, desk: Desk) -> None:
    desk.rules = ordinary(PEC_BOX)
    (key,) = desk.take_in(sealed("envelope-x-pkcs7-sha1"))
    lines = lines_of(invoke, "show", str(key))
    assert "Oggetto: POSTA CERTIFICATA: Richiesta colloquio" in lines
    assert "Posta certificata: si presenta come messaggio di posta certificata, ma nulla lo conferma" in lines


def ordinary(rules: Rules) -> Rules:
    """The same rules, with no mailbox declared to be PEC."""
    return replace(rules, mailboxes={name: replace(box, pec=False) for name, box in rules.mailboxes.items()})


def test_ledger_tells_of_mail_that_did_not_arrive_by_a_number_alone(invoke: Invoke, desk: Desk) -> None:
    (key,) = desk.take_in(sealed("receipt-errore-altro"))
    output = invoke("ledger").stdout
    assert f"read message {key}" in output
    assert "@" not in output


def test_check_says_who_is_recognised_and_what_a_pec_account_can_send(
    invoke: Invoke, environment: dict[str, str], tmp_path: Path
) -> None:
    declare(environment)
    declare(environment, "  mode: automatico", "  mode: automatico\n  pec: true")
    declare(environment, "acknowledgements:", "acknowledgements:\n  pec: true")
    anchors = tmp_path / "gestori.pem"
    anchors.write_bytes(authority().pem)
    result = invoke("check", settings={**ACCOUNTS, "TRIAGE_PEC_CA_FILE": str(anchors)})
    assert result.exit_code == 0, result.stdout
    assert "1 certificate(s) to recognise providers by" in result.stdout
    assert "to one recipient, without Bcc, at most 30 MB" in result.stdout
    assert "a message over 21 MB may be too large to be forwarded by PEC" in result.stdout


@pytest.mark.parametrize("content", [b"", b"no certificate"])
def test_check_refuses_a_file_of_anchors_that_holds_none(invoke: Invoke, tmp_path: Path, content: bytes) -> None:
    anchors = tmp_path / "gestori.pem"
    anchors.write_bytes(content)
    result = invoke("check", settings={**ACCOUNTS, "TRIAGE_PEC_CA_FILE": str(anchors)})
    assert result.exit_code == 2
    assert "ERROR: TRIAGE_PEC_CA_FILE holds no certificate." in result.stdout


def test_check_of_a_pec_account_names_line_and_remedy_of_what_a_provider_would_refuse(
    invoke: Invoke, environment: dict[str, str]
) -> None:
    declare(environment, "  mode: automatico", "  mode: automatico\n  pec: true")
    result = invoke("check", settings=ACCOUNTS)
    assert result.exit_code == 2
    assert "acknowledgements would leave by a PEC account" in result.stdout
    assert "Remedy: write pec: true under acknowledgements" in result.stdout
