"""The breaker: too many acknowledgements leave or come back, and none leaves any more; forwards always do."""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes
from email.policy import default

import pytest

from tests.dispatch.builders import (
    NORD,
    RULES,
    Desk,
    a_mail,
    acknowledgements_in,
    acknowledging,
    forwards_in,
    from_family,
)
from tests.dispatch.notices import ADMIN, Caller
from tests.servers.smtp_sink import SmtpSink
from triage.record.breaker import close, note_acknowledgement_returned, stands_open
from triage.record.incidents import open_incidents
from triage.rules import Rules

Make = Callable[..., Desk]


@pytest.fixture
def make_caller(smtp_sink: SmtpSink) -> Callable[[Desk], Caller]:
    def make(desk: Desk) -> Caller:
        return Caller(desk, smtp_sink.port)

    return make


def limited(**limits: int) -> Rules:
    values = {"breaker_sent_per_hour": 1000, "breaker_returned_per_hour": 1000, "per_hour_total": 1000}
    return acknowledging(RULES, **(values | {"per_domain_per_hour": 1000} | limits))


def is_open(desk: Desk) -> bool:
    with desk.store.read("look") as tx:
        return stands_open(tx)


def detail(desk: Desk) -> str:
    with desk.store.read("look") as tx:
        return next(str(row["detail"]) for row in open_incidents(tx) if row["kind"] == "breaker")


def families(desk: Desk, count: int, first: int = 1) -> list[int]:
    keys = desk.take_in(*[from_family(number) for number in range(first, first + count)])
    desk.send()
    return keys


def test_f6_when_too_many_leave_acknowledgements_stop_at_the_limit_and_forwards_go_on(
    make_desk: Make, smtp_sink: SmtpSink
) -> None:
    desk = make_desk(smtp_sink.port, rules=limited(breaker_sent_per_hour=7))
    families(desk, 40)
    assert len(acknowledgements_in(smtp_sink)) == 7
    assert len(forwards_in(smtp_sink)) == 40
    assert is_open(desk)
    assert desk.incidents() == [("breaker", 1)]
    families(desk, 10, first=100)
    assert len(acknowledgements_in(smtp_sink)) == 7
    assert len(forwards_in(smtp_sink)) == 50
    assert desk.incidents() == [("breaker", 1)]
    desk.assert_ledger_closes()


def test_after_a_quiet_hour_it_closes_by_itself_and_what_waited_leaves(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=limited(breaker_sent_per_hour=3))
    families(desk, 5)
    for _ in range(3):
        desk.advance(minutes=19)
        desk.send()
        assert len(acknowledgements_in(smtp_sink)) == 3
    desk.advance(minutes=16)
    desk.send()
    assert len(acknowledgements_in(smtp_sink)) == 5
    assert desk.incidents() == []


def test_it_closes_although_nothing_waits(
    make_desk: Make, smtp_sink: SmtpSink, make_caller: Callable[[Desk], Caller]
) -> None:
    desk = make_desk(smtp_sink.port, rules=limited(breaker_returned_per_hour=1))
    caller = make_caller(desk)
    with desk.store.write("back") as tx:
        note_acknowledgement_returned(tx)
    caller.work()
    assert desk.incidents() == [("breaker", 1)]
    desk.advance(minutes=59)
    caller.stage.work()
    assert is_open(desk)
    desk.advance(minutes=2)
    caller.stage.work()
    assert (is_open(desk), [kind for kind, _ in desk.incidents()]) == (False, [])


def test_when_too_many_are_refused_or_come_back_acknowledgements_stop(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=limited(breaker_returned_per_hour=5))
    smtp_sink.answer("rcpt", 550, "5.1.1 unknown", times=3, when=lambda path: path.endswith("@family.example"))
    families(desk, 3)
    assert not is_open(desk)
    with desk.store.write("back") as tx:
        note_acknowledgement_returned(tx, 2)
    families(desk, 10, first=50)
    assert is_open(desk)
    assert acknowledgements_in(smtp_sink) == []
    assert len(forwards_in(smtp_sink)) == 13


def test_while_something_comes_back_the_hour_is_not_quiet(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=limited(breaker_sent_per_hour=1))
    families(desk, 2)
    for _ in range(6):
        desk.advance(minutes=30)
        with desk.store.write("back") as tx:
            note_acknowledgement_returned(tx)
        assert is_open(desk)
    desk.advance(minutes=61)
    assert not is_open(desk)


def test_a_person_starts_it_again_and_what_was_before_counts_no_more(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=limited(breaker_sent_per_hour=3))
    families(desk, 5)
    with desk.store.write("start", "cli:anna") as tx:
        assert close(tx)
    desk.advance(minutes=16)
    desk.send()
    assert len(acknowledgements_in(smtp_sink)) == 5
    assert desk.incidents() == []


def test_f10_what_was_found_free_to_leave_does_not_leave_once_the_breaker_is_open(
    make_desk: Make, smtp_sink: SmtpSink
) -> None:
    """The rule said "suppressed" and the mail left all the same: here it is asked where the sending begins."""
    desk = make_desk(smtp_sink.port, rules=limited(breaker_returned_per_hour=1))
    desk.take_in(a_mail())
    prepare = desk.stage._preparer.prepare

    def slow(*arguments: object) -> object:
        found = prepare(*arguments)  # type: ignore[arg-type]
        with desk.store.write("meanwhile") as tx:
            note_acknowledgement_returned(tx)
        return found

    desk.stage._preparer.prepare = slow  # type: ignore[method-assign, assignment]
    desk.send()
    assert forwards_in(smtp_sink) == [NORD]
    assert acknowledgements_in(smtp_sink) == []


def test_f13_the_alarm_says_whom_the_most_went_to(
    make_desk: Make, make_caller: Callable[[Desk], Caller], smtp_sink: SmtpSink
) -> None:
    """By the number of a message, which shows the address to whoever may see it."""
    desk = make_desk(smtp_sink.port, rules=limited(breaker_sent_per_hour=4, per_address_per_day=20))
    families(desk, 1)
    keys = []
    for number in range(5):
        keys += desk.take_in(from_family(7, message_id=f"<loop{number}@family.example>"))
        desk.send()
    assert f"3 of them to the writer of message {keys[2]}" in detail(desk)
    assert "@" not in detail(desk)
    make_caller(desk).pass_minutes(10)
    [mail] = [message for message in smtp_sink.messages if message.forward_paths == (ADMIN,)]
    text = message_from_bytes(mail.octets, policy=default).get_content()
    assert f"to the writer of message {keys[2]} ('triage show {keys[2]}')" in " ".join(text.split())


def test_the_limit_of_one_mailbox_counts_what_answered_its_mail(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=limited(per_mailbox_per_hour=4))
    families(desk, 9)
    assert len(acknowledgements_in(smtp_sink)) == 4
    assert not is_open(desk)
    desk.advance(minutes=61)
    desk.send()
    assert len(acknowledgements_in(smtp_sink)) == 8
    desk.advance(minutes=61)
    desk.send()
    assert len(acknowledgements_in(smtp_sink)) == 9


def test_the_limit_for_everybody_opens_the_breaker_where_no_other_is_given(
    make_desk: Make, smtp_sink: SmtpSink, make_caller: Callable[[Desk], Caller]
) -> None:
    desk = make_desk(smtp_sink.port, rules=limited(breaker_sent_per_hour=6, per_hour_total=6))
    caller = make_caller(desk)
    families(desk, 9)
    caller.work()
    assert len(acknowledgements_in(smtp_sink)) == 6
    assert desk.incidents() == [("breaker", 1)]
