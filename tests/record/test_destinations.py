"""Which of the projects' addresses take mail: failures are counted by days, a person or time cures."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.record.builders import MovedClock
from triage.record import Store
from triage.record.audit import history
from triage.record.destinations import (
    BOUNCES,
    FULL,
    MOVED,
    OK,
    SICK,
    Destination,
    all_destinations,
    any_recovered,
    cure_destination,
    cure_recovered,
    note_destination_accepted,
    note_destination_failure,
    note_destination_moved,
    sick_addresses,
    speaks_of_mailbox,
)
from triage.record.incidents import open_incidents

NORD = "Nord@nord.example"


def fail(store: Store, status: str = "5.1.1", address: str = NORD) -> bool:
    with store.write("failure") as tx:
        return note_destination_failure(tx, "nord", address, status)


def look(store: Store) -> Destination:
    with store.read("look") as tx:
        [found] = all_destinations(tx)
    return found


def incidents(store: Store) -> list[tuple[str, int]]:
    with store.read("look") as tx:
        return [(row["kind"], row["times"]) for row in open_incidents(tx)]


def accept(store: Store, address: str = NORD) -> None:
    with store.write("accepted") as tx:
        note_destination_accepted(tx, [address])


def test_f105_failures_of_three_days_make_an_address_sick_and_many_of_one_day_do_not(
    store: Store, clock: MovedClock
) -> None:
    assert [fail(store) for _ in range(20)] == [False] * 20
    assert look(store).failing_days == 1
    clock.forward(timedelta(days=1))
    assert not fail(store)
    clock.forward(timedelta(days=2))
    assert fail(store)
    found = look(store)
    assert (found.state, found.why, found.since, found.status) == (SICK, BOUNCES, clock.now(), "5.1.1")
    fail(store)
    assert incidents(store) == [("destination", 1)], "one incident, however often it fails"


def test_a_week_without_a_failure_takes_earlier_ones_back(store: Store, clock: MovedClock) -> None:
    for days in (1, 8, 1, 8, 1):
        assert not fail(store)
        clock.forward(timedelta(days=days))
    assert look(store).failing_days == 1


@pytest.mark.parametrize(("status", "why"), [("5.2.2", FULL), ("4.2.2", FULL), ("5.1.6", MOVED)])
def test_a_full_mailbox_and_one_that_has_moved_are_sick_at_once(store: Store, status: str, why: str) -> None:
    assert fail(store, status)
    assert (look(store).state, look(store).why) == (SICK, why)


def test_its_own_answer_makes_an_address_sick_at_once(store: Store) -> None:
    with store.write("moved") as tx:
        note_destination_moved(tx, "nord", NORD)
        note_destination_moved(tx, "sud", "sud@sud.example")
    with store.read("look") as tx:
        assert {item.project: item.why for item in all_destinations(tx)} == {"nord": MOVED, "sud": MOVED}
        assert sick_addresses(tx) == {"nord@nord.example", "sud@sud.example"}


@pytest.mark.parametrize("status", ["5.7.1", "5.7.26", "5.3.4", "5.2.3", "5.6.0", "5.1.8", "5.5.2"])
def test_what_is_said_of_one_message_or_of_us_is_not_counted(store: Store, status: str) -> None:
    assert not speaks_of_mailbox(status)
    assert not fail(store, status)
    with store.read("look") as tx:
        assert all_destinations(tx) == []


@pytest.mark.parametrize("status", ["", "5.0.0", "5.1.1", "5.1.2", "5.1.10", "5.2.1", "5.4.4", "nonsense"])
def test_what_is_said_of_the_mailbox_is_counted(status: str) -> None:
    assert speaks_of_mailbox(status)


def test_a_person_cures_an_address_and_is_on_record(store: Store, clock: MovedClock) -> None:
    fail(store, "5.2.2")
    clock.forward(timedelta(hours=1))
    with store.write("cure", "cli:anna") as tx:
        assert cure_destination(tx, "nord@NORD.example")
        assert not cure_destination(tx, NORD), "it is well already"
        assert not cure_destination(tx, "never@failed.example")
    found = look(store)
    assert (found.state, found.why, found.changed_by, found.failing_days) == (OK, "", "cli:anna", 0)
    assert incidents(store) == []
    with store.read("look") as tx:
        assert [(row["event"], row["actor"]) for row in history(tx, "destination", 0)] == [
            ("sick", "triage"),
            ("cured", "cli:anna"),
        ]


def test_what_was_accepted_and_did_not_come_back_within_two_days_cures_an_address(
    store: Store, clock: MovedClock
) -> None:
    fail(store, "5.2.2")
    clock.forward(timedelta(hours=1))
    accept(store)
    clock.forward(timedelta(hours=47))
    accept(store)  # a later one does not begin the two days anew
    with store.write("look") as tx:
        assert (any_recovered(tx), cure_recovered(tx)) == (False, 0)
    clock.forward(timedelta(hours=1))
    with store.write("look") as tx:
        assert (any_recovered(tx), cure_recovered(tx)) == (True, 1)
    assert look(store).state == OK
    assert incidents(store) == []


def test_a_forward_that_was_accepted_and_came_back_cures_nothing(store: Store, clock: MovedClock) -> None:
    fail(store, "5.2.2")
    accept(store)
    clock.forward(timedelta(hours=20))
    fail(store, "5.2.2")
    clock.forward(timedelta(days=3))
    with store.read("look") as tx:
        assert not any_recovered(tx)
        assert sick_addresses(tx) == {"nord@nord.example"}


def test_an_address_that_never_failed_needs_no_row(store: Store) -> None:
    accept(store)
    with store.read("look") as tx:
        assert all_destinations(tx) == []
