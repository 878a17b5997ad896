"""What is asked for every batch reads the rows that it is about, and not those of all years.

SQLite has no statistics of its own here: it goes by the fixed ones of the record (migration ``0015_p``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.laid import lay_sqlite
from triage.clock import SystemClock
from triage.record import Store, Transaction
from triage.record.acknowledged import acknowledged_before
from triage.record.breaker import Limits, sent_of_mailbox, too_many
from triage.record.decisions import decisions_of
from triage.record.dispatches import forwarded_at, unfinished_forwards
from triage.record.recall import forward_paths_left
from triage.record.returned import forwards_of_cases, recalls_of_cases, sent_of_cases

SOME, MANY = list(range(1, 15)), list(range(1, 501))
PAIRS = [(number, 1) for number in SOME]
ASKED: dict[str, Callable[[Transaction], object]] = {
    "unfinished": lambda tx: unfinished_forwards(tx, SOME),
    "unfinished, of none": lambda tx: unfinished_forwards(tx, []),
    "forwarded": lambda tx: forwarded_at(tx, MANY),
    "forwarded, of none": lambda tx: forwarded_at(tx, []),
    "decisions": lambda tx: decisions_of(tx, PAIRS),
    "paths": lambda tx: forward_paths_left(tx, MANY),
    "forwards of cases": lambda tx: forwards_of_cases(tx, SOME),
    "sent of cases": lambda tx: sent_of_cases(tx, SOME),
    "recalls of cases": lambda tx: recalls_of_cases(tx, SOME),
    "acknowledged": lambda tx: acknowledged_before(tx, ["a"], ["b"], timedelta(days=1)),
    "breaker": lambda tx: too_many(tx, Limits(1, 1)),
    "of a mailbox": lambda tx: sent_of_mailbox(tx, 1),
}
GROWING = (
    "SCAN dispatches",
    "SCAN messages",
    "SCAN decisions",
    "ix_dispatches_kind_ended (kind=?)",
    "(mailbox_id=?)",
)
"""Steps of a plan that read more as years go by."""


@pytest.fixture
def sqlite(tmp_path: Path) -> Store:
    return Store(lay_sqlite(tmp_path / "record.sqlite3"), SystemClock())


@pytest.mark.parametrize("asked", ASKED)
def test_it_is_looked_up_by_what_it_is_about(sqlite: Store, asked: str) -> None:
    plans = plans_of(sqlite, ASKED[asked])
    assert plans
    assert [step for step in plans if any(bad in step for bad in GROWING)] == []
    accepted = [step for step in plans if "ix_dispatches_state_due (state=?)" in step]
    assert not accepted or asked in {"acknowledged", "breaker", "of a mailbox"}, "these ask for what is on the wire"


def test_the_statistics_speak_of_every_index_that_is_not_unique(sqlite: Store) -> None:
    """An index of which nothing is known looks as if ten rows stood under each value, and would be taken."""
    with sqlite.read("indexes") as tx:
        known = set(tx.execute(sa.text("SELECT idx FROM sqlite_stat1")).scalars())
        made = sa.text(
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE 'ix_%' "
            "AND tbl_name IN ('dispatches', 'messages', 'decisions')"
        )
        wanted = set(tx.execute(made).scalars())
    sqlite.close()
    assert wanted
    assert wanted - known == set()
    assert {name for name in known if name.startswith("ix_")} - wanted == set()


def plans_of(store: Store, ask: Callable[[Transaction], object]) -> list[str]:
    """Every step of every statement."""
    steps: list[str] = []

    def look(connection: sa.Connection, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if statement.startswith("SELECT"):
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
            steps.extend(str(row[-1]) for row in rows)

    sa.event.listen(store._engine, "before_cursor_execute", look)
    with store.read("plan") as tx:
        ask(tx)
    store.close()
    return steps
