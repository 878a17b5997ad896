"""What is done is searched by indexes: comune, project, topic, author, day; a case's mail and notices are found by one.

Decisions keep the comune that they went by.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0005_d"
down_revision = "0005_z"
branch_labels = None
depends_on = None

_BATCH = 1000


def upgrade() -> None:
    op.add_column("decisions", sa.Column("comune", sa.String(length=64), nullable=True))
    _fill()
    op.create_index("ix_decisions_comune", "decisions", ["comune", "message_id"])
    op.create_index("ix_decisions_project", "decisions", ["project", "message_id"])
    op.create_index("ix_decisions_topic", "decisions", ["topic", "message_id"])
    op.create_index("ix_messages_author_key", "messages", ["author_key", "id"])
    op.create_index("ix_messages_listed_at", "messages", ["listed_at", "id"])
    op.create_index("ix_dispatches_case", "dispatches", ["case_id"])
    op.create_index("ix_staff_notices_message", "staff_notices", ["message_id"])
    op.create_index("ix_staff_notices_case", "staff_notices", ["case_id"])


def _fill() -> None:
    """The comune of earlier decisions, read from their reasons as ``triage.record.comuni`` reads them."""
    connection = op.get_bind()
    query = sa.text(
        "SELECT message_id, generation, reasons FROM decisions WHERE (message_id > :m OR (message_id = :m AND "
        "generation > :g)) ORDER BY message_id, generation LIMIT :n"
    )
    update = sa.text("UPDATE decisions SET comune = :c WHERE message_id = :m AND generation = :g")
    at = (0, 0)
    while rows := connection.execute(query, {"m": at[0], "g": at[1], "n": _BATCH}).all():
        found = [{"m": m, "g": g, "c": comune} for m, g, raw in rows if (comune := _comune(raw))]
        if found:
            connection.execute(update, found)
        at = (rows[-1][0], rows[-1][1])


def _comune(raw: object) -> str:
    reasons = json.loads(raw) if isinstance(raw, str) else raw
    named = [
        (reason["code"] != "luogo_scelto", str(reason["params"]["comune"]))
        for reason in (reasons if isinstance(reasons, list) else ())
        if str(reason["code"]).startswith("luogo") and reason["params"].get("comune")
    ]
    return min(named, key=lambda one: one[0], default=(True, ""))[1]
