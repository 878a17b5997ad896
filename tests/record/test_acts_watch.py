"""The running service finds by itself that people's acts were tampered with; on both engines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.record.builders import MovedClock
from tests.record.test_staff_acts import TAMPERING, write
from tests.rules.builders import build_rules
from triage.notices import SecondChannels, plan_incidents
from triage.record import Store
from triage.record.acts_watch import DAILY, KIND, SUBJECT, WHOLLY, mind_the_acts
from triage.record.incidents import open_incidents
from triage.record.people_tables import staff_acts
from triage.record.tables import identity

SHORTLY = timedelta(hours=1)
FIRST = sa.update(staff_acts).where(staff_acts.c.id == 1)


def told(store: Store) -> list[tuple[str, str]]:
    with store.read("incidents") as tx:
        return [(row["kind"], row["subject"]) for row in open_incidents(tx)]


def acts(store: Store, count: int = 4) -> None:
    for number in range(count):
        write(store, number)


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_is_an_incident_within_a_week(store: Store, clock: MovedClock, how: str) -> None:
    acts(store)
    mind_the_acts(store)
    assert told(store) == []
    with store.write("tamper") as tx:
        TAMPERING[how](tx)
    for _ in range(WHOLLY // DAILY):
        clock.forward(DAILY)
        mind_the_acts(store)
    assert told(store) == [(KIND, SUBJECT)]


@pytest.mark.parametrize("act", [5, 6])
def test_what_was_done_since_the_last_look_is_looked_at_every_day(
    store: Store, clock: MovedClock, tamper: Callable[..., None], act: int
) -> None:
    acts(store)
    mind_the_acts(store)
    acts(store, 2)
    tamper(sa.update(staff_acts).where(staff_acts.c.id == act).values(actor="anna"))
    clock.forward(DAILY - SHORTLY)
    mind_the_acts(store)
    assert told(store) == [], "one look a day, however often it is asked and by however many workers"
    clock.forward(SHORTLY)
    mind_the_acts(store)
    assert told(store) == [(KIND, SUBJECT)]


def test_a_look_costs_as_much_as_there_is_new_and_once_a_week_everything_is_read(
    store: Store, clock: MovedClock, tamper: Callable[..., None]
) -> None:
    acts(store)
    mind_the_acts(store)
    tamper(FIRST.values(actor="anna"))
    for _ in range(WHOLLY // DAILY - 1):
        clock.forward(DAILY)
        acts(store, 1)
        mind_the_acts(store)
        assert told(store) == [], "the first act is not read again"
    clock.forward(DAILY)
    mind_the_acts(store)
    assert told(store) == [(KIND, SUBJECT)]


def test_what_the_service_remembers_cannot_be_moved_ahead(
    store: Store, clock: MovedClock, tamper: Callable[..., None]
) -> None:
    acts(store)
    mind_the_acts(store)
    remembered = identity.c.name == "staff_acts_whole"
    with store.read("look") as tx:
        value = str(tx.execute(sa.select(identity.c.value).where(remembered)).scalar_one())
    looked, _, act, count, mark = value.split(":")
    later = int(looked) + 86400 * 365
    tamper(FIRST.values(actor="anna"))
    tamper(sa.update(identity).where(remembered).values(value=f"{later}:{later}:{act}:{count}:{mark}"))
    clock.forward(SHORTLY)
    mind_the_acts(store)
    assert told(store) == [(KIND, SUBJECT)]


def test_it_is_told_once_and_over_when_the_acts_stand_as_they_were_written(
    store: Store, clock: MovedClock, tamper: Callable[..., None]
) -> None:
    acts(store)
    tamper(FIRST.values(actor="anna"))
    planned = []
    for _ in range(3):
        mind_the_acts(store)
        clock.forward(SHORTLY)
        with store.write("notices") as tx:
            planned.append(plan_incidents(tx, build_rules(), SecondChannels(alarm=True)) != 0)
        clock.forward(DAILY)
    assert planned == [True, False, False]
    mind_the_acts(store)
    assert told(store) == [(KIND, SUBJECT)]
    tamper(FIRST.values(actor="cli:root"))
    clock.forward(DAILY)
    mind_the_acts(store)
    assert told(store) == []


def test_a_record_without_acts_is_whole(store: Store, clock: MovedClock) -> None:
    for _ in range(2):
        mind_the_acts(store)
        clock.forward(DAILY)
    acts(store, 1)
    mind_the_acts(store)
    assert told(store) == []


@pytest.mark.parametrize("name", ["staff_acts_whole", "staff_acts_head"])
def test_what_it_remembers_cannot_be_spoiled_to_blind_it(
    store: Store, clock: MovedClock, tamper: Callable[..., None], name: str
) -> None:
    acts(store)
    mind_the_acts(store)
    tamper(FIRST.values(actor="anna"))
    tamper(sa.update(identity).where(identity.c.name == name).values(value="x"))
    clock.forward(DAILY)
    mind_the_acts(store)
    assert told(store) == [(KIND, SUBJECT)]
