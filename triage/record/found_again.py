"""Messages that the server lists although we believed that they had gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.messages import MessageRow
from triage.record.store import Transaction
from triage.record.tables import messages
from triage.vocabulary import MessageState


@dataclass(frozen=True, slots=True)
class Found:
    """How many are ``back`` (of any other state), ``listed_again`` (had vanished), ``filed`` and yet there."""

    back: int = 0
    listed_again: int = 0
    filed: int = 0

    def __add__(self, other: Found) -> Found:
        return Found(self.back + other.back, self.listed_again + other.listed_again, self.filed + other.filed)


def record_found(tx: Transaction, rows: Sequence[MessageRow]) -> Found:
    """Mend what we believed of these: what had vanished is listed again, what was gone is there.

    A filed message is only counted: what became of it outside is a person's to find out.
    """
    vanished = [row for row in rows if row.state == MessageState.VANISHED]
    filed = [row for row in rows if row.state in (MessageState.FILED, MessageState.ERASED)]
    back = [row for row in rows if row.gone_at is not None and row not in vanished and row not in filed]
    kept = [row.id for row in (*vanished, *back)]
    tx.execute(sa.update(messages).where(messages.c.id.in_(kept)).values(gone_at=None, present_at=tx.now))
    tx.execute(
        sa.update(messages)
        .where(messages.c.id.in_([row.id for row in vanished]), messages.c.state == MessageState.VANISHED)
        .values(state=MessageState.LISTED, tries=0, due_at=tx.now)
    )
    changes = [Change("message", row.id, "found_again", row.state, MessageState.LISTED) for row in vanished]
    changes += [Change("message", row.id, "found_again", row.state, row.state) for row in back]
    write_changes(tx, changes)
    return Found(len(back), len(vanished), len(filed))
