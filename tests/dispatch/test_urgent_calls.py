"""Somebody is called, again and again, by more than one way, until a person has the urgent message in hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from email import message_from_bytes, policy

import pytest
import sqlalchemy as sa

from tests.dispatch.builders import ANNA, ON_CALL, OURS, RULES, Desk, a_mail
from tests.dispatch.notices import SECOND, SENDER, Caller, on_call, on_call_told, posted, second_channel, told
from tests.servers.authority import Authority
from tests.servers.smtp_sink import SmtpSink
from tests.servers.webhook import WebhookServer
from triage.notices import SecondChannels, calls_for
from triage.record.charge import take_in_charge
from triage.record.incidents import open_incidents
from triage.record.tables import mailboxes
from triage.rules.types import UrgentRules
from triage.settings import SecondChannel
from triage.vocabulary import DispatchKind, Mode

Call = Callable[..., Caller]
NOTICE = DispatchKind.NOTICE


@pytest.fixture
def make_caller(smtp_sink: SmtpSink) -> Call:
    def make(desk: Desk, second: SecondChannel | None = None, worker: str = "teller") -> Caller:
        return Caller(desk, smtp_sink.port, second, worker)

    return make


@pytest.fixture
def webhook(authority: Authority) -> Iterator[WebhookServer]:
    with WebhookServer(authority) as server:
        yield server


def urgent(desk: Desk) -> int:
    [key] = desk.take_in(a_mail("Mio marito mi minaccia.\n", subject="pericolo"))
    assert desk.outcome(key) == ("held", "urgente")
    return key


def take(desk: Desk, key: int, who: str = "cli:anna") -> None:
    with desk.store.write("take", who) as tx:
        assert take_in_charge(tx, key, tx.actor) is None


# --------------------------------------------------------------------------- the schedule


def test_each_contact_is_told_thrice_and_with_the_last_time_the_next_one_and_the_second_channels() -> None:
    calls = calls_for(UrgentRules((ON_CALL, SECOND), (15, 60)), SecondChannels(alarm=True, webhook=True))
    assert [(int(call.after.total_seconds() / 60), call.channel.value, call.recipient) for call in calls] == [
        (0, "mail", ON_CALL),
        (15, "mail", ON_CALL),
        (75, "mail", ON_CALL),
        (75, "alarm", SECOND),
        (75, "webhook", ""),
        (75, "mail", SECOND),
        (90, "mail", SECOND),
        (150, "mail", SECOND),
        (150, "alarm", SECOND),
        (150, "webhook", ""),
    ]
    assert calls_for(UrgentRules((), (15,)), SecondChannels()) == ()
    assert [call.channel for call in calls_for(UrgentRules((), (15,)), SecondChannels(webhook=True))] == ["webhook"] * 2


def test_calls_go_on_to_the_next_contact_and_the_second_channels_until_the_schedule_ends(
    desk: Desk,
    smtp_sink: SmtpSink,
    start_smtp_sink: Callable[..., SmtpSink],
    make_caller: Call,
    webhook: WebhookServer,
    authority: Authority,
) -> None:
    other = start_smtp_sink()
    desk.rules = on_call(ON_CALL, SECOND)
    caller = make_caller(desk, second_channel(other, webhook, authority))
    key = urgent(desk)
    caller.work()
    assert on_call_told(smtp_sink) == [ON_CALL]
    caller.pass_minutes(14)
    assert on_call_told(smtp_sink) == [ON_CALL]
    caller.pass_minutes(1)
    assert on_call_told(smtp_sink) == [ON_CALL, ON_CALL]
    caller.pass_minutes(59)
    assert (len(told(other)), len(webhook.bodies)) == (0, 0)
    caller.pass_minutes(1)
    assert on_call_told(smtp_sink) == [ON_CALL, ON_CALL, ON_CALL, SECOND]
    assert (told(other), len(webhook.bodies)) == ([SECOND], 1)
    assert desk.incidents() == []
    caller.pass_minutes(300, step=5)
    assert on_call_told(smtp_sink) == [ON_CALL] * 3 + [SECOND] * 3
    assert (on_call_told(other), len(posted(webhook))) == ([SECOND] * 2, 2)
    # The schedule has an end; that nobody answered is an incident, once.
    assert desk.incidents() == [("unanswered", 1)]
    take(desk, key)
    assert desk.incidents() == []
    desk.assert_ledger_closes()


def test_where_nobody_is_named_it_is_not_said_that_anybody_was_called(desk: Desk, make_caller: Call) -> None:
    desk.rules = replace(RULES, urgent=replace(RULES.urgent, on_call=()))
    key = urgent(desk)
    make_caller(desk).work()
    with desk.store.read("look") as tx:
        [incident] = open_incidents(tx)
    assert incident["detail"] == (
        f"nobody has taken message {key} in charge: nobody was called, since urgent.on_call names nobody. "
        "'triage take' ends this"
    )


def test_no_notice_says_who_writes_or_what(
    desk: Desk,
    smtp_sink: SmtpSink,
    start_smtp_sink: Callable[..., SmtpSink],
    make_caller: Call,
    webhook: WebhookServer,
    authority: Authority,
) -> None:
    other = start_smtp_sink()
    caller = make_caller(desk, second_channel(other, webhook, authority))
    key = urgent(desk)
    caller.work()
    caller.pass_minutes(80, step=5)
    sent = [*smtp_sink.messages, *other.messages]
    assert len(sent) == 4
    for message in sent:
        parsed = message_from_bytes(message.octets, policy=policy.default)
        text = f"{parsed['Subject']} {parsed.get_content()}".casefold()
        for word in ("anna", "rossi", "marito", "minaccia", "altavilla", ANNA, "centro nord"):
            assert word not in text
        assert f"numero {key}," in text
        assert parsed["Auto-Submitted"] == "auto-generated"
        assert parsed["To"] == ON_CALL
    assert len({message_from_bytes(message.octets)["Message-ID"] for message in sent}) == 4
    # The other account's provider would refuse our own address.
    [by_alarm] = other.messages
    assert by_alarm.reverse_path == SENDER
    assert SENDER in message_from_bytes(by_alarm.octets)["From"]
    [body] = webhook.bodies
    assert set(body) == {"event", "service", "message", "code", "received_at", "step", "path"}
    assert (body["event"], body["message"]) == ("urgent_message", key)
    assert "@" not in str(body)


# --------------------------------------------------------------------------- until somebody has it in hand


@pytest.mark.parametrize("how", ["take", "retry", "moved away"])
def test_whoever_has_the_message_in_hand_ends_the_calls(
    desk: Desk, smtp_sink: SmtpSink, make_caller: Call, how: str
) -> None:
    caller = make_caller(desk)
    key = urgent(desk)
    caller.work()
    caller.pass_minutes(15)
    if how == "take":
        take(desk, key)
    elif how == "moved away":
        desk.take_away(key)
    else:
        with desk.store.write("retry", "cli:anna") as tx:
            take_in_charge(tx, key, tx.actor)
        desk.retry(key)
        desk.decide()
        assert desk.outcome(key) == ("held", "urgente")
    caller.pass_minutes(300, step=5)
    assert on_call_told(smtp_sink) == [ON_CALL, ON_CALL]
    assert desk.incidents() == []


def test_a_notice_that_waits_is_not_sent_once_somebody_has_the_message_in_hand(
    desk: Desk, smtp_sink: SmtpSink, make_caller: Call
) -> None:
    caller = make_caller(desk)
    key = urgent(desk)
    take(desk, key)
    caller.work()
    assert told(smtp_sink) == []
    assert [row.state for row in desk.dispatches(key, NOTICE)] == ["cancelled"]


def test_the_first_to_take_it_keeps_it_and_it_is_on_record_with_who_and_when(desk: Desk) -> None:
    key = urgent(desk)
    take(desk, key, "cli:anna")
    with desk.store.write("take", "cli:bruno") as tx:
        before = take_in_charge(tx, key, tx.actor)
    assert before is not None
    assert (before.taken_by, before.taken_at) == ("cli:anna", desk.clock.now())
    assert desk.events(key).count("taken_in_charge") == 1


# --------------------------------------------------------------------------- nothing doubled, nothing lost


def test_steps_are_on_record_and_survive_a_restart(desk: Desk, smtp_sink: SmtpSink, make_caller: Call) -> None:
    caller = make_caller(desk)
    urgent(desk)
    caller.work()
    for _ in range(5):
        caller.restart()
        caller.pass_minutes(15, step=15)
    assert on_call_told(smtp_sink) == [ON_CALL] * 3


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_several_workers_never_double_a_step(
    request: pytest.FixtureRequest,
    make_desk: Callable[..., Desk],
    smtp_sink: SmtpSink,
    make_caller: Call,
    engine: str,
) -> None:
    url = request.getfixturevalue("sqlite_url" if engine == "sqlite" else "postgres_url")
    desk = make_desk(smtp_sink.port, url=url)
    workers = [make_caller(desk, worker=f"teller {number}") for number in range(4)]
    urgent(desk)
    workers[0].work()
    for _ in range(3):
        desk.advance(minutes=75)
        together = threading.Barrier(len(workers))

        def look(caller: Caller, together: threading.Barrier = together) -> None:
            together.wait(30)
            while caller.stage.work():
                pass

        threads = [threading.Thread(target=look, args=(caller,)) for caller in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    # After 75 minutes without a look both steps are due: told once for them, not twice.
    assert on_call_told(smtp_sink) == [ON_CALL] * 2
    assert workers[0].calls() == [(2, "mail", "accepted")]


def test_a_notice_whose_worker_died_while_it_spoke_is_told_again(
    desk: Desk, smtp_sink: SmtpSink, make_caller: Call
) -> None:
    caller = make_caller(desk)
    urgent(desk)
    caller.work()
    smtp_sink.drop("after_data_dot", times=1)
    caller.pass_minutes(15, step=15)
    assert caller.rows() == [("urgent", 1, "mail", "pending")]
    caller.pass_minutes(2)
    assert caller.rows() == [("urgent", 1, "mail", "accepted")]
    assert on_call_told(smtp_sink) == [ON_CALL] * 3, "once perhaps too often is better than never"


def test_a_contact_that_cannot_be_reached_is_not_waited_for(desk: Desk, smtp_sink: SmtpSink, make_caller: Call) -> None:
    desk.rules = on_call(ON_CALL, SECOND)
    smtp_sink.answer("rcpt", 550, "5.1.1 no such user", when=lambda path: path == ON_CALL)
    caller = make_caller(desk)
    urgent(desk)
    caller.work()
    caller.work()
    assert on_call_told(smtp_sink) == [SECOND]
    caller.pass_minutes(75, step=5)
    assert on_call_told(smtp_sink) == [SECOND] * 3


# --------------------------------------------------------------------------- the gate


def test_in_ombra_no_notice_leaves(desk: Desk, smtp_sink: SmtpSink, make_caller: Call, webhook: WebhookServer) -> None:
    shadow = replace(RULES, service=replace(RULES.service, mode=Mode.SHADOW))
    caller = make_caller(desk, second_channel(None, webhook))
    urgent(desk)
    caller.work()
    desk.rules = shadow
    caller.pass_minutes(300, step=15)
    urgent(desk)
    caller.pass_minutes(300, step=15)
    assert on_call_told(smtp_sink) == [ON_CALL], "what left before the mode was changed"
    assert webhook.bodies == ()
    assert desk.incidents() == []


def test_while_everything_is_stopped_no_notice_leaves_and_none_is_lost(
    desk: Desk, smtp_sink: SmtpSink, make_caller: Call
) -> None:
    caller = make_caller(desk)
    urgent(desk)
    caller.work()
    desk.stop()
    caller.pass_minutes(20)
    assert on_call_told(smtp_sink) == [ON_CALL]
    desk.stop(False)
    caller.pass_minutes(1)
    assert on_call_told(smtp_sink) == [ON_CALL, ON_CALL]


def test_a_copy_of_the_record_whose_mailbox_is_anothers_calls_nobody(
    desk: Desk, smtp_sink: SmtpSink, make_caller: Call
) -> None:
    caller = make_caller(desk)
    urgent(desk)
    caller.work()
    with desk.store.write("refused") as tx:
        tx.execute(sa.update(mailboxes).values(refused_at=tx.now))
    caller.pass_minutes(300, step=15)
    assert on_call_told(smtp_sink) == [ON_CALL]


def test_f2_the_bounce_of_a_notice_calls_nobody_and_is_answered_by_nobody(
    desk: Desk, smtp_sink: SmtpSink, make_caller: Call
) -> None:
    """It quotes the code and even the urgent words; it is held, or filed as proved, and that is all."""
    caller = make_caller(desk)
    urgent(desk)
    caller.work()
    caller.pass_minutes(15)
    ids = [message_from_bytes(message.octets)["Message-ID"] for message in smtp_sink.messages]
    before = told(smtp_sink)
    for number, name in enumerate(ids):
        bounce = a_mail(
            f"Undelivered. pericolo\nMessage-ID: {name}\n",
            subject=f"pericolo undelivered {number}",
            author="MAILER-DAEMON <mailer-daemon@oncall.example>",
            return_path="",
            headers=[("Auto-Submitted", "auto-replied")],
        )
        [key] = desk.take_in(bounce)
        assert desk.outcome(key)[0] in ("held", "decided")
        assert desk.states(key) == []
        desk.send()
    assert [kind for kind, _ in desk.incidents()] == ["notice"], "one trouble: the contact cannot be reached"
    desk.send()
    assert told(smtp_sink) == before
    assert OURS not in before


# --------------------------------------------------------------------------- the channels fail


def test_a_webhook_is_only_believed_over_a_certificate_that_holds(
    desk: Desk, make_caller: Call, authority: Authority
) -> None:
    with WebhookServer(authority, trusted=False) as stranger:
        caller = make_caller(desk, second_channel(None, stranger, authority))
        urgent(desk)
        caller.work()
        caller.pass_minutes(76)
        assert stranger.bodies == ()
        assert "notice_channel" in dict(desk.incidents())


@pytest.mark.parametrize(
    ("code", "state", "most"), [(204, "accepted", 1), (302, "failed", 7), (404, "failed", 1), (503, "failed", 7)]
)
def test_a_webhook_that_refuses_is_tried_as_often_as_makes_sense(
    desk: Desk, make_caller: Call, webhook: WebhookServer, authority: Authority, code: int, state: str, most: int
) -> None:
    webhook.code = code
    webhook.location = "https://elsewhere.example/" if code == 302 else ""
    desk.rules = on_call(ON_CALL, pauses=(15,))
    caller = make_caller(desk, second_channel(None, webhook, authority))
    urgent(desk)
    caller.work()
    caller.pass_minutes(200, step=5)
    assert [row[2] for row in caller.calls("webhook")] == [state]
    assert len(posted(webhook)) == most
    assert {body["path"] for body in webhook.bodies} == {"/avvisi?chiave=segreta"}
