"""Mail that must be registered: marked once, listed in order, exported once, on each engine."""

from __future__ import annotations

from datetime import timedelta

from tests.record.builders import MovedClock, received
from triage.record import Store
from triage.record.protocol import (
    count_waiting,
    note_exported,
    note_number,
    note_to_register,
    protocol_entries_of,
    protocol_page,
    unexported_among,
    waiting_since,
)


def test_what_waits_comes_oldest_first_and_everything_newest_first(store: Store) -> None:
    keys = received(store, 5)
    with store.write("mark") as tx:
        note_to_register(tx, dict.fromkeys(keys, "regola"))
        note_exported(tx, keys[:1], "cli:anna")
    with store.read("look") as tx:
        assert [one.message_id for one in protocol_page(tx, waiting=True, size=2)] == keys[1:3]
        assert [one.message_id for one in protocol_page(tx, waiting=True, after=keys[2])] == keys[3:]
        assert [one.message_id for one in protocol_page(tx, waiting=False, size=2)] == [keys[4], keys[3]]
        assert [one.message_id for one in protocol_page(tx, waiting=False, before=keys[1])] == keys[:1]
        assert (count_waiting(tx), count_waiting(tx, 3)) == (4, 3)
        assert unexported_among(tx, keys[:2]) == {keys[1]}


def test_only_messages_since_a_day_are_asked_for(store: Store, clock: MovedClock) -> None:
    (old,) = received(store, 1)
    clock.forward(timedelta(days=2))
    (new,) = received(store, 1)
    with store.write("mark") as tx:
        note_to_register(tx, {old: "pec", new: "pec"})
    with store.read("look") as tx:
        assert [one.message_id for one in waiting_since(tx, tx.now - timedelta(days=1), 0, 10)] == [new]
        assert [one.message_id for one in waiting_since(tx, None, 0, 10)] == [old, new]
        assert [one.message_id for one in waiting_since(tx, None, old, 10)] == [new]


def test_a_number_is_kept_of_what_is_marked_and_of_nothing_else(store: Store) -> None:
    marked, other = received(store, 2)
    with store.write("mark") as tx:
        note_to_register(tx, {marked: "persona"})
        assert note_number(tx, marked, "2026/1", "anna")
        assert note_number(tx, marked, "2026/2", "bruno")
        assert not note_number(tx, other, "2026/3", "anna")
        (entry,) = protocol_entries_of(tx, [marked, other]).values()
        assert (entry.number, entry.numbered_by, entry.numbered_at) == ("2026/2", "bruno", tx.now)
