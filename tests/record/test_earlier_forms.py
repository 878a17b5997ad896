"""A record of any earlier form, with the rows that it can hold, is brought to this one and closes its ledger."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.operate.records import ledger_of, make_busy
from tests.record.builders import MovedClock, decided, rows_of, send_all
from triage import record
from triage.record import Store, Transaction
from triage.record.schema import newest_revision, revision_of, upgrade
from triage.record.snapshot import columns, put_back, rows, tables


def _earlier() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(Path(record.__file__).parent / "migrations"))
    steps = list(ScriptDirectory.from_config(config).walk_revisions())
    return [step.revision for step in reversed(steps)][:-1]


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """The rows of today's form, of which each earlier one takes what it has columns for."""
    return sqlite_url


@pytest.mark.slow
@pytest.mark.parametrize("revision", _earlier())
def test_a_record_of_each_earlier_form_opens_and_closes(
    revision: str, store: Store, tmp_path: Path, clock: MovedClock
) -> None:
    before = make_busy(store)
    old = Store(f"sqlite:///{tmp_path / 'old.sqlite3'}", clock)
    with old.write("made then") as tx:
        upgrade(tx.connection, revision)
        assert revision_of(tx.connection) == revision
        _fill(tx, before)
    old.migrate()
    with old.read("form") as tx:
        assert revision_of(tx.connection) == newest_revision()
    assert len(rows_of(old)) == len(rows_of(before))
    assert ledger_of(old) == ()
    (fresh,) = decided(old)
    assert send_all(old) >= 1
    assert fresh == max(row.id for row in rows_of(old))
    old.close()


def _fill(tx: Transaction, source: Store) -> None:
    there = sa.inspect(tx.connection)
    with source.read("rows") as old:
        for table in tables():
            if not there.has_table(table):
                continue
            had = {column["name"] for column in there.get_columns(table)}
            kept = [place for place, (name, _) in enumerate(columns(table)) if name in had]
            assert kept
            put_back(
                tx,
                table,
                [columns(table)[place] for place in kept],
                ([row[place] for place in kept] for row in rows(old, table)),
            )
