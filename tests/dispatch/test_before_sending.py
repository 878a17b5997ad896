"""What is asked again before each attempt: generation, address, mode, and whether the message is still ours."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.utils import parseaddr

import pytest
import sqlalchemy as sa

from tests.decide.builders import classification
from tests.dispatch.builders import (
    ANNA,
    NORD,
    ON_CALL,
    OURS,
    RULES,
    SUD,
    Desk,
    Tried,
    a_mail,
    change_project,
    forwards_in,
    from_family,
    readdress,
    submission,
)
from tests.servers.smtp_sink import SmtpSink
from triage.reading import ParsedMessages
from triage.record.attempts import begin_attempts
from triage.record.dispatches import lease_dispatches
from triage.record.ledger import repeated_forwards
from triage.record.tables import mailboxes, octet_chunks, octets
from triage.rules import Rules
from triage.vocabulary import DispatchKind, DispatchState, InboundMessage, MessageState, Mode

Make = Callable[..., Desk]
ACK = DispatchKind.ACKNOWLEDGEMENT


# --------------------------------------------------------------------------- generations


def test_dispatch_of_an_older_generation_is_cancelled(desk: Desk, smtp_sink: SmtpSink) -> None:
    """An urgent message is decided again, for another person on call, while its first notice still waits."""
    [key] = desk.take_in(a_mail(subject="pericolo"))
    second = "secondo@oncall.example"
    desk.rules = replace(RULES, urgent=replace(RULES.urgent, on_call=(second, ON_CALL)))
    desk.retry(key)
    desk.decide()
    desk.send()
    notices = desk.dispatches(key, DispatchKind.NOTICE)
    assert [(row.forward_path, row.state) for row in notices] == [(ON_CALL, "cancelled"), (second, "accepted")]
    assert [m.forward_paths for m in smtp_sink.messages] == [(second,)]
    desk.assert_ledger_closes()


def test_notice_of_a_message_decided_again_leaves_once(desk: Desk, smtp_sink: SmtpSink) -> None:
    [key] = desk.take_in(a_mail(subject="pericolo"))
    desk.retry(key)
    desk.decide()
    desk.send()
    desk.retry(key)
    desk.decide()
    desk.send()
    assert [row.state for row in desk.dispatches(key, DispatchKind.NOTICE)] == ["accepted"]
    assert [m.forward_paths for m in smtp_sink.messages] == [(ON_CALL,)]
    assert desk.outcome(key) == (MessageState.HELD, "urgente")
    desk.assert_ledger_closes()


def test_forward_superseded_between_lease_and_wire_does_not_begin(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.rules = change_project(RULES, "nord", urgent_forward_now=True)
    [key] = desk.take_in(a_mail(subject="oggi"))
    with desk.store.write("lease") as tx:
        rows = [row for row in lease_dispatches(tx, "slow", 16, desk.lease) if row.kind == DispatchKind.FORWARD]
    desk.retry(key)
    desk.decide()
    with desk.store.write("begin") as tx:
        assert begin_attempts(tx, rows, "slow", desk.lease) == []
    desk.send()
    assert [row.state for row in desk.dispatches(key, DispatchKind.FORWARD)] == ["accepted"]
    assert forwards_in(smtp_sink) == [NORD]


# --------------------------------------------------------------------------- today's rules


def test_changed_address_cancels_and_the_message_is_decided_again(desk: Desk, smtp_sink: SmtpSink) -> None:
    [key] = desk.take_in(a_mail())
    desk.rules = readdress(RULES, "nord", to="nuovo@nord.example")
    desk.send()
    assert desk.message(key).state == MessageState.RECEIVED
    assert desk.requeued == 1
    desk.decide()
    desk.send()
    assert [m.forward_paths for m in smtp_sink.messages] == [("nuovo@nord.example",), (ANNA,)]
    assert [row.state for row in desk.dispatches(key, DispatchKind.FORWARD)] == ["cancelled", "accepted"]
    assert desk.message(key).generation == 2
    desk.assert_ledger_closes()


def test_address_that_lost_its_confirmation_gets_nothing(desk: Desk, smtp_sink: SmtpSink) -> None:
    [key] = desk.take_in(a_mail())
    desk.rules = readdress(RULES, "nord", confirmed=False)
    desk.send()
    desk.decide()
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "indirizzo_non_confermato")
    assert forwards_in(smtp_sink) == []


@pytest.mark.parametrize(
    ("mode", "reason"), [(Mode.SHADOW, "modo_ombra"), (Mode.PROPOSAL, "modo_proposta")], ids=["ombra", "proposta"]
)
def test_mode_turned_down_meanwhile_lets_no_forward_leave(
    desk: Desk, smtp_sink: SmtpSink, mode: Mode, reason: str
) -> None:
    [key] = desk.take_in(a_mail())
    desk.rules = change_project(RULES, "nord", mode=mode)
    desk.send()
    desk.decide()
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, reason)
    assert smtp_sink.messages == ()
    assert desk.decision(key).forward_path == NORD, "the proposal is kept for staff"
    desk.assert_ledger_closes()


def test_shadow_lets_nothing_leave_at_all(make_desk: Make, smtp_sink: SmtpSink) -> None:
    """No forward, no acknowledgement, not even after hours, no notice to the person on call."""
    shadow = replace(RULES, service=replace(RULES.service, mode=Mode.SHADOW))
    for code in shadow.projects:
        shadow = change_project(shadow, code, mode=Mode.SHADOW)
    desk = make_desk(smtp_sink.port, rules=shadow)
    keys = desk.take_in(a_mail(), a_mail(subject="pericolo", message_id="<2@example.org>"), from_family(3))
    for hours in (0, 5, 24):
        desk.advance(hours=hours)
        desk.send()
    assert smtp_sink.connections_seen == 0
    assert [desk.dispatches(key) for key in keys] == [[], [], []]
    assert [desk.outcome(key)[1] for key in keys] == ["modo_ombra", "urgente", "modo_ombra"]


def test_notice_planned_before_shadow_is_cancelled(desk: Desk, smtp_sink: SmtpSink) -> None:
    [key] = desk.take_in(a_mail(subject="pericolo"))
    desk.rules = replace(RULES, service=replace(RULES.service, mode=Mode.SHADOW))
    desk.send()
    assert desk.dispatch(key, DispatchKind.NOTICE).state == DispatchState.CANCELLED
    assert smtp_sink.messages == ()
    assert desk.outcome(key) == (MessageState.HELD, "urgente")


@pytest.mark.parametrize(
    ("reply_to", "expected"),
    [
        (OURS, ANNA),
        (f"Ufficio <{OURS.upper()}>", ANNA),
        (NORD, ANNA),
        (f"{OURS}, zia@family.example", "zia@family.example"),
        ("zia@family.example", "zia@family.example"),
    ],
)
def test_answer_to_a_forward_never_comes_back_to_us_or_a_project(
    desk: Desk, smtp_sink: SmtpSink, reply_to: str, expected: str
) -> None:
    desk.take_in(a_mail(headers=(("Reply-To", reply_to),)))
    desk.send()
    [forward] = [sent for sent in smtp_sink.messages if sent.forward_paths == (NORD,)]
    head = message_from_bytes(forward.octets)
    assert parseaddr(head["Reply-To"])[1] == expected


def test_author_that_has_become_a_projects_is_left_to_a_person(desk: Desk, smtp_sink: SmtpSink) -> None:
    [key] = desk.take_in(a_mail())
    desk.rules = change_project(RULES, "sud", domains=("family.example",))
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "dal_progetto")
    assert smtp_sink.messages == ()


def test_acknowledgement_planned_before_shadow_is_cancelled(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("rcpt", 451, times=1, when=lambda path: path == ANNA)
    [key] = desk.take_in(a_mail())
    desk.send()
    desk.rules = change_project(RULES, "nord", mode=Mode.SHADOW)
    desk.advance(hours=1)
    desk.send()
    assert desk.states(key) == [("forward", "accepted"), ("acknowledgement", "cancelled")]


def test_proposal_is_held_and_the_family_hears_after_four_hours_neutrally(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=change_project(RULES, "nord", mode=Mode.PROPOSAL))
    [key] = desk.take_in(a_mail())
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "modo_proposta")
    assert smtp_sink.connections_seen == 0
    desk.advance(hours=4)
    desk.send()
    assert [m.forward_paths for m in smtp_sink.messages] == [(ANNA,)]
    assert b"Centro Nord" not in smtp_sink.messages[0].octets


def test_address_that_is_ours_is_refused_by_the_gate(desk: Desk, smtp_sink: SmtpSink) -> None:
    ours = readdress(RULES, "nord", to="centri@agency.example")
    [key] = desk.take_in(a_mail())
    desk.rules = ours
    desk.send()
    desk.decide()
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "indirizzo_nostro")
    assert smtp_sink.messages == ()


# --------------------------------------------------------------------------- colleagues


def test_message_that_a_colleague_took_away_is_held(desk: Desk, smtp_sink: SmtpSink) -> None:
    [key] = desk.take_in(a_mail())
    desk.take_away(key)
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "spostato_da_un_collega")
    assert desk.states(key)[0] == ("forward", "cancelled")
    assert smtp_sink.messages == ()


def test_message_that_a_colleague_took_away_goes_all_the_same_where_the_rules_say_so(
    make_desk: Make, smtp_sink: SmtpSink
) -> None:
    box = replace(RULES.mailboxes["generale"], hold_if_moved=False)
    desk = make_desk(smtp_sink.port, rules=replace(RULES, mailboxes={"generale": box}))
    [key] = desk.take_in(a_mail())
    desk.take_away(key)
    desk.send()
    assert forwards_in(smtp_sink) == [NORD]
    assert desk.message(key).state == MessageState.FORWARDED


def test_old_look_at_the_mailbox_is_refreshed_before_anything_leaves(desk: Desk, smtp_sink: SmtpSink) -> None:
    [key] = desk.take_in(a_mail())
    desk.advance(minutes=2, looked=False)
    desk.read_mailbox()
    assert desk.send() == 0
    assert desk.requeued == 1, "the reader is woken"
    assert desk.dispatch(key).state == DispatchState.PENDING
    desk.advance(seconds=2)
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.tried(key) == [Tried("accepted", "data", 250)]


def test_mailbox_that_is_not_read_does_not_hold_up_its_mail(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.take_in(a_mail())
    desk.advance(minutes=6, looked=False)
    desk.send()
    assert forwards_in(smtp_sink) == [NORD]


# --------------------------------------------------------------------------- never twice


def test_nothing_leaves_of_a_mailbox_that_carries_another_instances_marker(desk: Desk, smtp_sink: SmtpSink) -> None:
    """Both records hold the same dispatch: whoever was refused must not send it."""
    desk.take_in(a_mail())
    with desk.store.write("refused") as tx:
        tx.execute(sa.update(mailboxes).values(refused_at=tx.now))
    desk.send()
    desk.advance(hours=5)
    desk.send()
    assert smtp_sink.messages == ()
    with desk.store.write("taken over") as tx:
        tx.execute(sa.update(mailboxes).values(refused_at=None))
    desk.advance(minutes=5)
    desk.send()
    assert forwards_in(smtp_sink) == [NORD]


def test_nothing_leaves_before_the_mailbox_was_read_by_this_start(desk: Desk, smtp_sink: SmtpSink) -> None:
    """The record may be a copy, and its mail was sent long ago: the reader sees it by the marker."""
    desk.take_in(a_mail())
    desk.advance(hours=1, looked=False)
    desk.hang_up()
    stage = desk.make_stage(submission(smtp_sink.port), read_since=desk.clock.now())
    for _ in range(3):
        assert stage.work() == 0
        desk.advance(minutes=2, looked=False)
    desk.advance(minutes=1)
    while stage.work():
        pass
    stage.close()
    assert forwards_in(smtp_sink) == [NORD]


def test_recipient_that_accepted_gets_no_second_copy(make_desk: Make, smtp_sink: SmtpSink) -> None:
    """A held urgent message was forwarded at once; sent through the flow again it is only filed."""
    desk = make_desk(smtp_sink.port, rules=change_project(RULES, "nord", urgent_forward_now=True))
    [key] = desk.take_in(a_mail(subject="oggi"))
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "urgente")
    assert forwards_in(smtp_sink) == [NORD]
    desk.retry(key)
    desk.decide()
    desk.send()
    assert forwards_in(smtp_sink) == [NORD]
    desk.knowledge.classifier.choose = lambda _: classification()
    desk.retry(key)
    desk.decide()
    desk.send()
    assert forwards_in(smtp_sink) == [NORD]
    assert desk.message(key).state == MessageState.DECIDED
    assert desk.message(key).file_step == "ready"
    desk.assert_ledger_closes()


@pytest.mark.parametrize("subject", ["pericolo", "Orari"], ids=["still held", "now forwarded"])
def test_message_decided_again_while_its_forward_is_on_the_wire_leaves_once(
    make_desk: Make, smtp_sink: SmtpSink, subject: str
) -> None:
    desk = make_desk(smtp_sink.port, rules=change_project(RULES, "nord", urgent_forward_now=True))
    smtp_sink.stall("data_dot", 3.0, when=lambda path: path == NORD)
    [key] = desk.take_in(a_mail(subject="pericolo"))
    sending = threading.Thread(target=desk.send)
    sending.start()
    smtp_sink.wait_for(1)
    while desk.count(DispatchState.SUBMITTING) != 1:
        assert sending.is_alive()
    if subject == "Orari":
        desk.knowledge.classifier.choose = lambda _: classification()
    desk.retry(key)
    desk.decide()
    assert [row.generation for row in desk.dispatches(key, DispatchKind.FORWARD)] == [2]
    sending.join()
    desk.send()
    assert forwards_in(smtp_sink) == [NORD]
    held = (MessageState.HELD, "urgente")
    assert desk.outcome(key) == (held if subject == "pericolo" else (MessageState.FORWARDED, ""))
    assert [path for sent in smtp_sink.messages for path in sent.forward_paths].count(ON_CALL) == 1
    desk.assert_ledger_closes()


def test_message_sent_again_by_a_person_after_unknown_outcomes_keeps_its_message_id(
    desk: Desk, smtp_sink: SmtpSink
) -> None:
    """The recipient's server can tell the fourth copy; each retry makes at most one more."""
    smtp_sink.drop("after_data_dot", times=4, when=lambda path: path == NORD)
    [key] = desk.take_in(a_mail())
    for _ in range(4):
        desk.send()
        desk.advance(minutes=2)
    assert desk.outcome(key) == (MessageState.HELD, "esito_ignoto")
    assert len(forwards_in(smtp_sink)) == 3
    for _ in range(2):
        desk.retry(key)
        desk.decide()
        for _ in range(3):
            desk.send()
            desk.advance(minutes=2)
    assert desk.message(key).state == MessageState.FORWARDED
    forwards = [m for m in smtp_sink.messages if m.forward_paths == (NORD,)]
    ids = {re.search(rb"(?m)^Message-ID: (\S+)", m.octets)[1].decode() for m in forwards}  # type: ignore[index]
    assert ids == {desk.dispatch(key).rfc_message_id}
    assert len(forwards) == 5
    with desk.store.read("count") as tx:
        assert repeated_forwards(tx) == 4
    desk.assert_ledger_closes()


