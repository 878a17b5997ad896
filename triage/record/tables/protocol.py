"""The table of mail that must be entered in the agency's register of documents."""

from __future__ import annotations

import sqlalchemy as sa

from triage.record.tables.naming import metadata
from triage.record.utc import UtcDateTime

protocol_entries = sa.Table(
    "protocol_entries",
    metadata,
    sa.Column("message_id", sa.ForeignKey("messages.id"), primary_key=True, autoincrement=False),
    sa.Column("marked_at", UtcDateTime, nullable=False),
    sa.Column("why", sa.String(16), nullable=False),
    # Once its original and metadata are in the files of an export; until then it is not erased.
    sa.Column("exported_at", UtcDateTime),
    sa.Column("exported_by", sa.String(64)),
    # As staff give it, when the register has it: "2026/0012345".
    sa.Column("number", sa.String(64)),
    sa.Column("numbered_at", UtcDateTime),
    sa.Column("numbered_by", sa.String(64)),
    sa.Index(
        "ix_protocol_entries_waiting",
        "message_id",
        postgresql_where=sa.text("exported_at IS NULL"),
        sqlite_where=sa.text("exported_at IS NULL"),
    ),
)
"""One row a message, for ever: what was registered stays known when its octets are gone."""
