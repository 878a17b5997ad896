"""Failures of others, section A: what answered a machine there, here answers nobody or stops at the cap.

Each is played over the record and a real SMTP server, with every envelope that the rules know.
"""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes
from typing import Any

import pytest

from tests.decide.builders import classification, context
from tests.dispatch.builders import (
    ANNA,
    NORD,
    ON_CALL,
    OURS,
    RULES,
    START,
    Desk,
    a_mail,
    acknowledging,
    answered_in,
    forwards_in,
)
from tests.servers.smtp_sink import SmtpSink
from triage.decide import decide
from triage.dispatch.acknowledging import compose_for_family
from triage.dispatch.compose import Stamp, compose_notice
from triage.dispatch.staff_mail import compose_call, compose_digest, compose_incidents, compose_reminder
from triage.dispatch.text_files import shipped_texts
from triage.ids import case_code, return_tag
from triage.parse import parse
from triage.record.identity import known_secret, secret_of
from triage.rules.types import Envelope
from triage.vocabulary import TO_FAMILIES, DispatchKind

Make = Callable[..., Desk]
ACK = DispatchKind.ACKNOWLEDGEMENT
ENVELOPES = {
    Envelope.NONE: acknowledging(RULES),
    Envelope.DEDICATED: acknowledging(RULES, envelope=Envelope.DEDICATED, dedicated_address="centri@agency.example"),
    Envelope.PLUS: acknowledging(RULES, envelope=Envelope.PLUS),
}


@pytest.fixture(params=sorted(ENVELOPES))
def office(request: pytest.FixtureRequest, make_desk: Make, smtp_sink: SmtpSink) -> Desk:
    """A desk with each envelope in turn."""
    desk = make_desk(smtp_sink.port, rules=ENVELOPES[request.param])
    desk.plus = True
    return desk


def comes(desk: Desk, *mails: bytes) -> None:
    """Mail arrives, is decided, and all that is ever to leave because of it leaves."""
    desk.take_in(*mails)
    desk.send()
    desk.advance(hours=5)
    desk.send()


def a_bounce(to: str, **options: Any) -> bytes:
    """A delivery report in plain text, as servers write it that know no RFC 3464."""
    values: dict[str, Any] = {
        "subject": "Mail delivery failed: returning message to sender",
        "author": "Mail Delivery System <mailer-daemon@family.example>",
        "return_path": "",
        "to": to,
    }
    return a_mail("La mail non è stata consegnata.\n", **(values | options))


def test_f1_the_bounce_of_an_acknowledgement_triggers_none(office: Desk, smtp_sink: SmtpSink) -> None:
    """zammad#1131: an acknowledgement to an invalid address bounces, the bounce is acknowledged."""
    comes(office, a_mail())
    [sent] = [message for message in smtp_sink.messages if message.forward_paths == (ANNA,)]
    returned = sent.reverse_path or OURS
    before = len(answered_in(smtp_sink))
    comes(office, a_bounce(returned))
    comes(office, a_bounce(returned, author="postmaster@family.example", return_path="postmaster@family.example"))
    comes(office, a_bounce(returned, author=ANNA, return_path=""))
    assert len(answered_in(smtp_sink)) == before == 1


@pytest.mark.parametrize(
    "own",
    [
        OURS,
        "FAMIGLIE@Agency.Example",
        "famiglie+anything@agency.example",
        '"famiglie"@agency.example',
        "centri@agency.example",
        "anybody@old-agency.example",
        "anybody@mail.old-agency.example",
        "prvs=0123456789=famiglie@agency.example",
        "SRS0=abcd=XY=agency.example=famiglie@forwarder.example",
    ],
)
def test_f3_we_never_write_to_ourselves(make_desk: Make, smtp_sink: SmtpSink, own: str) -> None:
    """zammad#731, #2923: all aliases, in every form, as author and as Return-Path."""
    desk = make_desk(smtp_sink.port)
    comes(desk, a_mail(author=own, return_path=own), a_mail("Altro\n", return_path=own))
    assert answered_in(smtp_sink) == []


