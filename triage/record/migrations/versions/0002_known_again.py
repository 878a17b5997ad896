"""Mailboxes are known by account and folder; a person's word on a message, and another instance's marker, are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.record.utc import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mailboxes", sa.Column("account", sa.String(length=320), nullable=True))
    op.add_column("mailboxes", sa.Column("folder", sa.String(length=255), nullable=True))
    op.add_column("mailboxes", sa.Column("refused_at", UtcDateTime(), nullable=True))
    op.add_column("messages", sa.Column("let_in_by", sa.String(length=16), nullable=True))
    op.drop_index("ix_messages_message_id_key", "messages")
    op.create_index("ix_messages_message_id_state", "messages", ["message_id_key", "state", "mailbox_id"])
