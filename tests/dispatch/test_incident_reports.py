"""The service's own troubles are told once, together, by the way that still works; and only if they are real."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
import sqlalchemy as sa

from tests.dispatch.builders import OURS, Desk, a_mail
from tests.dispatch.notices import ADMIN, Caller, second_channel, told
from tests.servers.authority import Authority
from tests.servers.smtp_sink import SmtpSink
from tests.servers.webhook import WebhookServer
from triage.dispatch import notice_stage
from triage.record.incidents import close_incident, open_incident
from triage.record.staff_notices import NoticeKind
from triage.record.tables import staff_notices
from triage.settings import SecondChannel

Call = Callable[..., Caller]


@pytest.fixture
def make_caller(smtp_sink: SmtpSink) -> Call:
    def make(desk: Desk, second: SecondChannel | None = None) -> Caller:
        return Caller(desk, smtp_sink.port, second)

    return make


def trouble(desk: Desk, kind: str, subject: str = "x", detail: str = "something is wrong") -> None:
    with desk.store.write("trouble") as tx:
        open_incident(tx, kind, subject, detail)


def test_an_incident_is_told_to_those_named_for_alarms_once(desk: Desk, smtp_sink: SmtpSink, make_caller: Call) -> None:
    caller = make_caller(desk)
    trouble(desk, "mailbox", "generale", "the mailbox generale cannot be read")
    caller.pass_minutes(120, step=5)
    trouble(desk, "mailbox", "generale", "the mailbox generale cannot be read")
    caller.pass_minutes(120, step=5)
    assert told(smtp_sink) == [ADMIN]
    [message] = smtp_sink.messages
    parsed = message_from_bytes(message.octets, policy=policy.default)
    assert "the mailbox generale cannot be read" in parsed.get_content()
    assert parsed["Auto-Submitted"] == "auto-generated"


def test_f4_many_incidents_are_one_report(desk: Desk, smtp_sink: SmtpSink, make_caller: Call) -> None:
    """One bounce made four notices, then 16, then 64: here a hundred troubles make two mails."""
    caller = make_caller(desk)
    for number in range(50):
        trouble(desk, "notice", str(number), f"trouble {number}")
    caller.pass_minutes(6)
    for number in range(50, 100):
        trouble(desk, "notice", str(number), f"trouble {number}")
    caller.pass_minutes(60)
    assert told(smtp_sink) == [ADMIN, ADMIN]
    texts = [message_from_bytes(m.octets, policy=policy.default).get_content() for m in smtp_sink.messages]
    assert [text.count("trouble") for text in texts] == [50, 50]


def test_f32_the_alarm_about_a_stuck_account_leaves_by_another_way(
    desk: Desk, smtp_sink: SmtpSink, start_smtp_sink: Callable[..., SmtpSink], make_caller: Call
) -> None:
    other = start_smtp_sink()
    caller = make_caller(desk, second_channel(other))
    smtp_sink.stop()
    trouble(desk, "submission", "account", "unreachable: the SMTP server cannot be used")
    caller.pass_minutes(20)
    assert told(other) == [ADMIN]
    assert told(smtp_sink) == []


def test_f33_what_is_over_at_once_is_told_to_nobody(
    desk: Desk, smtp_sink: SmtpSink, make_caller: Call, authority: Authority
) -> None:
    with WebhookServer(authority) as webhook:
        caller = make_caller(desk, second_channel(None, webhook, authority))
        trouble(desk, "mailbox", "generale")
        caller.pass_minutes(1)
        with desk.store.write("over") as tx:
            close_incident(tx, "mailbox", "generale")
        caller.pass_minutes(60)
        assert (told(smtp_sink), webhook.bodies) == ([], ())
        trouble(desk, "mailbox", "generale")
        caller.pass_minutes(60)
        assert told(smtp_sink) == [ADMIN]
        assert [(body["event"], body["kinds"]) for body in webhook.bodies] == [("incidents", ["mailbox"])]


def over(desk: Desk, kind: str, subject: str = "x") -> None:
    with desk.store.write("over") as tx:
        close_incident(tx, kind, subject)


def said(smtp_sink: SmtpSink) -> list[tuple[str, str]]:
    """Subject and text of every mail, in order."""
    parsed = [message_from_bytes(message.octets, policy=policy.default) for message in smtp_sink.messages]
    return [(str(mail["Subject"]).rpartition(": ")[2], mail.get_content()) for mail in parsed]


def test_the_end_of_a_trouble_is_told_once_by_each_channel(
    desk: Desk, smtp_sink: SmtpSink, make_caller: Call, authority: Authority
) -> None:
    with WebhookServer(authority) as webhook:
        caller = make_caller(desk, second_channel(None, webhook, authority))
        trouble(desk, "mailbox", "generale", "the mailbox generale cannot be read")
        begun = desk.clock.now().isoformat(timespec="seconds")
        caller.pass_minutes(30, step=5)
        over(desk, "mailbox", "generale")
        ended = desk.clock.now().isoformat(timespec="seconds")
        caller.pass_minutes(180, step=5)
        assert [subject for subject, _ in said(smtp_sink)] == ["serve un controllo", "problema finito"]
        assert "the mailbox generale cannot be read" in said(smtp_sink)[1][1]
        told_of = {"code": "mailbox", "subject": "generale", "since": begun}
        assert [(body["event"], body["incidents"]) for body in webhook.bodies] == [
            ("incidents", [told_of]),
            ("incidents_over", [{**told_of, "until": ended}]),
        ]


def test_f4_the_ends_of_many_troubles_are_one_report(desk: Desk, smtp_sink: SmtpSink, make_caller: Call) -> None:
    caller = make_caller(desk)
    for number in range(50):
        trouble(desk, "notice", str(number), f"trouble {number}")
    caller.pass_minutes(10)
    for number in range(50):
        over(desk, "notice", str(number))
    caller.pass_minutes(60)
    assert [text.count("trouble") for _, text in said(smtp_sink)] == [50, 50]


def test_f4_a_trouble_that_comes_and_goes_is_told_once_and_its_end_once(
    desk: Desk, smtp_sink: SmtpSink, make_caller: Call
) -> None:
    """A server that is away for three minutes in every eight, for four hours."""
    caller = make_caller(desk)
    trouble(desk, "mailbox", "generale")
    caller.pass_minutes(20)
    assert len(said(smtp_sink)) == 1
    for _ in range(30):
        over(desk, "mailbox", "generale")
        caller.pass_minutes(5)
        trouble(desk, "mailbox", "generale")
        caller.pass_minutes(3)
    assert len(said(smtp_sink)) == 1
    over(desk, "mailbox", "generale")
    caller.pass_minutes(60)
    assert [subject for subject, _ in said(smtp_sink)] == ["serve un controllo", "problema finito"]
    trouble(desk, "mailbox", "generale")
    caller.pass_minutes(60)
    assert len(said(smtp_sink)) == 3, "after its end was told it is news again"


def test_f33_the_end_of_what_nobody_was_told_is_told_to_nobody(
    desk: Desk, smtp_sink: SmtpSink, make_caller: Call
) -> None:
    caller = make_caller(desk)
    trouble(desk, "mailbox", "generale")
    over(desk, "mailbox", "generale")
    caller.pass_minutes(60)
    assert said(smtp_sink) == []
    smtp_sink.stop()
    trouble(desk, "mailbox", "crema")
    caller.pass_minutes(6)
    over(desk, "mailbox", "crema")
    caller.pass_minutes(240, step=10)
    with desk.store.read("look") as tx:
        assert NoticeKind.OVER not in set(tx.execute(sa.select(staff_notices.c.kind)).scalars())


def test_the_webhook_is_tried_again_until_it_answers_and_no_address_is_given_to_it(
    desk: Desk, make_caller: Call
) -> None:
    with WebhookServer(None) as webhook:
        assert webhook.url.startswith("http://127.0.0.1:"), "on this machine it need not be HTTPS"
        webhook.code = 503
        caller = make_caller(desk, second_channel(None, webhook))
        trouble(desk, "destination", "crema@consultorio.example", "an address refuses mail")
        caller.pass_minutes(30)
        tries = len(webhook.bodies)
        assert 3 <= tries <= 6, "ever more seldom"
        webhook.code = 200
        caller.pass_minutes(120, step=5)
        assert len(webhook.bodies) == tries + 1
        (one,) = webhook.bodies[-1]["incidents"]
        assert (one["code"], one["subject"]) == ("destination", "")
        assert "consultorio" not in str(webhook.bodies)


def test_a_report_outlives_the_hours_in_which_its_channel_cannot_be_reached(
    desk: Desk, smtp_sink: SmtpSink, make_caller: Call
) -> None:
    """No server was asked anything: that is no refusal, and after it the trouble is told all the same."""
    caller = make_caller(desk)
    trouble(desk, "mailbox")
    smtp_sink.stop()
    caller.pass_minutes(600, step=10)
    assert told(smtp_sink) == []
    smtp_sink.start()
    caller.pass_minutes(120, step=10)
    assert told(smtp_sink)[:1] == [ADMIN]


def test_of_test_messages_that_could_not_leave_only_the_one_that_is_awaited_does(
    desk: Desk, smtp_sink: SmtpSink, make_caller: Call
) -> None:
    desk.take_in(a_mail())
    desk.rules = replace(desk.rules, service=replace(desk.rules.service, canary_minutes=60))
    caller = make_caller(desk)
    smtp_sink.stop()
    caller.pass_minutes(600, step=10)
    smtp_sink.start()
    caller.pass_minutes(70, step=10)
    assert 1 <= told(smtp_sink).count(OURS) <= 2


def test_a_report_that_every_recipient_refused_is_told_again_with_what_has_come_since(
    desk: Desk, smtp_sink: SmtpSink, make_caller: Call
) -> None:
    caller = make_caller(desk)
    smtp_sink.answer("rcpt", 550, "no such user", times=3)
    trouble(desk, "mailbox", "generale", "the mailbox generale cannot be read")
    caller.pass_minutes(60, step=5)
    assert (told(smtp_sink), len(caller.rows())) == ([], 1)
    caller.pass_minutes(20, step=5)
    assert (told(smtp_sink), len(caller.rows())) == ([], 2), "the same, an hour later"
    trouble(desk, "mailbox", "crema", "the mailbox crema cannot be read")
    caller.pass_minutes(20, step=5)
    assert (told(smtp_sink), len(caller.rows())) == ([], 3), "news do not wait for the hour"
    caller.pass_minutes(180, step=5)
    assert told(smtp_sink) == [ADMIN], "once"
    ((_, text),) = said(smtp_sink)
    assert "the mailbox generale cannot be read" in text
    assert "the mailbox crema cannot be read" in text


def test_a_slow_server_does_not_make_another_worker_tell_it_as_well(
    desk: Desk, smtp_sink: SmtpSink, make_caller: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes longer over the answer than the lease lasts; whoever waits for it keeps the lease."""
    monkeypatch.setattr(notice_stage, "LEASE", timedelta(seconds=0.6))
    first, second = make_caller(desk), make_caller(desk)
    trouble(desk, "mailbox")
    desk.advance(minutes=10)
    smtp_sink.stall("data_dot", 3, times=1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(first.stage.work)
        for _ in range(25):
            desk.advance(timedelta(seconds=0.1))
            time.sleep(0.1)
            second.stage.work()
        slow.result()
    assert told(smtp_sink) == [ADMIN]


def test_the_end_of_a_trouble_that_was_refused_is_told_again(
    desk: Desk, smtp_sink: SmtpSink, make_caller: Call
) -> None:
    caller = make_caller(desk)
    trouble(desk, "mailbox", "generale", "the mailbox generale cannot be read")
    caller.pass_minutes(20, step=5)
    smtp_sink.answer("rcpt", 550, "no such user", times=1)
    over(desk, "mailbox", "generale")
    caller.pass_minutes(30, step=5)
    assert len(said(smtp_sink)) == 1
    caller.pass_minutes(120, step=5)
    assert len(said(smtp_sink)) == 2
