"""What the pages Regole and Modelli keep and ask, on each engine."""

from __future__ import annotations

from datetime import timedelta

from tests.record.builders import MovedClock, a_decision, a_mailbox, claim, decided, held, receive, settle
from triage.record import Store
from triage.record.address_tests import (
    TestState,
    ask_test,
    cancel_test,
    confirmed_addresses,
    named_tests,
    newest_tests,
    note_answers,
    note_returned_tests,
    note_test_ended,
    withdraw,
)
from triage.record.audit import history
from triage.record.decisions import Settlement
from triage.record.drift import mix_between
from triage.record.model_papers import keep_comparison, keep_report, newest_comparison, newest_report
from triage.record.replaying import decided_since
from triage.record.staff_notices import Channel, NoticeKind, PlannedNotice, plan_notices
from triage.vocabulary import DispatchState, MessageState

KEY = ("crema", "default", "crema@example.org")


def test_the_life_of_a_test_mail(store: Store, clock: MovedClock) -> None:
    with store.write("ask", "carla") as tx:
        test = ask_test(tx, *KEY, "<uno@example.org>")
        assert (test.asked_by, test.state) == ("carla", TestState.ASKED)
    with store.write("sent") as tx:
        note_test_ended(tx, "<uno@example.org>", DispatchState.ACCEPTED)
    with store.read("look") as tx:
        assert [one.id for one in named_tests(tx, [test.code], [])] == [test.id]
        assert [one.id for one in named_tests(tx, [], ["<uno@example.org>"])] == [test.id]
        assert newest_tests(tx)[KEY].sent_at == clock.now()
        assert confirmed_addresses(tx) == frozenset()
    with store.write("answered") as tx:
        note_answers(tx, {test.id: 7})
        note_answers(tx, {test.id: 8})
    with store.read("look") as tx:
        assert confirmed_addresses(tx) == {KEY}
        assert [row["params"] for row in history(tx, "address_test", test.id)] == [{"message": 7}], (
            "only the first counts"
        )
    with store.write("later") as tx:
        note_returned_tests(tx, ["<uno@example.org>"])
        assert withdraw(tx, test.id)
        assert not withdraw(tx, test.id)
    with store.write("again") as tx:
        assert confirmed_addresses(tx) == frozenset()
        again = ask_test(tx, *KEY, "<due@example.org>")
        note_test_ended(tx, "<due@example.org>", DispatchState.FAILED)
        assert newest_tests(tx)[KEY].state == TestState.NOT_SENT
        note_answers(tx, {again.id: 9})
        assert confirmed_addresses(tx) == frozenset(), "what never left cannot be answered"


def test_a_test_mail_is_taken_back_only_while_it_waits(store: Store) -> None:
    with store.write("ask") as tx:
        test = ask_test(tx, *KEY, "<uno@example.org>")
        assert not cancel_test(tx, test.id), "no notice waits"
        plan = PlannedNotice(
            NoticeKind.ADDRESS_TEST, f"address {test.id}", 0, Channel.MAIL, KEY[2], "<uno@example.org>", due_at=tx.now
        )
        plan_notices(tx, [plan])
        assert cancel_test(tx, test.id)
        assert newest_tests(tx) == {}


def test_messages_are_found_newest_first_and_page_by_page(store: Store, clock: MovedClock) -> None:
    early = decided(store, 2)
    clock.forward(timedelta(days=10))
    late = decided(store, 3)
    since = clock.now() - timedelta(days=5)
    with store.read("look") as tx:
        assert [row.id for row in decided_since(tx, since, None, 2)] == [late[2], late[1]]
        assert [row.id for row in decided_since(tx, since, late[1], 2)] == [late[0]]
        assert len(decided_since(tx, clock.now() - timedelta(days=30), None, 10)) == len(early) + len(late)


def test_mixes_count_first_decisions_about_calm_mail_of_persons(store: Store, clock: MovedClock) -> None:
    receive(store, a_mailbox(store), [b"Messaggio %d\r\n" % number for number in range(4)])
    rows = claim(store)
    urgent = a_decision(urgent=True)
    settle(
        store,
        [
            held(rows[0]),
            Settlement(rows[1], a_decision(language="ro", confidence=0.4), MessageState.DECIDED),
            Settlement(rows[2], urgent, MessageState.HELD, hold_reason="urgente"),
            Settlement(rows[3], a_decision(automatic=True), MessageState.DECIDED),
        ],
    )
    with store.read("look") as tx:
        mix = mix_between(tx, clock.now() - timedelta(days=1), clock.now() + timedelta(days=1))
        assert (mix.messages, mix.held, mix.languages) == (2, 1, {"it": 1, "ro": 1})
        assert mix.confidence == {"0": 1, "4": 1}
        assert mix_between(tx, clock.now() + timedelta(days=1), clock.now() + timedelta(days=2)).messages == 0
        part = mix_between(tx, clock.now() - timedelta(days=1), clock.now() + timedelta(days=1), most=2)
        assert (part.messages, part.sampled) == (1, True), "messages 1 and 3, of which one is urgent"


def test_stretches_of_time_end_where_the_listing_says(store: Store, clock: MovedClock) -> None:
    begin = clock.now()
    for _ in range(3):
        decided(store, 2)
        clock.forward(timedelta(days=10))
    with store.read("look") as tx:
        counts = [
            mix_between(tx, begin + timedelta(days=low), begin + timedelta(days=high)).messages
            for low, high in ((0, 1), (5, 15), (10, 21), (0, 30), (21, 30))
        ]
    assert counts == [2, 2, 4, 6, 0]


def test_papers_belong_to_their_model_and_pair(store: Store) -> None:
    with store.write("keep") as tx:
        keep_report(tx, "aaa", {"messages": 1})
        keep_comparison(tx, "aaa", "bbb", {"messages": 2})
        keep_comparison(tx, "aaa", "bbb", {"messages": 2})
    with store.read("look") as tx:
        report, pair = newest_report(tx, "aaa"), newest_comparison(tx, "aaa", "bbb")
        assert report is not None
        assert pair is not None
        assert (report.content, pair.content) == ({"messages": 1}, {"messages": 2})
        assert newest_comparison(tx, "bbb", "aaa") is None
        assert newest_report(tx, "bbb") is None
