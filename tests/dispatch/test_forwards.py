"""Which form a forward takes: redirected, with files, alone, or without the original; and what servers call it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.decide.builders import classification, context
from tests.dispatch.builders import (
    ANNA,
    NORD,
    OURS,
    RULES,
    START,
    Desk,
    Tried,
    a_mail,
    attached_original,
    change_project,
    forwards_in,
)
from tests.dispatch.test_scanning import attached_names, by_socket
from tests.servers.clamd import Clamd
from tests.servers.mail import AttachedFile
from tests.servers.smtp_sink import SmtpSink
from triage.decide import decide
from triage.dispatch.compose import FILES, ORIGINAL, Outgoing, Stamp
from triage.dispatch.forwards import FOR_TRACES, Offer, Task, compose_fitting, files_to_repeat
from triage.ids import findable, given_id, own_ids
from triage.parse import parse
from triage.record.recall import sent_by_us
from triage.rules import Rules
from triage.rules.forwarding import ForwardAs, ForwardRules
from triage.vocabulary import DispatchKind, MessageState

Make = Callable[..., Desk]
CODE = "2A-23456789"
STAMP = Stamp("<f00d@agency.example>", CODE, "5ea1", START)
PDF = b"%PDF-1.4\nun modulo\n"
REDIRECTED = change_project(RULES, "nord", forward_as=ForwardAs.REDIRECT)
FULL = Offer(eight_bit=True)


def fitting(
    octets: bytes, offer: Offer = FULL, rules: Rules = RULES, left_out: int = 0, *, clean: bool = True
) -> Outgoing:
    message = parse(octets)
    decision = decide(message, classification(), rules, context())
    task = Task(message, octets, decision, NORD, STAMP, START)
    files = files_to_repeat(message, octets, rules.forwards) if clean else ()
    return compose_fitting(task, rules, offer, frozenset(file.digest for file in files), left_out)


def text_of(octets: bytes) -> str:
    body = message_from_bytes(octets, policy=default).get_body()
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def large_mail(size: int = 300_000) -> bytes:
    return a_mail("Buongiorno, ecco il modulo.\n", attachments=[AttachedFile("modulo.pdf", PDF + b"x" * size)])


# --------------------------------------------------------------------------- size


def test_files_are_left_out_before_the_original_is() -> None:
    octets = large_mail()
    full = len(fitting(octets).octets)
    alone = len(fitting(octets, clean=False).octets)
    for size, wanted in (
        (0, 0),
        (full + FOR_TRACES, 0),
        (full + FOR_TRACES - 1, FILES),
        (alone + FOR_TRACES, FILES),
        (alone + FOR_TRACES - 1, ORIGINAL),
    ):
        sent = fitting(octets, replace(FULL, size=size))
        assert sent.left_out == wanted
        assert size == 0 or len(sent.octets) + FOR_TRACES <= size
        assert (octets in sent.octets) == (wanted < ORIGINAL)


def test_what_was_refused_for_its_size_is_not_tried_again() -> None:
    octets = large_mail()
    assert [fitting(octets, left_out=left_out).left_out for left_out in (0, FILES, ORIGINAL)] == [0, FILES, ORIGINAL]


def test_files_that_no_scan_has_seen_are_not_repeated() -> None:
    """Also when a rule that allows more was put in force between the scan and the forward."""
    assert fitting(large_mail(), clean=False).left_out == FILES
    none = replace(RULES, forwards=ForwardRules(0, 20))
    assert fitting(large_mail(), rules=none).left_out == FILES


def test_forward_without_the_original_says_who_has_it() -> None:
    sent = fitting(large_mail(), left_out=ORIGINAL)
    message = message_from_bytes(sent.octets, policy=default)
    assert not message.defects
    assert message.get_content_type() == "text/plain"
    assert message["Subject"] == f"[{CODE}] Orari"
    text = text_of(sent.octets)
    assert text.startswith(f"Se rispondete a questa mail, la risposta arriva direttamente a Anna Rossi ({ANNA}).")
    assert "Allegati (non sono in questa mail: vedere in fondo):\n  - modulo.pdf (293 kB)\n" in text
    assert "Buongiorno, ecco il modulo." in text
    assert text.endswith(
        f"""\
