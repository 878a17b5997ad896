"""Comparisons on demand."""

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
