"""What a server calls our message is kept, and how much of a message a forward had to leave out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_f"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dispatches", sa.Column("given_message_id", sa.String(length=255), nullable=True))
    op.add_column("dispatches", sa.Column("left_out", sa.Integer(), nullable=True))
    op.create_index("ix_dispatches_given_message_id", "dispatches", ["given_message_id"])
