"""What the pages of numbers ask of a large record is answered from indexes, within the time of a page."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.conftest import FIGURES
from tests.cost import slowness
from tests.fakes import FakeClock
from triage.audits import audit_of, audit_of_all
from triage.record import Store, figures, samples
from triage.record.tables import cases, decisions, dispatches, mailboxes, messages
from triage.record.tables import samples as samples_table

MESSAGES = 100_000
NOW = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
PROJECTS = ("crema", "cremona", "oglio_po", "mantova", "ostiglia")
MILLISECONDS = 150


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A record of a year of mail; written by hand, since only its size matters."""
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('large')}/triage.db", FakeClock(NOW))
    store.migrate()
    chance = random.Random(5)  # noqa: S311 - not for secrets
    with store.write("fill") as tx:
        tx.execute(sa.insert(mailboxes).values(id=1, name="ufficio", last_uid=MESSAGES))
        for start in range(1, MESSAGES + 1, 10_000):
            _fill(tx.connection, range(start, start + 10_000), chance)
    return store


def _fill(connection: sa.Connection, keys: range, chance: random.Random) -> None:
    rows: dict[sa.Table, list[Any]] = {table: [] for table in (cases, messages, decisions, dispatches, samples_table)}
    for key in keys:
        at = NOW - timedelta(minutes=5.2 * (MESSAGES - key))
        held, project = chance.random() < 0.02, chance.choice(PROJECTS)
        sent = not held and chance.random() < 0.6
        rows[cases].append({"id": key, "opened_at": at})
        rows[messages].append(
            {"id": key, "mailbox_id": 1, "uid_validity": 1, "uid": key, "location_uid_validity": 1, "location_uid": key}
            | {"state": "held" if held else "filed", "size": 9_000, "listed_at": at, "received_at": at, "case_id": key}
            | {"sha256": f"{key:064x}", "due_at": at, "generation": 1, "hold_reason": "fiducia_bassa" if held else ""}
        )
        rows[decisions].append(
            {"message_id": key, "generation": 1, "action": "inoltra" if sent else "trattieni", "destination": project}
            | {"territory": project, "topic": chance.choice(("eventi", "ascolto", "rete")), "urgent": False}
            | {"language": chance.choice(("it", "it", "it", "ro", "pa")), "automatic": False, "acknowledge": True}
            | {"confidence": 0.9, "project": project, "address_key": "default", "forward_path": "x@example.org"}
            | {"rules_tried": [], "reasons": [{"code": "x", "params": {"y": "z" * 600}}], "rules_version": "r"}
            | {"model_version": "m", "decided_at": at, "decided_by": "triage"}
        )
        if sent:
            rows[dispatches].append(
                {"message_id": key, "generation": 1, "case_id": key, "kind": "forward", "project": project}
                | {"address_key": "default", "forward_path": "x@example.org", "recipient_key": "k", "priority": 1}
                | {"rfc_message_id": f"<{key}@example.org>", "state": "accepted", "created_at": at, "due_at": at}
                | {"ended_at": at + timedelta(seconds=20)}
            )
            chosen = chance.random() < 0.05
            labelled = chosen and key < MESSAGES - 500
            wrong = labelled and chance.random() < 0.02
            rows[samples_table].append(
                {"message_id": key, "generation": 1, "kind": "automatico", "drawn_at": at, "floor": 0.05}
                | {"probability": 0.05, "chosen": chosen, "project": project, "confidence": 0.9, "model_version": "m"}
                | {"labelled_at": at if labelled else None, "right": not wrong if labelled else None}
            )
    for table, values in rows.items():
        connection.execute(sa.insert(table), values)


def _plan(store: Store, query: sa.Select[tuple[object, ...]]) -> str:
    with store.read("plan") as tx:
        text = str(query.compile(tx.connection, compile_kwargs={"literal_binds": True}))
        return " | ".join(str(row[3]) for row in tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}"))


def test_volumes_and_states_are_counted_from_indexes_alone(large: Store) -> None:
    assert "COVERING INDEX ix_decisions_volumes" in _plan(large, figures.volumes_query(NOW - timedelta(days=7), NOW))
    assert "COVERING INDEX" in _plan(large, figures.states_query())


def test_times_and_what_waits_read_no_whole_table(large: Store) -> None:
    forwards = _plan(large, figures.forward_times_query())
    assert "ix_dispatches_kind_ended" in forwards
    assert "SCAN" not in forwards
    assert "SCAN" not in _plan(large, figures.waiting_query(NOW, [timedelta(days=1)]))
    assert "ix_settlements_at" in _plan(large, figures.held_times_query())


def test_everything_that_the_pages_of_numbers_ask_takes_less_than_a_page_may(
    large: Store, record_property: Callable[[str, object], None]
) -> None:
    def trends() -> None:
        with large.read("trends") as tx:
            for week in range(12):
                end = NOW - timedelta(weeks=week)
                figures.volumes(tx, end - timedelta(weeks=1), end)
            figures.forward_times(tx)
            figures.held_times(tx)
            figures.waiting(tx, [timedelta(days=1), timedelta(days=3)])
            figures.states(tx)

    def checks() -> None:
        with large.read("checks") as tx:
            samples.count_to_label(tx)
            for project in PROJECTS:
                audit_of(tx, project, None)
            audit_of_all(tx, PROJECTS, {})

    for name, ask in (("andamento", trends), ("controlli", checks)):
        best = min(_milliseconds(ask) for _ in range(5))
        record_property(FIGURES, f"{name}: {best:.0f} ms for its questions at {MESSAGES} messages")
        assert best < MILLISECONDS * slowness()


def _milliseconds(ask: Callable[[], None]) -> float:
    """Of this process alone: the machine may be busy with other tests."""
    begun = time.process_time()
    ask()
    return 1000 * (time.process_time() - begun)
