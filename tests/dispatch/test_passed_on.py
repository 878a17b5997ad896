"""A colleague passes a family's mail on by hand: the project's answer reaches the family, and nothing else does."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from tests.corpus.cases.making import mail, multi, part
from tests.dispatch.builders import NORD, OURS, SUD, Desk, a_mail, answered_in
from tests.dispatch.test_staff_acts import correct
from tests.servers.smtp_sink import SmtpSink
from triage.vocabulary import MessageState

BRUNO = "bruno@family.example"
COLLEAGUE = "marta.gialli@agency.example"


def passed_on(sender: str, person: str = f"Bruno Verdi <{BRUNO}>") -> bytes:
    text = (
        f"Per competenza.\n\nDa: {person}\nInviato: mercoledì 25 novembre 2026 09:40\nA: Ufficio\nOggetto: Orari\n\n"
        "Che orari fate?\n"
    )
    return a_mail(text, subject="I: Orari", author=f"Marta Gialli <{sender}>", return_path=sender)


def forward_in(sink: SmtpSink) -> EmailMessage:
    [sent] = [message for message in sink.messages if message.forward_paths == (NORD,)]
    found = message_from_bytes(sent.octets, policy=default)
    assert isinstance(found, EmailMessage)
    return found


def readable(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_the_answer_to_a_colleagues_forward_reaches_the_family(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.take_in(passed_on(COLLEAGUE))
    desk.send()
    sent = forward_in(smtp_sink)
    assert sent["Reply-To"] == f"Bruno Verdi <{BRUNO}>"
    assert str(sent["From"]).startswith("Bruno Verdi tramite")
    text = readable(sent)
    assert f"la risposta arriva direttamente a Bruno Verdi ({BRUNO})" in text
    assert f"Lo ha inoltrato Marta Gialli ({COLLEAGUE})." in text
    assert BRUNO not in answered_in(smtp_sink), "what a text says is no proof: nothing goes there by itself"


def test_somebody_elses_forward_is_answered_to_whoever_sent_it(desk: Desk, smtp_sink: SmtpSink) -> None:
    """A school passes a mother's mail on and asks for itself; the centre reads whose words they are."""
    desk.take_in(passed_on("segreteria@scuola.example"))
    desk.send()
    sent = forward_in(smtp_sink)
    assert "segreteria@scuola.example" in sent["Reply-To"]
    assert f"Chi scrive inoltra un messaggio di Bruno Verdi ({BRUNO})." in readable(sent)


@pytest.mark.parametrize("person", ["Sportello <famiglie@agency.example>", "Centro <nord@nord.example>", "Bruno Verdi"])
def test_our_own_and_a_projects_address_are_nobody_to_be_answered(desk: Desk, smtp_sink: SmtpSink, person: str) -> None:
    desk.take_in(passed_on(COLLEAGUE, person))
    desk.send()
    assert COLLEAGUE in forward_in(smtp_sink)["Reply-To"]


@pytest.mark.parametrize("sender", [OURS, "chiunque@nord.example"])
def test_from_our_own_or_a_projects_address_a_person_sends_it_on(desk: Desk, smtp_sink: SmtpSink, sender: str) -> None:
    """It waits, as ever; who has read it may send it on, since an answer will reach the family."""
    [key] = desk.take_in(passed_on(sender))
    assert desk.message(key).state == MessageState.HELD
    assert correct(desk, key, "sud", "altro").ok
    desk.send()
    [sent] = smtp_sink.messages
    assert sent.forward_paths == (SUD,)
    assert message_from_bytes(sent.octets, policy=default)["Reply-To"] == f"Bruno Verdi <{BRUNO}>"
    desk.advance(hours=5)
    desk.send()
    assert answered_in(smtp_sink) == []
    desk.assert_ledger_closes()


BLOCK = "Da: {}\nInviato: mercoledì 25 novembre 2026 09:40\nA: Ufficio\nOggetto: {}\n\nBuongiorno\n\n"
HUSBAND = "Marito <marito@altrove.example>"


