"""Messages of a stretch of time, newest first, page by page: what other rules would make of them is asked elsewhere."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from triage.record.messages import COLUMNS, MessageRow, row_of
from triage.record.store import Transaction
from triage.record.tables import messages
from triage.vocabulary import MessageState

_DECIDED = (
    MessageState.DECIDED,
    MessageState.FORWARDED,
    MessageState.FILED,
    MessageState.HELD,
)
"""States of messages that rules have had a say in."""


def decided_since(tx: Transaction, since: datetime, before_id: int | None, limit: int) -> list[MessageRow]:
    """Messages received since then that were decided by rules; ``before_id``: only those listed before that one."""
    query = (
        sa.select(*COLUMNS)
        .where(messages.c.state.in_(_DECIDED), messages.c.received_at >= since, messages.c.sha256.is_not(None))
        .where(messages.c.generation > 0)
        .order_by(messages.c.id.desc())
        .limit(limit)
    )
    if before_id is not None:
        query = query.where(messages.c.id < before_id)
    return [row_of(row) for row in tx.execute(query).mappings()]
