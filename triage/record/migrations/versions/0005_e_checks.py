"""The random sample of forwards, the modes that people choose on the page, and an index to count volumes by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.record.utc import UtcDateTime

revision = "0005_e"
down_revision = "0005_d"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_index(
        "ix_decisions_volumes", "decisions", ["generation", "decided_at", "destination", "topic", "language", "action"]
    )
    op.create_table(
        "samples",
        sa.Column("id", _ID, nullable=False),
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("drawn_at", UtcDateTime(), nullable=False),
        sa.Column("floor", sa.Float(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("chosen", sa.Boolean(), nullable=False),
        sa.Column("project", sa.String(length=64), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("model_version", sa.String(length=64), nullable=False),
        sa.Column("opened_by", _ID, nullable=True),
        sa.Column("opened_until", UtcDateTime(), nullable=True),
        sa.Column("labelled_at", UtcDateTime(), nullable=True),
        sa.Column("person_id", _ID, nullable=True),
        sa.Column("territory", sa.String(length=64), nullable=False),
        sa.Column("comune", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=32), nullable=False),
        sa.Column("destination", sa.String(length=64), nullable=False),
        sa.Column("right", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_samples_message_id")),
        sa.ForeignKeyConstraint(["opened_by"], ["people.id"], name=op.f("fk_samples_opened_by")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_samples_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_samples")),
        sa.UniqueConstraint("message_id", name=op.f("uq_samples_message_id")),
    )
    op.create_index("ix_samples_project", "samples", ["project", "id", "drawn_at", "floor"])
    op.create_index(
        "ix_samples_chosen",
        "samples",
        ["kind", "project", "labelled_at", "id"],
        sqlite_where=sa.text("chosen = 1"),
        postgresql_where=sa.text("chosen"),
    )
    op.create_index(
        "ix_samples_wrong",
        "samples",
        ["project", "id"],
        sqlite_where=sa.text('"right" IS 0'),
        postgresql_where=sa.text('"right" IS false'),
    )
    op.create_table(
        "mode_switches",
        sa.Column("project", sa.String(length=64), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("file_mode", sa.String(length=16), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.String(length=64), nullable=False),
        sa.Column("reason_code", sa.String(length=24), nullable=False),
        sa.Column("drift_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("project", name=op.f("pk_mode_switches")),
    )
