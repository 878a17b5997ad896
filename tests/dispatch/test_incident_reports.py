"""The service's own troubles are told once, together, by the way that still works; and only if they are real."""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes, policy

import pytest

from tests.dispatch.builders import Desk
from tests.dispatch.notices import ADMIN, Caller, second_channel, told
from tests.servers.authority import Authority
from tests.servers.smtp_sink import SmtpSink
from tests.servers.webhook import WebhookServer
from triage.record.incidents import close_incident, open_incident
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
