"""Each sample of certified mail is seen as the table beside it says: the person's message, not the envelope's."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.pec.builders import CORPUS, NAMES, OUR_ID, opaque, provider, sample, seal, sealed
from triage.parse import parse
from triage.parse.isolated import parse_isolated
from triage.parse.wire import from_json, to_json
from triage.pec.receipts import report_of
from triage.pec.seen import as_seen
from triage.vocabulary import InboundMessage, PecKind, SignatureState

EXPECTED: dict[str, dict[str, Any]] = yaml.safe_load((CORPUS / "expected.yaml").read_text(encoding="utf-8"))
RECEIPTS = [name for name, wanted in EXPECTED.items() if "outcome" in wanted]


def seen(octets: bytes) -> InboundMessage:
    """As in a mailbox that is declared to be PEC."""
    return as_seen(parse(octets), declared=True, anchors=())


def described(message: InboundMessage) -> dict[str, Any]:
    certified, report = message.certified, report_of(message)
    found: dict[str, Any] = {
        "kind": str(certified.kind) if certified else None,
        "author": message.author.addr_spec,
        "subject": message.subject,
        "text": message.new_text.split("\n")[0][:60],
    }
    if message.attachments:
        found["attachments"] = [item.file_name for item in message.attachments]
    if certified is not None:
        found["signature"] = str(certified.signature)
        if certified.data is not None and certified.data.time is not None:
            found["time"] = certified.data.time.isoformat()
        if certified.data is not None and certified.data.damaged:
            found["damaged"] = True
    if report is not None:
        found |= {"outcome": str(report.outcome)} | ({"error": report.error} if report.error else {})
    return found


@pytest.mark.parametrize("name", NAMES)
def test_f70_the_persons_message_is_seen_and_not_the_envelopes_text(name: str) -> None:
    assert described(seen(sealed(name))) == EXPECTED[name]


@pytest.mark.parametrize("name", NAMES)
def test_the_isolated_parser_sends_all_of_it_back(name: str) -> None:
    message = parse(sealed(name))
    assert from_json(to_json(message)) == message


def test_a_parser_in_a_process_of_its_own_reads_certified_mail_alike() -> None:
    octets = sealed("envelope-x-pkcs7-sha1")
    assert parse_isolated(octets) == parse(octets)


def test_the_readme_says_why_each_sample_exists_and_every_sample_has_its_expectation() -> None:
    readme = (CORPUS / "README.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"| `{name}` |" not in readme] == []
    assert sorted(EXPECTED) == sorted(NAMES)
    assert readme.count("\n| `") == len(NAMES)


def test_all_seven_kinds_of_receipts_and_both_envelopes_are_among_the_samples() -> None:
    assert {wanted["kind"] for wanted in EXPECTED.values()} == {*map(str, PecKind), None}


@pytest.mark.parametrize("name", [name for name in RECEIPTS if name != "receipt-of-a-colleague"])
def test_a_receipt_says_which_message_id_it_is_about(name: str) -> None:
    report = report_of(seen(sealed(name)))
    assert report is not None
    assert report.message_ids == (OUR_ID,)


def test_f71_a_receipt_that_was_signed_opaquely_is_understood() -> None:
    report = report_of(seen(opaque("receipt-errore-altro")))
    assert report is not None
    assert (report.kind, report.error, report.altered) == (PecKind.DELIVERY_ERROR, "altro", False)
    message = seen(opaque("receipt-accettazione"))
    assert message.certified is not None
    assert message.certified.signature is SignatureState.INTACT


def test_entities_of_the_certified_data_are_never_followed() -> None:
    message = seen(sealed("envelope-daticert-entities"))
    assert message.certified is not None
    data = message.certified.data
    assert data is not None
    assert (data.identifier, data.message_id, data.time, data.damaged) == ("", "", None, True)


def test_the_envelope_keeps_its_own_trace_and_the_message_inside_its_own_fields() -> None:
    message = seen(sealed("envelope-in-envelope"))
    assert message.reverse_path == "famiglia.rossi@pec.gestore-uno.example"
    assert len(message.header("Received")) == 1
    assert message.header("Return-Path") == ("<famiglia.rossi@pec.gestore-uno.example>",)
    assert message.header("X-Trasporto") == ("posta-certificata",)
    assert message.message_id == "<interno1@pec.example>"


def test_no_pec_field_of_the_message_inside_an_anomaly_is_believed() -> None:
    message = seen(sealed("anomaly-forged-receipt"))
    assert message.header("X-Ricevuta") == ()
    assert report_of(message) is None


def test_in_ordinary_mail_a_claim_to_be_a_receipt_proves_nothing() -> None:
    message = as_seen(parse(sample("forged-receipt")), declared=False, anchors=())
    assert message.certified is not None
    assert message.certified.trusted is False
    assert message.header("X-Ricevuta") == ()
    assert report_of(message) is None


def test_in_ordinary_mail_an_envelope_keeps_its_own_author() -> None:
    message = as_seen(parse(sample("forged-envelope")), declared=False, anchors=())
    assert message.author.addr_spec == "posta-certificata@pec.gestore-uno.example"
    assert "abitiamo ad Altavilla" in message.new_text


@pytest.mark.parametrize("value", ["", "posta", "posta-certificata-2", "=?utf-8?Q?accettazione?=", "x" * 5000])
def test_an_unknown_value_makes_no_certified_mail(value: str) -> None:
    octets = sample("receipt-accettazione").replace(b"X-Ricevuta: accettazione", f"X-Ricevuta: {value}".encode())
    assert parse(seal(octets, provider())).certified is None


def test_a_bounce_inside_an_anomaly_has_the_null_path_that_it_was_sent_with() -> None:
    assert seen(sealed("anomaly-bounce")).reverse_path == ""
    assert seen(sealed("anomaly-family")).reverse_path == "bruno.bianchi@family.example"


def test_a_path_that_a_stranger_wrote_inside_an_anomaly_is_not_taken_over() -> None:
    octets = sample("anomaly-family").replace(
        b"From: Bruno Bianchi", b"Return-Path: <vittima@family.example>\r\nFrom: Bruno Bianchi"
    )
    message = seen(seal(octets, provider()))
    assert message.reverse_path == "bruno.bianchi@family.example"
    assert message.header("Return-Path") == ("<bruno.bianchi@family.example>",)