def test_retried_message_gets_five_new_days(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("rcpt", 550, "5.1.1 no", times=1, when=lambda path: path == NORD)
    [key] = desk.take_in(a_mail())
    desk.send()
    desk.advance(days=7)
    smtp_sink.answer("rcpt", 451, "4.7.1 later", times=1, when=lambda path: path == NORD)
    desk.retry(key)
    desk.decide()
    desk.send()
    assert desk.dispatch(key).due_at - desk.clock.now() == timedelta(minutes=1)
    desk.advance(minutes=2)
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED


def test_message_retried_after_a_refusal_goes_to_the_mended_address(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("rcpt", 550, "5.1.1 no", when=lambda path: path == NORD)
    [key] = desk.take_in(a_mail())
    desk.send()
    desk.rules = readdress(RULES, "nord", to="giusto@nord.example")
    desk.retry(key)
    desk.decide()
    desk.send()
    assert [m.forward_paths for m in smtp_sink.messages] == [("giusto@nord.example",), (ANNA,)]
    assert desk.message(key).state == MessageState.FORWARDED
    desk.assert_ledger_closes()


def test_urgent_message_is_held_even_when_forwarded_at_once_fails(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=change_project(RULES, "nord", urgent_forward_now=True))
    smtp_sink.answer("rcpt", 550, "5.1.1 no", when=lambda path: path == NORD)
    [key] = desk.take_in(a_mail(subject="oggi"))
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "urgente")
    assert ("forward", "failed") in desk.states(key)


# --------------------------------------------------------------------------- what the server offers


def unicode_project(rules: Rules) -> Rules:
    return readdress(rules, "nord", to="unità@nord.example")


def test_internationalised_recipient_goes_only_where_smtputf8_is_offered(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, rules=unicode_project(RULES))
    [key] = desk.take_in(a_mail())
    desk.send()
    [forward] = [m for m in smtp_sink.messages if m.forward_paths == ("unità@nord.example",)]
    assert "SMTPUTF8" in forward.parameters[0].split()
    assert desk.message(key).state == MessageState.FORWARDED


def test_internationalised_recipient_is_held_where_smtputf8_is_not_offered(
    make_desk: Make, start_smtp_sink: Callable[..., SmtpSink]
) -> None:
    sink = start_smtp_sink(extensions=("8BITMIME", "SIZE 10000000"))
    desk = make_desk(sink.port, rules=unicode_project(RULES))
    [key] = desk.take_in(a_mail())
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "smtputf8_non_offerto")
    assert not [line for line in sink.commands if line.startswith("RCPT")]


