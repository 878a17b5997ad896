"""What leaves by a PEC account keeps the provider's rules: its own address only, nobody hidden, 30 MB."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.dispatch.builders import ANNA, NORD, ON_CALL, OURS, Desk, a_mail
from tests.rules.builders import OTHERS, SERVICE, build_rules, line_of, problems_of, rules_text
from tests.servers.smtp_sink import SmtpSink
from triage.pec.sending import MOST_OCTETS, fault_of
from triage.vocabulary import MessageState

PEC_SERVICE = SERVICE.replace("  mode: automatico", "  mode: automatico\n  pec: true")
ANSWERING = OTHERS.replace("{enabled: true}", "{enabled: true, pec: true}")
HEAD = f'From: "Anna tramite ATS"\r\n <{OURS}>\r\nTo: {NORD}\r\nSubject: Orari\r\n'.encode()


@pytest.mark.parametrize(
    ("reverse_path", "head", "fault"),
    [
        (OURS, HEAD, ""),
        ("", HEAD, "pec_mittente_diverso"),
        ("altro@agency.example", HEAD, "pec_mittente_diverso"),
        (OURS, HEAD.replace(b"From:", b"Sender:"), "pec_mittente_diverso"),
        (OURS, HEAD + b"Bcc: \r\n", "pec_destinatari_diversi"),
        (OURS, HEAD + b"Cc: altri@nord.example\r\n", "pec_destinatari_diversi"),
        (OURS, HEAD.replace(NORD.encode(), b"altri@nord.example"), "pec_destinatari_diversi"),
    ],
)
def test_a_fault_is_named(reverse_path: str, head: bytes, fault: str) -> None:
    assert fault_of(reverse_path, NORD, head + b"\r\nBcc: in the text\r\n") == fault


def test_what_is_larger_than_30_mb_is_not_sent() -> None:
    octets = HEAD + b"\r\n" + b"x" * MOST_OCTETS
    assert fault_of(OURS, NORD, octets) == "pec_troppo_grande"


def test_everything_leaves_under_the_accounts_own_address(make_desk: Callable[..., Desk], smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=build_rules(service=PEC_SERVICE, others=ANSWERING))
    desk.take_in(a_mail(), a_mail("Aiuto subito!\n", subject="pericolo", message_id="<2@family.example>"))
    desk.send()
    assert {path for sent in smtp_sink.messages for path in sent.forward_paths} == {NORD, ANNA, ON_CALL}
    assert {sent.reverse_path for sent in smtp_sink.messages} == {OURS}


def test_by_an_ordinary_account_notices_and_acknowledgements_keep_the_null_path(
    desk: Desk, smtp_sink: SmtpSink
) -> None:
    desk.take_in(a_mail(), a_mail("Aiuto subito!\n", subject="pericolo", message_id="<2@family.example>"))
    desk.send()
    paths = {sent.forward_paths[0]: sent.reverse_path for sent in smtp_sink.messages}
    assert paths == {NORD: OURS, ANNA: "", ON_CALL: ""}


def test_acknowledgements_by_a_pec_account_must_be_asked_for() -> None:
    text = rules_text(service=PEC_SERVICE)
    assert problems_of(text) == [
        f"rules.yaml:{line_of(text, 'enabled: true')}: acknowledgements would leave by a PEC account, and each makes "
        "two receipts come back. Remedy: write pec: true under acknowledgements, or enabled: false."
    ]


def test_another_envelope_sender_than_the_accounts_address_is_refused_when_the_rules_are_read() -> None:
    others = ANSWERING.replace("pec: true}", "pec: true, reverse_path: centri@agency.example}")
    text = rules_text(service=PEC_SERVICE, others=others)
    assert problems_of(text) == [
        f"rules.yaml:{line_of(text, 'reverse_path')}: a PEC account sends under its own address only, and never with "
        "an empty envelope sender. Remedy: delete reverse_path, or write service.address."
    ]
    assert problems_of(text.replace("reverse_path: centri@", "reverse_path: Famiglie@")) == []


@pytest.mark.parametrize(
    ("section", "written"), [("service", "pec: forse"), ("mailboxes", "pec: forse"), ("acknowledgements", "pec: forse")]
)
def test_the_keys_say_yes_or_no(section: str, written: str) -> None:
    service = SERVICE.replace("  mode:", f"  {written}\n  mode:") if section == "service" else SERVICE
    if section == "mailboxes":
        service = SERVICE.replace("agency.example}", f"agency.example, {written}}}")
    others = OTHERS.replace("enabled: true", f"enabled: true, {written}") if section == "acknowledgements" else OTHERS
    text = rules_text(service=service, others=others)
    (problem,) = problems_of(text)
    assert problem.startswith(f"rules.yaml:{line_of(text, written)}: ")
    assert "pec" in problem
    assert "true" in problem


def test_an_original_that_no_provider_takes_stays_with_staff_and_the_centre_gets_its_text(
    make_desk: Callable[..., Desk], smtp_sink: SmtpSink
) -> None:
    desk = make_desk(smtp_sink.port, rules=build_rules(service=PEC_SERVICE, others=ANSWERING))
    (key,) = desk.take_in(a_mail("a\n" * (MOST_OCTETS // 3 + 1)))
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "originale_non_inviato")
    sent = next(item for item in smtp_sink.messages if NORD in item.forward_paths)
    assert len(sent.octets) < 1_000_000
