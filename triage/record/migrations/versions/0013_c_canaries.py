"""Messages that the service writes to its own mailboxes, and how far each has come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.record.utc import UtcDateTime

revision = "0013_c"
down_revision = "0012_g"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "canaries",
        sa.Column("id", _ID, nullable=False),
        sa.Column("mailbox_id", _ID, nullable=False),
        sa.Column("rfc_message_id", sa.String(length=255), nullable=False),
        sa.Column("planned_at", UtcDateTime(), nullable=False),
        sa.Column("given_up_at", UtcDateTime(), nullable=True),
        sa.Column("message_id", _ID, nullable=True),
        sa.Column("seen_at", UtcDateTime(), nullable=True),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailboxes.id"], name=op.f("fk_canaries_mailbox_id")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_canaries_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canaries")),
        sa.UniqueConstraint("rfc_message_id", name=op.f("uq_canaries_rfc_message_id")),
    )
    op.create_index("ix_canaries_mailbox_planned", "canaries", ["mailbox_id", "planned_at"])
