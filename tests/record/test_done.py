"""What is done is found by what is known of it, page by page, on each engine, and without reading all of the mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.record.builders import (
    START,
    MovedClock,
    a_decision,
    claim,
    held,
    planned,
    received,
    settle,
)
from triage.record import Store
from triage.record.comuni import comune_of
from triage.record.decisions import Settlement
from triage.record.done import Sought, done_page
from triage.record.tables import decisions, messages
from triage.vocabulary import Action, DispatchKind, MessageState, Reason


def place(comune: str) -> tuple[Reason, ...]:
    return (Reason("luogo_residenza", {"comune": comune, "start": 0, "end": 3}),)


@pytest.fixture
def done(store: Store, clock: MovedClock) -> list[int]:
    """Six messages on three days: four sent to two centres, one that waits, one filed."""
    keys: list[int] = []
    for number, (project, topic, comune, urgent) in enumerate(
        [
            ("oglio_po", "nascita", "Viadana", False),
            ("crema", "nascita", "Crema", True),
            ("crema", "rete", "Crema", False),
            ("oglio_po", "rete", "Casalmaggiore", False),
        ]
    ):
        keys += received(store, 1)
        decision = replace(
            a_decision(reasons=place(comune)), project=project, destination=project, topic=topic, urgent=urgent
        )
        plans = (planned(), planned(DispatchKind.ACKNOWLEDGEMENT, f"family{number}@example.com"))
        settle(
            store,
            [
                Settlement(row, decision, MessageState.DECIDED, dispatches=plans, author_key=f"author{number % 2}")
                for row in claim(store)
            ],
        )
        clock.forward(timedelta(hours=12))
    keys += received(store, 2)
    waiting, automatic = claim(store)
    settle(store, [held(waiting), Settlement(automatic, a_decision(Action.FILE), MessageState.DECIDED, file=True)])
    return keys


def numbers(store: Store, sought: Sought, **options: int) -> list[int]:
    with store.read("search") as tx:
        return [row.id for row in done_page(tx, sought, **options).rows]


def test_what_waits_is_not_there_and_the_newest_comes_first(store: Store, done: list[int]) -> None:
    assert numbers(store, Sought()) == [done[5], done[3], done[2], done[1], done[0]]


def test_each_thing_that_is_known_finds_its_messages_and_all_must_hold(store: Store, done: list[int]) -> None:
    assert numbers(store, Sought(project="crema")) == [done[2], done[1]]
    assert numbers(store, Sought(topic="nascita")) == [done[1], done[0]]
    assert numbers(store, Sought(comune="Crema")) == [done[2], done[1]]
    assert numbers(store, Sought(comune="Crema", topic="rete")) == [done[2]]
    assert numbers(store, Sought(project="oglio_po", comune="Crema")) == []
    assert numbers(store, Sought(person="author1")) == [done[3], done[1]]
    assert numbers(store, Sought(person="author1", project="crema")) == [done[1]]


def test_whoever_was_written_to_is_found_as_well(store: Store, done: list[int]) -> None:
    assert numbers(store, Sought(person="key of family2@example.com")) == [done[2]]
    assert numbers(store, Sought(person="key of oglio-po@example.org")) == []  # a centre is no person


def test_days_bound_what_is_found(store: Store, done: list[int]) -> None:
    assert numbers(store, Sought(since=START + timedelta(hours=12), until=START + timedelta(hours=25))) == [
        done[2],
        done[1],
    ]
    assert numbers(store, Sought(since=START + timedelta(days=9))) == []
    assert numbers(store, Sought(until=START - timedelta(hours=2))) == []
    assert numbers(store, Sought(project="crema", since=START + timedelta(hours=13))) == [done[2]]


def test_pages_go_on_by_number_and_meet_nothing_twice(store: Store, done: list[int]) -> None:
    met: list[int] = []
    before = 0
    while True:
        with store.read("search") as tx:
            page = done_page(tx, Sought(), before=before, size=2)
        met += [row.id for row in page.rows]
        if not page.more:
            break
        before = page.rows[-1].id
    assert met == numbers(store, Sought(), size=100)
    assert numbers(store, Sought(project="crema"), before=done[2]) == [done[1]]


def test_an_earlier_answer_of_a_message_finds_it_no_more(store: Store, done: list[int]) -> None:
    with store.read("search") as tx:
        found = done_page(tx, Sought(project="crema")).rows
    assert [row.generation for row in found] == [1, 1]
    with store.write("as if decided anew") as tx:
        one = decisions.c.message_id == done[1]
        row = dict(tx.execute(sa.select(decisions).where(one)).mappings().one())
        tx.execute(sa.insert(decisions).values(**row | {"generation": 2, "project": "oglio_po", "comune": None}))
        tx.execute(sa.update(messages).where(messages.c.id == done[1]).values(generation=2))
    assert numbers(store, Sought(project="crema")) == [done[2]]
    assert numbers(store, Sought(project="oglio_po")) == [done[5], done[3], done[1], done[0]]


def test_a_decision_keeps_the_comune_that_a_person_named_before_the_one_that_was_read() -> None:
    chosen = Reason("luogo_scelto", {"comune": "Viadana"})
    assert comune_of(a_decision(reasons=(*place("Crema"), chosen))) == "Viadana"
    assert comune_of(a_decision(reasons=(*place("Crema"), *place("Cremona")))) == "Crema"
    assert comune_of(a_decision(reasons=(Reason("luogo_area", {"ambito": "Cremasco"}),))) is None


LOOKS = (
    Sought(),
    Sought(person="author1"),
    Sought(project="crema"),
    Sought(topic="rete"),
    Sought(comune="Crema"),
    Sought(project="crema", topic="rete", comune="Crema"),
    Sought(since=START, until=START + timedelta(days=1)),
)


@pytest.mark.parametrize("sought", LOOKS)
def test_every_look_walks_an_index_and_sorts_nothing(store: Store, done: list[int], sought: Sought) -> None:
    for number, plan in enumerate(plans_of(store, sought)):
        assert not any("Seq Scan" in step for step in plan), plan
        if store.engine_name == "sqlite":
            assert not any(step.startswith("SCAN") for step in plan), plan
            # Who was written to (the second query): so few messages that their numbers may be put in order.
            assert not any("TEMP B-TREE" in step for step in plan) or (sought.person and number == 1), plan


def plans_of(store: Store, sought: Sought) -> list[list[str]]:
    """How the engine carries out each statement of one look."""
    plans: list[list[str]] = []
    explain = "EXPLAIN QUERY PLAN" if store.engine_name == "sqlite" else "EXPLAIN"

    def look(connection: sa.Connection, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("SELECT messages"):
            rows = connection.exec_driver_sql(f"{explain} {statement}", parameters)  # type: ignore[arg-type]
            plans.append([str(row[-1]) for row in rows])

    sa.event.listen(store._engine, "before_cursor_execute", look)
    with store.write("plan") as tx:
        if store.engine_name != "sqlite":
            # So few rows as here are read whole by anybody; what is asked is whether they need be.
            tx.execute(sa.text("SET LOCAL enable_seqscan = off"))
        done_page(tx, sought)
    sa.event.remove(store._engine, "before_cursor_execute", look)
    assert plans
    return plans


def test_a_message_is_found_by_the_day_that_lists_show_though_it_was_read_the_next_day(
    store: Store, done: list[int]
) -> None:
    with store.write("it lay there overnight") as tx:
        late = sa.update(messages).where(messages.c.id == done[2])
        tx.execute(late.values(internal_date=START - timedelta(days=1)))
        day = Sought(since=START - timedelta(days=2), until=START - timedelta(hours=12))
        assert [row.id for row in done_page(tx, day).rows] == [done[2]]
        assert [row.id for row in done_page(tx, replace(day, project="crema")).rows] == [done[2]]