@pytest.mark.parametrize(
    "blocks",
    [
        [(f"Bruno Verdi <{BRUNO}>", "I: separazione"), (HUSBAND, "separazione")],
        [(f"Bruno Verdi <{BRUNO}>", "R: separazione"), (HUSBAND, "separazione")],
        [("Altra <altra@agency.example>", "I: x"), (f"Bruno Verdi <{BRUNO}>", "I: x"), (HUSBAND, "x")],
        [("Altra <altra@agency.example>", "R: x"), (f"Bruno Verdi <{BRUNO}>", "x")],
    ],
)
def test_what_a_family_itself_had_passed_on_is_not_answered_to_whoever_wrote_that(
    desk: Desk, smtp_sink: SmtpSink, blocks: list[tuple[str, str]]
) -> None:
    """She sends us the threat that she got: a centre that presses "Rispondi" must reach her, never him."""
    text = "Per competenza.\n\n" + "".join(BLOCK.format(*block) for block in blocks)
    desk.take_in(a_mail(text, subject="I: I: x", author=f"Marta <{COLLEAGUE}>", return_path=COLLEAGUE))
    desk.send()
    assert forward_in(smtp_sink)["Reply-To"] == f"Bruno Verdi <{BRUNO}>"


@pytest.mark.parametrize(
    "blocks",
    [
        [("Bruno Verdi", "I: separazione"), (HUSBAND, "separazione")],
        [("Sito <sito@agency.example>", "Nuovo messaggio dal sito"), (HUSBAND, "separazione")],
    ],
)
def test_where_it_cannot_be_told_who_wrote_to_us_the_colleague_is_answered(
    desk: Desk, smtp_sink: SmtpSink, blocks: list[tuple[str, str]]
) -> None:
    text = "Per competenza.\n\n" + "".join(BLOCK.format(*block) for block in blocks)
    desk.take_in(a_mail(text, subject="I: I: x", author=f"Marta <{COLLEAGUE}>", return_path=COLLEAGUE))
    desk.send()
    assert forward_in(smtp_sink)["Reply-To"] == f"Marta <{COLLEAGUE}>"


def test_a_message_that_the_family_had_attached_is_not_taken_for_the_familys(desk: Desk, smtp_sink: SmtpSink) -> None:
    threat = multi(
        part("Per competenza.\n\n" + BLOCK.format(f"Bruno Verdi <{BRUNO}>", "aiuto")),
        part(mail("Vengo a prendermi i figli.", head={"From": f"<{HUSBAND.split('<')[1]}"}), "message/rfc822"),
        Subject="I: aiuto",
        From=f"Marta <{COLLEAGUE}>",
        To=OURS,
    )
    desk.take_in(threat)
    desk.send()
    assert forward_in(smtp_sink)["Reply-To"] == f"Bruno Verdi <{BRUNO}>"


@pytest.mark.parametrize(
    ("to", "answered"),
    [
        ("Anna Rossi <anna.rossi@family.example>", COLLEAGUE),
        (f"Marta Gialli <{COLLEAGUE}>", "ex@elsewhere.example"),
        ("Ufficio famiglie", "ex@elsewhere.example"),
    ],
)
def test_whoever_wrote_to_somebody_else_than_a_colleague_is_nobody_to_be_answered(
    desk: Desk, smtp_sink: SmtpSink, to: str, answered: str
) -> None:
    """What a lady had from her former husband, below a colleague's own words: the centre's answer is not for him."""
    text = (
        "Vi giro quanto mi scrive la signora, che chiede gli orari.\n\nDa: Carlo <ex@elsewhere.example>\n"
        f"Inviato: mercoledì 25 novembre 2026 09:40\nA: {to}\nOggetto: Orari\n\nChe orari fate?\n"
    )
    desk.take_in(a_mail(text, subject="I: Orari", author=f"Marta Gialli <{COLLEAGUE}>", return_path=COLLEAGUE))
    desk.send()
    assert answered in forward_in(smtp_sink)["Reply-To"]
