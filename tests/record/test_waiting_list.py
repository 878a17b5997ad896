"""What waits, page by page, on both engines: order, groups, filters, what comes next, and who looked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.record.builders import a_decision, claim, received, settle
from tests.record.builders import held as held_settlement
from triage.acts.claims import claim as open_message
from triage.acts.people import Person, Role
from triage.record import Store
from triage.record.looking import OPENED, found_infected, looked_lately, note_infected, note_look
from triage.record.messages import get_message
from triage.record.octets import read_beginnings
from triage.record.people import add_person
from triage.record.settlements import Exit, Said, add_settlement
from triage.record.undoable import undoable
from triage.record.waiting_list import (
    Group,
    Wanted,
    group_sizes,
    next_after_act,
    next_waiting,
    previous_waiting,
    waiting_page,
)
from triage.vocabulary import Action

PERHAPS = "forse_non_per_noi"


def person(store: Store, name: str) -> Person:
    with store.write("hired") as tx:
        number = add_person(tx, name, name.title(), Role.OPERATOR, "x", given=False)
    return Person(number, name, name.title(), Role.OPERATOR)


def waiting(store: Store, *reasons: str) -> list[int]:
    """Held messages with these reasons; ``urgente`` is urgent."""
    keys = received(store, len(reasons))
    settlements = []
    for row, reason in zip(claim(store), reasons, strict=True):
        one = held_settlement(row, reason)
        decision = a_decision(Action.HOLD, urgent=reason == "urgente")
        settlements.append(replace(one, decision=decision))
    assert settle(store, settlements) == len(reasons)
    return keys


def test_groups_pages_and_filters(store: Store) -> None:
    family, advert, danger, other = waiting(store, "fiducia_bassa", PERHAPS, "urgente", "reclamo")
    with store.read("list") as tx:
        assert group_sizes(tx) == {Group.DANGER: 1, Group.DECIDE: 2, Group.PERHAPS_NOT: 1, Group.ASIDE: 0}
        first = waiting_page(tx, Group.DECIDE, Wanted(), size=1)
        assert ([row.id for row in first.rows], first.more) == ([family], True)
        second = waiting_page(tx, Group.DECIDE, Wanted(), after=family, size=1)
        assert ([row.id for row in second.rows], second.more) == ([other], False)
        assert [row.id for row in waiting_page(tx, Group.DANGER, Wanted()).rows] == [danger]
        assert [row.id for row in waiting_page(tx, Group.PERHAPS_NOT, Wanted()).rows] == [advert]
        for wanted, found in (
            (Wanted(reason="reclamo"), [other]),
            (Wanted(project="oglio_po"), [family, other]),
            (Wanted(project="crema"), []),
            (Wanted(taken="nessuno"), [family, other]),
            (Wanted(taken="anna"), []),
            (Wanted(changed=True), []),
        ):
            assert [row.id for row in waiting_page(tx, Group.DECIDE, wanted).rows] == found, wanted
        assert first.decisions[family].project == "oglio_po"


def test_what_comes_next_passes_over_what_a_colleague_has_open(store: Store) -> None:
    one, two, danger, three = waiting(store, "reclamo", "reclamo", "urgente", "reclamo")
    anna, bruno = person(store, "anna"), person(store, "bruno")
    with store.write("open") as tx:
        open_message(tx, bruno, two)
    with store.read("next") as tx:
        assert next_waiting(tx, one, Group.DECIDE, anna.id or 0) == three
        assert next_waiting(tx, one, Group.DECIDE, bruno.id or 0) == two
        assert next_waiting(tx, three, Group.DECIDE, anna.id or 0) == one
        assert next_after_act(tx, one, Group.DECIDE, anna.id or 0) == danger
        assert (previous_waiting(tx, three, Group.DECIDE), previous_waiting(tx, one, Group.DECIDE)) == (two, None)


def test_a_look_is_on_record_once_in_ten_minutes_for_each_person_and_thing(store: Store) -> None:
    (key,) = waiting(store, "reclamo")
    anna, bruno = person(store, "anna"), person(store, "bruno")
    with store.write("look") as tx:
        note_look(tx, anna, OPENED, key)
    with store.read("looked") as tx:
        assert looked_lately(tx, anna, OPENED, key)
        assert not looked_lately(tx, bruno, OPENED, key)
        assert not looked_lately(tx, anna, OPENED, key, {"file": 1})


def test_malware_found_once_is_known_for_the_same_octets(store: Store) -> None:
    one, other = waiting(store, "reclamo", "reclamo")
    with store.write("found") as tx:
        note_infected(tx, one)
    with store.read("look") as tx:
        rows = [get_message(tx, key) for key in (one, other)]
        assert [row is not None and found_infected(tx, row) for row in rows] == [True, False]
        row = rows[0]
        assert row is not None
        assert read_beginnings(tx, [row.sha256 or ""], 7) == {row.sha256: b"Message"}


def test_only_ones_own_acts_can_be_taken_back_newest_first(store: Store) -> None:
    one, two, three, four, five = waiting(store, *["reclamo"] * 5)
    anna, bruno = person(store, "anna"), person(store, "bruno")
    with store.write("acts") as tx:
        until = tx.now + timedelta(minutes=2)
        first = add_settlement(tx, anna, one, Exit.CLOSED, 1, {}, Said(note="x"), until)
        second = add_settlement(tx, anna, two, Exit.CLOSED, 1, {}, Said(note="x"), until)
        add_settlement(tx, bruno, three, Exit.CLOSED, 1, {}, Said(note="x"), until)
        add_settlement(tx, anna, four, Exit.CLOSED, 1, {}, Said(note="x"), tx.now)
        add_settlement(tx, anna, five, Exit.CLOSED, 1, {}, Said(note="x"), until)
        add_settlement(tx, bruno, five, Exit.CLOSED, 1, {}, Said(note="followed"), until)
    with store.read("undoable") as tx:
        assert [row.id for row in undoable(tx, anna.id)] == [second, first]
