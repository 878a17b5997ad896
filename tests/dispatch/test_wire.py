"""What is on record while SMTP speaks, how many speak at once, and what stops them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.dispatch.builders import (
    ANNA,
    NORD,
    ON_CALL,
    OURS,
    START,
    Desk,
    Tried,
    a_mail,
    forwards_in,
    from_family,
    submission,
    with_account,
)
from tests.fakes import FakeClock
from tests.servers.authority import Authority
from tests.servers.smtp_script import Step
from tests.servers.smtp_sink import SmtpSink
from triage.dispatch.stage import FOR_NOTICES, ON_THE_WIRE
from triage.record import Store, StoreError
from triage.record.attempts import begin_attempts
from triage.record.dispatches import dispatches_of, lease_dispatches, take_abandoned
from triage.settings import Login, Security
from triage.vocabulary import DispatchKind, DispatchState, MessageState

Make = Callable[..., Desk]


def in_a_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not come to that"
        time.sleep(0.005)


# --------------------------------------------------------------------------- intent before MAIL


def test_intent_is_committed_before_the_connection_says_mail(desk: Desk, smtp_sink: SmtpSink) -> None:
    [key] = desk.take_in(a_mail())
    seen: list[tuple[str, list[str | None]]] = []
    other = Store(desk.url, desk.clock)

    def look(_path: str) -> bool:
        with other.read("from outside") as tx:
            row = next(row for row in dispatches_of(tx, key) if row.kind == DispatchKind.FORWARD)
        seen.append((row.state, [attempt["outcome"] for attempt in desk.attempts(row.id)]))
        return False

    smtp_sink.answer("mail", 451, times=1, when=lambda path: path == OURS and look(path))
    desk.send()
    other.close()
    assert seen == [("submitting", [None])]
    assert desk.message(key).state == MessageState.FORWARDED


def test_never_more_than_sixteen_are_submitting(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, connections=8)
    desk.take_in(*(from_family(number) for number in range(50)))
    seen: list[int] = []

    def look(_path: str) -> bool:
        seen.append(desk.count(DispatchState.SUBMITTING))
        return False

    smtp_sink.answer("mail", 451, when=look)
    desk.send()
    assert len(forwards_in(smtp_sink)) == 50
    assert 1 <= max(seen) <= ON_THE_WIRE
    desk.assert_ledger_closes()


def test_order_is_notices_then_forwards_then_acknowledgements(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, connections=1)
    desk.take_in(*(from_family(number) for number in range(3)))
    desk.send()
    smtp_sink.forget()
    desk.take_in(from_family(4), from_family(5), a_mail(subject="pericolo"))
    # Neither arrival nor row number decides: the notice was written last.
    desk.send()
    paths = [path for message in smtp_sink.messages for path in message.forward_paths]
    assert paths == [ON_CALL, NORD, NORD, "famiglia4@family.example", "famiglia5@family.example"]


# --------------------------------------------------------------------------- connections and rate


def test_connections_are_used_again_and_limited_in_number(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, connections=3)
    desk.take_in(*(from_family(number) for number in range(30)))
    desk.send()
    assert len(smtp_sink.messages) == 60
    assert 2 <= smtp_sink.max_connections_seen <= 3
    assert smtp_sink.connections_seen <= 3


def test_a_connection_carries_no_more_than_its_number_of_messages(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, connections=2, per_connection=4)
    desk.take_in(*(from_family(number) for number in range(10)))
    desk.send()
    carried: dict[int, int] = {}
    for message in smtp_sink.messages:
        carried[message.connection] = carried.get(message.connection, 0) + 1
    assert sum(carried.values()) == 20
    assert max(carried.values()) <= 4
    assert smtp_sink.max_connections_seen <= 2


def test_kept_connection_that_the_server_has_ended_costs_no_attempt(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.take_in(from_family(1))
    desk.send()
    smtp_sink.stop()
    smtp_sink.start()
    [key] = desk.take_in(from_family(2))
    desk.send()
    assert desk.tried(key) == [Tried("accepted", "data", 250)]


def test_rate_per_minute_holds_and_leaves_nothing_submitting(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, per_minute=5)
    desk.take_in(*(from_family(number) for number in range(8)))
    stopping = threading.Event()
    worker = in_a_thread(lambda: desk.stage.work(stopping))
    smtp_sink.wait_for(5)
    until(lambda: desk.count(DispatchState.ACCEPTED) == 5)
    time.sleep(0.3)
    assert len(smtp_sink.messages) == 5
    assert desk.count(DispatchState.SUBMITTING) == 0
    begun = time.monotonic()
    stopping.set()
    worker.join(5)
    assert time.monotonic() - begun < 2, "a rate limit must not keep the worker from stopping"
    assert desk.count(DispatchState.SUBMITTING) == 0
    # Nothing is kept from other workers either.
    assert len(desk.abandon("another worker")) >= 3


def test_rate_is_shared_by_all_workers_of_a_record(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, per_minute=5)
    desk.take_in(*(from_family(number) for number in range(8)))
    stopping = threading.Event()
    first = in_a_thread(lambda: desk.stage.work(stopping))
    smtp_sink.wait_for(5)
    other = desk.make_stage(submission(smtp_sink.port, per_minute=5), "another worker")
    second = in_a_thread(lambda: other.work(stopping))
    time.sleep(1.5)
    assert len(smtp_sink.messages) == 5
    desk.clock.forward(timedelta(seconds=66))
    smtp_sink.wait_for(10)
    time.sleep(1.5)
    assert len(smtp_sink.messages) == 10
    stopping.set()
    for thread in (first, second):
        thread.join(5)
    other.close()
    assert desk.count(DispatchState.SUBMITTING) == 0


def test_number_for_a_day_holds_is_told_and_ends_with_the_day(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, per_day=3)
    desk.take_in(*(from_family(number) for number in range(4)))
    desk.send()
    assert len(smtp_sink.messages) == 3
    assert desk.incidents() == [("submission", 1)]
    assert "TRIAGE_SMTP_PER_DAY" in desk.stage.trouble
    desk.restage(submission(smtp_sink.port, per_day=3), "after a restart")
    desk.advance(hours=23)
    desk.send()
    assert len(smtp_sink.messages) == 3
    desk.advance(hours=2)
    desk.send()
    assert len(smtp_sink.messages) == 6
    desk.advance(hours=25)
    desk.send()
    assert len(smtp_sink.messages) == 8
    assert desk.incidents() == []
    assert desk.stage.trouble == ""


# --------------------------------------------------------------------------- servers that hang


@pytest.mark.parametrize("stalled", [1, 40], ids=["one", "as many as there are"])
def test_server_that_hangs_keeps_no_urgent_notice_from_leaving(
    make_desk: Make, smtp_sink: SmtpSink, stalled: int
) -> None:
    beats: list[float] = []
    desk = make_desk(smtp_sink.port, data_timeout=30.0)
    desk.stage._beat = lambda: beats.append(time.monotonic())
    smtp_sink.stall("data_dot", 9.0, times=stalled, when=lambda path: path != ON_CALL)
    desk.take_in(*(from_family(number) for number in range(stalled)))
    stopping = threading.Event()
    worker = in_a_thread(lambda: desk.stage.work(stopping))
    until(lambda: desk.count(DispatchState.SUBMITTING) >= min(stalled, ON_THE_WIRE - FOR_NOTICES))
    begun = time.monotonic()
    desk.take_in(a_mail(subject="pericolo"), from_family(99))
    smtp_sink.wait_for(2 if stalled == 1 else 1, timeout=8)
    assert time.monotonic() - begun < 8, "sooner than the server answers"
    assert (ON_CALL,) in [message.forward_paths for message in smtp_sink.messages]
    assert max(later - sooner for sooner, later in pairwise(beats)) < 5, "it shows signs of life meanwhile"
    assert desk.count(DispatchState.SUBMITTING) <= ON_THE_WIRE
    # What waits behind is kept from no other worker.
    until(lambda: len(desk.abandon("another worker")) == (16 if stalled > 1 else 0))
    smtp_sink.clear_script()
    stopping.set()
    worker.join(30)
    assert not worker.is_alive()


# --------------------------------------------------------------------------- stop


def test_stop_switch_lets_nothing_leave(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.take_in(a_mail(), a_mail(subject="pericolo", message_id="<zwei@example.org>"))
    desk.stop()
    assert desk.send() == 0
    assert smtp_sink.connections_seen == 0
    desk.stop(False)
    desk.send()
    assert forwards_in(smtp_sink) == [NORD]


def test_stop_switch_turned_during_a_run_ends_it(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, connections=1)
    desk.take_in(*(from_family(number) for number in range(40)))
    turned = threading.Event()

    def turn(_path: str) -> bool:
        if not turned.is_set():
            turned.set()
            desk.stop()
        return False

    smtp_sink.answer("mail", 451, when=turn, skip=0)
    desk.stage.work()
    assert 1 <= len(smtp_sink.messages) <= ON_THE_WIRE
    assert desk.count(DispatchState.SUBMITTING) == 0
    assert desk.send() == 0
    desk.stop(False)
    smtp_sink.clear_script()
    desk.send()
    assert len(forwards_in(smtp_sink)) == 40
    assert {row.attempts for key in range(1, 41) for row in desk.dispatches(key)} == {1}


def test_clean_stop_ends_after_what_is_on_the_wire(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, connections=1)
    smtp_sink.delay = 0.01
    desk.take_in(*(from_family(number) for number in range(60)))
    stopping = threading.Event()
    worker = in_a_thread(lambda: desk.stage.work(stopping))
    smtp_sink.wait_for(1)
    stopping.set()
    worker.join(10)
    assert not worker.is_alive()
    assert len(smtp_sink.messages) <= 2 * ON_THE_WIRE
    assert desk.count(DispatchState.SUBMITTING) == 0
    assert len(desk.abandon("another worker")) == ON_THE_WIRE  # what was leased was given back at once


# --------------------------------------------------------------------------- leases


def test_answer_is_not_recorded_when_the_lease_was_lost_on_the_wire(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port)
    smtp_sink.stall("data_dot", 0.6, times=1)
    [key] = desk.take_in(a_mail())
    worker = in_a_thread(desk.stage.work)
    until(lambda: smtp_sink.met == 1)  # its words are on the wire: a worker that lost its lease before says none
    # The lease runs out (this worker slept, or its machine did) and another takes the dispatch over.
    desk.advance(minutes=3)
    with desk.store.write("taken over") as tx:
        [taken] = take_abandoned(tx, "another worker", 16, desk.lease)
    worker.join(5)
    assert len(smtp_sink.messages) == 1
    assert desk.dispatch(key).state == DispatchState.SUBMITTING
    assert desk.dispatch(key).lease_epoch == taken.lease_epoch
    assert desk.tried(key) == [Tried(None, "", 0)]
    assert desk.message(key).state == MessageState.DECIDED


def test_what_a_dead_worker_left_on_the_wire_is_unknown_and_sent_again(desk: Desk, smtp_sink: SmtpSink) -> None:
    [key] = desk.take_in(a_mail())
    [begun] = desk.abandon()
    assert desk.send() == 0, "another worker's lease still runs"
    desk.advance(minutes=3)
    desk.send()
    assert desk.tried(key) == [Tried("unknown", "data", 0)]
    desk.advance(minutes=2)
    desk.send()
    assert desk.tried(key)[1:] == [Tried("accepted", "data", 250)]
    assert desk.dispatch(key).rfc_message_id == begun.rfc_message_id
    desk.assert_ledger_closes()


def test_acknowledgement_that_a_dead_worker_left_on_the_wire_is_never_sent_again(
    desk: Desk, smtp_sink: SmtpSink
) -> None:
    smtp_sink.answer("rcpt", 451, times=1, when=lambda path: path == ANNA)
    [key] = desk.take_in(a_mail())
    desk.send()
    desk.advance(minutes=2)
    [begun] = desk.abandon()
    assert begun.kind == DispatchKind.ACKNOWLEDGEMENT
    desk.advance(days=1)
    desk.send()
    assert desk.states(key) == [("forward", "accepted"), ("acknowledgement", "unknown")]
    assert [message.forward_paths for message in smtp_sink.messages] == [(NORD,)]


def test_worker_without_its_lease_begins_nothing(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.take_in(a_mail())
    with desk.store.write("lease") as tx:
        rows = lease_dispatches(tx, "slow worker", 16, desk.lease)
    desk.advance(minutes=3)
    with desk.store.write("begin") as tx:
        assert begin_attempts(tx, rows, "slow worker", desk.lease) == []


@pytest.mark.parametrize("busy", [False, True], ids=["alone", "while others are answered"])
def test_lease_is_renewed_while_a_slow_server_is_waited_for(make_desk: Make, smtp_sink: SmtpSink, busy: bool) -> None:
    """Nobody may take over a message whose DATA takes long, however busy the other connections are."""
    desk = make_desk(smtp_sink.port, lease=timedelta(seconds=0.6), connections=4)
    smtp_sink.stall("data_dot", 1.5, times=1)
    [slow] = desk.take_in(a_mail())
    taken: list[int] = []
    finished = threading.Event()

    def run() -> None:
        desk.stage.work()
        finished.set()

    in_a_thread(run)
    until(lambda: desk.count(DispatchState.SUBMITTING) == 1)
    number = 0
    while not finished.wait(0.02):
        desk.clock.forward(timedelta(seconds=0.02))
        if busy and number < 40:
            number += 1
            desk.take_in(from_family(number))
        with desk.store.write("taken over") as tx:
            taken += [row.id for row in take_abandoned(tx, "another worker", 16, desk.lease)]
    assert taken == []
    assert desk.tried(slow) == [Tried("accepted", "data", 250)]


# --------------------------------------------------------------------------- the account


def test_unreachable_server_costs_no_attempt_and_is_one_incident(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.stop()
    keys = desk.take_in(a_mail(), from_family(2))
    for _ in range(3):
        assert desk.stage.work() == 0
        desk.stage.account.paused_until = 0.0
    assert [desk.attempts(desk.dispatch(key).id) for key in keys] == [[], []]
    assert desk.incidents() == [("submission", 3)]
    assert len(desk.abandon("another worker")) == 2, "the rows were given back"


def test_account_in_trouble_rests_before_it_is_tried_again(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.stop()
    desk.take_in(a_mail())
    desk.stage.work()
    smtp_sink.start()
    assert desk.stage.work() == 0, "it rests"
    assert smtp_sink.messages == ()


def test_recovered_account_closes_its_incident_also_after_a_restart(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.stop()
    [key] = desk.take_in(a_mail())
    desk.stage.work()
    assert desk.incidents() == [("submission", 1)]
    desk.restage(submission(smtp_sink.port), "sender after the restart")
    smtp_sink.start()
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.incidents() == []


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (530, "5.7.0 Must issue a STARTTLS command first"),
        (550, "5.7.1 sender not allowed"),
        (535, "no"),
        (553, "not you"),
    ],
)
def test_account_that_may_not_send_holds_no_message(desk: Desk, smtp_sink: SmtpSink, code: int, text: str) -> None:
    smtp_sink.answer("mail", code, text)
    keys = desk.take_in(*(from_family(number) for number in range(30)))
    desk.send()
    tried = sum(desk.dispatch(key).attempts for key in keys)
    assert tried <= ON_THE_WIRE
    for _ in range(3):
        desk.stage.account.paused_until = 0.0
        desk.send()
    assert sum(desk.dispatch(key).attempts for key in keys) == tried + 3, "one at a time from then on"
    assert {desk.outcome(key) for key in keys} == {(MessageState.DECIDED, "")}
    assert desk.incidents() == [("submission", 4)]
    assert f"{code}" in desk.stage.trouble
    smtp_sink.clear_script()
    desk.stage.account.paused_until = 0.0
    desk.advance(minutes=2)
    desk.send()
    assert {desk.message(key).state for key in keys} == {MessageState.FORWARDED}
    assert desk.incidents() == []
    desk.assert_ledger_closes()


def test_null_path_that_is_refused_stops_no_forward(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("mail", 550, "5.7.1 null sender not allowed", when=lambda path: path == "")
    keys = desk.take_in(from_family(1), from_family(2))
    desk.send()
    assert [desk.states(key) for key in keys] == [[("forward", "accepted"), ("acknowledgement", "failed")]] * 2


def test_incident_of_the_account_closes_also_when_the_settings_were_mended(
    desk: Desk, start_smtp_sink: Callable[..., SmtpSink], smtp_sink: SmtpSink
) -> None:
    smtp_sink.stop()
    desk.take_in(a_mail())
    desk.stage.work()
    assert desk.incidents() == [("submission", 1)]
    desk.restage(submission(start_smtp_sink().port), "another host")
    desk.send()
    assert desk.incidents() == []


@pytest.mark.parametrize("step", ["banner", "ehlo"])
@pytest.mark.parametrize("how", ["drop", "421", "554"])
def test_trouble_before_mail_is_the_accounts(desk: Desk, smtp_sink: SmtpSink, step: Step, how: str) -> None:
    if how == "drop":
        smtp_sink.drop(step, times=2)
    else:
        smtp_sink.answer(step, int(how), "not now", times=2)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert desk.attempts(desk.dispatch(key).id) == []
    assert desk.dispatch(key).state == DispatchState.PENDING
    assert desk.incidents() == [("submission", 1)]
    smtp_sink.clear_script()
    desk.stage.account.paused_until = 0.0
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.incidents() == []


def test_refused_login_is_the_accounts_trouble(make_desk: Make, start_smtp_sink: Callable[..., SmtpSink]) -> None:
    sink = start_smtp_sink(passwords={"ufficio": "giusta"})
    desk = make_desk(sink.port)
    [key] = desk.take_in(a_mail())
    desk.restage(with_account(submission(sink.port), user="ufficio", secret="sbagliata", login=Login.PASSWORD))
    desk.send()
    assert desk.attempts(desk.dispatch(key).id) == []
    assert desk.incidents() == [("submission", 1)]
    desk.restage(with_account(submission(sink.port), user="ufficio", secret="giusta", login=Login.PASSWORD))
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert {message.user for message in sink.messages} == {"ufficio"}


def test_starttls_is_never_left_out(make_desk: Make, smtp_sink: SmtpSink) -> None:
    """A server (or somebody in between) that does not offer STARTTLS gets no mail."""
    desk = make_desk(smtp_sink.port)
    [key] = desk.take_in(a_mail())
    desk.restage(with_account(submission(smtp_sink.port), security=Security.STARTTLS))
    desk.send()
    assert desk.attempts(desk.dispatch(key).id) == []
    assert desk.incidents() == [("submission", 1)]
    assert not [line for line in smtp_sink.commands if line.startswith(("MAIL", "RCPT", "DATA", "AUTH"))]


@pytest.mark.parametrize("implicit", [False, True])
def test_mail_travels_by_tls(
    make_desk: Make, start_smtp_sink: Callable[..., SmtpSink], authority: Authority, implicit: bool
) -> None:
    sink = start_smtp_sink(tls=authority.issue().server_context(), implicit_tls=implicit)
    desk = make_desk(sink.port)
    [key] = desk.take_in(a_mail())
    security = Security.TLS if implicit else Security.STARTTLS
    trusted = with_account(submission(sink.port), host="localhost", security=security, ca_file=str(authority.ca_path))
    desk.restage(trusted)
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert [message.tls for message in sink.messages] == [True, True]
    desk.hang_up()


def test_server_with_a_strangers_certificate_gets_no_mail(
    make_desk: Make, start_smtp_sink: Callable[..., SmtpSink], authority: Authority
) -> None:
    sink = start_smtp_sink(tls=authority.issue().server_context(), implicit_tls=True)
    desk = make_desk(sink.port)
    desk.take_in(a_mail())
    desk.restage(with_account(submission(sink.port), host="localhost", security=Security.TLS))
    desk.send()
    assert sink.messages == ()
    assert desk.incidents() == [("submission", 1)]


def test_server_that_goes_down_in_mid_run_stops_the_run(make_desk: Make, smtp_sink: SmtpSink) -> None:
    """Only what was begun is tried; the rest waits untouched, and one incident is opened."""
    desk = make_desk(smtp_sink.port, connections=2, per_connection=1)
    keys = desk.take_in(*(from_family(number) for number in range(60)))
    smtp_sink.answer("banner", 421, "4.3.2 going down", skip=6)
    desk.stage.work()
    tried = [item for key in keys for item in desk.tried(key)]
    assert len(smtp_sink.messages) + 1 >= 6
    assert len(tried) <= 6 + 2 * ON_THE_WIRE
    assert desk.count(DispatchState.SUBMITTING) == 0
    assert desk.incidents() == [("submission", 1)]
    smtp_sink.clear_script()
    desk.stage.account.paused_until = 0.0
    desk.advance(minutes=3)
    desk.send()
    assert sorted(forwards_in(smtp_sink)) == [NORD] * 60
    assert desk.incidents() == []
    desk.assert_ledger_closes()


# --------------------------------------------------------------------------- the record in trouble


def test_answer_that_could_not_be_recorded_is_recorded_by_the_next_run(desk: Desk, smtp_sink: SmtpSink) -> None:
    """A full disk at the wrong moment must not make a message leave twice."""
    [key] = desk.take_in(a_mail())
    desk.store.fail("dispatch", skip=2)
    with pytest.raises(StoreError):
        desk.stage.work()
    assert len(smtp_sink.messages) == 1
    assert desk.dispatch(key).state == DispatchState.SUBMITTING
    desk.advance(minutes=5)
    desk.send()
    assert desk.tried(key) == [Tried("accepted", "data", 250)]
    assert forwards_in(smtp_sink) == [NORD]
    desk.assert_ledger_closes()


def test_intent_that_could_not_be_recorded_sends_nothing(desk: Desk, smtp_sink: SmtpSink) -> None:
    [key] = desk.take_in(a_mail())
    desk.store.fail("dispatch", skip=1)
    with pytest.raises(StoreError):
        desk.stage.work()
    assert smtp_sink.messages == ()
    assert desk.dispatch(key).state == DispatchState.PENDING
    desk.advance(minutes=3)
    desk.send()
    assert desk.tried(key) == [Tried("accepted", "data", 250)]


def test_two_workers_send_everything_once(make_desk: Make, smtp_sink: SmtpSink) -> None:
    desk = make_desk(smtp_sink.port, clock=FakeClock(START), connections=2)
    desk.take_in(*(from_family(number) for number in range(60)))
    second = desk.make_stage(submission(smtp_sink.port), "second")
    other = in_a_thread(second.work)
    desk.stage.work()
    other.join(20)
    second.close()
    desk.send()
    assert len(forwards_in(smtp_sink)) == 60
    assert len({message.forward_paths for message in smtp_sink.messages}) == 61
    assert len(smtp_sink.messages) == 120
    desk.assert_ledger_closes()
