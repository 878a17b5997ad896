"""Retention: what was erased when, and cases that must be kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.record.utc import UtcDateTime

revision = "0007_k"
down_revision = "0006_e"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "purges",
        sa.Column("id", _ID, nullable=False),
        sa.Column("night", sa.String(length=10), nullable=True),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("octets", sa.BigInteger(), nullable=False),
        sa.Column("replies", sa.Integer(), nullable=False),
        sa.Column("kept_back", sa.Integer(), nullable=False),
        sa.Column("replies_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purges")),
        sa.UniqueConstraint("night", name=op.f("uq_purges_night")),
    )
    op.create_table(
        "legal_holds",
        sa.Column("case_id", _ID, nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_legal_holds_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_legal_holds")),
    )
