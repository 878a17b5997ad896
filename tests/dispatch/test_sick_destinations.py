"""F105: a destination that does not work is seen by the routing, told once, and gets no more families' mail."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.dispatch.builders import NORD, OURS, RULES, SUD, Desk, a_mail, change_project, forwards_in, from_family
from tests.dispatch.notices import Caller
from tests.servers.smtp_sink import SmtpSink
from triage.record.destinations import cure_destination, held_for, note_destination_failure, sick_addresses
from triage.vocabulary import DispatchKind


@pytest.fixture
def caller(desk: Desk, smtp_sink: SmtpSink) -> Caller:
    return Caller(desk, smtp_sink.port)


def sick(desk: Desk) -> frozenset[str]:
    with desk.store.read("look") as tx:
        return sick_addresses(tx)


def make_sick(desk: Desk, status: str = "5.2.2") -> None:
    with desk.store.write("failure") as tx:
        note_destination_failure(tx, "nord", NORD, status)


def refuse_nord(sink: SmtpSink, text: str) -> None:
    sink.answer("rcpt", 550, text, when=lambda path: path == NORD)


def test_refusals_on_three_days_make_the_address_sick_and_mail_for_it_is_held(desk: Desk, smtp_sink: SmtpSink) -> None:
    refuse_nord(smtp_sink, "5.1.1 no such user")
    for day in range(3):
        desk.take_in(*[from_family(10 * day + number) for number in range(5)])
        desk.send()
        desk.advance(days=1)
    assert sick(desk) == {NORD}
    smtp_sink.clear_script()
    [later, other] = desk.take_in(a_mail(), a_mail(subject="sud"))
    desk.send()
    assert desk.outcome(later) == ("held", "destinazione_malata")
    assert desk.outcome(other)[0] == "forwarded"
    assert forwards_in(smtp_sink) == [SUD]
    assert [kind for kind, _ in desk.incidents()] == ["destination"]
    desk.assert_ledger_closes()


def test_a_full_mailbox_is_sick_at_once(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("rcpt", 552, "mailbox full", when=lambda path: path == NORD)
    desk.take_in(a_mail())
    desk.send()
    assert sick(desk) == {NORD}


@pytest.mark.parametrize(
    ("step", "code", "text"),
    [("rcpt", 550, "5.7.1 blocked"), ("data_dot", 552, "message too large"), ("data_dot", 554, "5.6.0 malformed")],
)
def test_a_refusal_of_one_message_or_of_us_makes_nobody_sick(
    desk: Desk, smtp_sink: SmtpSink, step: str, code: int, text: str
) -> None:
    smtp_sink.answer(step, code, text)  # type: ignore[arg-type]
    for _ in range(4):
        desk.take_in(a_mail())
        desk.send()
        desk.advance(days=1)
    assert sick(desk) == frozenset()


def test_a_forward_that_was_planned_before_is_decided_again_and_held(desk: Desk, smtp_sink: SmtpSink) -> None:
    [key] = desk.take_in(a_mail())
    make_sick(desk)
    desk.send()
    desk.decide()
    assert desk.outcome(key) == ("held", "destinazione_malata")
    assert forwards_in(smtp_sink) == []


def test_after_a_cure_what_waited_is_found_and_goes_on(desk: Desk, smtp_sink: SmtpSink) -> None:
    make_sick(desk)
    [key] = desk.take_in(a_mail())
    with desk.store.write("cure", "cli:anna") as tx:
        assert cure_destination(tx, NORD)
        assert held_for(tx, [NORD]) == [key]
    desk.retry(key)
    desk.decide()
    desk.send()
    assert forwards_in(smtp_sink) == [NORD]


def test_whoever_sends_it_on_by_hand_may_try_and_what_does_not_come_back_cures(
    desk: Desk, smtp_sink: SmtpSink, caller: Caller
) -> None:
    make_sick(desk)
    [key] = desk.take_in(a_mail())
    desk.retry(key)
    desk.decide()
    desk.send()
    assert forwards_in(smtp_sink) == [NORD]
    assert sick(desk) == {NORD}, "one accepted forward proves nothing yet: it may come back"
    [held] = desk.take_in(from_family(1))
    assert desk.outcome(held) == ("held", "destinazione_malata")
    desk.advance(days=2)
    caller.work()
    assert sick(desk) == frozenset()
    assert desk.incidents() == []
    [free] = desk.take_in(from_family(2))
    assert desk.outcome(free)[0] == "decided"


def test_urgent_mail_for_a_sick_address_waits_for_a_person_as_always(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(9, rules=change_project(RULES, "nord", urgent_forward_now=True))
    make_sick(desk)
    [key] = desk.take_in(a_mail(subject="pericolo"))
    assert desk.outcome(key) == ("held", "urgente")
    assert desk.dispatches(key, DispatchKind.FORWARD) == []


@pytest.mark.parametrize("known", ["code", "Message-ID"])
def test_who_knows_no_more_than_the_cases_code_stops_no_centres_mail(
    desk: Desk, smtp_sink: SmtpSink, known: str
) -> None:
    """Every family knows its code and its centre's address: one invented report would stop all mail."""
    [key] = desk.take_in(a_mail())
    desk.send()
    head = smtp_sink.messages[0].octets.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    [subject] = [line for line in head if line.startswith("Subject:")]
    [message_id] = [line for line in head if line.startswith("Message-ID:")]
    returned = subject if known == "code" else message_id
    report = (
        f"Return-Path: <>\r\nFrom: posta@altrove.example\r\nTo: {OURS}\r\nSubject: undelivered\r\n"
        "Message-ID: <d@x.example>\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x.example\r\n\r\n"
        f"Final-Recipient: rfc822; {NORD}\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{returned}\r\n\r\n--b--\r\n"
    )
    desk.take_in(report.encode())
    assert desk.outcome(key) == ("held", "inoltro_respinto"), "a person finds out either way"
    assert sick(desk) == (frozenset() if known == "code" else {NORD})
