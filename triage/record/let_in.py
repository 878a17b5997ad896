"""A person's word: mail of before the first look enters after all, and what waits goes its way again."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.incidents import close_incident
from triage.record.mailboxes import MailboxRow
from triage.record.messages import COLUMNS, MessageRow, change_state, row_of
from triage.record.returned import RETURNED_FORWARD
from triage.record.store import Transaction
from triage.record.tables import messages
from triage.vocabulary import MessageState

BACKLOG, PERSON = "backlog", "person"
"""Who let a message go its way (``let_in_by``): ``--backlog``, or a person's retry."""


def send_again(tx: Transaction, row: MessageRow, to_state: MessageState) -> None:
    """A person wants this one to go through the flow again, wherever it lies and whatever it resembles."""
    close_incident(tx, RETURNED_FORWARD, str(row.id))
    change_state(
        tx,
        row,
        to_state,
        "retried",
        tries=0,
        due_at=tx.now,
        hold_reason="",
        same_as=None,
        gone_at=None,
        present_at=tx.now,
        let_in_by=PERSON,
    )


def release_baseline(tx: Transaction, mailbox: MailboxRow, uids: Sequence[int]) -> int:
    """``--backlog``: let baselined messages enter the flow after all; how many."""
    query = sa.select(*COLUMNS).where(
        messages.c.mailbox_id == mailbox.id,
        messages.c.uid_validity == mailbox.uid_validity,
        messages.c.uid.in_(list(uids)),
        messages.c.state == MessageState.BASELINE,
    )
    rows = [row_of(row) for row in tx.execute(query).mappings()]
    if rows:
        tx.execute(
            sa.update(messages)
            .where(messages.c.id.in_([row.id for row in rows]))
            .values(state=MessageState.LISTED, due_at=tx.now, let_in_by=BACKLOG)
        )
    write_changes(
        tx, [Change("message", row.id, "backlog", MessageState.BASELINE, MessageState.LISTED) for row in rows]
    )
    return len(rows)


def put_back_let_in(tx: Transaction, message_id: int, who: str) -> None:
    """Who had let it go its way before an act that is undone; empty: nobody."""
    tx.execute(sa.update(messages).where(messages.c.id == message_id).values(let_in_by=who or None))
