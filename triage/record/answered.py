"""What staff wrote to a family has left: its message is done, and may be moved away."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.dispatches import DispatchRow
from triage.record.store import Transaction
from triage.record.tables import messages
from triage.vocabulary import MessageState


def mark_answered(tx: Transaction, rows: Sequence[DispatchRow]) -> None:
    """The answers of these were accepted."""
    changes = []
    for row in rows:
        done = tx.execute(
            sa.update(messages)
            .where(messages.c.id == row.message_id, messages.c.state == MessageState.DECIDED)
            .where(messages.c.generation == row.generation)
            .values(file_step="ready", due_at=tx.now)
        )
        if done.rowcount:
            changes.append(Change("message", row.message_id, "answered", params={"kind": row.kind}))
    write_changes(tx, changes)
