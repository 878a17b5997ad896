"""Comparisons on demand, signs of life of loops, ends of incidents that were told, and the hours in which mail came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.record.utc import UtcDateTime

revision = "0006_e"
down_revision = "0005_e"
branch_labels = None
depends_on = None


_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("mailboxes", sa.Column("reconcile_asked_at", UtcDateTime(), nullable=True))
    op.create_table(
        "heartbeats",
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("loop", sa.String(length=80), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("place", "loop", name=op.f("pk_heartbeats")),
    )
    op.add_column("incidents", sa.Column("told_at", UtcDateTime(), nullable=True))
    op.add_column("incidents", sa.Column("over_report", sa.Integer(), nullable=True))
    op.create_table(
        "arrival_hours",
        sa.Column("mailbox_id", _ID, nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailboxes.id"], name=op.f("fk_arrival_hours_mailbox_id")),
        sa.PrimaryKeyConstraint("mailbox_id", "hour", name=op.f("pk_arrival_hours")),
    )