def test_f3_our_own_return_address_is_ours(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port)
    with desk.store.write("secret") as tx:
        tagged = f"famiglie+{return_tag(secret_of(tx), 17)}@agency.example"
    comes(desk, a_mail(author=tagged, return_path=tagged))
    assert answered_in(smtp_sink) == []


def test_f7_a_parcel_on_its_way_is_not_thanked_for(office: Desk, smtp_sink: SmtpSink) -> None:
    """freescout#3670: an acknowledgement to "your package is on its way" made eleven cases."""
    for author in ("noreply@courier.example", "no-reply.tracking@courier.example", "donotreply@courier.example"):
        comes(office, a_mail(f"Il pacco è in viaggio {author}\n", author=author, return_path=author))
    bounces = "bounce-20261125.1234567@mailer.courier.example"
    comes(office, a_mail("Il pacco è arrivato\n", author="info@courier.example", return_path=bounces))
    assert answered_in(smtp_sink) == []


def test_f8_no_reply_then_mailer_daemon_is_no_chain(office: Desk, smtp_sink: SmtpSink) -> None:
    """freescout#634."""
    comes(office, a_mail("Avviso\n", author="noreply@shop.example", return_path="noreply@shop.example"))
    comes(office, a_bounce(OURS, author="MAILER-DAEMON@shop.example", return_path="mailer-daemon@shop.example"))
    comes(office, a_bounce(OURS, author="bounces@shop.example", return_path="bounces@shop.example"))
    assert answered_in(smtp_sink) == []


def test_f12_a_robot_that_looks_like_a_person_stops_at_the_cap(office: Desk, smtp_sink: SmtpSink) -> None:
    """chatwoot#5131: a box that answers everything, in a new thread each time, and says nowhere that it is one."""
    robot = "info@robot.example"
    for turn in range(40):
        office.take_in(a_mail(f"Abbiamo ricevuto la sua mail {turn}\n", author=robot, return_path=robot))
        office.send()
        office.advance(minutes=10)
    assert len(forwards_in(smtp_sink)) == 40, "limits stop acknowledgements, never forwards"
    assert answered_in(smtp_sink) == [robot] * 3


def test_f12_a_robot_that_answers_in_the_thread_gets_one(office: Desk, smtp_sink: SmtpSink) -> None:
    robot = "info@robot.example"
    office.take_in(a_mail("Prima mail\n", author=robot, return_path=robot))
    office.send()
    for turn in range(10):
        [last] = [m for m in smtp_sink.messages if m.forward_paths == (robot,)][-1:]
        ours = next(line.split(b": ")[1] for line in last.octets.split(b"\r\n") if line.startswith(b"Message-ID: "))
        answer = a_mail(
            f"Risposta automatica {turn}\n",
            author=robot,
            return_path=robot,
            headers=[("In-Reply-To", ours.decode("ascii"))],
        )
        comes(office, answer)
    assert answered_in(smtp_sink) == [robot]


@pytest.mark.parametrize(
    "headers",
    [
        [("Auto-Submitted", "auto-replied (vacation)")],
        [("X-Autoreply", "yes")],
        [("X-Autorespond", "Fuori ufficio")],
        [("Precedence", "auto_reply")],
        [("X-Auto-Response-Suppress", "OOF")],
    ],
)
def test_f13_out_of_office_is_not_answered(office: Desk, smtp_sink: SmtpSink, headers: list[tuple[str, str]]) -> None:
    """osTicket#1041."""
    comes(office, a_mail("Sono in ferie\n", subject="Fuori ufficio", headers=headers))
    assert answered_in(smtp_sink) == []


def test_f17_one_gate_for_everything_that_leaves(office: Desk, smtp_sink: SmtpSink) -> None:
    """ligerosmart PR#285: the courteous refusals left before the loop filter. Here urgent and held mail has no path
    of its own either: the notice goes to those on call alone."""
    machine = {"author": "noreply@shop.example", "return_path": "noreply@shop.example"}
    comes(office, a_mail("Aiuto\n", subject="pericolo", **machine), a_mail("Male\n", subject="reclamo", **machine))
    assert {path for message in smtp_sink.messages for path in message.forward_paths} == {ON_CALL}


