"""What a probe proved of a mailbox; question and notice of a new centre, each at most once a case."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.record.utc import UtcDateTime

revision = "0004_k"
down_revision = "0004_r"
branch_labels = None
depends_on = None

ONE_A_CASE = "kind IN ('acknowledgement', 'question', 'reroute')"


def upgrade() -> None:
    op.add_column("mailboxes", sa.Column("probed_at", UtcDateTime(), nullable=True))
    op.add_column("mailboxes", sa.Column("probed_account", sa.String(length=320), nullable=True))
    op.add_column("mailboxes", sa.Column("probed_folder", sa.String(length=255), nullable=True))
    op.add_column("mailboxes", sa.Column("return_path_written", sa.Boolean(), nullable=True))
    op.add_column("mailboxes", sa.Column("plus_delivered", sa.Boolean(), nullable=True))
    op.add_column("dispatches", sa.Column("asks", sa.Boolean(), nullable=True))
    op.drop_index("uq_dispatches_one_acknowledgement", "dispatches")
    op.create_index(
        "uq_dispatches_one_a_case",
        "dispatches",
        ["case_id", "kind"],
        unique=True,
        sqlite_where=sa.text(ONE_A_CASE),
        postgresql_where=sa.text(ONE_A_CASE),
    )
