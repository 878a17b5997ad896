"""The service looks at the record of people's acts by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from tests.flow.builders import Office, terminate
from tests.flow.test_stopping import until
from triage.acts.people import Person, Role
from triage.once import run_once
from triage.record import Store
from triage.record.incidents import open_incidents
from triage.record.people_tables import staff_acts
from triage.record.staff_acts import note_act
from triage.record.tables import identity


@pytest.fixture
def tampered(office: Office) -> Iterator[Store]:
    """Somebody changed an act from outside; the service has not looked yet today."""
    store = office.open_record()
    with store.write("act") as tx:
        note_act(tx, Person(None, "cli:root", "cli", Role.ADMINISTRATOR), "stop", "switch")
        tx.execute(sa.update(staff_acts).values(actor="anna"))
        tx.execute(sa.delete(identity).where(identity.c.name == "staff_acts_whole"))
    yield store
    store.close()


def incidents(store: Store) -> list[str]:
    with store.read("look") as tx:
        return [row["kind"] for row in open_incidents(tx)]


def test_what_is_worked_off_once_tells_of_acts_that_were_tampered_with(office: Office, tampered: Store) -> None:
    service = office.build()
    run_once(service)
    service.store.close()
    assert incidents(tampered) == ["acts_altered"]


@pytest.mark.slow
def test_a_running_worker_tells_of_acts_that_were_tampered_with(office: Office, tampered: Store) -> None:
    worker = office.start_worker()
    try:
        until(lambda: incidents(tampered) == ["acts_altered"])
    finally:
        terminate(worker, 20)
