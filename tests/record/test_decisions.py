"""Generations of decisions: written with their dispatches, by whoever holds the lease, or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.record.builders import (
    CREMA,
    FAMILY,
    LEASE,
    OGLIO_PO,
    START,
    UNKNOWN,
    MovedClock,
    a_decision,
    acknowledgement,
    begin,
    claim,
    count,
    decided,
    dispatches,
    end,
    filed_unsent,
    forward_of,
    held,
    lease_next,
    message,
    planned,
    received,
    send_all,
    settle,
)
from triage.record import Store, StoreError, Transaction
from triage.record.acknowledged import Acknowledged, acknowledged_before
from triage.record.audit import history
from triage.record.claims import release_claims
from triage.record.decisions import (
    Settlement,
    accepted_recipients,
    acknowledged_cases,
    decision_of,
    decisions_of,
    record_decisions,
)
from triage.record.messages import change_state
from triage.record.recall import cases_answered, cases_of_thread, known_contents
from triage.record.tables import audit, cases, decisions
from triage.record.tables import dispatches as dispatch_table
from triage.vocabulary import Action, DispatchKind, DispatchState, MessageState

BRUNO = "bruno@example.net"
DOMAIN, OTHER_DOMAIN = "key of the domain", "key of another domain"

# --------------------------------------------------------------------------- generations


def test_a_decision_comes_back_whole(store: Store) -> None:
    (key,) = decided(store)
    with store.read("look") as tx:
        assert decision_of(tx, key, 1) == a_decision()
        assert decision_of(tx, key, 2) is None
        assert decisions_of(tx, []) == {}


def test_a_decision_its_state_its_dispatches_and_its_audit_are_one_transaction(store: Store) -> None:
    (key,) = received(store, 1)
    (row,) = claim(store)
    before = message(store, key), count(store, audit)
    with pytest.raises(KeyError), store.write("decide") as tx:
        _record_and_fail(tx, [forward_of(row)])
    assert (message(store, key), count(store, audit)) == before
    assert [count(store, table) for table in (decisions, cases, dispatch_table)] == [0, 0, 0]
    assert settle(store, [forward_of(row)]) == 1
    assert message(store, key).state == MessageState.DECIDED
    assert [count(store, table) for table in (decisions, cases, dispatch_table)] == [1, 1, 2]
    assert count(store, audit) == before[1] + 1


def _record_and_fail(tx: Transaction, settlements: list[Settlement]) -> None:
    record_decisions(tx, settlements)
    raise KeyError("the process fails here")


def test_each_decision_is_a_generation_and_the_earlier_ones_stay(store: Store) -> None:
    (key,) = received(store, 1)
    settle(store, [held(row) for row in claim(store)])
    with store.write("settled", "maria") as tx:
        change_state(tx, message(store, key), MessageState.RECEIVED, "settled", hold_reason="")
    settle(store, [forward_of(row) for row in claim(store)])
    row = message(store, key)
    assert (row.generation, row.state, row.hold_reason) == (2, MessageState.DECIDED, "")
    with store.read("look") as tx:
        first, second = decision_of(tx, key, 1), decision_of(tx, key, 2)
        events = [(step["actor"], step["event"], step["to_state"]) for step in history(tx, "message", key)]
    assert first is not None
    assert second is not None
    assert (first.action, second.action) == (Action.HOLD, Action.FORWARD)
    assert events == [
        ("triage", "listed", "listed"),
        ("triage", "received", "received"),
        ("triage", "decided", "held"),
        ("maria", "settled", "received"),
        ("triage", "decided", "decided"),
    ]


def test_the_audit_row_of_a_held_message_names_the_reason(store: Store) -> None:
    (key,) = received(store, 1)
    settle(store, [held(row, "fuori_orario") for row in claim(store)])
    with store.read("look") as tx:
        last = history(tx, "message", key)[-1]
    assert last["params"] == {"generation": 1, "action": "trattieni", "reason": "fuori_orario"}


def test_a_settlement_whose_lease_was_lost_writes_nothing(store: Store, clock: MovedClock) -> None:
    (key,) = received(store, 1)
    mine = claim(store, "decider-1")
    clock.forward(LEASE)
    (theirs,) = claim(store, "decider-2")
    audited = count(store, audit)
    assert settle(store, [forward_of(row) for row in mine]) == 0
    assert message(store, key) == theirs
    assert [count(store, table) for table in (decisions, cases, dispatch_table)] == [0, 0, 0]
    assert count(store, audit) == audited


def test_in_a_batch_only_the_settlements_whose_lease_was_lost_are_left_out(store: Store, clock: MovedClock) -> None:
    keys = received(store, 2)
    mine = claim(store, "decider-1")
    clock.forward(LEASE)
    (lost,) = claim(store, "decider-2", limit=1)
    assert settle(store, [forward_of(row) for row in mine]) == 1
    states = {key: message(store, key).state for key in keys}
    assert states.pop(lost.id) == MessageState.RECEIVED
    assert list(states.values()) == [MessageState.DECIDED]


def test_a_settlement_cannot_be_recorded_twice(store: Store) -> None:
    received(store, 1)
    settlements = [forward_of(row) for row in claim(store)]
    assert [settle(store, settlements) for _ in range(2)] == [1, 0]
    assert count(store, dispatch_table) == 2


def test_a_settlement_of_a_message_that_was_settled_and_opened_again_writes_nothing(store: Store) -> None:
    """As when a commit succeeded but its answer was lost: the claim has the right epoch, but is long over."""
    (key,) = received(store, 1)
    settlements = [held(row) for row in claim(store)]
    settle(store, settlements)
    with store.write("settled", "maria") as tx:
        change_state(tx, message(store, key), MessageState.RECEIVED, "settled")
    assert settle(store, settlements) == 0
    assert (message(store, key).state, message(store, key).generation) == (MessageState.RECEIVED, 1)


def test_a_claim_that_was_given_back_cannot_be_settled(store: Store) -> None:
    received(store, 1)
    rows = claim(store)
    with store.write("release") as tx:
        release_claims(tx, rows)
    assert settle(store, [held(row) for row in rows]) == 0


def test_settlements_in_any_order_get_their_own_cases(store: Store) -> None:
    keys = received(store, 5)
    rows = list(reversed(claim(store)))
    settle(store, [replace(forward_of(row), author_key=f"author {row.id}") for row in rows])
    query = sa.select(cases.c.id, cases.c.author_key)
    with store.read("look") as tx:
        authors = {row.id: row.author_key for row in tx.execute(query)}
    assert [authors[message(store, key).case_id] for key in keys] == [f"author {key}" for key in keys]


def test_a_message_filed_unsent_waits_only_for_being_moved(store: Store) -> None:
    (key,) = received(store, 1)
    settle(store, [filed_unsent(row) for row in claim(store)])
    row = message(store, key)
    assert (row.state, row.file_step, dispatches(store, key)) == (MessageState.DECIDED, "ready", [])


# --------------------------------------------------------------------------- dispatches of a decision


def test_every_recipient_has_its_own_dispatch_and_message_id(store: Store) -> None:
    (key,) = received(store, 1)
    (row,) = claim(store)
    settle(store, [replace(forward_of(row), dispatches=(planned(to=OGLIO_PO), planned(to=CREMA)))])
    found = dispatches(store, key)
    assert [item.forward_path for item in found] == [OGLIO_PO, CREMA]
    assert len({item.rfc_message_id for item in found}) == 2


def test_the_same_recipient_planned_twice_gets_one_dispatch(store: Store) -> None:
    (key,) = received(store, 1)
    (row,) = claim(store)
    settle(store, [replace(forward_of(row), dispatches=(planned(), planned()))])
    assert [item.forward_path for item in dispatches(store, key)] == [OGLIO_PO]


def test_no_generation_has_two_dispatches_of_a_kind_to_one_recipient(store: Store) -> None:
    (key,) = decided(store)
    forward = _stored(store, key, DispatchKind.FORWARD)
    with pytest.raises(StoreError), store.write("insert") as tx:
        tx.execute(sa.insert(dispatch_table).values(**forward, rfc_message_id="<other@example.org>"))


def test_a_forward_that_would_reuse_a_message_id_fails_aloud(store: Store) -> None:
    """Left out in silence, the message would count as decided with nothing on its way."""
    first, second = received(store, 2)
    rows = claim(store)
    same = planned(message_id="<one@example.org>")
    settlements = [replace(forward_of(row), dispatches=(replace(same),)) for row in rows]
    with pytest.raises(StoreError):
        settle(store, settlements)
    assert {message(store, key).state for key in (first, second)} == {MessageState.RECEIVED}


def _stored(store: Store, message_id: int, kind: DispatchKind) -> dict[str, object]:
    query = sa.select(dispatch_table).where(dispatch_table.c.message_id == message_id, dispatch_table.c.kind == kind)
    with store.read("look") as tx:
        values = dict(tx.execute(query).mappings().one())
    del values["id"], values["rfc_message_id"]
    return values


def test_a_second_acknowledgement_of_a_case_is_left_out_and_its_forward_is_not(store: Store) -> None:
    (first,) = decided(store)
    case_id = message(store, first).case_id
    (second,) = received(store, 1)
    settle(store, [forward_of(row, case_id=case_id) for row in claim(store)])
    assert message(store, second).case_id == case_id
    assert [item.kind for item in dispatches(store, second)] == [DispatchKind.FORWARD]
    with store.read("look") as tx:
        assert acknowledged_cases(tx, [case_id or 0]) == {case_id}


def test_two_messages_of_a_case_decided_in_one_batch_get_one_acknowledgement(store: Store) -> None:
    (first,) = decided(store, acknowledged=False)
    case_id = message(store, first).case_id
    received(store, 2)
    settle(store, [forward_of(row, case_id=case_id) for row in claim(store)])
    query = sa.select(sa.func.count()).where(dispatch_table.c.kind == DispatchKind.ACKNOWLEDGEMENT)
    with store.read("look") as tx:
        assert tx.execute(query).scalar_one() == 1


def test_a_second_acknowledgement_of_a_case_is_refused_even_when_inserted_directly(store: Store) -> None:
    (first,) = decided(store)
    values = _stored(store, first, DispatchKind.ACKNOWLEDGEMENT) | {
        "rfc_message_id": "<second@example.org>",
        "forward_path": "altro@example.com",
    }
    with pytest.raises(StoreError), store.write("insert") as tx:
        tx.execute(sa.insert(dispatch_table).values(**values))


@pytest.mark.parametrize("state", [DispatchState.CANCELLED, DispatchState.UNKNOWN, DispatchState.ACCEPTED])
def test_an_acknowledgement_that_ended_still_counts_for_its_case(store: Store, state: DispatchState) -> None:
    (first,) = decided(store)
    values = _stored(store, first, DispatchKind.ACKNOWLEDGEMENT)
    with store.write("ended") as tx:
        tx.execute(
            sa.update(dispatch_table).where(dispatch_table.c.kind == DispatchKind.ACKNOWLEDGEMENT).values(state=state)
        )
    changed = values | {"rfc_message_id": "<second@example.org>", "generation": 2}
    with pytest.raises(StoreError), store.write("insert") as tx:
        tx.execute(sa.insert(dispatch_table).values(**changed))


# --------------------------------------------------------------------------- a newer generation


def _correct(store: Store, message_id: int) -> None:
    """A person has the message decided again, elsewhere."""
    with store.write("corrected", "maria") as tx:
        change_state(tx, message(store, message_id), MessageState.RECEIVED, "corrected")
    (row,) = claim(store)
    crema = planned(to=CREMA)
    assert settle(
        store, [Settlement(row, a_decision(), MessageState.DECIDED, case_id=row.case_id, dispatches=(crema,))]
    )


def test_a_forward_of_an_older_generation_is_not_begun(store: Store) -> None:
    (key,) = decided(store)
    leased = lease_next(store)
    _correct(store, key)
    assert begin(store, leased) == []
    older, newer = (item for item in dispatches(store, key) if item.kind == DispatchKind.FORWARD)
    assert (older.forward_path, older.state, older.attempts) == (OGLIO_PO, DispatchState.PENDING, 0)
    assert [row.forward_path for row in begin(store, lease_next(store))] == [CREMA]
    assert newer.generation == 2


def test_an_acknowledgement_is_the_cases_and_leaves_whatever_the_generation(store: Store, clock: MovedClock) -> None:
    (key,) = decided(store)
    _correct(store, key)
    clock.forward(timedelta(hours=4))
    begun = begin(store, lease_next(store))
    assert sorted((row.kind, row.generation) for row in begun) == [("acknowledgement", 1), ("forward", 2)]


def test_an_answer_for_an_older_generation_does_not_finish_the_newer_one(store: Store) -> None:
    """What was on the wire when a person corrected it arrives; the correction still has to leave."""
    (key,) = decided(store)
    on_the_wire = begin(store, lease_next(store))
    _correct(store, key)
    end(store, on_the_wire)
    assert message(store, key).state == MessageState.DECIDED
    with store.read("look") as tx:
        assert accepted_recipients(tx, [key]) == {(key, OGLIO_PO)}
    send_all(store)
    assert message(store, key).state == MessageState.FORWARDED


def test_a_message_corrected_to_be_filed_unsent_is_not_called_forwarded(store: Store) -> None:
    (key,) = decided(store)
    on_the_wire = begin(store, lease_next(store))
    with store.write("corrected", "maria") as tx:
        change_state(tx, message(store, key), MessageState.RECEIVED, "corrected")
    settle(store, [filed_unsent(row) for row in claim(store)])
    end(store, on_the_wire)
    assert message(store, key).state == MessageState.DECIDED


# --------------------------------------------------------------------------- looking back


def test_a_thread_is_found_only_by_its_own_author(store: Store) -> None:
    (key,) = received(store, 1)
    (row,) = claim(store)
    settle(store, [replace(forward_of(row), author_key="anna", message_id_key="first")])
    case_id = message(store, key).case_id
    with store.read("look") as tx:
        assert cases_of_thread(tx, [("first", "anna"), ("first", "stranger"), ("other", "anna")]) == {
            ("first", "anna"): case_id
        }
        assert cases_of_thread(tx, []) == {}


def test_an_answer_to_a_dispatch_is_found_only_by_its_recipient(store: Store) -> None:
    (key,) = decided(store)
    ours = next(item for item in dispatches(store, key) if item.kind == DispatchKind.ACKNOWLEDGEMENT)
    pairs = [(ours.rfc_message_id, f"key of {FAMILY}"), (ours.rfc_message_id, "key of a stranger")]
    with store.read("look") as tx:
        assert cases_answered(tx, pairs) == {pairs[0]: ours.case_id}


def test_the_first_message_with_the_same_content_is_found(store: Store) -> None:
    first, second = received(store, 2)
    settle(store, [replace(forward_of(row), content_key="same") for row in claim(store)])
    with store.read("look") as tx:
        assert {name: row.id for name, row in known_contents(tx, ["same", "other"]).items()} == {"same": first}
    assert second > first


def test_only_accepted_forwards_count_as_received_by_a_project(store: Store) -> None:
    accepted, waiting = decided(store, 2, acknowledged=False)
    first, _second = begin(store, lease_next(store))
    end(store, [first])
    with store.read("look") as tx:
        assert accepted_recipients(tx, [accepted, waiting]) == {(first.message_id, OGLIO_PO)}


def _seen(store: Store) -> Acknowledged:
    addresses = [f"key of {FAMILY}", f"key of {BRUNO}", "key of nobody"]
    with store.read("look") as tx:
        return acknowledged_before(tx, addresses, [DOMAIN, OTHER_DOMAIN], timedelta(days=7))


def test_acknowledgements_are_counted_by_address_by_domain_and_altogether(store: Store, clock: MovedClock) -> None:
    first, second = decided(store, 2)
    send_all(store)
    send_all(store)
    clock.forward(timedelta(minutes=30))
    (third,) = received(store, 1)
    (row,) = claim(store)
    other = replace(acknowledgement(to=BRUNO), domain_key=OTHER_DOMAIN)
    settle(store, [replace(forward_of(row), dispatches=(planned(), other))])
    send_all(store)
    send_all(store)
    anna, bruno = f"key of {FAMILY}", f"key of {BRUNO}"
    case_ids = [message(store, key).case_id or 0 for key in (first, second, third)]
    times = {(anna, case_ids[0]): START, (anna, case_ids[1]): START, (bruno, case_ids[2]): clock.now()}
    assert _seen(store) == Acknowledged(times, {anna: 2, bruno: 1}, {DOMAIN: 2, OTHER_DOMAIN: 1}, 3)
    clock.forward(timedelta(minutes=45))
    assert _seen(store) == Acknowledged(times, {anna: 2, bruno: 1}, {OTHER_DOMAIN: 1}, 1)
    clock.forward(timedelta(days=8))
    assert _seen(store) == Acknowledged({}, {}, {}, 0)


def test_an_acknowledgement_that_has_not_left_is_not_counted_as_sent(store: Store) -> None:
    decided(store, 1)
    assert _seen(store) == Acknowledged({}, {}, {}, 0)


def test_an_acknowledgement_that_may_have_arrived_counts_as_sent(store: Store, clock: MovedClock) -> None:
    decided(store, 1)
    send_all(store)
    begun = begin(store, lease_next(store))
    assert _seen(store).total_last_hour == 1
    end(store, begun, UNKNOWN, DispatchState.UNKNOWN)
    assert _seen(store).total_last_hour == 1
