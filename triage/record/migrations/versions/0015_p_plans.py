"""SQLite chooses its indexes by fixed statistics; without any it read all of history for some look-ups.

SQLite guesses ten rows under every index, also under a state in which all mail of years ends. These are the numbers of
a record of a million messages, with so many rows of a state as are asked for (few: what waits, what leaves). So a
look-up by messages or cases goes by these. ``ANALYZE`` would count averages instead, under which what waits looks as
frequent as what is over (https://www.sqlite.org/lang_analyze.html, "the sqlite_stat1 table can be edited").
PostgreSQL counts by itself.
"""

from __future__ import annotations

from alembic import op

revision = "0015_p"
down_revision = "0014_g"
branch_labels = None
depends_on = None

_STATISTICS = (
    ("dispatches", "ix_dispatches_state_due", "1000000 2000 1000 2 1"),
    ("dispatches", "ix_dispatches_kind_ended", "1000000 100000 2"),
    ("dispatches", "ix_dispatches_recipient", "1000000 3 2 1"),
    ("dispatches", "ix_dispatches_message", "1000000 1"),
    ("dispatches", "ix_dispatches_case", "1000000 2"),
    ("dispatches", "ix_dispatches_given_message_id", "1000000 1"),
    ("messages", "sqlite_autoindex_messages_1", "1000000 20000 10000 1"),
    ("messages", "ix_messages_state_due", "1000000 2000 2 1"),
    ("messages", "ix_messages_mailbox_state", "1000000 20000 2000 2"),
    ("messages", "ix_messages_waiting", "1000000 2000 1000 1 1"),
    ("messages", "ix_messages_sha256", "1000000 1"),
    ("messages", "ix_messages_message_id_state", "1000000 1 1 1"),
    ("messages", "ix_messages_content_key", "1000000 1"),
    ("messages", "ix_messages_case_id", "1000000 2"),
    ("messages", "ix_messages_author_key", "1000000 3 1"),
    ("messages", "ix_messages_listed_at", "1000000 2 1"),
    ("decisions", "ix_decisions_comune", "1000000 5000 2"),
    ("decisions", "ix_decisions_project", "1000000 200000 2"),
    ("decisions", "ix_decisions_topic", "1000000 100000 2"),
    ("decisions", "ix_decisions_volumes", "1000000 500000 2 2 1 1 1"),
)
"""Table, index, and rows altogether, then under one value of its first column, of its first two, and so on."""


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    connection.exec_driver_sql("ANALYZE sqlite_schema")  # makes the table, reads no row of ours
    connection.exec_driver_sql("DELETE FROM sqlite_stat1")
    for row in _STATISTICS:
        connection.exec_driver_sql("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", row)
    connection.exec_driver_sql("ANALYZE sqlite_schema")
