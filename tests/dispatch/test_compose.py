"""What a project and a family get: every header field by name, and nothing that must not leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.decide.builders import classification, context
from tests.dispatch.builders import ANNA, NORD, ON_CALL, OURS, RULES, START, a_mail, attached_original
from tests.rules.builders import OTHERS, SERVICE, problems_of, rules_text
from tests.servers.mail import AttachedFile
from triage.decide import decide
from triage.dispatch.compose import Outgoing, Stamp, compose_forward, compose_notice
from triage.parse import parse
from triage.rules import Rules
from triage.vocabulary import Decision, InboundMessage, Reason

CODE = "2A-23456789"
STAMP = Stamp("<f00d@agency.example>", CODE, "5ea1", START)
RECEIVED = datetime(2026, 11, 25, 8, 5, tzinfo=UTC)
PLACE = Reason("luogo_residenza", {"comune": "Altavilla", "where": "text", "start": 3, "end": 12})


def decision_for(message: InboundMessage, **changes: Any) -> Decision:
    found = decide(message, classification(reasons=(PLACE,), **changes), RULES, context())
    return replace(found, reasons=(*found.reasons, Reason("parola_pesata", {"word": "soprattutto"})))


def forward(octets: bytes, rules: Rules = RULES, eight_bit: bool = True, **changes: Any) -> Outgoing:
    message = parse(octets)
    decision = decision_for(message, **changes)
    return compose_forward(message, octets, decision, NORD, rules, STAMP, RECEIVED, eight_bit)


def read(outgoing: Outgoing) -> EmailMessage:
    message = message_from_bytes(outgoing.octets, policy=default)
    assert not message.defects
    return message


def text_of(outgoing: Outgoing) -> str:
    body = read(outgoing).get_body()
    assert body is not None
    return cast(str, body.get_content()).replace("\r\n", "\n")


def address(message: EmailMessage, name: str) -> tuple[str, str]:
    [found] = cast(AddressHeader, message[name]).addresses
    return found.display_name, found.addr_spec


# --------------------------------------------------------------------------- the forward


def test_forward_is_a_new_message_from_us_that_is_answered_to_the_author() -> None:
    sent = forward(a_mail(message_id="<uno@family.example>", headers=[("References", "<zero@family.example>")]))
    message = read(sent)
    assert message.keys() == [
        "From",
        "Reply-To",
        "To",
        "Date",
        "Message-ID",
        "Subject",
        "In-Reply-To",
        "References",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "X-Reti-Smistamento",
        "MIME-Version",
        "Content-Type",
    ]
    assert (sent.reverse_path, sent.forward_path, sent.notify_never) == (OURS, NORD, False)
    assert address(message, "From") == (f"Anna Rossi tramite {RULES.service.sender_name}", OURS)
    assert address(message, "Reply-To") == ("Anna Rossi", ANNA)
    assert message["To"] == NORD
    assert message["Message-ID"] == "<f00d@agency.example>"
    assert message["Subject"] == f"[{CODE}] Orari"
    assert message["In-Reply-To"] == "<uno@family.example>"
    assert message["References"].split() == ["<zero@family.example>", "<uno@family.example>"]
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert message["X-Reti-Smistamento"] == f"{CODE} 5ea1"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "message/rfc822"]


@pytest.mark.parametrize(
    ("reply_to", "wanted"),
    [
        ("altra@family.example", "altra@family.example"),
        ("Zia <zia@family.example>, b@family.example", "zia@family.example"),
        ("non un indirizzo", ANNA),
        ("nicolò@family.example", ANNA),
    ],
)
def test_reply_goes_to_their_reply_to_else_to_the_author(reply_to: str, wanted: str) -> None:
    mail = a_mail().replace(b"MIME-Version", f"Reply-To: {reply_to}\r\nMIME-Version".encode(), 1)
    sent = forward(mail)
    assert address(read(sent), "Reply-To")[1] == wanted
    assert f"({wanted})" in text_of(sent)


def test_unreadable_author_leaves_no_reply_to_and_says_so() -> None:
    sent = forward(a_mail(author="Anna <>"))
    message = read(sent)
    assert message["Reply-To"] is None
    assert address(message, "From")[0].endswith(f" tramite {RULES.service.sender_name}")
    assert text_of(sent).startswith("Non è stato possibile leggere l'indirizzo di chi scrive")


@pytest.mark.parametrize(
    ("author", "shown"),
    [
        (f"{'Annamaria ' * 12}<{ANNA}>", "Annamaria Annamaria Annamaria Annamaria Annamaria Annamaria"),
        (f'"{OURS}" <{ANNA}>', "famiglie agency.example"),
        (f'"servizio@banca.example" <{ANNA}>', "servizio banca.example"),
        (f"<{ANNA}>", "anna.rossi"),
        (f"=?utf-8?q?Anna=0D=0ABcc=3A_evil=40example=2Etest?= <{ANNA}>", "Anna Bcc evil example.test"),
    ],
    ids=["long", "our address", "an address", "no name", "injection"],
)
def test_name_of_the_author_is_cleaned_and_always_followed_by_ours(author: str, shown: str) -> None:
    sent = forward(a_mail(author=author))
    message = read(sent)
    assert address(message, "From") == (f"{shown} tramite {RULES.service.sender_name}", OURS)
    assert message["Bcc"] is None
    assert f"direttamente a {shown} (" in text_of(sent)


def test_hostile_subject_adds_no_field() -> None:
    mail = a_mail().replace(b"Subject: Orari", b"Subject: =?utf-8?q?ciao=0D=0ABcc=3A_evil=40example=2Etest?=")
    message = read(forward(mail))
    assert message["Subject"] == f"[{CODE}] ciao Bcc: evil@example.test"
    assert "Bcc" not in message


def test_forward_says_place_service_and_how_to_hand_back() -> None:
    sent = forward(a_mail("Buongiorno,\nabito ad Altavilla.\nGrazie\n"))
    text = text_of(sent)
    assert text == (
        f"""\