Il messaggio originale è troppo grande per questa mail: qui ci sono solo il testo e l'elenco degli allegati.
Il messaggio completo è conservato dal personale di ATS. Per averlo scrivete a
{OURS}, o telefonate al numero 000 000000, indicando il codice {CODE}.
"""
    )
    assert "in allegato" not in text


def test_original_larger_than_the_announced_size_stays_with_staff(
    make_desk: Make, start_smtp_sink: Callable[..., SmtpSink]
) -> None:
    """The project has the text; the message waits for staff to hand it over, and the family is told all the same."""
    sink = start_smtp_sink(extensions=("SIZE 100000", "8BITMIME"))
    desk = make_desk(sink.port)
    [key] = desk.take_in(large_mail())
    desk.send()
    assert [sent.forward_paths for sent in sink.messages] == [(NORD,), (ANNA,)]
    assert len(sink.messages[0].octets) < 100_000
    assert desk.outcome(key) == (MessageState.HELD, "originale_non_inviato")
    assert desk.tried(key) == [Tried("accepted", "data", 250)]
    assert desk.dispatch(key).left_out == ORIGINAL
    desk.assert_ledger_closes()
    desk.retry(key)
    desk.decide()
    desk.send()
    assert forwards_in(sink) == [NORD], "handed over by a person: it is filed, not sent again"
    assert desk.outcome(key) == (MessageState.DECIDED, "")
    desk.assert_ledger_closes()


@pytest.mark.parametrize(
    ("step", "stage", "code", "text"),
    [
        ("mail", "mail", 552, "5.3.4 message size exceeds fixed limit"),
        ("data_dot", "data", 552, "message too large"),
        ("data_dot", "data", 554, "5.3.4 too big"),
        ("rcpt", "rcpt", 550, "5.2.3 Message too large for this recipient"),
    ],
)
def test_size_refused_without_an_announcement_leaves_out_step_by_step(
    make_desk: Make, smtp_sink: SmtpSink, clamd: Clamd, step: str, stage: str, code: int, text: str
) -> None:
    """F92: a forward that failed is never taken for delivered; files go first, then the original."""
    desk = make_desk(smtp_sink.port, scanner=by_socket(clamd))
    smtp_sink.answer(step, code, text, times=2)  # type: ignore[arg-type]
    [key] = desk.take_in(large_mail())
    desk.send()
    assert desk.tried(key) == [*[Tried("permanent", stage, code)] * 2, Tried("accepted", "data", 250)]
    assert desk.outcome(key) == (MessageState.HELD, "originale_non_inviato")
    desk.assert_ledger_closes()


def test_files_alone_were_too_much(make_desk: Make, smtp_sink: SmtpSink, clamd: Clamd) -> None:
    desk = make_desk(smtp_sink.port, scanner=by_socket(clamd))
    smtp_sink.answer("data_dot", 552, "5.3.4 too big", times=1)
    octets = large_mail()
    [key] = desk.take_in(octets)
    desk.send()
    assert attached_names(smtp_sink.messages[0].octets) == ["originale.eml"]
    assert attached_original(smtp_sink.messages[0].octets) == octets
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.dispatch(key).left_out == FILES


def test_even_the_text_alone_is_refused(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("mail", 552, "5.3.4 too big", when=lambda path: path == OURS)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "inoltro_rifiutato")
    assert len(desk.tried(key)) == 2, "without files there are two forms"


# --------------------------------------------------------------------------- redirection


def redirected(octets: bytes) -> bytes:
    """A mail of :func:`a_mail` as it goes on: without the Return-Path that our server wrote."""
    first, rest = octets.split(b"\r\n", 1)
    assert first.startswith(b"Return-Path: ")
    return rest


def test_redirected_octets_stand_unchanged_behind_the_resent_block() -> None:
    """F70b: parsing and writing again would break signatures; RFC 5322 section 3.6.6."""
    octets = a_mail("perché\n", headers=[("DKIM-Signature", "v=1; a=rsa-sha256; b=abc")], transfer_encoding="8bit")
    sent = fitting(octets, rules=REDIRECTED)
    octets = redirected(octets)
    assert sent.octets.endswith(octets)
    block = sent.octets[: -len(octets)]
    assert [line.partition(b":")[0] for line in block.split(b"\r\n") if line[:1] not in (b" ", b"")] == [
        b"X-Reti-Smistamento",
        b"Resent-Date",
        b"Resent-From",
        b"Resent-To",
        b"Resent-Message-ID",
    ]
    message = message_from_bytes(sent.octets, policy=default)
    assert message["Resent-To"] == NORD
    assert message["Resent-Message-ID"] == STAMP.rfc_message_id
    assert OURS in message["Resent-From"]
    assert ANNA in message["From"]
    assert sent.reverse_path == OURS, "failures come back to us (F83)"


@pytest.mark.parametrize("name", ["Return-Path", "RETURN-PATH ", "Bcc", "bCC", "Resent-Bcc"])
def test_return_path_and_bcc_do_not_go_on_and_nothing_else_changes(name: str) -> None:
    """RFC 5321 section 4.4 and RFC 5322 section 3.6.3: also folded, repeated, in any case."""
    octets = redirected(a_mail("Bcc: nel testo resta\n", headers=[("DKIM-Signature", "v=1; h=From:Subject; b=abc")]))
    subject = octets.index(b"Subject: ")
    field = f"{name}: <segreto@family.example>,\r\n\t<altro@family.example>\r\n".encode()
    sent = fitting(field + octets[:subject] + field + octets[subject:], rules=REDIRECTED)
    assert sent.octets.endswith(b"\r\n" + octets)
    assert b"segreto@" not in sent.octets


def test_where_a_signature_covers_what_is_left_out_the_message_is_wrapped() -> None:
    signed = [("DKIM-Signature", "v=1; h=from:\r\n bcc : to; b=abc"), ("Bcc", "altro@family.example")]
    octets = a_mail(headers=signed)
    sent = fitting(octets, rules=REDIRECTED)
    assert attached_original(sent.octets) == octets


WRAPPED = {
    "bare LF": a_mail() + b"\nciao\n",
    "line too long": a_mail() + b"x" * 1200 + b"\r\n",
    "raw 8-bit header": a_mail().replace(b"Subject: Orari", "Subject: perché".encode()),
    "mbox line first": b"From anna Wed Nov 25\r\n" + a_mail(),
    "null path": a_mail(return_path=""),
    "no author": a_mail(author=None),
    "empty line first": b"\r\n" + a_mail(),
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_what_cannot_be_redirected_is_wrapped(kind: str) -> None:
    octets = WRAPPED[kind]
    sent = fitting(octets, rules=REDIRECTED)
    assert attached_original(sent.octets) == octets
    assert b"Resent-" not in sent.octets[: sent.octets.index(b"\r\n\r\n")]


def test_eight_bit_octets_are_redirected_only_where_8bitmime_is_offered() -> None:
    octets = a_mail("perché\n", transfer_encoding="8bit")
    assert fitting(octets, rules=REDIRECTED).octets.endswith(redirected(octets))
    sent = fitting(octets, Offer(), rules=REDIRECTED)
    assert sent.octets.isascii()
    assert attached_original(sent.octets) == octets


def test_machine_mail_is_wrapped_so_that_no_loop_begins() -> None:
    octets = a_mail()
    message = parse(octets)
    decision = replace(decide(message, classification(), RULES, context()), automatic=True)
    sent = compose_fitting(Task(message, octets, decision, NORD, STAMP, START), REDIRECTED, FULL)
    assert attached_original(sent.octets) == octets


def test_redirected_message_travels_byte_for_byte(make_desk: Make, smtp_sink: SmtpSink, clamd: Clamd) -> None:
    desk = make_desk(smtp_sink.port, rules=REDIRECTED, scanner=by_socket(clamd))
    octets = large_mail() + b"\r\n.\r\n..\r\n"
    [key] = desk.take_in(octets)
    desk.send()
    [sent] = [sent for sent in smtp_sink.messages if sent.forward_paths == (NORD,)]
    assert sent.octets.endswith(redirected(octets))
    assert sent.reverse_path == OURS
    assert desk.message(key).state == MessageState.FORWARDED
    desk.assert_ledger_closes()


def test_a_redirected_message_that_comes_back_is_known_as_ours(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=REDIRECTED)
    desk.take_in(a_mail())
    desk.send()
    [back] = desk.take_in(smtp_sink.messages[0].octets)
    desk.send()
    assert desk.message(back).state != MessageState.FORWARDED
    assert forwards_in(smtp_sink) == [NORD]


@given(st.binary(max_size=300), st.sampled_from([0, FILES, ORIGINAL]), st.booleans(), st.booleans())
def test_whatever_the_message_what_is_sent_can_be_sent(
    content: bytes, left_out: int, eight_bit: bool, redirect: bool
) -> None:
    rules = REDIRECTED if redirect else RULES
    octets = a_mail() + content
    sent = fitting(octets, Offer(eight_bit=eight_bit), rules, left_out).octets
    assert b"\0" not in sent
    assert sent.count(b"\r\n") == sent.count(b"\r") == sent.count(b"\n")
    assert max(len(line) for line in sent.split(b"\r\n")) <= 998
    assert sent.isascii() or eight_bit


# --------------------------------------------------------------------------- what servers call it

AMAZON = "0102018f1c2d3e4f-12345678-abcd-4321-9876-0123456789ab-000000"
MICROSOFT = "<AM0PR04MB1234ABCD@AM0PR04MB1234.eurprd04.prod.outlook.com>"
HOST = "[Hostname=AM0PR04MB1234.eurprd04.prod.outlook.com]"
OWN = "<0123456789abcdef0123456789abcdef@agency.example>"
ANSWERS = [
    (f"Ok {AMAZON}", f"<{AMAZON}@amazonses.com>"),
    (f"2.0.0 OK {MICROSOFT} {HOST}", MICROSOFT),
    (
        f"2.6.0 {MICROSOFT} [InternalId=12345, Hostname=mx.agency.example] 1234 bytes Queued mail for delivery",
        MICROSOFT,
    ),
    (f"2.0.0 OK {OWN} {HOST}", ""),
    ("2.0.0 Ok: queued as 4XyZ", ""),
    ("2.0.0 OK  1700000000 a1b2-20020a05600c.1 - gsmtp", ""),
    ("OK id=1r4Abc-0001-Ab", ""),
    ("2.0.0 <someone@example.org> is happy", ""),
    ("", ""),
]


@pytest.mark.parametrize(("reply", "wanted"), ANSWERS)
def test_what_an_answer_says_of_the_message_id(reply: str, wanted: str) -> None:
    assert given_id(reply, OWN) == wanted


@pytest.mark.parametrize("domain", ["email.amazonses.com", "eu-west-1.amazonses.com", "eu-south-1.amazonses.com"])
def test_amazons_message_id_is_found_in_every_region(domain: str) -> None:
    assert findable(f"<{AMAZON}@{domain}>") == f"<{AMAZON}@amazonses.com>"
    assert own_ids(f"Message-ID: <{AMAZON}@{domain}>\r\n".encode()) == (f"<{AMAZON}@amazonses.com>",)
    assert own_ids(f"X: {MICROSOFT} {OWN}".encode()) == (MICROSOFT, OWN)


@pytest.mark.parametrize(
    ("answer", "named"),
    [(f"Ok {AMAZON}", f"<{AMAZON}@eu-west-1.amazonses.com>"), (f"2.0.0 OK {MICROSOFT} {HOST}", MICROSOFT)],
    ids=["amazon", "microsoft"],
)
def test_report_that_names_the_servers_own_message_id_is_known_as_about_ours(
    desk: Desk, smtp_sink: SmtpSink, answer: str, named: str
) -> None:
    smtp_sink.answer("data_dot", 250, answer, times=1)
    [first] = desk.take_in(a_mail())
    desk.send()
    report = a_mail(
        "could not be delivered:\n",
        subject="Undelivered Mail Returned to Sender",
        author="MAILER-DAEMON@mx.example",
        return_path="",
    )
    [key] = desk.take_in(report + f"\r\nMessage-ID: {named}\r\n".encode())
    assert desk.outcome(first) == (MessageState.HELD, "inoltro_respinto")
    assert desk.decision(key).reasons[0].code == "tornato"
    with desk.store.read("look") as tx:
        assert sent_by_us(tx, [named, "<other@example.org>"]) == {named}
        assert sent_by_us(tx, []) == set()


def test_family_that_answers_the_servers_own_message_id_joins_its_case(desk: Desk, smtp_sink: SmtpSink) -> None:
    """Their mail program refers to what arrived; a stranger who quotes it joins nothing (F86)."""
    smtp_sink.answer("data_dot", 250, f"2.0.0 OK {MICROSOFT} {HOST}", skip=1, times=1)
    [first] = desk.take_in(a_mail())
    desk.send()
    assert desk.states(first)[-1] == (DispatchKind.ACKNOWLEDGEMENT, "accepted")
    answer = [("In-Reply-To", MICROSOFT)]
    [second, stranger] = desk.take_in(
        a_mail("Grazie\n", headers=answer),
        a_mail("Grazie\n", headers=answer, author="altro@family.example", return_path="altro@family.example"),
    )
    assert desk.outcome(second) == (MessageState.HELD, "risposta_a_noi")
    assert desk.message(second).case_id == desk.message(first).case_id
    assert desk.message(stranger).case_id != desk.message(first).case_id


def test_server_without_extensions_gets_what_every_server_takes(
    make_desk: Make, start_smtp_sink: Callable[..., SmtpSink]
) -> None:
    sink = start_smtp_sink(extensions=())
    desk = make_desk(sink.port)
    desk.take_in(a_mail("perché\n", transfer_encoding="8bit"))
    desk.send()
    assert sink.messages[0].octets.isascii()
    assert sink.messages[0].parameters[0] == ""
