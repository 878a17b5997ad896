"""Comuni that ATS has ticked on the page as certainly belonging to a project's area."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.record.utc import UtcDateTime

revision = "0014_g"
down_revision = "0013_c"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "confirmed_comuni",
        sa.Column("project", sa.String(length=64), nullable=False),
        sa.Column("comune", sa.String(length=64), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_by", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("project", "comune", name=op.f("pk_confirmed_comuni")),
    )
