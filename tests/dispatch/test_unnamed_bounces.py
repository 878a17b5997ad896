"""Bounces of forwards that name neither our mail, nor the case, nor a recipient, and came to no tagged address.

Nothing tells what they are about, so a person reads them. They are never filed unseen, never answered, and never
forwarded for the family's words that they quote, however sure the classifier is of these.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.decide.builders import classification
from tests.dispatch.builders import ANNA, NORD, Desk, a_mail, acknowledging, forwards_in
from tests.dispatch.test_coming_back import came_back, code_of, forwarded
from tests.servers.smtp_sink import SmtpSink
from triage.rules.types import Envelope
from triage.vocabulary import Classification, InboundMessage, MessageState

LETTER = "Buongiorno,\narrivo sempre in ritardo dal lavoro (tel. 0372 405 118): che orari fate?\n"

SAID = {
    "Aruba": ("Mancata consegna", "Il messaggio non e' stato recapitato: casella piena.\n"),
    "Exchange": (
        "Recapito non riuscito: Orari",
        "Recapito non riuscito per i seguenti destinatari o gruppi. Contattare l'amministratore.\n",
    ),
    "Exchange, old": ("Non recapitabile: Orari", "Il messaggio non ha raggiunto alcuni o tutti i destinatari.\n"),
    "Microsoft 365": ("Undeliverable: Orari", "Your message couldn't be delivered.\n"),
    "Gmail": (
        "Delivery Status Notification (Failure)",
        "Indirizzo non trovato\n\nIl messaggio non è stato recapitato perché l'indirizzo non è stato trovato.\n",
    ),
    "Postfix": (
        "Undelivered Mail Returned to Sender",
        "I'm sorry to have to inform you that your message could not be delivered to one or more recipients.\n",
    ),
    "qmail": ("failure notice", "Hi. I'm afraid I wasn't able to deliver your message. I've given up.\n"),
    "Exim": (
        "Mail delivery failed: returning message to sender",
        "A message that you sent could not be delivered to one or more of its recipients.\n",
    ),
}

QUOTED = {
    "nothing": "",
    "its beginning": f"\n{LETTER[:70]}\n",
    "all of it": f"\n--- Below this line is a copy of the message.\n\n{LETTER}",
    "behind marks": "\n" + "".join(f"> {line}\n" for line in LETTER.splitlines()),
}

FROM = {
    "a daemon": ("MAILER-DAEMON@mx.example.net", "Return-Path: <>\r\n"),
    "a daemon whose path is unknown": ("postmaster@mx.example.net", ""),
    "a daemon that calls itself automatic": (
        "mailer-daemon@mx.example.net",
        "Return-Path: <>\r\nAuto-Submitted: auto-replied\r\n",
    ),
    "an address of its own": ("consegna@mx.example.net", "Return-Path: <consegna@mx.example.net>\r\n"),
    "nobody": ("noreply@mx.example.net", "Return-Path: <>\r\nAuto-Submitted: auto-generated\r\n"),
}


def unnamed(server: str, quoted: str, author: str = "a daemon") -> bytes:
    """A bounce in words only, without a Message-ID or address of ours."""
    subject, words = SAID[server]
    address, path = FROM[author]
    body = base64.encodebytes(f"{words}{QUOTED[quoted]}".encode()).decode().replace("\n", "\r\n")
    return (
        f"{path}From: Posta <{address}>\r\nTo: famiglie@agency.example\r\nSubject: {subject}\r\n"
        f"Message-ID: <{len(words)}.{len(body)}@mx.example.net>\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}"
    ).encode()


def as_a_letter(message: InboundMessage) -> Classification:
    """As sure of the quoted words as of a family's own."""
    return classification()


def as_a_machines(message: InboundMessage) -> Classification:
    """Proved to be a machine's, and no matter for anybody: what is filed unseen."""
    nobody = {"topic": "non_pertinente", "topic_scores": {"non_pertinente": 1.0}}
    return classification(automatic=True, automatic_proved=True, **nobody)


def with_a_forward(make_desk: Callable[..., Desk], sink: SmtpSink, choose: Callable[..., Classification]) -> Desk:
    desk = make_desk(sink.port)
    forwarded(desk)
    desk.send()
    sink.forget()
    desk.knowledge.classifier.choose = choose
    return desk


