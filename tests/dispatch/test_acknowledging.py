"""When a family hears from us: after the forward's 250, once a case, within limits that only delay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from tests.dispatch.builders import (
    ANNA,
    NORD,
    RULES,
    START,
    Desk,
    a_mail,
    acknowledgements_in,
    acknowledging,
    forwards_in,
    from_family,
)
from tests.servers.smtp_sink import SmtpSink
from triage.vocabulary import DispatchKind, DispatchState, MessageState

Make = Callable[..., Desk]
ACK = DispatchKind.ACKNOWLEDGEMENT


def plain_text(octets: bytes) -> str:
    """The readable part of what a family gets."""
    body = message_from_bytes(octets, policy=default).get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def to_anna(sink: SmtpSink) -> list[str]:
    """The text of each acknowledgement to Anna."""
    return [plain_text(sent.octets) for sent in sink.messages if ANNA in sent.forward_paths]


def test_it_waits_for_the_forwards_250(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("rcpt", 451, times=3, when=lambda path: path == NORD)
    [key] = desk.take_in(a_mail())
    for _ in range(3):
        desk.send()
        assert acknowledgements_in(smtp_sink) == []
        desk.advance(minutes=20)
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert [m.forward_paths for m in smtp_sink.messages] == [(NORD,), (ANNA,)]
    assert "Centro Nord" in to_anna(smtp_sink)[0]


def test_after_four_hours_it_is_neutral_and_never_repeated(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("rcpt", 451, when=lambda path: path == NORD)
    [key] = desk.take_in(a_mail())
    desk.advance(hours=3, minutes=59)
    desk.send()
    assert acknowledgements_in(smtp_sink) == []
    desk.advance(minutes=1)
    desk.send()
    assert acknowledgements_in(smtp_sink) == [ANNA]
    [text] = to_anna(smtp_sink)
    assert "Centro Nord" not in text
    assert "nord" not in text.casefold()
    smtp_sink.clear_script()
    desk.advance(hours=4)
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert acknowledgements_in(smtp_sink) == [ANNA]


def test_held_message_is_acknowledged_neutrally_after_four_hours(desk: Desk, smtp_sink: SmtpSink) -> None:
    [key] = desk.take_in(a_mail(subject="reclamo"))
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "reclamo")
    assert smtp_sink.messages == ()
    desk.advance(hours=4)
    desk.send()
    assert acknowledgements_in(smtp_sink) == [ANNA]
    assert "Centro" not in to_anna(smtp_sink)[0]


def test_follow_up_of_the_same_author_gets_no_second_one(desk: Desk, smtp_sink: SmtpSink) -> None:
    first = a_mail(message_id="<uno@family.example>")
    again = a_mail("Dimenticavo: grazie.\n", headers=[("In-Reply-To", "<uno@family.example>")])
    [one] = desk.take_in(first)
    desk.send()
    [two] = desk.take_in(again)
    desk.send()
    assert desk.message(one).case_id == desk.message(two).case_id
    assert forwards_in(smtp_sink) == [NORD, NORD]
    assert acknowledgements_in(smtp_sink) == [ANNA]


def test_follow_up_that_arrives_in_the_same_batch_gets_no_second_one(desk: Desk, smtp_sink: SmtpSink) -> None:
    """After an outage a question and its supplement are decided together."""
    first = a_mail(message_id="<uno@family.example>")
    again = a_mail("Dimenticavo: grazie.\n", headers=[("In-Reply-To", "<uno@family.example>")])
    once_more = a_mail(
        "Ancora una cosa.\n",
        headers=[("References", "<due@family.example> <uno@family.example>")],
        message_id="<tre@family.example>",
    )
    stranger = from_family(7, headers=[("In-Reply-To", "<uno@family.example>")])
    keys = desk.take_in(first, again, once_more, stranger)
    desk.send()
    cases = [desk.message(key).case_id for key in keys]
    assert cases[0] == cases[1] == cases[2] != cases[3]
    assert sorted(acknowledgements_in(smtp_sink)) == [ANNA, "famiglia7@family.example"]
    desk.assert_ledger_closes()


def test_same_case_is_not_acknowledged_again_after_months(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.take_in(a_mail(message_id="<uno@family.example>"))
    desk.send()
    desk.advance(days=90)
    desk.take_in(a_mail("Di nuovo io.\n", headers=[("In-Reply-To", "<uno@family.example>")]))
    desk.send()
    assert acknowledgements_in(smtp_sink) == [ANNA]


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one by one"])
def test_an_address_gets_three_a_day(desk: Desk, smtp_sink: SmtpSink, together: bool) -> None:
    """Whatever the form of the address: a plus tag or capitals make it no other mailbox."""
    forms = [ANNA, "anna.rossi+a@family.example", "Anna.Rossi@family.example", "ANNA.ROSSI+b@Family.Example", ANNA]
    mails = [a_mail(f"Domanda {n}\n", return_path=form, author=form) for n, form in enumerate(forms)]
    for batch in [mails] if together else [[mail] for mail in mails]:
        desk.take_in(*batch)
        desk.send()
    assert len(forwards_in(smtp_sink)) == 5
    assert len(smtp_sink.messages) == 8
    desk.advance(hours=25)
    desk.take_in(a_mail("Il giorno dopo\n"))
    desk.send()
    assert len(smtp_sink.messages) == 10


def test_hourly_breaker_delays_acknowledgements_and_never_forwards(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=acknowledging(RULES, per_hour_total=5))
    desk.take_in(*(from_family(number) for number in range(12)))
    desk.send()
    assert len(forwards_in(smtp_sink)) == 12
    assert len(acknowledgements_in(smtp_sink)) == 5
    sent = [5]
    for _ in range(12):
        desk.advance(minutes=16)
        desk.send()
        sent.append(len(acknowledgements_in(smtp_sink)))
    assert sent[3] == 5
    assert 10 in sent
    assert sent[-1] == 12
    assert len(set(acknowledgements_in(smtp_sink))) == 12


def test_breaker_counts_what_leaves_now_not_what_was_planned_now(make_desk: Make, smtp_sink: SmtpSink) -> None:
    """Hundreds of messages held since the morning must not all be answered in the same minute."""
    desk = make_desk(smtp_sink.port, rules=acknowledging(RULES, per_hour_total=5))
    desk.take_in(*(from_family(number, subject="reclamo") for number in range(12)))
    desk.advance(hours=4)
    desk.send()
    assert len(acknowledgements_in(smtp_sink)) == 5
    desk.advance(minutes=61)
    desk.send()
    assert len(acknowledgements_in(smtp_sink)) == 10


def test_breaker_of_one_domain_leaves_others_alone(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=acknowledging(RULES, per_domain_per_hour=2))
    others = [a_mail(f"N. {n}\n", author=f"x@d{n}.example", return_path=f"x@d{n}.example") for n in range(3)]
    desk.take_in(*(from_family(number) for number in range(4)), *others)
    desk.send()
    assert len(acknowledgements_in(smtp_sink)) == 2
    assert sum(path.startswith("x@d") for m in smtp_sink.messages for path in m.forward_paths) == 3


def test_acknowledgement_that_never_finds_room_is_given_up(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=acknowledging(RULES, per_hour_total=0))
    [key] = desk.take_in(a_mail())
    desk.send()
    desk.advance(days=6)
    desk.send()
    assert desk.dispatch(key, ACK).state == DispatchState.CANCELLED
    assert desk.message(key).state == MessageState.FORWARDED


def test_switched_off_nobody_is_acknowledged(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=acknowledging(RULES, enabled=False))
    desk.take_in(a_mail())
    desk.send()
    desk.advance(days=1)
    desk.send()
    assert [m.forward_paths for m in smtp_sink.messages] == [(NORD,)]


def test_old_mail_is_never_acknowledged(desk: Desk, smtp_sink: SmtpSink) -> None:
    """Mail that waited before the service was there (three days) is forwarded without an answer."""
    fresh, old = desk.receive(from_family(1), arrived=START - timedelta(days=2, hours=23))[0], 0
    [old] = desk.receive(from_family(2), arrived=START - timedelta(days=3, hours=1))
    desk.decide()
    desk.send()
    desk.advance(days=1)
    desk.send()
    assert forwards_in(smtp_sink) == [NORD, NORD]
    assert acknowledgements_in(smtp_sink) == ["famiglia1@family.example"]
    assert [desk.message(key).state for key in (fresh, old)] == ["forwarded", "forwarded"]


@pytest.mark.parametrize(
    "options",
    [
        {"return_path": ""},
        {"return_path": None},
        {"headers": [("Auto-Submitted", "auto-replied")]},
        {"headers": [("Precedence", "list")]},
        {"headers": [("List-Id", "<lista.example>")]},
        {"headers": [("X-Auto-Response-Suppress", "All")]},
        {"author": "Nord <nord@nord.example>", "return_path": "nord@nord.example"},
        {"author": "noreply@family.example", "return_path": "noreply@family.example"},
        {"to": "altri@elsewhere.example"},
    ],
    ids=["null path", "no path", "auto", "bulk", "list", "suppressed", "project", "noreply", "not to us"],
)
def test_those_who_must_not_be_answered_are_not(desk: Desk, smtp_sink: SmtpSink, options: dict[str, Any]) -> None:
    desk.take_in(a_mail(**options))
    for hours in (0, 5, 24):
        desk.advance(hours=hours)
        desk.send()
    assert [m for m in smtp_sink.messages if m.forward_paths != (NORD,)] == []


def test_it_goes_to_the_reverse_path_not_to_reply_to(desk: Desk, smtp_sink: SmtpSink) -> None:
    """RFC 3834 section 4: whoever forged a Reply-To gets nobody else answered."""
    desk.take_in(a_mail(headers=[("Reply-To", "vittima@victim.example")], return_path="anna2@family.example"))
    desk.send()
    assert [m.forward_paths[0] for m in smtp_sink.messages] == [NORD, "anna2@family.example"]
    assert [m.reverse_path for m in smtp_sink.messages] == ["famiglie@agency.example", ""]


def test_acknowledgements_wait_longer_than_forwards_that_arrive_later(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, connections=1)
    desk.take_in(*(from_family(number) for number in range(20)))
    desk.send()
    kinds = ["forward" if m.forward_paths == (NORD,) else "ack" for m in smtp_sink.messages]
    assert kinds[:16] == ["forward"] * 16
    assert kinds.count("ack") == 20
