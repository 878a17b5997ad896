"""What came back about what was sent, and the comune that a family named when asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.record.utc import UtcDateTime

revision = "0004_r"
down_revision = "0004_f"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("messages", sa.Column("comune_given", sa.String(length=64), nullable=True))
    op.create_table(
        "returns",
        sa.Column("id", _ID, nullable=False),
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("dispatch_id", _ID, nullable=False),
        sa.Column("about_message_id", _ID, nullable=False),
        sa.Column("case_id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_returns_message_id")),
        sa.ForeignKeyConstraint(["dispatch_id"], ["dispatches.id"], name=op.f("fk_returns_dispatch_id")),
        sa.ForeignKeyConstraint(["about_message_id"], ["messages.id"], name=op.f("fk_returns_about_message_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_returns_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_returns")),
    )
    op.create_index("ix_returns_about_message_id", "returns", ["about_message_id"])
    op.create_index("ix_returns_dispatch_id", "returns", ["dispatch_id"])
