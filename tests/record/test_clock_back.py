"""A clock that is put back: what waits is not left until the old time comes again."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.record.builders import MovedClock, claim, decided, lease_next, received
from triage.record import Store, Transaction
from triage.record.clock_back import _DUE, NOTICED, mind_the_clock
from triage.record.health import findings
from triage.record.heartbeats import note_beats
from triage.record.incidents import open_incident, open_incidents
from triage.record.staff_notices import Channel, NoticeKind, PlannedNotice, plan_notices
from triage.record.tables import dispatches, incidents, mailboxes, messages, metadata, staff_notices
from triage.record.usage import Limits, count_begun, room_for
from triage.record.utc import UtcDateTime

DAY = timedelta(days=1)


def told(store: Store) -> list[tuple[str, str]]:
    with store.read("incidents") as tx:
        return [(row["kind"], row["subject"]) for row in open_incidents(tx)]


def test_what_was_received_before_the_clock_went_back_is_decided_at_once(store: Store, clock: MovedClock) -> None:
    keys = received(store, 2)
    clock.forward(-DAY)
    assert claim(store) == []
    mind_the_clock(store)
    assert [row.id for row in claim(store)] == keys
    assert told(store) == [("clock", "record")]


def test_pauses_and_leases_are_as_long_as_before(store: Store, clock: MovedClock) -> None:
    decided(store)
    [leased] = [row for row in lease_next(store) if row.kind == "forward"]
    with store.read("before") as tx:
        query = sa.select(dispatches.c.id, dispatches.c.due_at, dispatches.c.lease_until).order_by(dispatches.c.id)
        before = {key: (due - tx.now, lease and lease - tx.now) for key, due, lease in tx.execute(query)}
        reader = tx.execute(sa.select(mailboxes.c.lease_until)).scalar_one() - tx.now
    clock.forward(-DAY)
    mind_the_clock(store)
    with store.read("after") as tx:
        after = {key: (due - tx.now, lease and lease - tx.now) for key, due, lease in tx.execute(query)}
        assert after == before
        assert tx.execute(sa.select(mailboxes.c.lease_until)).scalar_one() - tx.now == reader
    assert leased.id in before


def test_machines_that_disagree_do_not_take_turns(store: Store, clock: MovedClock) -> None:
    received(store, 1)
    clock.forward(-DAY)
    mind_the_clock(store)
    clock.forward(DAY)
    received(store, 1, "altro")
    clock.forward(-DAY)
    mind_the_clock(store)
    with store.read("due") as tx:
        waiting = tx.execute(sa.select(sa.func.count()).where(messages.c.due_at > tx.now)).scalar_one()
    assert waiting == 1
    clock.forward(timedelta(hours=1))
    mind_the_clock(store)
    with store.read("due") as tx:
        assert tx.execute(sa.select(messages.c.id).where(messages.c.due_at > tx.now)).all() == []


def test_a_small_difference_is_let_be_and_the_incident_ends(store: Store, clock: MovedClock) -> None:
    received(store, 1)
    clock.forward(-NOTICED)
    mind_the_clock(store)
    assert told(store) == []
    clock.forward(-DAY)
    mind_the_clock(store)
    assert told(store) == [("clock", "record")]
    clock.forward(timedelta(hours=1))
    mind_the_clock(store)
    assert told(store) == []


def test_what_was_counted_in_days_to_come_uses_up_nothing(store: Store, clock: MovedClock) -> None:
    limits = Limits("ufficio", 0, 10)
    received(store, 1)
    clock.forward(30 * DAY)
    received(store, 1, "altro")
    with store.write("counted") as tx:
        count_begun(tx, limits, 10)
    clock.forward(-30 * DAY)
    mind_the_clock(store)
    with store.read("room") as tx:
        assert room_for(tx, limits).messages == 10


def test_reports_test_messages_and_looks_do_not_wait_for_the_old_time(store: Store, clock: MovedClock) -> None:
    received(store, 1)
    with store.write("trouble") as tx:
        open_incident(tx, "mailbox", "generale", "it cannot be read")
        plan_notices(tx, [PlannedNotice(NoticeKind.INCIDENTS, "1-1", 0, Channel.MAIL, "a@ats.example", "<a@b>")])
        tx.execute(sa.update(messages).values(present_at=tx.now))
    clock.forward(-DAY)
    mind_the_clock(store)
    with store.read("after") as tx:
        for column in (incidents.c.opened_at, staff_notices.c.created_at, messages.c.present_at):
            assert max(tx.execute(sa.select(column)).scalars()) <= tx.now


def test_signs_of_life_that_are_dated_to_come_are_no_health(store: Store, clock: MovedClock) -> None:
    with store.write("beats") as tx:
        note_beats(tx, "here", dict.fromkeys(("decide", "dispatch", "notices"), 0.0))
    clock.forward(-DAY)
    with store.read("health") as tx:
        assert "clock" in {one.code for one in findings(tx)}


# --------------------------------------------------------------------------- each time, by itself

TIMES = (
    "messages.due_at",
    "messages.lease_until",
    "dispatches.due_at",
    "dispatches.lease_until",
    "mailboxes.lease_until",
    "acknowledgement_holds.until",
    "in_charge.due_at",
    "in_charge.base_at",
    "staff_notices.due_at",
    "staff_notices.lease_until",
    "workers.until",
    "messages.present_at",
    "staff_notices.created_at",
    "canaries.planned_at",
    "incidents.opened_at",
)
"""Every time that something waits for or is counted from: written once more, so that one that is dropped is missed."""


def test_no_time_is_moved_that_is_not_tried_here() -> None:
    assert tuple(f"{table.name}.{column.name}" for table, column, _ in _DUE) == TIMES


@pytest.mark.parametrize("name", TIMES)
def test_each_time_is_brought_back_by_as_much_as_the_clock(store: Store, clock: MovedClock, name: str) -> None:
    table = metadata.tables[name.partition(".")[0]]
    column = table.c[name.partition(".")[2]]
    decided(store)
    received(store, 1, "altro")
    with store.write("waits") as tx:
        at = tx.now + timedelta(minutes=30)
        if not tx.execute(sa.select(table).limit(1)).first():
            tx.execute(sa.insert(table).values(_least(tx, table)))
        tx.execute(sa.update(table).values({column.name: at}))
    clock.forward(-DAY)
    mind_the_clock(store)
    with store.read("after") as tx:
        assert set(tx.execute(sa.select(column).where(column > tx.now)).scalars()) == {at - DAY}


def _least(tx: Transaction, table: sa.Table) -> dict[str, object]:
    """A row of a table with what it must have, hung on any rows that are there."""
    made: dict[str, object] = {}
    for column in table.columns:
        if column.foreign_keys and not column.nullable:
            (key,) = column.foreign_keys
            made[column.name] = tx.execute(sa.select(key.column).limit(1)).scalar_one()
        elif not column.nullable and column.default is None and column.identity is None:
            made[column.name] = tx.now if isinstance(column.type, UtcDateTime) else column.type.python_type()
    return made