@pytest.mark.parametrize("choose", [as_a_letter, as_a_machines])
@pytest.mark.parametrize("author", FROM)
def test_a_bounce_that_names_nothing_waits_for_a_person_and_is_answered_by_nobody(
    make_desk: Callable[..., Desk], smtp_sink: SmtpSink, author: str, choose: Callable[..., Classification]
) -> None:
    desk = with_a_forward(make_desk, smtp_sink, choose)
    keys = desk.take_in(*(unnamed(server, quoted, author) for server in SAID for quoted in QUOTED))
    desk.send()
    desk.advance(hours=6)
    desk.send()
    assert {desk.outcome(key) for key in keys} == {(MessageState.HELD, "avviso_su_nostro_invio")}
    assert smtp_sink.messages == ()
    assert desk.message(1).state == MessageState.FORWARDED, "of which forward it speaks, nobody can tell"
    desk.assert_ledger_closes()


def test_a_notification_in_words_that_nobody_knows_is_not_forwarded_for_the_words_that_it_quotes(
    make_desk: Callable[..., Desk], smtp_sink: SmtpSink
) -> None:
    """RFC 5321 section 4.5.5: the null path is for notifications."""
    desk = with_a_forward(make_desk, smtp_sink, lambda message: replace(as_a_letter(message), automatic=True))
    told = a_mail(LETTER, subject="Avviso", author="servizio@mx.example.net", return_path="")
    [key] = desk.take_in(told)
    desk.advance(hours=6)
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "avviso_su_nostro_invio")
    assert smtp_sink.messages == ()


@pytest.mark.parametrize("path", [ANNA, ""], ids=["with a path", "with the null path"])
@pytest.mark.parametrize("automatic", [True, False], ids=["known for a machine's", "like a person's"])
def test_what_comes_to_a_return_address_of_ours_is_a_machines_and_is_not_answered(
    make_desk: Callable[..., Desk], smtp_sink: SmtpSink, path: str, automatic: bool
) -> None:
    """A robot that says of itself nothing answers the Return-Path (RFC 3834 section 4); people answer From."""
    desk = make_desk(smtp_sink.port)
    desk.plus = True
    desk.rules = acknowledging(desk.rules, envelope=Envelope.PLUS)
    key = forwarded(desk)
    desk.send()
    [ours] = [mail for mail in smtp_sink.messages if ANNA in mail.forward_paths]
    smtp_sink.forget()
    desk.knowledge.classifier.choose = as_a_machines if automatic else as_a_letter
    [told] = desk.take_in(a_mail("Sono via fino a lunedì.\n", subject="Via", to=ours.reverse_path, return_path=path))
    desk.send()
    desk.advance(hours=6)
    desk.send()
    assert desk.message(told).case_id == desk.message(key).case_id
    assert desk.message(told).state == (MessageState.DECIDED if automatic else MessageState.HELD)
    assert came_back(desk, key) == [("absent" if automatic else "complaint", "")]
    assert smtp_sink.messages == ()
    desk.assert_ledger_closes()


def test_a_family_that_speaks_of_lost_mail_is_a_family(desk: Desk, smtp_sink: SmtpSink) -> None:
    [key] = desk.take_in(a_mail("Vi ho scritto, ma il messaggio non è stato recapitato. Che orari fate?\n"))
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert forwards_in(smtp_sink) == [NORD]


def test_a_failure_is_no_delay_because_the_family_that_it_quotes_was_late(desk: Desk) -> None:
    key = forwarded(desk)
    told = unnamed("qmail", "all of it").replace(b"Subject:", f"References: {named(desk)}\r\nSubject:".encode())
    desk.take_in(told)
    assert came_back(desk, key) == [("failed", "")]
    assert desk.outcome(key) == (MessageState.HELD, "inoltro_respinto")


def named(desk: Desk) -> str:
    return desk.dispatch(1).rfc_message_id


@pytest.mark.parametrize("names", ["id", "code"])
def test_a_projects_robot_that_says_that_our_mail_did_not_arrive_is_no_absence(desk: Desk, names: str) -> None:
    """Its mailbox's own robot: by RFC 3834 like an absence, and the forward may be lost."""
    key = forwarded(desk)
    head = [("Auto-Submitted", "auto-replied")] + ([("In-Reply-To", named(desk))] if names == "id" else [])
    subject = "undelivered: Orari" if names == "id" else f"undelivered: [{code_of(desk, key)}] Orari"
    text = "La casella e' piena, il messaggio non e' stato consegnato.\n"
    [told] = desk.take_in(a_mail(text, subject=subject, author=NORD, return_path="", headers=head))
    assert came_back(desk, key) == [("complaint", "")]
    assert desk.outcome(told) == (MessageState.HELD, "segnalazione_su_nostro_invio")
    assert [kind for kind, _ in desk.incidents()] == ["forward_returned"]