def test_acknowledgement_to_an_internationalised_address_is_left_out_without_smtputf8(
    make_desk: Make, start_smtp_sink: Callable[..., SmtpSink]
) -> None:
    sink = start_smtp_sink(extensions=("8BITMIME",))
    desk = make_desk(sink.port)
    address = "nicolò@family.example"
    mail = a_mail().replace(ANNA.encode(), address.encode())
    [key] = desk.take_in(mail)
    desk.send()
    assert desk.states(key) == [("forward", "accepted"), ("acknowledgement", "cancelled")]
    assert forwards_in(sink) == [NORD]


def test_only_acknowledgements_and_notices_ask_for_no_reports(desk: Desk, smtp_sink: SmtpSink) -> None:
    """NOTIFY=NEVER (RFC 3461 section 4.1): nobody waits for a report on an automatic answer."""
    desk.take_in(a_mail(), from_family(2, subject="pericolo"))
    desk.send()
    desk.advance(hours=4)
    desk.send()
    assert {m.forward_paths[0]: m.parameters[1] for m in smtp_sink.messages} == {
        NORD: "",
        ANNA: "NOTIFY=NEVER",
        ON_CALL: "NOTIFY=NEVER",
        "famiglia2@family.example": "NOTIFY=NEVER",
    }


def test_notify_is_not_said_to_a_server_without_dsn(make_desk: Make, start_smtp_sink: Callable[..., SmtpSink]) -> None:
    sink = start_smtp_sink(extensions=("8BITMIME",))
    desk = make_desk(sink.port)
    desk.take_in(a_mail())
    desk.send()
    assert [m.parameters for m in sink.messages] == [("", ""), ("", "")]


