"""Tables of what leaves, of each try to send it, and of what came back about it."""

from __future__ import annotations

import sqlalchemy as sa

from triage.record.encrypted import EncryptedAddress, EncryptedText
from triage.record.tables.naming import Identity, metadata
from triage.record.utc import UtcDateTime

ONE_A_CASE = "kind IN ('acknowledgement', 'question', 'reroute') AND withdrawn IS NULL"
"""The kinds of ``vocabulary.TO_FAMILIES``, as the condition of their unique index; what was undone does not count."""

dispatches = sa.Table(
    "dispatches",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("message_id", sa.ForeignKey("messages.id"), nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("case_id", sa.ForeignKey("cases.id"), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("address_key", sa.String(64), nullable=False),
    sa.Column("forward_path", EncryptedAddress("dispatches.forward_path", 320), nullable=False),
    sa.Column("recipient_key", sa.String(64), nullable=False),
    sa.Column("domain_key", sa.String(64), nullable=False, default=""),
    sa.Column("rfc_message_id", sa.String(255), nullable=False, unique=True),
    sa.Column("given_message_id", sa.String(255)),  # what the server put in its place, if its answer tells
    # How much of a message a forward holds no more, because servers refuse its size (``dispatch.policy``).
    sa.Column("left_out", sa.Integer),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("neutral", sa.Boolean, nullable=False, default=False),
    # An acknowledgement that asks for the comune; NULL is no.
    sa.Column("asks", sa.Boolean),
    # A person took it back before it left: the case may have another of its kind. NULL is no.
    sa.Column("withdrawn", sa.Boolean),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("unknowns", sa.Integer, nullable=False, default=0),
    sa.Column("lease_owner", sa.String(64)),
    sa.Column("lease_epoch", sa.Integer, nullable=False, default=0),
    sa.Column("lease_until", UtcDateTime),
    sa.UniqueConstraint("message_id", "generation", "kind", "forward_path"),
    sa.Index("ix_dispatches_state_due", "state", "priority", "due_at", "id"),
    sa.Index("ix_dispatches_recipient", "recipient_key", "kind", "ended_at"),
    sa.Index("ix_dispatches_kind_ended", "kind", "ended_at"),
    sa.Index("ix_dispatches_message", "message_id"),
    sa.Index("ix_dispatches_case", "case_id"),
    sa.Index("ix_dispatches_given_message_id", "given_message_id"),
    # At most one acknowledgement, one question and one notice of a new centre a case, whatever the code
    # does (invariant 5 of the fault matrix).
    sa.Index(
        "uq_dispatches_one_a_case",
        "case_id",
        "kind",
        unique=True,
        sqlite_where=sa.text(ONE_A_CASE),
        postgresql_where=sa.text(ONE_A_CASE),
    ),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("dispatch_id", sa.ForeignKey("dispatches.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("worker", sa.String(64), nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("outcome", sa.String(16)),
    sa.Column("stage", sa.String(16), nullable=False, default=""),
    sa.Column("code", sa.Integer, nullable=False, default=0),
    sa.Column("enhanced_status", sa.String(16), nullable=False, default=""),
    sa.Column("reply", EncryptedText("attempts.reply"), nullable=False, default=""),
)

returns = sa.Table(
    "returns",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("message_id", sa.ForeignKey("messages.id"), nullable=False),
    sa.Column("dispatch_id", sa.ForeignKey("dispatches.id"), nullable=False),
    sa.Column("about_message_id", sa.ForeignKey("messages.id"), nullable=False),
    sa.Column("case_id", sa.ForeignKey("cases.id"), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("status", sa.String(16), nullable=False, default=""),
    sa.Column("recorded_at", UtcDateTime, nullable=False),
    sa.Index("ix_returns_about_message_id", "about_message_id"),
    sa.Index("ix_returns_dispatch_id", "dispatch_id"),
)
"""What came back about what was sent (``triage.record.returned``)."""
