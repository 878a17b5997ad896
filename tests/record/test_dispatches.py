"""Dispatches and attempts: the intent is committed before SMTP speaks, the answer after."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.record.builders import (
    ACCEPTED,
    CREMA,
    LEASE,
    OGLIO_PO,
    PERMANENT,
    START,
    TRANSIENT,
    UNKNOWN,
    MovedClock,
    begin,
    claim,
    decided,
    dispatches,
    end,
    forward_of,
    lease_next,
    message,
    planned,
    received,
    send_all,
    settle,
)
from triage.record import Store
from triage.record.attempts import Ending, end_attempts
from triage.record.audit import history
from triage.record.dispatches import (
    DispatchRow,
    attempts_of,
    end_unsent,
    has_abandoned,
    has_due,
    mark_forwarded,
    put_back,
    renew_leases,
    take_abandoned,
)
from triage.record.ledger import repeated_forwards
from triage.vocabulary import DispatchKind, DispatchState, MessageState


def _one(store: Store) -> DispatchRow:
    """A forward that has been begun."""
    decided(store, 1)
    (row,) = begin(store, lease_next(store))
    return row


def _now(store: Store, row: DispatchRow) -> DispatchRow:
    return next(item for item in dispatches(store, row.message_id) if item.id == row.id)


def _attempts(store: Store, row: DispatchRow) -> list[tuple[int, str, str | None, int]]:
    with store.read("look") as tx:
        return [(a["number"], a["worker"], a["outcome"], a["code"]) for a in attempts_of(tx, row.id)]


def _take_over(store: Store, worker: str = "sender-2") -> list[DispatchRow]:
    with store.write("take over") as tx:
        return take_abandoned(tx, worker, 10, LEASE)


# --------------------------------------------------------------------------- leasing


def test_notices_are_leased_first_then_forwards_then_acknowledgements(store: Store, clock: MovedClock) -> None:
    received(store, 1)
    (row,) = claim(store)
    kinds = (DispatchKind.ACKNOWLEDGEMENT, DispatchKind.FORWARD, DispatchKind.NOTICE)
    plans = tuple(planned(kind, f"{kind}@example.org") for kind in kinds)
    settle(store, [replace(forward_of(row), dispatches=plans)])
    assert [item.kind for item in lease_next(store)] == ["notice", "forward", "acknowledgement"]


def test_a_dispatch_is_leased_only_when_it_is_due(store: Store, clock: MovedClock) -> None:
    decided(store, 1)
    assert [row.kind for row in lease_next(store)] == [DispatchKind.FORWARD]
    clock.forward(timedelta(hours=4))
    with store.read("look") as tx:
        assert has_due(tx)
    assert DispatchKind.ACKNOWLEDGEMENT in [row.kind for row in lease_next(store)]
    with store.read("look") as tx:
        assert not has_due(tx)


def test_a_dispatch_given_back_is_due_when_it_is_said_to_be(store: Store, clock: MovedClock) -> None:
    decided(store, 1)
    leased = lease_next(store)
    with store.write("put back") as tx:
        put_back(tx, leased, tx.now + timedelta(minutes=3))
    assert lease_next(store) == []
    clock.forward(timedelta(minutes=3))
    assert len(lease_next(store, "sender-2")) == 1


def test_a_lease_that_ran_out_before_anything_was_begun_is_simply_taken_by_the_next(
    store: Store, clock: MovedClock
) -> None:
    decided(store, 1)
    mine = lease_next(store, "sender-1")
    clock.forward(LEASE)
    (theirs,) = lease_next(store, "sender-2")
    assert theirs.lease_epoch == mine[0].lease_epoch + 1
    assert begin(store, mine, "sender-1") == []
    assert [row.id for row in begin(store, [theirs], "sender-2")] == [theirs.id]


def test_a_lease_that_ran_out_cannot_begin_even_when_nobody_took_it(store: Store, clock: MovedClock) -> None:
    decided(store, 1)
    mine = lease_next(store)
    clock.forward(LEASE)
    assert begin(store, mine) == []


def test_what_another_worker_leased_cannot_be_given_back_or_ended(store: Store, clock: MovedClock) -> None:
    decided(store, 1)
    mine = lease_next(store, "sender-1")
    clock.forward(LEASE)
    (theirs,) = lease_next(store, "sender-2")
    with store.write("late") as tx:
        put_back(tx, mine, tx.now + timedelta(days=1))
        assert end_unsent(tx, mine, DispatchState.CANCELLED, "late") == []
    assert _now(store, theirs) == theirs


# --------------------------------------------------------------------------- attempts


def test_beginning_writes_submitting_and_the_attempt_before_anything_is_said(store: Store) -> None:
    row = _one(store)
    stored = _now(store, row)
    assert (stored.state, stored.attempts) == (DispatchState.SUBMITTING, 1)
    assert _attempts(store, row) == [(1, "sender-1", None, 0)]


def test_a_begun_dispatch_is_not_leased_again_whatever_becomes_of_its_lease(store: Store, clock: MovedClock) -> None:
    _one(store)
    clock.forward(LEASE)
    assert [row for row in lease_next(store, "sender-2") if row.kind == DispatchKind.FORWARD] == []


def test_an_answer_is_recorded_with_its_code_and_words(store: Store, clock: MovedClock) -> None:
    row = _one(store)
    clock.forward(timedelta(seconds=2))
    end(store, [row], ACCEPTED, DispatchState.ACCEPTED)
    with store.read("look") as tx:
        (attempt,) = attempts_of(tx, row.id)
    assert (attempt["outcome"], attempt["stage"], attempt["code"]) == ("accepted", "data", 250)
    assert (attempt["enhanced_status"], attempt["reply"]) == ("2.0.0", "Queued")
    assert (attempt["started_at"], attempt["ended_at"]) == (START, START + timedelta(seconds=2))
    assert _now(store, row).state == DispatchState.ACCEPTED


def test_a_transient_answer_makes_the_dispatch_due_again(store: Store) -> None:
    row = _one(store)
    end(store, [row], TRANSIENT, DispatchState.PENDING)
    (again,) = begin(store, lease_next(store, "sender-2"), "sender-2")
    end(store, [again], ACCEPTED, DispatchState.ACCEPTED)
    assert _attempts(store, row) == [(1, "sender-1", "transient", 451), (2, "sender-2", "accepted", 250)]


@pytest.mark.parametrize(
    "words",
    ["Queued\0as 4711", "Coda piena \udce8 \udcff", "x" * 5000],
    ids=["nul", "octets-that-are-not-utf-8", "very-long"],
)
def test_an_answer_is_recorded_whatever_the_server_says(store: Store, words: str) -> None:
    """An answer that cannot be written down would leave the outcome unknown, and be sent for again."""
    row = _one(store)
    end(store, [row], replace(ACCEPTED, text=words, enhanced_status=words[:40]), DispatchState.ACCEPTED)
    with store.read("look") as tx:
        (attempt,) = attempts_of(tx, row.id)
    assert attempt["outcome"] == "accepted"
    assert attempt["reply"][:4] == words[:4]
    assert len(attempt["reply"]) <= 2000


def test_a_begun_dispatch_whose_lease_ran_out_is_abandoned_and_taken_over(store: Store, clock: MovedClock) -> None:
    row = _one(store)
    clock.forward(LEASE - timedelta(seconds=1))
    assert _take_over(store) == []
    clock.forward(timedelta(seconds=1))
    with store.read("look") as tx:
        assert has_abandoned(tx)
    (taken,) = _take_over(store)
    assert (taken.id, taken.state, taken.lease_epoch) == (row.id, DispatchState.SUBMITTING, row.lease_epoch + 1)
    assert _take_over(store, "sender-3") == []


def test_the_answer_of_a_worker_that_lost_its_lease_is_not_recorded(store: Store, clock: MovedClock) -> None:
    row = _one(store)
    clock.forward(LEASE)
    (taken,) = _take_over(store)
    assert end(store, [row], ACCEPTED, DispatchState.ACCEPTED) == []
    assert _now(store, row).state == DispatchState.SUBMITTING
    assert message(store, row.message_id).state == MessageState.DECIDED
    assert len(end(store, [taken], UNKNOWN, DispatchState.PENDING)) == 1
    assert _attempts(store, row) == [(1, "sender-1", "unknown", 0)]
    assert _now(store, row).unknowns == 1


def test_an_answer_is_recorded_once(store: Store) -> None:
    row = _one(store)
    assert len(end(store, [row], ACCEPTED, DispatchState.ACCEPTED)) == 1
    assert end(store, [row], PERMANENT, DispatchState.FAILED) == []
    assert _now(store, row).state == DispatchState.ACCEPTED


def test_a_renewed_lease_is_not_abandoned(store: Store, clock: MovedClock) -> None:
    row = _one(store)
    clock.forward(LEASE - timedelta(seconds=1))
    with store.write("renew") as tx:
        renew_leases(tx, [row.id], "sender-1", LEASE)
    clock.forward(timedelta(seconds=30))
    assert _take_over(store) == []
    assert len(end(store, [row], ACCEPTED, DispatchState.ACCEPTED)) == 1


def test_a_lease_that_was_taken_over_is_not_renewed_by_its_old_holder(store: Store, clock: MovedClock) -> None:
    row = _one(store)
    clock.forward(LEASE)
    _take_over(store)
    with store.write("renew") as tx:
        renew_leases(tx, [row.id], "sender-1", timedelta(days=1))
    clock.forward(LEASE)
    assert len(_take_over(store, "sender-3")) == 1


def test_a_forward_sent_again_after_an_unknown_outcome_is_counted(store: Store) -> None:
    row = _one(store)
    end(store, [row], UNKNOWN, DispatchState.PENDING)
    with store.read("look") as tx:
        assert repeated_forwards(tx) == 0
    again = begin(store, lease_next(store))
    with store.read("look") as tx:
        assert repeated_forwards(tx) == 1
    end(store, again, UNKNOWN, DispatchState.PENDING)
    end(store, begin(store, lease_next(store)))
    with store.read("look") as tx:
        assert repeated_forwards(tx) == 2


def test_a_try_that_handed_nothing_over_is_no_repetition(store: Store) -> None:
    row = _one(store)
    end(store, [row], UNKNOWN, DispatchState.PENDING)
    end(store, begin(store, lease_next(store)), TRANSIENT, DispatchState.PENDING)
    with store.read("look") as tx:
        assert repeated_forwards(tx) == 0


def test_a_dispatch_that_must_not_leave_ends_without_an_attempt(store: Store) -> None:
    decided(store, 1)
    (row,) = lease_next(store)
    with store.write("cancel") as tx:
        assert end_unsent(tx, [row], DispatchState.CANCELLED, "superseded") == [row]
    assert _now(store, row).state == DispatchState.CANCELLED
    assert _attempts(store, row) == []
    with store.read("look") as tx:
        (step,) = history(tx, "dispatch", row.id)
    assert (step["event"], step["from_state"], step["to_state"]) == ("unsent", "pending", "cancelled")
    assert step["params"] == {"reason": "superseded"}


def test_what_is_on_the_wire_cannot_be_ended_as_unsent(store: Store) -> None:
    row = _one(store)
    with store.write("cancel") as tx:
        assert end_unsent(tx, [row], DispatchState.CANCELLED, "late") == []
        put_back(tx, [row], tx.now)
    assert _now(store, row).state == DispatchState.SUBMITTING


# --------------------------------------------------------------------------- what follows for the message


def test_an_accepted_forward_is_to_be_filed_and_its_acknowledgement_is_due_now(store: Store, clock: MovedClock) -> None:
    (key,) = decided(store, 1)
    clock.forward(timedelta(minutes=2))
    send_all(store)
    row = message(store, key)
    assert (row.state, row.file_step, row.due_at) == (MessageState.FORWARDED, "ready", clock.now())
    (due,) = lease_next(store)
    assert (due.kind, due.due_at, due.neutral) == (DispatchKind.ACKNOWLEDGEMENT, clock.now(), False)


def test_a_message_with_two_recipients_is_forwarded_when_both_have_accepted(store: Store) -> None:
    (key,) = received(store, 1)
    (row,) = claim(store)
    settle(store, [replace(forward_of(row), dispatches=(planned(to=OGLIO_PO), planned(to=CREMA)))])
    first, second = begin(store, lease_next(store))
    end(store, [first])
    assert message(store, key).state == MessageState.DECIDED
    end(store, [second])
    assert message(store, key).state == MessageState.FORWARDED


def test_two_workers_that_end_a_messages_two_forwards_at_once_finish_it(
    store: Store, open_store: Callable[[], Store]
) -> None:
    """Each must see the other's answer, or the message would wait for ever."""
    keys = received(store, 10)
    rows = claim(store)
    both = [replace(forward_of(row), dispatches=(planned(to=OGLIO_PO), planned(to=CREMA))) for row in rows]
    settle(store, both)
    begun = begin(store, lease_next(store))
    barrier = threading.Barrier(2, timeout=10)
    errors: list[BaseException] = []

    def work(own: Store, address: str) -> None:
        try:
            for row in (item for item in begun if item.forward_path == address):
                barrier.wait()
                with own.write("end") as tx:
                    kept = end_attempts(tx, [Ending(row, ACCEPTED, DispatchState.ACCEPTED, tx.now)])
                    mark_forwarded(tx, [item.row for item in kept])
        except BaseException as error:  # noqa: BLE001 - asserted on below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(open_store(), address)) for address in (OGLIO_PO, CREMA)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert {message(store, key).state for key in keys} == {MessageState.FORWARDED}


def test_a_refused_forward_does_not_make_its_message_forwarded(store: Store) -> None:
    row = _one(store)
    end(store, [row], PERMANENT, DispatchState.FAILED)
    assert message(store, row.message_id).state == MessageState.DECIDED
    assert lease_next(store) == []


def test_every_change_of_a_dispatch_is_in_its_audit(store: Store) -> None:
    row = _one(store)
    end(store, [row], TRANSIENT, DispatchState.PENDING)
    end(store, begin(store, lease_next(store)), PERMANENT, DispatchState.FAILED)
    with store.read("look") as tx:
        steps = [(step["event"], step["from_state"], step["to_state"]) for step in history(tx, "dispatch", row.id)]
    assert steps == [
        ("begun", "pending", "submitting"),
        ("answered", "submitting", "pending"),
        ("begun", "pending", "submitting"),
        ("answered", "submitting", "failed"),
    ]