def test_missing_octets_hold_the_message(desk: Desk, smtp_sink: SmtpSink) -> None:
    [key] = desk.take_in(a_mail())
    with desk.store.write("erased") as tx:
        tx.execute(sa.delete(octet_chunks))
        tx.execute(sa.delete(octets))
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "ottetti_mancanti")
    assert smtp_sink.messages == ()


def test_altered_octets_are_not_sent(desk: Desk, smtp_sink: SmtpSink) -> None:
    [key] = desk.take_in(a_mail())
    with desk.store.write("a bad disk") as tx:
        tx.execute(sa.update(octet_chunks).values(data=a_mail("Un'altra lettera\n")))
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "ottetti_alterati")
    assert desk.incidents() == [("octets_altered", 1)]
    desk.retry(key)
    desk.decide()
    assert desk.outcome(key) == (MessageState.QUARANTINED, "ottetti_alterati")
    assert smtp_sink.messages == ()


def test_cancellation_counts_as_work(desk: Desk) -> None:
    """``--once`` goes on until a round finds nothing: what is to be decided again must not be left."""
    [key] = desk.take_in(a_mail())
    desk.rules = readdress(desk.rules, "nord", to="nuovo@nord.example")
    assert desk.stage.work() == 1
    assert desk.message(key).state == MessageState.RECEIVED


