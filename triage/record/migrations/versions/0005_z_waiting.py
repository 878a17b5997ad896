"""What waits for a person is listed by an index."""

from __future__ import annotations

from alembic import op

revision = "0005_z"
down_revision = "0005_review"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_messages_waiting", "messages", ["state", "urgent", "id", "hold_reason"])