Se rispondete a questa mail, la risposta arriva direttamente a Anna Rossi ({ANNA}).

Se il messaggio non è per voi, rimandatecelo: aprite il collegamento qui sotto e inviate
la mail già pronta, oppure scrivete a {OURS} indicando il codice {CODE}.
mailto:{OURS}?subject=Non%20%C3%A8%20per%20noi%20%5B{CODE}%5D&body=Codice%3A%20{CODE}

Luogo:              Altavilla
Servizio richiesto: informazioni e orientamento
Ricevuto da ATS:    25 novembre 2026, ore 09.05
Codice del caso:    {CODE}

------------------------------ Testo del messaggio ------------------------------

Buongiorno,
abito ad Altavilla.
Grazie

---------------------------------------------------------------------------------
Il messaggio originale, completo, è in allegato.
"""
    )


def test_hand_back_link_opens_a_mail_to_us_with_the_code() -> None:
    [line] = [line for line in text_of(forward(a_mail())).splitlines() if line.startswith("mailto:")]
    link = urlsplit(line)
    assert (link.scheme, link.path) == ("mailto", OURS)
    assert parse_qs(link.query) == {"subject": [f"Non è per noi [{CODE}]"], "body": [f"Codice: {CODE}"]}


def test_attachments_are_listed_with_their_sizes() -> None:
    files = (AttachedFile("certificato.pdf", b"x" * 300_000), AttachedFile("bianco \u202efdp.exe", b"y" * 10))
    text = text_of(forward(a_mail(attachments=files)))
    assert "Allegati (sono nel messaggio originale):\n  - certificato.pdf (293 kB)\n" in text
    assert "\u202e" not in text


def test_empty_message_is_said_to_be_empty() -> None:
    assert "(il messaggio non contiene testo)" in text_of(forward(a_mail("\n")))


def test_forward_holds_no_reasons_confidence_or_urgency() -> None:
    """What weighed and how sure we are never leaves the agency."""
    sent = forward(a_mail("Che orari fate?\n"), urgent=True, alert=True)
    # The boundary is drawn by lot, and may hold any figure.
    fields = [(name, value) for name, value in read(sent).items() if name.casefold() != "content-type"]
    text = text_of(sent).casefold() + str(fields).casefold()
    for word in (
        "urgen",
        "0.97",
        "97",
        "confiden",
        "probab",
        "soprattutto",
        "regola",
        "priorit",
        "reperibile",
        "luogo_",
    ):
        assert word not in text.replace("25 novembre 2026", "")


@pytest.mark.parametrize("body", ["Testo\n", "x" * 5000 + "\n", "perché\n"])
@pytest.mark.parametrize("eight_bit", [True, False])
def test_original_octets_are_attached_as_they_came(body: str, eight_bit: bool) -> None:
    octets = a_mail(body, transfer_encoding="8bit")
    sent = forward(octets, eight_bit=eight_bit)
    assert attached_original(sent.octets) == octets
    assert sent.octets.isascii() or eight_bit


def test_very_long_text_is_cut_in_the_readable_part_only() -> None:
    octets = a_mail("parola " * 40_000 + "FINE\n")
    sent = forward(octets)
    assert "FINE" not in text_of(sent)
    assert attached_original(sent.octets) == octets


# --------------------------------------------------------------------------- the notice


def test_notice_has_these_fields_only() -> None:
    sent = compose_notice(ON_CALL, RULES, STAMP, 4711, RECEIVED)
    message = read(sent)
    assert message.keys() == [
        "From",
        "To",
        "Date",
        "Message-ID",
        "Subject",
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "X-Reti-Smistamento",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
    ]
    assert (sent.reverse_path, sent.forward_path) == ("", ON_CALL)
    assert message["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("address", ["unità@agency.example", "perché@agency.example"])
def test_our_own_address_must_be_one_that_every_server_takes(address: str) -> None:
    sender = rules_text(service=SERVICE.replace(OURS, address))
    [problem, *_] = problems_of(sender)
    assert "without accented letters" in problem
    path = rules_text(others=OTHERS.replace("enabled: true", f"enabled: true, reverse_path: {address}"))
    assert "without accented letters" in problems_of(path)[0]
