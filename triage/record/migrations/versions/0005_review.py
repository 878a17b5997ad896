"""What people do about messages: settlements, exceptions, the register of misroutes, tests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from triage.record.utc import UtcDateTime

revision = "0005_review"
down_revision = "0005_a"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_ONE_A_CASE = "kind IN ('acknowledgement', 'question', 'reroute') AND withdrawn IS NULL"


def upgrade() -> None:
    op.add_column("dispatches", sa.Column("withdrawn", sa.Boolean(), nullable=True))
    op.drop_index("uq_dispatches_one_a_case", table_name="dispatches")
    op.create_index(
        "uq_dispatches_one_a_case",
        "dispatches",
        ["case_id", "kind"],
        unique=True,
        sqlite_where=sa.text(_ONE_A_CASE),
        postgresql_where=sa.text(_ONE_A_CASE),
    )
    op.create_table(
        "settlements",
        sa.Column("id", _ID, nullable=False),
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("person_id", _ID, nullable=True),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("exit", sa.String(length=16), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("territory", sa.String(length=64), nullable=False),
        sa.Column("comune", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=32), nullable=False),
        sa.Column("project", sa.String(length=64), nullable=False),
        sa.Column("address_key", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("teaches", sa.String(length=16), nullable=False),
        sa.Column("undo_until", UtcDateTime(), nullable=True),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_settlements_message_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_settlements_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlements")),
    )
    op.create_index("ix_settlements_at", "settlements", ["at"])
    op.create_index("ix_settlements_message_id", "settlements", ["message_id", "id"])
    op.create_table(
        "staff_texts",
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_staff_texts_message_id")),
        sa.PrimaryKeyConstraint("message_id", "generation", name=op.f("pk_staff_texts")),
    )
    op.create_table(
        "openings",
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_openings_message_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_openings_person_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_openings")),
    )
    op.create_table(
        "exceptions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("sender_key", sa.String(length=64), nullable=False),
        sa.Column("phrase", sa.String(length=200), nullable=False),
        sa.Column("comune", sa.String(length=64), nullable=False),
        sa.Column("territory", sa.String(length=64), nullable=False),
        sa.Column("read_comune", sa.String(length=64), nullable=False),
        sa.Column("read_territory", sa.String(length=64), nullable=False),
        sa.Column("read_topic", sa.String(length=32), nullable=False),
        sa.Column("topic", sa.String(length=32), nullable=False),
        sa.Column("project", sa.String(length=64), nullable=False),
        sa.Column("address_key", sa.String(length=64), nullable=False),
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_exceptions_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exceptions")),
    )
    op.create_index("ix_exceptions_expires_at", "exceptions", ["expires_at"])
    op.create_index("ix_exceptions_sender_key", "exceptions", ["sender_key"])
    op.create_table(
        "misroutes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("case_id", _ID, nullable=False),
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("settlement_id", _ID, nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("found_by", sa.String(length=64), nullable=False),
        sa.Column("wrong_project", sa.String(length=64), nullable=False),
        sa.Column("wrong_dispatch_id", _ID, nullable=False),
        sa.Column("right_project", sa.String(length=64), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("recall_dispatch_id", _ID, nullable=True),
        sa.Column("recall_answer", sa.String(length=16), nullable=False),
        sa.Column("recall_answered_at", UtcDateTime(), nullable=True),
        sa.Column("family_told", sa.String(length=24), nullable=False),
        sa.Column("note_code", sa.String(length=16), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_misroutes_case_id")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_misroutes_message_id")),
        sa.ForeignKeyConstraint(["settlement_id"], ["settlements.id"], name=op.f("fk_misroutes_settlement_id")),
        sa.ForeignKeyConstraint(["wrong_dispatch_id"], ["dispatches.id"], name=op.f("fk_misroutes_wrong_dispatch_id")),
        sa.ForeignKeyConstraint(
            ["recall_dispatch_id"], ["dispatches.id"], name=op.f("fk_misroutes_recall_dispatch_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_misroutes")),
    )
    op.create_index("ix_misroutes_case_id", "misroutes", ["case_id"])
    op.create_index("ix_misroutes_found_at", "misroutes", ["found_at", "id"])
    op.create_table(
        "address_tests",
        sa.Column("id", _ID, nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("project", sa.String(length=64), nullable=False),
        sa.Column("address_key", sa.String(length=64), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("rfc_message_id", sa.String(length=255), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_tests")),
        sa.UniqueConstraint("rfc_message_id", name=op.f("uq_address_tests_rfc_message_id")),
        sa.UniqueConstraint("code", name=op.f("uq_address_tests_code")),
    )
    op.create_index("ix_address_tests_project", "address_tests", ["project", "address_key", "id"])
    op.create_table(
        "rescored",
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("destination", sa.String(length=64), nullable=False),
        sa.Column("project", sa.String(length=64), nullable=False),
        sa.Column("territory", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=32), nullable=False),
        sa.Column("why", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_rescored_message_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_rescored")),
    )
    op.create_table(
        "acknowledgement_holds",
        sa.Column("case_id", _ID, nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_acknowledgement_holds_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_acknowledgement_holds")),
    )
