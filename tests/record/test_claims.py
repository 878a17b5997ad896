"""Claims: a lease with an epoch, so that every message is decided by one worker at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import pytest

from tests.record.builders import (
    LEASE,
    START,
    MovedClock,
    a_mailbox,
    claim,
    decided,
    filed_unsent,
    forward_of,
    lease_next,
    message,
    receive,
    received,
    settle,
)
from triage.record import LostLeaseError, Store
from triage.record.claims import claim_received, release_claims
from triage.record.dispatches import lease_dispatches
from triage.record.messages import change_state
from triage.vocabulary import MessageState


def _in_threads(jobs: list[Callable[[], None]]) -> None:
    """Run jobs at once; the first error of any is raised."""
    barrier = threading.Barrier(len(jobs))
    errors: list[BaseException] = []

    def run(job: Callable[[], None]) -> None:
        try:
            barrier.wait(10)
            job()
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]


@pytest.mark.parametrize("shared", [True, False], ids=["threads-of-one-worker", "workers"])
def test_workers_that_claim_at_once_never_get_the_same_message(
    store: Store, open_store: Callable[[], Store], shared: bool
) -> None:
    keys = received(store, 60)
    taken: list[int] = []

    def work(own: Store, worker: str) -> Callable[[], None]:
        def drain() -> None:
            while rows := claim(own, worker, limit=4):
                taken.extend(row.id for row in rows)

        return drain

    _in_threads([work(store if shared else open_store(), f"decider-{n}") for n in range(3)])
    assert sorted(taken) == keys


@pytest.mark.parametrize("shared", [True, False], ids=["threads-of-one-worker", "workers"])
def test_workers_that_lease_at_once_never_get_the_same_dispatch(
    store: Store, open_store: Callable[[], Store], shared: bool
) -> None:
    decided(store, 60, acknowledged=False)
    taken: list[int] = []

    def work(own: Store, worker: str) -> Callable[[], None]:
        def drain() -> None:
            while rows := lease_next(own, worker, limit=4):
                taken.extend(row.id for row in rows)

        return drain

    _in_threads([work(store if shared else open_store(), f"sender-{n}") for n in range(3)])
    assert len(taken) == 60
    assert len(set(taken)) == 60


def test_on_postgresql_a_second_worker_skips_what_the_first_has_not_yet_committed(
    postgres_url: str, clock: MovedClock
) -> None:
    """SKIP LOCKED: it neither waits for the first nor takes the same rows."""
    with closing(Store(postgres_url, clock)) as first, closing(Store(postgres_url, clock)) as second:
        first.migrate()
        keys = received(first, 4)
        with first.write("claim") as one:
            mine = claim_received(one, "decider-1", 2, LEASE, 1 << 30)
            with second.write("claim") as other:
                theirs = claim_received(other, "decider-2", 10, LEASE, 1 << 30)
        assert [row.id for row in mine] == keys[:2]
        assert [row.id for row in theirs] == keys[2:]
        settle(first, [forward_of(row, acknowledged=False) for row in (*mine, *theirs)])
        with first.write("lease") as one:
            leased = lease_dispatches(one, "sender-1", 2, LEASE)
            with second.write("lease") as other:
                rest = lease_dispatches(other, "sender-2", 10, LEASE)
        assert len({row.id for row in (*leased, *rest)}) == len(leased) + len(rest) == 4


def test_a_claimed_message_is_not_claimed_again_while_its_lease_lasts(store: Store, clock: MovedClock) -> None:
    received(store, 1)
    assert len(claim(store)) == 1
    clock.forward(LEASE - timedelta(seconds=1))
    assert claim(store, "decider-2") == []


def test_an_expired_lease_is_taken_over_under_a_higher_epoch(store: Store, clock: MovedClock) -> None:
    received(store, 1)
    (mine,) = claim(store, "decider-1")
    clock.forward(LEASE)
    (theirs,) = claim(store, "decider-2")
    assert theirs.id == mine.id
    assert theirs.lease_epoch == mine.lease_epoch + 1
    assert theirs.lease_owner == "decider-2"


def test_whoever_lost_the_lease_cannot_move_the_message(store: Store, clock: MovedClock) -> None:
    received(store, 1)
    (mine,) = claim(store, "decider-1")
    clock.forward(LEASE)
    (theirs,) = claim(store, "decider-2")
    with pytest.raises(LostLeaseError), store.write("late") as tx:
        change_state(tx, mine, MessageState.QUARANTINED, "quarantined")
    assert message(store, mine.id) == theirs


def test_a_message_that_has_moved_on_is_not_moved_by_an_older_look(store: Store) -> None:
    (key,) = received(store, 1)
    as_read = message(store, key)
    with store.write("first", "maria") as tx:
        change_state(tx, as_read, MessageState.HELD, "held")
    with pytest.raises(LostLeaseError), store.write("second", "luca") as tx:
        change_state(tx, as_read, MessageState.QUARANTINED, "quarantined")
    assert message(store, key).state == MessageState.HELD


def test_a_message_that_was_settled_and_opened_again_is_not_moved_by_an_older_claim(store: Store) -> None:
    (key,) = received(store, 1)
    (mine,) = claim(store)
    settle(store, [filed_unsent(mine)])
    as_decided = message(store, key)
    with store.write("corrected", "maria") as tx:
        change_state(tx, as_decided, MessageState.RECEIVED, "corrected")
    with pytest.raises(LostLeaseError), store.write("late") as tx:
        change_state(tx, mine, MessageState.QUARANTINED, "quarantined")
    assert message(store, key).state == MessageState.RECEIVED


def test_a_claim_given_back_late_does_not_free_what_another_worker_holds(store: Store, clock: MovedClock) -> None:
    received(store, 1)
    mine = claim(store, "decider-1")
    clock.forward(LEASE)
    (theirs,) = claim(store, "decider-2")
    with store.write("release") as tx:
        release_claims(tx, mine)
    assert message(store, theirs.id) == theirs


def test_the_try_is_counted_when_the_message_is_claimed(store: Store) -> None:
    (key,) = received(store, 1)
    assert message(store, key).tries == 0
    (row,) = claim(store)
    assert row.tries == message(store, key).tries == 1


def test_after_a_crash_messages_come_one_at_a_time_behind_the_fresh_ones(store: Store, clock: MovedClock) -> None:
    suspects = received(store, 3)
    claim(store)
    clock.forward(LEASE)
    fresh = received(store, 2)
    rounds = [[row.id for row in claim(store, limit=10)] for _ in range(5)]
    assert rounds == [fresh, [suspects[0]], [suspects[1]], [suspects[2]], []]


def test_each_crash_counts_one_more_try(store: Store, clock: MovedClock) -> None:
    received(store, 1)
    tries = []
    for _ in range(3):
        (row,) = claim(store)
        tries.append(row.tries)
        clock.forward(LEASE)
    assert tries == [1, 2, 3]


def test_a_claim_given_back_takes_its_try_back_and_is_free_at_once(store: Store) -> None:
    keys = received(store, 2)
    rows = claim(store)
    with store.write("release") as tx:
        release_claims(tx, rows)
    assert [message(store, key).tries for key in keys] == [0, 0]
    assert [row.id for row in claim(store, "decider-2")] == keys


def test_a_decision_ends_the_count_of_tries(store: Store, clock: MovedClock) -> None:
    (key,) = received(store, 1)
    claim(store)
    clock.forward(LEASE)
    settle(store, [filed_unsent(row) for row in claim(store)])
    assert message(store, key).tries == 0


def test_a_claim_is_bounded_by_its_octets_together(store: Store) -> None:
    keys = receive(store, a_mailbox(store), [bytes([n]) * 400 for n in range(5)])
    assert [row.id for row in claim(store, max_octets=1000)] == keys[:2]
    assert [row.id for row in claim(store, max_octets=1200)] == keys[2:]


def test_a_claim_takes_at_least_one_message_however_large(store: Store) -> None:
    keys = receive(store, a_mailbox(store), [b"a" * 5000, b"b" * 5000])
    assert [row.id for row in claim(store, max_octets=1000)] == keys[:1]


def test_a_claim_is_bounded_by_its_count(store: Store) -> None:
    keys = received(store, 5)
    assert [row.id for row in claim(store, limit=3)] == keys[:3]


def test_a_message_is_not_claimed_before_it_is_due(store: Store, clock: MovedClock) -> None:
    (key,) = received(store, 1)
    with store.write("later") as tx:
        change_state(tx, message(store, key), MessageState.RECEIVED, "later", due_at=START + timedelta(minutes=1))
    assert claim(store) == []
    clock.forward(timedelta(minutes=1))
    assert [row.id for row in claim(store)] == [key]