def test_two_projects_of_one_batch_each_get_their_own(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.take_in(from_family(1), from_family(2, subject="sud"))
    desk.send()
    assert sorted(forwards_in(smtp_sink)) == [NORD, SUD]


def test_wait_for_the_mailbox_is_short(desk: Desk) -> None:
    [key] = desk.take_in(a_mail())
    desk.advance(minutes=2, looked=False)
    desk.read_mailbox()
    desk.send()
    assert desk.dispatch(key).due_at - desk.clock.now() <= timedelta(seconds=5)


class FailingOnOne(ParsedMessages):
    """Cannot read one message any more, after it was decided."""

    def parse(self, sha256: str, octets: bytes) -> InboundMessage:
        if b"famiglia 2" in octets:
            raise RuntimeError("unforeseen")
        return super().parse(sha256, octets)


def test_message_that_cannot_be_composed_keeps_no_other_from_leaving(desk: Desk, smtp_sink: SmtpSink) -> None:
    keys = desk.take_in(*(from_family(number) for number in range(1, 4)))
    desk.parsed = FailingOnOne()
    desk.restage(submission(smtp_sink.port))
    desk.send()
    assert [desk.outcome(key) for key in keys] == [
        (MessageState.FORWARDED, ""),
        (MessageState.HELD, "errore_imprevisto"),
        (MessageState.FORWARDED, ""),
    ]
    assert forwards_in(smtp_sink) == [NORD, NORD]
    desk.assert_ledger_closes()
