"""What a record that was made from a backup must know: what another machine may have dealt with since."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.record.utc import UtcDateTime

revision = "0011_o"
down_revision = "0010_d"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("mailboxes") as batch:
        batch.add_column(sa.Column("restored_at", UtcDateTime(), nullable=True))
        batch.add_column(sa.Column("restored_uid_validity", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("restored_below", sa.BigInteger(), nullable=True))
    op.create_table(
        "filed_elsewhere",
        sa.Column("mailbox_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("folder", sa.String(length=255), nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("message_id_key", sa.String(length=64), nullable=True),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["mailbox_id"], ["mailboxes.id"], name=op.f("fk_filed_elsewhere_mailbox_id")),
        sa.PrimaryKeyConstraint("mailbox_id", "folder", "uid_validity", "uid", name=op.f("pk_filed_elsewhere")),
    )
    op.create_index("ix_filed_elsewhere_sha256", "filed_elsewhere", ["sha256"])
    op.create_index("ix_filed_elsewhere_message_id_key", "filed_elsewhere", ["message_id_key"])
