"""From nothing to the tables that the code expects, however many workers start at once."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from tests.record.builders import MovedClock, count, message, received
from triage import record
from triage.clock import SystemClock
from triage.record import Store, StoreError
from triage.record.mailboxes import mailbox_row_if_known
from triage.record.tables import audit, metadata


def _differences(url: str) -> list[Any]:
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            )
            return list(compare_metadata(context, metadata))
    finally:
        engine.dispose()


def _index_conditions(url: str) -> dict[str, str]:
    engine = sa.create_engine(url)
    try:
        found = {}
        for table in metadata.tables:
            for index in sa.inspect(engine).get_indexes(table):
                where = index.get("dialect_options", {}).get(f"{engine.dialect.name}_where")
                if where is not None:
                    found[str(index["name"])] = str(where)
        return found
    finally:
        engine.dispose()


@pytest.fixture
def store_url(bare_store_url: str) -> str:
    """Here every record begins with nothing."""
    return bare_store_url


@pytest.fixture
def unmigrated(open_store: Callable[[], Store]) -> Store:
    return open_store()


def test_migrating_nothing_gives_exactly_the_tables_of_the_code(unmigrated: Store, store_url: str) -> None:
    unmigrated.migrate()
    assert _differences(store_url) == []


def test_every_module_that_declares_tables_is_compared() -> None:
    """What no module of ``tables`` imports would not be compared."""
    folder = Path(record.__file__).parent
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.py") if "migrations" not in path.parts]
    assert {name for text in texts for name in re.findall(r'= sa\.Table\(\s*"(\w+)"', text)} == set(metadata.tables)


def test_the_comparison_of_tables_would_notice_a_missing_column(unmigrated: Store, store_url: str) -> None:
    unmigrated.migrate()
    engine = sa.create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE messages DROP COLUMN comune_given"))
    engine.dispose()
    assert [step[0] for step in _differences(store_url)] == ["add_column"]


def test_the_partial_unique_indexes_have_their_conditions(unmigrated: Store, store_url: str) -> None:
    unmigrated.migrate()
    conditions = _index_conditions(store_url)
    assert set(conditions) == {
        *("ix_protocol_entries_waiting", "ix_samples_chosen", "ix_samples_wrong"),
        *("uq_dispatches_one_a_case", "uq_incidents_open"),
    }
    assert "acknowledgement" in conditions["uq_dispatches_one_a_case"]
    assert "closed_at IS NULL" in conditions["uq_incidents_open"]


def test_migrating_again_changes_nothing_and_keeps_what_is_there(store: Store, store_url: str) -> None:
    store.migrate()
    (key,) = received(store, 1)
    before = (message(store, key), count(store, audit))
    store.migrate()
    store.migrate()
    assert (message(store, key), count(store, audit)) == before
    assert _differences(store_url) == []


def test_a_record_that_was_not_migrated_says_so_as_a_store_error(unmigrated: Store) -> None:
    with pytest.raises(StoreError), unmigrated.read("look") as tx:
        tx.execute(sa.select(audit.c.id))


def test_a_record_of_the_first_tables_is_brought_up_to_date_with_its_rows(unmigrated: Store, store_url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(record.__file__).parent / "migrations"))
    engine = sa.create_engine(store_url)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            sa.text(
                "INSERT INTO mailboxes (id, name, last_uid, resync_below, marker, marker_next, lease_epoch)"
                " VALUES (1, 'generale', 7, 0, '', '', 0)"
            )
        )
        connection.commit()
    engine.dispose()
    unmigrated.migrate()
    assert _differences(store_url) == []
    with unmigrated.read("look") as tx:
        row = mailbox_row_if_known(tx, "generale")
    assert row is not None
    assert (row.last_uid, row.account, row.refused_at) == (7, None, None)


def _migrate(url: str, barrier: Any, results: Any) -> None:
    store = Store(url, SystemClock())
    barrier.wait(30)
    try:
        store.migrate()
        results.put("migrated")
    except BaseException as error:  # noqa: BLE001 - the parent asserts on whatever it was
        results.put(repr(error))
    finally:
        store.close()


def test_two_processes_may_migrate_at_once(store_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    barrier, results = spawn.Barrier(3), spawn.Queue()
    workers = [spawn.Process(target=_migrate, args=(store_url, barrier, results)) for _ in range(3)]
    for worker in workers:
        worker.start()
    outcomes = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(30)
    assert outcomes == ["migrated"] * 3
    assert _differences(store_url) == []


def test_a_migration_that_is_cut_off_leaves_nothing_behind(store_url: str, clock: MovedClock) -> None:
    """Killed between two tables, the next start finds a record that it can migrate."""
    store = Store(store_url, clock)
    made = []

    def cut_off(_table: sa.Table, connection: sa.Connection, **_options: object) -> None:
        made.append(_table.name)
        if len(made) == 5:
            raise ConnectionAbortedError

    sa.event.listen(sa.Table, "after_create", cut_off)
    try:
        with pytest.raises(ConnectionAbortedError):
            store.migrate()
    finally:
        sa.event.remove(sa.Table, "after_create", cut_off)
        store.close()
    engine = sa.create_engine(store_url)
    assert sa.inspect(engine).get_table_names() == []
    engine.dispose()
    again = Store(store_url, clock)
    again.migrate()
    again.close()
    assert _differences(store_url) == []
