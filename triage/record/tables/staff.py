"""Tables of what staff and projects are told by the service itself, who has what in hand, and which destinations work.

They stand apart because nothing of the flow of a message needs them: without a row here every
message goes its way.
"""

from __future__ import annotations

import sqlalchemy as sa

from triage.record.tables.naming import Identity, metadata
from triage.record.utc import UtcDateTime

in_charge = sa.Table(
    "in_charge",
    metadata,
    sa.Column("message_id", sa.ForeignKey("messages.id"), primary_key=True, autoincrement=False),
    # When the on-call contact was to be told; empty: a message in hand that nobody was called for.
    sa.Column("raised_at", UtcDateTime),
    # The instant from which the steps' waits count: later than raised_at once a contact was skipped.
    sa.Column("base_at", UtcDateTime),
    sa.Column("step", sa.Integer, nullable=False, default=0),
    sa.Column("due_at", UtcDateTime),
    # The contact of the last step cannot be reached: the next one is called at once.
    sa.Column("refused", sa.Boolean, nullable=False, default=False),
    sa.Column("taken_at", UtcDateTime),
    sa.Column("taken_by", sa.String(64), nullable=False, default=""),
    sa.Index("ix_in_charge_due_at", "due_at"),
)
"""Who has a message in hand, and the calls that go on until somebody has (``triage.record.charge``)."""

staff_notices = sa.Table(
    "staff_notices",
    metadata,
    sa.Column("id", Identity, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject", sa.String(96), nullable=False),
    sa.Column("step", sa.Integer, nullable=False, default=0),
    sa.Column("channel", sa.String(8), nullable=False),
    sa.Column("recipient", sa.String(320), nullable=False, default=""),
    sa.Column("message_id", sa.ForeignKey("messages.id")),
    sa.Column("case_id", sa.ForeignKey("cases.id")),
    sa.Column("project", sa.String(64), nullable=False, default=""),
    sa.Column("rfc_message_id", sa.String(255), nullable=False, unique=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("code", sa.Integer, nullable=False, default=0),
    sa.Column("reason", sa.String(40), nullable=False, default=""),
    sa.Column("lease_owner", sa.String(64)),
    sa.Column("lease_epoch", sa.Integer, nullable=False, default=0),
    sa.Column("lease_until", UtcDateTime),
    # However many workers plan: a step, a reminder, a digest, a report of incidents is there once.
    sa.Index("uq_staff_notices_once", "kind", "subject", "step", unique=True),
    sa.Index("ix_staff_notices_state_due", "state", "due_at", "id"),
    sa.Index("ix_staff_notices_message", "message_id"),
    sa.Index("ix_staff_notices_case", "case_id"),
)
"""One row for each thing that staff or a project is told (``triage.record.staff_notices``)."""

destinations = sa.Table(
    "destinations",
    metadata,
    sa.Column("address", sa.String(320), primary_key=True),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("why", sa.String(24), nullable=False, default=""),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("changed_by", sa.String(64), nullable=False, default=""),
    sa.Column("failing_days", sa.Integer, nullable=False, default=0),
    sa.Column("failed_at", UtcDateTime),
    sa.Column("status", sa.String(16), nullable=False, default=""),
    # When something was accepted after the last failure: two days later the address counts as well.
    sa.Column("accepted_at", UtcDateTime),
)
"""Health of the projects' addresses (``triage.record.destinations``)."""

project_charges = sa.Table(
    "project_charges",
    metadata,
    sa.Column("case_id", sa.ForeignKey("cases.id"), primary_key=True, autoincrement=False),
    sa.Column("project", sa.String(64), primary_key=True),
    sa.Column("taken_at", UtcDateTime, nullable=False),
)
"""Cases that a project has said to have taken in charge, by the link in its forward."""
