"""What a server may answer to one message, and what becomes of the message then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from email import message_from_bytes

import pytest

from tests.dispatch.builders import (
    ANNA,
    NORD,
    OURS,
    SUD,
    Desk,
    Tried,
    a_mail,
    attached_original,
    forwards_in,
    from_family,
    submission,
)
from tests.servers.smtp_script import Step
from tests.servers.smtp_sink import SmtpSink
from triage.dispatch.compose import Outgoing
from triage.dispatch.submit import Connection
from triage.dispatch.trouble import status_of
from triage.vocabulary import AttemptOutcome, DispatchKind, DispatchState, MessageState, SubmissionResult

ACK = DispatchKind.ACKNOWLEDGEMENT


def is_forward(path: str) -> bool:
    return path in (NORD, OURS)


def test_accepted_forward_then_acknowledgement(desk: Desk, smtp_sink: SmtpSink) -> None:
    octets = a_mail()
    [key] = desk.take_in(octets)
    assert desk.send() == 2
    assert [(m.reverse_path, m.forward_paths) for m in smtp_sink.messages] == [(OURS, (NORD,)), ("", (ANNA,))]
    assert attached_original(smtp_sink.messages[0].octets) == octets
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.states(key) == [("forward", "accepted"), ("acknowledgement", "accepted")]
    assert desk.tried(key) == [Tried("accepted", "data", 250)]
    assert desk.forwarded == 1
    desk.assert_ledger_closes()


TRANSIENT: list[tuple[Step, str]] = [("mail", "mail"), ("rcpt", "rcpt"), ("data_command", "data"), ("data_dot", "data")]


@pytest.mark.parametrize(("step", "stage"), TRANSIENT)
def test_transient_refusal_is_tried_again_after_a_pause(
    desk: Desk, smtp_sink: SmtpSink, step: Step, stage: str
) -> None:
    smtp_sink.answer(step, 451, "4.7.1 come back later", times=1)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert desk.tried(key) == [Tried("transient", stage, 451)]
    assert desk.dispatch(key).state == DispatchState.PENDING
    assert desk.outcome(key) == (MessageState.DECIDED, "")
    desk.advance(seconds=59)
    assert desk.send() == 0
    desk.advance(seconds=61)
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.tried(key)[1:] == [Tried("accepted", "data", 250)]
    assert forwards_in(smtp_sink) == [NORD]
    desk.assert_ledger_closes()


def test_five_days_of_transient_refusals_hold_the_message(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("rcpt", 450, "4.2.2 mailbox full", when=is_forward)
    [key] = desk.take_in(a_mail())
    start = desk.clock.now()
    waits = []
    while desk.message(key).state == MessageState.DECIDED:
        desk.advance(desk.dispatch(key).due_at - desk.clock.now())
        desk.send()
        waits.append((desk.dispatch(key).due_at - desk.clock.now()).total_seconds() / 60)
        assert len(waits) < 100, "it is never given up"
    assert desk.outcome(key) == (MessageState.HELD, "inoltro_scaduto")
    assert desk.dispatch(key).state == DispatchState.FAILED
    spent = (desk.clock.now() - start).total_seconds() / 86400
    assert 5 <= spent < 5.3
    assert waits[:3] == [1, 5, 15]
    assert waits[:-1] == sorted(waits[:-1])
    assert max(waits) == 360
    assert forwards_in(smtp_sink) == []
    desk.assert_ledger_closes()


@pytest.mark.parametrize(("step", "stage"), TRANSIENT)
def test_permanent_refusal_holds_at_once_and_keeps_the_servers_words(
    desk: Desk, smtp_sink: SmtpSink, step: Step, stage: str
) -> None:
    smtp_sink.answer(step, 550, "5.1.1 no such user here\nask the postmaster", times=1)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "inoltro_rifiutato")
    assert desk.dispatch(key).state == DispatchState.FAILED
    [attempt] = desk.attempts(desk.dispatch(key).id)
    assert (attempt["outcome"], attempt["stage"], attempt["code"]) == ("permanent", stage, 550)
    assert attempt["enhanced_status"] == "5.1.1"
    assert attempt["reply"] == "5.1.1 no such user here\nask the postmaster"
    desk.advance(days=1)
    desk.send()
    assert forwards_in(smtp_sink) == []
    desk.assert_ledger_closes()


def test_refused_size_holds(
    desk: Desk, start_smtp_sink: Callable[..., SmtpSink], make_desk: Callable[..., Desk]
) -> None:
    """A server that refuses MAIL because of SIZE (RFC 1870 section 6.1) will never take the message."""
    sink = start_smtp_sink(extensions=("SIZE 1000", "8BITMIME"))
    sink.answer("mail", 552, "5.3.4 message too big", when=lambda path: path == OURS)
    small = make_desk(sink.port)
    [key] = small.take_in(a_mail("lungo " * 300))
    small.send()
    assert small.outcome(key) == (MessageState.HELD, "inoltro_rifiutato")
    [mail] = [line for line in sink.commands if line.startswith(f"MAIL FROM:<{OURS}>")]
    assert int(mail.partition("SIZE=")[2].split()[0]) > 1800


def test_421_is_transient_and_the_connection_is_made_anew(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("mail", 421, "4.3.2 going down", times=1)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert desk.tried(key) == [Tried("transient", "mail", 421)]
    desk.advance(minutes=2)
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert smtp_sink.connections_seen >= 2


@pytest.mark.parametrize("step", ["mail", "rcpt"])
@pytest.mark.parametrize("reset", [False, True])
def test_drop_before_data_is_transient(desk: Desk, smtp_sink: SmtpSink, step: Step, reset: bool) -> None:
    smtp_sink.drop(step, times=1, reset=reset)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert desk.tried(key) == [Tried("transient", step, 0)]
    assert desk.dispatch(key).unknowns == 0
    desk.advance(minutes=2)
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert forwards_in(smtp_sink) == [NORD]


UNKNOWN: list[Step] = ["data_command", "mid_data", "data_dot", "after_data_dot"]


@pytest.mark.parametrize("step", UNKNOWN)
def test_drop_inside_data_is_unknown_and_sent_again_with_the_same_id(
    desk: Desk, smtp_sink: SmtpSink, step: Step
) -> None:
    smtp_sink.drop(step, times=1, when=is_forward)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert desk.tried(key) == [Tried("unknown", "data", 0)]
    assert desk.dispatch(key).unknowns == 1
    assert desk.outcome(key) == (MessageState.DECIDED, "")
    desk.advance(minutes=2)
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    ids = [message_from_bytes(m.octets)["Message-ID"] for m in smtp_sink.messages if NORD in m.forward_paths]
    assert ids == [desk.dispatch(key).rfc_message_id] * (2 if step == "after_data_dot" else 1)
    desk.assert_ledger_closes()


def test_unknown_outcome_is_repeated_at_most_twice_then_held(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.drop("after_data_dot", when=is_forward)
    [key] = desk.take_in(a_mail())
    for _ in range(6):
        desk.send()
        desk.advance(hours=1)
    assert desk.outcome(key) == (MessageState.HELD, "esito_ignoto")
    assert desk.dispatch(key).state == DispatchState.FAILED
    assert desk.tried(key) == [Tried("unknown", "data", 0)] * 3
    assert forwards_in(smtp_sink) == [NORD] * 3
    assert len({message_from_bytes(m.octets)["Message-ID"] for m in smtp_sink.messages if NORD in m.forward_paths}) == 1
    desk.assert_ledger_closes()


def test_silence_after_the_final_dot_is_unknown(make_desk: Callable[..., Desk], smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, data_timeout=0.3)
    smtp_sink.stall("data_dot", 1.0, times=1, when=is_forward)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert desk.tried(key) == [Tried("unknown", "data", 0)]


@pytest.mark.parametrize("reply", [b"what?\r\n", b"354 go on\r\n", b"250", b"99 odd\r\n"])
def test_nonsense_after_the_final_dot_is_unknown(
    make_desk: Callable[..., Desk], smtp_sink: SmtpSink, reply: bytes
) -> None:
    """The message may have been taken; only a 4yz or 5yz reply says that it was not."""
    desk = make_desk(smtp_sink.port, data_timeout=0.5)
    smtp_sink.raw("after_data_dot", reply, times=1)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert [item.outcome for item in desk.tried(key)] == ["unknown"]


@pytest.mark.parametrize("step", ["mail", "rcpt"])
def test_nonsense_before_data_is_transient(desk: Desk, smtp_sink: SmtpSink, step: Step) -> None:
    smtp_sink.raw(step, b"what?\r\n", times=1)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert [(item.outcome, item.stage) for item in desk.tried(key)] == [("transient", step)]
    desk.advance(minutes=2)
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED


@pytest.mark.parametrize("step", UNKNOWN)
def test_acknowledgement_with_unknown_outcome_is_never_sent_again(desk: Desk, smtp_sink: SmtpSink, step: Step) -> None:
    smtp_sink.drop(step, when=lambda path: path == ANNA)
    [key] = desk.take_in(a_mail())
    for _ in range(5):
        desk.send()
        desk.advance(hours=5)
    assert desk.states(key) == [("forward", "accepted"), ("acknowledgement", "unknown")]
    assert desk.tried(key, ACK) == [Tried("unknown", "data", 0)]
    assert desk.message(key).state == MessageState.FORWARDED
    desk.assert_ledger_closes()


def test_refused_acknowledgement_changes_nothing_for_the_message(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("rcpt", 550, "5.1.1 no such user", when=lambda path: path == ANNA)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert desk.states(key) == [("forward", "accepted"), ("acknowledgement", "failed")]
    assert desk.outcome(key) == (MessageState.FORWARDED, "")


def test_transient_acknowledgement_is_sent_later(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("rcpt", 451, "4.7.1 greylisted", times=1, when=lambda path: path == ANNA)
    [key] = desk.take_in(a_mail())
    desk.send()
    desk.advance(minutes=2)
    desk.send()
    assert desk.tried(key, ACK) == [Tried("transient", "rcpt", 451), Tried("accepted", "data", 250)]


def test_failing_quit_is_harmless(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.drop("quit", reset=True)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    desk.restage(submission(smtp_sink.port))


def test_one_refused_recipient_stops_no_other(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("rcpt", 550, "5.1.1 no", when=lambda path: path == NORD)
    nord, sud, nord_again = desk.take_in(from_family(1), from_family(2, subject="sud"), from_family(3))
    desk.send()
    assert [desk.outcome(key)[0] for key in (nord, sud, nord_again)] == ["held", "forwarded", "held"]
    assert forwards_in(smtp_sink) == [SUD]
    # The refused ones left no half-open transaction behind: no command was answered 503.
    assert not [said for said in smtp_sink.transcript if said.who == "S" and said.line.startswith("503")]
    desk.assert_ledger_closes()


def test_notice_that_is_refused_opens_an_incident(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("rcpt", 550, "5.1.1 no", when=lambda path: path.endswith("@oncall.example"))
    [key] = desk.take_in(a_mail(subject="pericolo"))
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "urgente")
    assert ("notice", "failed") in desk.states(key)
    assert desk.incidents() == [("notice", 1)]
    smtp_sink.clear_script()
    desk.retry(key)
    desk.decide()
    desk.send()
    assert ("notice", "accepted") in desk.states(key)
    assert desk.incidents() == []


def test_incident_of_a_refused_notice_closes_when_a_colleague_takes_the_message(
    desk: Desk, smtp_sink: SmtpSink
) -> None:
    smtp_sink.answer("rcpt", 550, "5.1.1 no", when=lambda path: path.endswith("@oncall.example"))
    [key, other] = desk.take_in(a_mail(subject="pericolo"), from_family(2, subject="pericolo"))
    desk.send()
    assert desk.incidents() == [("notice", 1)] * 2
    desk.take_away(key)
    assert desk.incidents() == [("notice", 1)]
    assert desk.outcome(other) == (MessageState.HELD, "urgente")


def test_server_words_that_are_no_utf8_are_recorded(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.raw("rcpt", b"550 5.1.1 citt\xe0 \x00 sconosciuta\r\n", times=1)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "inoltro_rifiutato")


# --------------------------------------------------------------------------- what is about the account, not the message

USED_UP: list[tuple[Step, int, str]] = [
    ("mail", 550, "5.4.5 Daily user sending limit exceeded. For more information go to\nhttps://support.example/"),
    (
        "data_dot",
        554,
        "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message",
    ),
    ("rcpt", 550, "5.7.233 your tenant exceeded its tenant external recipient rate limit"),
    ("data_dot", 550, "5.7.1 Hai superato il limite di messaggi per ora"),
]


@pytest.mark.parametrize(("step", "code", "text"), USED_UP)
def test_f6_an_account_that_has_sent_its_number_rests_and_no_message_is_held(
    desk: Desk, smtp_sink: SmtpSink, step: Step, code: int, text: str
) -> None:
    """Providers refuse for good what goes an hour or a day later: a thousand letters would wait for a person."""
    smtp_sink.answer(step, code, text, times=1)
    keys = desk.take_in(from_family(1))
    desk.send()
    later = desk.take_in(from_family(2))
    assert desk.send() == 0, "it is left alone"
    assert "asks us to wait 3600 s" in desk.stage.trouble
    assert desk.outcome(keys[0]) == (MessageState.DECIDED, "")
    desk.stage.account.paused_until = 0.0
    desk.advance(hours=2)
    desk.send()
    assert [desk.message(key).state for key in keys + later] == [MessageState.FORWARDED] * 2


@pytest.mark.parametrize(
    "text", ["5.7.1 <famiglie@agency.example>: Sender address rejected: not owned by user x", "5.1.8 bad sender domain"]
)
def test_a_sender_that_is_refused_only_at_rcpt_is_the_accounts_trouble(
    desk: Desk, smtp_sink: SmtpSink, text: str
) -> None:
    """Postfix says so at RCPT unless told otherwise (smtpd_delay_reject)."""
    smtp_sink.answer("rcpt", 553, text, when=is_forward, times=1)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert desk.outcome(key) == (MessageState.DECIDED, "")
    assert desk.incidents() == [("submission", 1)]
    desk.stage.account.paused_until = 0.0
    desk.advance(minutes=2)
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED


@pytest.mark.parametrize(
    ("text", "code", "status"),
    [
        ("Client host [5.7.10.11] blocked", 550, ""),
        ("host 5.3.4.17 refused", 550, ""),
        ("ver 2.0.0 error 5.7.1", 550, "5.7.1"),
        ("said: 4.7.1 later\n5.1.1 unknown", 550, "5.1.1"),
        ("#5.1.1 unknown", 550, "5.1.1"),
        ("<a@b>... 4.2.2.", 452, "4.2.2"),
    ],
)
def test_a_status_is_no_part_of_an_address_and_of_its_answers_class(text: str, code: int, status: str) -> None:
    assert status_of(text, code) == status


@pytest.mark.parametrize("utf8", [False, True])
def test_what_was_composed_for_another_server_is_not_said_to_one_that_does_not_offer_it(
    start_smtp_sink: Callable[..., SmtpSink], utf8: bool
) -> None:
    """Behind one name there may be servers of several kinds; the offer was another one's."""
    sink = start_smtp_sink(extensions=("8BITMIME",) if utf8 else ())
    outgoing = Outgoing(OURS, NORD, "Subject: x\r\n\r\nPerché\r\n".encode(), smtputf8=utf8)

    async def speak() -> SubmissionResult:
        connection = Connection(submission(sink.port))
        await connection.open()
        result = await connection.submit(outgoing)
        await connection.close()
        return result

    result = asyncio.run(speak())
    assert (result.outcome, result.stage) == (AttemptOutcome.TRANSIENT, "connect"), (
        "composed anew, and nobody is blamed"
    )
    assert sink.messages == ()
