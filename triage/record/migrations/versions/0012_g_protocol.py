"""Mail that must be entered in the agency's register of documents, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.record.utc import UtcDateTime

revision = "0012_g"
down_revision = "0011_o"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "protocol_entries",
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("marked_at", UtcDateTime(), nullable=False),
        sa.Column("why", sa.String(length=16), nullable=False),
        sa.Column("exported_at", UtcDateTime(), nullable=True),
        sa.Column("exported_by", sa.String(length=64), nullable=True),
        sa.Column("number", sa.String(length=64), nullable=True),
        sa.Column("numbered_at", UtcDateTime(), nullable=True),
        sa.Column("numbered_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_protocol_entries_message_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_protocol_entries")),
    )
    op.create_index(
        "ix_protocol_entries_waiting",
        "protocol_entries",
        ["message_id"],
        postgresql_where=sa.text("exported_at IS NULL"),
        sqlite_where=sa.text("exported_at IS NULL"),
    )