@pytest.mark.parametrize(
    "options",
    [
        {"headers": [("List-Unsubscribe", "<mailto:x@list.example>")]},
        {"headers": [("Mailing-List", "list x@list.example")]},
        {"headers": [("Precedence", "bulk")]},
        {"headers": [("Auto-Submitted", "auto-generated")]},
        {"return_path": "owner-lista@list.example"},
        {"return_path": "lista-bounces@list.example"},
        {"author": "lista-request@list.example"},
        {"author": "listserv@list.example"},
        {"author": "majordomo@list.example"},
        {"return_path": "prova=family.example@verp.example"},
        {"to": "Undisclosed recipients:;"},
    ],
)
def test_f20_the_bug_that_everybody_rediscovers(office: Desk, smtp_sink: SmtpSink, options: dict[str, Any]) -> None:
    """gitlab#2776, frappe/helpdesk PR#3628, PostHog PR#92017, alga-psa PR#2772, vexim2 PR#298: machines answered."""
    comes(office, a_mail(**options))
    assert answered_in(smtp_sink) == []


def test_what_we_send_ourselves_would_not_be_answered_by_us(office: Desk, smtp_sink: SmtpSink) -> None:
    """Two copies of the service write to each other: the first answer is the last."""
    comes(office, a_mail())
    [sent] = [message for message in smtp_sink.messages if message.forward_paths == (ANNA,)]
    theirs = b"Return-Path: <famiglie@other-agency.example>\r\n" + sent.octets.replace(
        OURS.encode(), b"famiglie@other-agency.example"
    ).replace(f"To: {ANNA}".encode(), f"To: {OURS}".encode())
    comes(office, theirs)
    assert answered_in(smtp_sink) == [ANNA]


def test_f14_whatever_the_service_says_by_itself_is_marked_so_that_no_robot_answers() -> None:
    """rt PR 345: notifications that did not say that a machine wrote them were answered by machines."""
    stamp = Stamp("<0123456789abcdef0123456789abcdef@agency.example>", "2A-23456789", "seal", START)
    message = parse(a_mail())
    decision = decide(message, classification(), RULES, context())
    families = [
        compose_for_family(kind, message, decision, ANNA, RULES, stamp, shipped_texts()) for kind in sorted(TO_FAMILIES)
    ]
    staff = [
        compose_notice(ON_CALL, RULES, stamp, 7, START),
        compose_call(ON_CALL, RULES, stamp, 7, START),
        compose_incidents(ON_CALL, RULES, stamp, [(START, "x")]),
        compose_reminder(NORD, RULES, stamp, START),
        compose_digest(NORD, RULES, stamp, [("2A-23456789", START)]),
    ]
    for outgoing, keyword in [(one, "auto-replied") for one in families] + [(one, "auto-generated") for one in staff]:
        sent = message_from_bytes(outgoing.octets)
        assert sent.get_all("Auto-Submitted") == [keyword]
        assert sent.get_all("X-Auto-Response-Suppress") == ["All"]


def test_f88_a_forged_author_with_a_true_code_learns_nothing(desk: Desk, smtp_sink: SmtpSink) -> None:
    """itop-jb 97: a case was attributed to a forged From. Here nothing goes to whoever forged it."""
    [first] = desk.take_in(a_mail())
    desk.send()
    smtp_sink.forget()
    with desk.store.read("code") as tx:
        code = case_code(known_secret(tx), desk.message(first).case_id or 0)
    forged = a_mail("Mi scrivete qui?\n", subject=f"Re: [{code}]", return_path="mallory@elsewhere.example")
    comes(desk, forged)
    desk.advance(hours=5)
    desk.send()
    assert answered_in(smtp_sink) == []
    for sent in smtp_sink.messages:
        assert sent.forward_paths == (NORD,)
        assert b"mallory" not in sent.octets.partition(b"\r\n\r\n")[0]
