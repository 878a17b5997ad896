"""What people did stays as it was written, and it shows when it does not; on both engines."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from tests.record.builders import MovedClock
from triage.acts.people import Person, Role
from triage.record import Store, StoreError
from triage.record.people import add_person
from triage.record.people_tables import staff_acts
from triage.record.staff_acts import acts_about, note_act, verify_acts
from triage.record.store import Transaction
from triage.record.tables import identity

CLI = Person(None, "cli:root", "cli", Role.ADMINISTRATOR)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    store = Store(store_url, MovedClock())
    yield store
    store.close()


def write(store: Store, number: int) -> None:
    with store.write("act") as tx:
        note_act(tx, CLI, "stop", "message", number, {"n": number, "text": "è", "yes": True, "half": 0.5})


def fail_after_an_act(store: Store) -> None:
    with store.write("act") as tx:
        note_act(tx, CLI, "stop", "message", 2)
        tx.execute(sa.text("SELECT nothing FROM nowhere"))


def broken(store: Store) -> tuple[str, ...]:
    with store.read("verify") as tx:
        return verify_acts(tx)


def test_an_untouched_record_verifies_from_the_first_act_on(store: Store) -> None:
    assert broken(store) == ()
    for number in range(5):
        write(store, number)
        assert broken(store) == ()
    with store.read("look") as tx:
        (act,) = acts_about(tx, "message", 3)
    assert (act["actor"], act["act"], act["params"]["n"]) == ("cli:root", "stop", 3)


def test_an_act_is_kept_only_with_what_it_did(store: Store) -> None:
    write(store, 1)
    with pytest.raises(StoreError):
        fail_after_an_act(store)
    write(store, 3)
    assert broken(store) == ()
    with store.read("look") as tx:
        assert acts_about(tx, "message", 2) == []


TAMPERING: dict[str, Callable[[Transaction], object]] = {
    "another person": lambda tx: tx.execute(sa.update(staff_acts).where(staff_acts.c.id == 2).values(actor="anna")),
    "another time": lambda tx: tx.execute(
        sa.update(staff_acts).where(staff_acts.c.id == 2).values(at=tx.now.replace(year=2020))
    ),
    "other numbers": lambda tx: tx.execute(sa.update(staff_acts).where(staff_acts.c.id == 2).values(params={"n": 9})),
    "one taken out": lambda tx: tx.execute(sa.delete(staff_acts).where(staff_acts.c.id == 2)),
    "the first taken out": lambda tx: tx.execute(sa.delete(staff_acts).where(staff_acts.c.id == 1)),
    "the last taken out": lambda tx: tx.execute(sa.delete(staff_acts).where(staff_acts.c.id == 4)),
    "all taken out": lambda tx: tx.execute(sa.delete(staff_acts)),
    "one put in": lambda tx: tx.execute(
        sa.insert(staff_acts).values(
            id=9, at=tx.now, actor="x", act="stop", subject="switch", subject_id=0, params={}, seal="0" * 64
        )
    ),
    "the head forgotten": lambda tx: tx.execute(sa.delete(identity).where(identity.c.name == "staff_acts_head")),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_shows(store: Store, how: str) -> None:
    for number in range(4):
        write(store, number)
    with store.write("tamper") as tx:
        TAMPERING[how](tx)
    assert broken(store) != ()


def test_acts_written_at_once_stand_in_one_chain(store: Store) -> None:
    threads = [threading.Thread(target=write, args=(store, number)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken(store) == ()
    with store.read("look") as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(staff_acts)).scalar() == 8


def test_an_act_names_its_person(store: Store) -> None:
    with store.write("act") as tx:
        number = add_person(tx, "anna.rossi", "Anna Rossi", "operatore", "hash")
        note_act(tx, Person(number, "anna.rossi", "Anna Rossi", Role.OPERATOR), "take", "message", 1)
    assert broken(store) == ()
    with store.read("look") as tx:
        assert acts_about(tx, "message", 1)[0]["person_id"] == number


def test_a_spoiled_head_keeps_nobody_from_acting_and_shows(store: Store) -> None:
    write(store, 1)
    with store.write("spoil") as tx:
        tx.execute(sa.update(identity).where(identity.c.name == "staff_acts_head").values(value="rubbish"))
    write(store, 2)
    assert broken(store) != ()
    with store.read("look") as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(staff_acts)).scalar() == 2
