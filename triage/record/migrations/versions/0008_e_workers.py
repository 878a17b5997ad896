"""Which workers share the record: a row each, for as long as its lease runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.record.utc import UtcDateTime

revision = "0008_e"
down_revision = "0007_k"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "workers",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
