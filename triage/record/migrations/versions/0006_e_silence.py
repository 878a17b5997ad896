"""Comparisons on demand, signs of life of each worker's loops, and the ends of incidents that were told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.record.utc import UtcDateTime

revision = "0006_e"
down_revision = "0005_e"
branch_labels = None
depends_on = None


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
