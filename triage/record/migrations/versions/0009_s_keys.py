"""Encryption at rest: the record's data keys, and room for texts that are longer when they are locked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.record.utc import UtcDateTime

revision = "0009_s"
down_revision = "0008_e"
branch_labels = None
depends_on = None

_LONGER = (
    ("identity", "value"),
    ("exceptions", "phrase"),
    ("legal_holds", "reason"),
    ("dispatches", "forward_path"),
    ("people", "totp_secret"),
)


def upgrade() -> None:
    op.create_table(
        "data_keys",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("locked", sa.LargeBinary(), nullable=False),
        sa.Column("locked_by", sa.String(length=16), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_keys")),
    )
    if op.get_bind().dialect.name == "postgresql":
        # SQLite takes any length already. PostgreSQL rewrites nothing for this.
        for table, column in _LONGER:
            op.alter_column(table, column, type_=sa.Text())
