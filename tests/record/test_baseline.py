"""What was there before the first look is known again without reading all of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.laid import lay_sqlite
from tests.record.builders import MovedClock, a_mailbox
from triage.record import Store
from triage.record.baseline import baselined, baselined_before

INDEX = "ix_messages_message_id_state (message_id_key=? AND state=?"


@pytest.fixture
def explained(tmp_path: Path) -> Store:
    """A record on SQLite, which knows nothing of how many rows there are: its plans are the same at any size."""
    return Store(lay_sqlite(tmp_path / "plan.db"), MovedClock())


def test_a_look_for_a_message_id_costs_the_same_however_large_the_baseline(explained: Store) -> None:
    mailbox = a_mailbox(explained)
    plans: list[str] = []

    def explain(connection: sa.Connection, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        if "message_id_key IN" in statement and not statement.startswith("EXPLAIN"):
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
            plans.extend(str(row[3]) for row in rows)

    sa.event.listen(explained._engine, "before_cursor_execute", explain)
    with explained.read("plan") as tx:
        baselined(tx, ["a", "b"])
        baselined_before(tx, mailbox, ["a", "b"])
    searched = [plan for plan in plans if "messages" in plan]
    assert len(searched) == 2
    assert all(INDEX in plan for plan in searched), searched
    explained.close()
