"""Tables of everything that happened, and of what is wrong now."""

from __future__ import annotations

import sqlalchemy as sa

from triage.record.tables.naming import Identity, metadata
from triage.record.utc import UtcDateTime

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("subject", sa.String(16), nullable=False),
    sa.Column("subject_id", sa.BigInteger, nullable=False),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("from_state", sa.String(16), nullable=False, default=""),
    sa.Column("to_state", sa.String(16), nullable=False, default=""),
    sa.Column("params", sa.JSON, nullable=False),
    sa.Index("ix_audit_subject", "subject", "subject_id", "id"),
)

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(64), nullable=False),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("last_seen_at", UtcDateTime, nullable=False),
    sa.Column("times", sa.Integer, nullable=False, default=1),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("detail", sa.String(255), nullable=False, default=""),
    # When somebody was first told of it; one that only came back has the time of its forerunner.
    sa.Column("told_at", UtcDateTime),
    # The report that tells its end (``triage.record.told_incidents``).
    sa.Column("over_report", sa.Integer),
    sa.Index(
        "uq_incidents_open",
        "kind",
        "subject",
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    ),
)

canaries = sa.Table(
    "canaries",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("mailbox_id", sa.ForeignKey("mailboxes.id"), nullable=False),
    sa.Column("rfc_message_id", sa.String(255), nullable=False, unique=True),
    sa.Column("planned_at", UtcDateTime, nullable=False),
    # Nobody waits for it any more; it may arrive all the same.
    sa.Column("given_up_at", UtcDateTime),
    sa.Column("message_id", sa.ForeignKey("messages.id")),
    sa.Column("seen_at", UtcDateTime),
    sa.Column("removed_at", UtcDateTime),
    sa.Index("ix_canaries_mailbox_planned", "mailbox_id", "planned_at"),
)
"""Messages that we write to our own mailboxes, the newest days of them (``triage.record.canaries``)."""
