"""Accounts, sessions and failed attempts in the record, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.record.builders import MovedClock
from triage.record import Store
from triage.record.people import (
    add_person,
    all_people,
    person_named,
    person_numbered,
    set_disabled,
    set_totp,
    use_recovery,
    use_totp_step,
)
from triage.record.sessions import (
    FORGOTTEN,
    IDLE,
    LONGEST,
    begin_session,
    keep_data,
    locked_until,
    note_failure,
    note_seen,
    session_of,
)

CLOCK_STEP = timedelta(seconds=1)


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def store(store_url: str, clock: MovedClock) -> Iterator[Store]:
    store = Store(store_url, clock)
    yield store
    store.close()


def anna(store: Store) -> int:
    with store.write("add") as tx:
        number = add_person(tx, "anna.rossi", "Anna Rossi", "operatore", "hash")
    assert number is not None
    return number


def test_a_name_is_given_once(store: Store) -> None:
    number = anna(store)
    with store.write("again") as tx:
        assert add_person(tx, "anna.rossi", "Un'altra", "operatore", "hash") is None
        row = person_named(tx, "anna.rossi")
    assert row is not None
    assert (row.id, row.display) == (number, "Anna Rossi")


def test_an_account_comes_back_as_it_was_written(store: Store) -> None:
    number = anna(store)
    with store.write("codes") as tx:
        set_totp(tx, number, "SECRET", 5, ["a", "b"])
        row = person_numbered(tx, number)
        assert all_people(tx) == [row]
    assert row is not None
    assert (row.totp_secret, row.totp_used_step, list(row.recovery), dict(row.settings)) == (
        "SECRET",
        5,
        ["a", "b"],
        {},
    )


def test_a_step_and_a_recovery_code_are_used_once(store: Store) -> None:
    number = anna(store)
    with store.write("codes") as tx:
        set_totp(tx, number, "SECRET", 5, ["a", "b"])
        assert [use_totp_step(tx, number, step) for step in (5, 6, 6, 4, 7)] == [False, True, False, False, True]
        assert [use_recovery(tx, number, code) for code in ("a", "a", "c", "b")] == [True, False, False, True]


def test_a_session_is_found_by_its_token_until_it_ends(store: Store, clock: MovedClock) -> None:
    number = anna(store)
    with store.write("session") as tx:
        token = begin_session(tx, number)
        session = session_of(tx, token)
        assert session_of(tx, token + "x") is None
    assert session is not None
    clock.forward(IDLE - CLOCK_STEP)
    with store.write("seen") as tx:
        assert session_of(tx, token) is not None
        note_seen(tx, session)
    clock.forward(IDLE - CLOCK_STEP)
    with store.read("look") as tx:
        assert session_of(tx, token) is not None
    clock.forward(CLOCK_STEP)
    with store.read("look") as tx:
        assert session_of(tx, token) is None


def test_a_session_ends_after_its_time_even_if_it_is_used(store: Store, clock: MovedClock) -> None:
    number = anna(store)
    with store.write("session") as tx:
        token = begin_session(tx, number)
    for _ in range(int(LONGEST / timedelta(minutes=20))):
        with store.write("seen") as tx:
            session = session_of(tx, token)
            assert session is not None
            note_seen(tx, session)
        clock.forward(timedelta(minutes=20))
    with store.read("look") as tx:
        assert session_of(tx, token) is None


def test_values_are_kept_beside_one_another(store: Store) -> None:
    number = anna(store)
    with store.write("session") as tx:
        token = begin_session(tx, number)
        session = session_of(tx, token)
        assert session is not None
        keep_data(tx, session, {"a": 1})
        assert keep_data(tx, session, {"b": [2]}).data == {"a": 1, "b": [2]}


def test_closing_an_account_ends_its_sessions(store: Store) -> None:
    number = anna(store)
    with store.write("close") as tx:
        token = begin_session(tx, number)
        set_disabled(tx, number, True)
        assert session_of(tx, token) is None


def test_a_key_rests_after_the_last_allowed_failure_and_begins_anew(store: Store, clock: MovedClock) -> None:
    with store.write("failures") as tx:
        for number in range(3):
            assert locked_until(tx, "anna") is None, number
            note_failure(tx, "anna", most=3, lock=timedelta(minutes=15))
        assert locked_until(tx, "anna") == tx.now + timedelta(minutes=15)
        assert locked_until(tx, "bruno") is None
    clock.forward(timedelta(minutes=15))
    with store.write("failures") as tx:
        assert locked_until(tx, "anna") is None
        note_failure(tx, "anna", most=3, lock=timedelta(minutes=15))
        assert locked_until(tx, "anna") is None


def test_old_failures_are_forgotten(store: Store, clock: MovedClock) -> None:
    with store.write("failures") as tx:
        note_failure(tx, "anna", most=2, lock=timedelta(minutes=15))
    clock.forward(FORGOTTEN)
    with store.write("failures") as tx:
        note_failure(tx, "anna", most=2, lock=timedelta(minutes=15))
        assert locked_until(tx, "anna") is None
