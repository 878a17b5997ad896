"""What makes a record this record: its secret, its versions, the stop switch, and what is wrong now."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.laid import lay_sqlite
from tests.record.builders import START, MovedClock, count
from triage.record import Store, StoreError
from triage.record.audit import history
from triage.record.identity import (
    MODEL,
    RULES,
    current_version,
    import_version,
    is_stopped,
    keyed_hash,
    secret_of,
    set_stopped,
    version_content,
)
from triage.record.incidents import close_incident, open_incident, open_incidents
from triage.record.tables import incidents, switches

# --------------------------------------------------------------------------- secret


def test_the_secret_is_made_once_and_is_the_same_for_every_worker_after(
    store: Store, open_store: Callable[[], Store]
) -> None:
    with store.write("secret") as tx:
        first = secret_of(tx)
    with open_store().write("secret") as tx:
        again = secret_of(tx)
    assert len(first) == 32
    assert again == first


def test_workers_that_start_at_once_agree_on_the_secret(store: Store, open_store: Callable[[], Store]) -> None:
    stores = [open_store() for _ in range(4)]
    barrier = threading.Barrier(len(stores))
    found: list[bytes] = []

    def work(own: Store) -> None:
        barrier.wait(10)
        with own.write("secret") as tx:
            found.append(secret_of(tx))

    threads = [threading.Thread(target=work, args=(own,)) for own in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 4
    assert len(set(found)) == 1


def test_two_records_have_two_secrets(
    store: Store, tmp_path_factory: pytest.TempPathFactory, clock: MovedClock
) -> None:
    other = Store(lay_sqlite(tmp_path_factory.mktemp("other") / "store.sqlite3"), clock)
    with store.write("secret") as one, other.write("secret") as two:
        assert secret_of(one) != secret_of(two)
    other.close()


def test_a_keyed_hash_finds_an_address_in_any_case_and_tells_kinds_and_secrets_apart() -> None:
    wanted = keyed_hash(b"a", "address", "anna@example.com")
    assert keyed_hash(b"a", "address", " Anna@Example.COM ") == wanted
    others = [
        keyed_hash(b"b", "address", "anna@example.com"),
        keyed_hash(b"a", "domain", "anna@example.com"),
        keyed_hash(b"a", "address", "anna@example.org"),
    ]
    assert len({wanted, *others}) == 4
    assert "anna" not in wanted


# --------------------------------------------------------------------------- versions


def test_nothing_is_current_before_the_first_import(store: Store) -> None:
    with store.read("look") as tx:
        assert current_version(tx, RULES) == ""
        assert version_content(tx, RULES, "r1") is None


def test_an_imported_version_is_current_with_its_very_octets(store: Store) -> None:
    content = b"\x00\xffrules: {}\r\n" * 1000
    with store.write("import") as tx:
        assert import_version(tx, RULES, content, "r1")
    with store.read("look") as tx:
        assert current_version(tx, RULES) == "r1"
        assert version_content(tx, RULES, "r1") == content
        assert current_version(tx, MODEL) == ""


def test_importing_the_current_version_again_changes_nothing(store: Store) -> None:
    with store.write("import") as tx:
        import_version(tx, RULES, b"one", "r1")
    with store.write("import") as tx:
        assert not import_version(tx, RULES, b"one", "r1")
        assert len(history(tx, "version", 0)) == 1


def test_the_last_version_survives_reopening_and_earlier_ones_stay(
    store: Store, open_store: Callable[[], Store]
) -> None:
    with store.write("import") as tx:
        import_version(tx, RULES, b"one", "r1")
        import_version(tx, RULES, b"two", "r2")
        import_version(tx, MODEL, b"weights", "m1")
    store.close()
    with open_store().read("look") as tx:
        assert (current_version(tx, RULES), current_version(tx, MODEL)) == ("r2", "m1")
        assert version_content(tx, RULES, "r1") == b"one"


def test_going_back_to_an_earlier_version_is_one_import_and_is_audited(store: Store) -> None:
    for content, version in ((b"one", "r1"), (b"two", "r2"), (b"one", "r1")):
        with store.write("import", "maria") as tx:
            assert import_version(tx, RULES, content, version)
    with store.read("look") as tx:
        assert current_version(tx, RULES) == "r1"
        steps = [(step["actor"], step["event"], step["params"]) for step in history(tx, "version", 0)]
    assert steps == [("maria", "rules_current", {"version": version}) for version in ("r1", "r2", "r1")]


def test_a_version_never_changes_its_content(store: Store) -> None:
    with store.write("import") as tx:
        import_version(tx, RULES, b"one", "r1")
        import_version(tx, RULES, b"two", "r2")
        import_version(tx, RULES, b"another", "r1")
        assert version_content(tx, RULES, "r1") == b"one"


# --------------------------------------------------------------------------- stop


def test_the_stop_switch_is_off_until_somebody_turns_it(store: Store) -> None:
    with store.read("look") as tx:
        assert not is_stopped(tx)


def test_every_worker_sees_the_stop_switch_and_who_turned_it(store: Store, open_store: Callable[[], Store]) -> None:
    with store.write("stop", "maria") as tx:
        assert set_stopped(tx, True)
        assert not set_stopped(tx, True)
    with open_store().read("look") as tx:
        assert is_stopped(tx)
        assert tx.execute(sa.select(switches.c.changed_by)).scalar_one() == "maria"
    with store.write("start", "luca") as tx:
        assert set_stopped(tx, False)
        assert not is_stopped(tx)
        steps = [(step["actor"], step["event"]) for step in history(tx, "switch", 0)]
    assert steps == [("maria", "stopped"), ("luca", "started")]


# --------------------------------------------------------------------------- incidents


def test_an_incident_is_one_open_row_however_often_it_is_seen(store: Store, clock: MovedClock) -> None:
    with store.write("trouble") as tx:
        assert open_incident(tx, "mailbox", "ufficio", "login refused")
    clock.forward(timedelta(minutes=1))
    with store.write("trouble") as tx:
        assert not open_incident(tx, "mailbox", "ufficio", "no answer")
        (row,) = open_incidents(tx)
    assert (row["times"], row["detail"]) == (2, "no answer")
    assert (row["opened_at"], row["last_seen_at"]) == (START, START + timedelta(minutes=1))


def test_incidents_of_other_kinds_and_subjects_are_other_incidents(store: Store) -> None:
    with store.write("trouble") as tx:
        assert open_incident(tx, "mailbox", "ufficio")
        assert open_incident(tx, "mailbox", "sportello")
        assert open_incident(tx, "account", "ufficio")
        assert [(row["kind"], row["subject"]) for row in open_incidents(tx)] == [
            ("mailbox", "ufficio"),
            ("mailbox", "sportello"),
            ("account", "ufficio"),
        ]


def test_a_closed_incident_stays_in_the_record_and_the_next_trouble_opens_a_new_one(
    store: Store, clock: MovedClock
) -> None:
    with store.write("trouble") as tx:
        open_incident(tx, "mailbox", "ufficio")
        open_incident(tx, "mailbox", "ufficio")
        assert close_incident(tx, "mailbox", "ufficio")
        assert not close_incident(tx, "mailbox", "ufficio")
        assert open_incidents(tx) == []
    clock.forward(timedelta(hours=1))
    with store.write("again") as tx:
        assert open_incident(tx, "mailbox", "ufficio")
        (row,) = open_incidents(tx)
    assert (row["times"], row["opened_at"]) == (1, START + timedelta(hours=1))
    assert count(store, incidents) == 2


def test_two_workers_that_see_the_same_trouble_at_once_open_one_incident(
    store: Store, open_store: Callable[[], Store]
) -> None:
    stores = [open_store() for _ in range(4)]
    barrier = threading.Barrier(len(stores))
    opened: list[bool] = []

    def work(own: Store) -> None:
        barrier.wait(10)
        with own.write("trouble") as tx:
            opened.append(open_incident(tx, "account", "smtp"))

    threads = [threading.Thread(target=work, args=(own,)) for own in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(opened) == [False, False, False, True]
    with store.read("look") as tx:
        assert [row["times"] for row in open_incidents(tx)] == [4]


def test_a_second_open_incident_is_refused_even_when_inserted_directly(store: Store) -> None:
    with store.write("trouble") as tx:
        open_incident(tx, "mailbox", "ufficio")
        now = tx.now
    with pytest.raises(StoreError), store.write("insert") as tx:
        tx.execute(sa.insert(incidents).values(kind="mailbox", subject="ufficio", opened_at=now, last_seen_at=now))
