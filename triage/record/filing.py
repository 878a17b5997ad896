"""What lies where in the mailbox: presence of messages, and moving them away when they are done.

Flags and folders are a courtesy to people. Nothing here decides whether a message was dealt with.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.incidents import NOTICE, PEC_FAILURE, close_incident
from triage.record.mailboxes import MailboxRow
from triage.record.messages import COLUMNS, MessageRow, row_of
from triage.record.store import Transaction
from triage.record.tables import messages
from triage.vocabulary import MessageState

FRESH = timedelta(seconds=60)
"""How long a look at the mailbox counts as recent."""

IN_PROGRESS = (MessageState.RECEIVED, MessageState.DECIDED)
"""States in which a colleague's moving the message away means that they have taken it over."""

AT_REST = (MessageState.HELD, MessageState.QUARANTINED, MessageState.OVERSIZE, MessageState.UNREADABLE)


def due_for_filing(tx: Transaction, mailbox: MailboxRow, limit: int) -> list[MessageRow]:
    """Messages of this mailbox that are done and may be moved: forward accepted and committed."""
    query = (
        sa.select(*COLUMNS)
        .where(messages.c.mailbox_id == mailbox.id, messages.c.file_step != "")
        .where(messages.c.state.in_((MessageState.DECIDED, MessageState.FORWARDED)), messages.c.due_at <= tx.now)
        # After a renumbering: once found again, or once it is certain that it has gone.
        .where(sa.or_(messages.c.location_uid_validity == mailbox.uid_validity, messages.c.gone_at.is_not(None)))
        .order_by(messages.c.id)
        .limit(limit)
    )
    return [row_of(row) for row in tx.execute(query).mappings()]


def record_step(tx: Transaction, rows: Sequence[MessageRow], step: str, folder: str) -> None:
    """Note that copies of these now lie in ``folder`` (``copied``), before anything is flagged."""
    same = _unchanged(tx, rows)
    tx.execute(
        sa.update(messages)
        .where(messages.c.id.in_([row.id for row in same]))
        .values(file_step=step, filed_folder=folder)
    )
    write_changes(tx, [Change("message", row.id, step, row.state, row.state) for row in same])


def record_filed(tx: Transaction, rows: Sequence[MessageRow], folder: str | None, event: str) -> None:
    """These have left the inbox for ``folder`` (``None``: somebody else had moved them already).

    A message that was corrected while the server moved it keeps its new state, to be decided again.
    """
    done = _unchanged(tx, [row for row in rows if row.state in (MessageState.DECIDED, MessageState.FORWARDED)])
    if not done:
        return
    tx.execute(
        sa.update(messages)
        .where(messages.c.id.in_([row.id for row in done]))
        .values(state=MessageState.FILED, file_step="", filed_folder=folder, gone_at=tx.now)
    )
    write_changes(tx, [Change("message", row.id, event, row.state, MessageState.FILED) for row in done])


def _unchanged(tx: Transaction, rows: Sequence[MessageRow]) -> list[MessageRow]:
    """Those still in the state and generation in which they were read, locked."""
    query = sa.select(messages.c.id, messages.c.state, messages.c.generation).where(
        messages.c.id.in_([row.id for row in rows])
    )
    now = {key: (state, generation) for key, state, generation in tx.execute(query.with_for_update())}
    return [row for row in rows if now.get(row.id) == (row.state, row.generation)]


def postpone_filing(tx: Transaction, rows: Sequence[MessageRow], until: datetime) -> None:
    """The server would not move these now; try again later (they are dealt with either way)."""
    tx.execute(sa.update(messages).where(messages.c.id.in_([row.id for row in rows])).values(due_at=until))


def stale_presence(tx: Transaction, mailbox: MailboxRow, before: datetime, limit: int) -> list[MessageRow]:
    """Messages in progress whose presence in the mailbox was last seen before ``before``."""
    query = (
        sa.select(*COLUMNS)
        .where(messages.c.mailbox_id == mailbox.id, messages.c.state.in_(IN_PROGRESS))
        .where(messages.c.file_step == "", messages.c.gone_at.is_(None), messages.c.present_at < before)
        .where(messages.c.location_uid_validity == mailbox.uid_validity)
        .order_by(messages.c.present_at)
        .limit(limit)
    )
    return [row_of(row) for row in tx.execute(query).mappings()]


def lost_in_renumbering(tx: Transaction, mailbox: MailboxRow, limit: int) -> list[MessageRow]:
    """Messages known only by numbers of an earlier UIDVALIDITY although all mail was matched: they have gone.

    None as long as renumbered mail waits to be fetched, because it may be theirs. To be asked only when
    everything has been listed.
    """
    if mailbox.resynced_at is None:
        return []
    ours = messages.c.mailbox_id == mailbox.id
    waiting = sa.select(messages.c.id).where(
        ours,
        messages.c.state == MessageState.LISTED,
        messages.c.uid_validity == mailbox.uid_validity,
        messages.c.uid < mailbox.resync_below,
    )
    if tx.execute(waiting.limit(1)).first():
        return []
    query = (
        sa.select(*COLUMNS)
        .where(ours, messages.c.state.in_((MessageState.LISTED, *IN_PROGRESS, MessageState.FORWARDED, *AT_REST)))
        .where(messages.c.gone_at.is_(None), messages.c.location_uid_validity != mailbox.uid_validity)
        .order_by(messages.c.id)
        .limit(limit)
    )
    return [row_of(row) for row in tx.execute(query).mappings()]


def record_presence(tx: Transaction, present: Sequence[int], gone: Sequence[MessageRow]) -> None:
    """What the server says of messages that we believed to be there."""
    if present:
        tx.execute(sa.update(messages).where(messages.c.id.in_(list(present))).values(present_at=tx.now))
    changes = []
    for row in gone:
        values: dict[str, object] = {"gone_at": tx.now}
        to_state = row.state
        if row.state == MessageState.LISTED:
            to_state = MessageState.VANISHED
            values["state"] = to_state
        changed = tx.execute(
            sa.update(messages).where(messages.c.id == row.id, messages.c.state == row.state).values(**values)
        )
        if changed.rowcount:
            changes.append(Change("message", row.id, "gone", row.state, to_state))
            # A colleague has it in hand, whether or not the notice reached anybody.
            close_incident(tx, NOTICE, str(row.id))
            close_incident(tx, PEC_FAILURE, str(row.id))
    write_changes(tx, changes)


def incomplete_here(tx: Transaction, mailbox: MailboxRow, reason: str) -> bool:
    """Whether a message lies here that the server would not give, or that is held for ``reason``."""
    waits = sa.or_(
        messages.c.state == MessageState.UNREADABLE,
        sa.and_(messages.c.state == MessageState.HELD, messages.c.hold_reason == reason),
    )
    query = sa.select(messages.c.id).where(messages.c.mailbox_id == mailbox.id, messages.c.gone_at.is_(None), waits)
    return tx.execute(query.limit(1)).first() is not None


def rows_at(tx: Transaction, mailbox: MailboxRow, uids: Sequence[int]) -> list[MessageRow]:
    """The rows that we believe to lie at these UIDs."""
    query = sa.select(*COLUMNS).where(
        messages.c.mailbox_id == mailbox.id,
        messages.c.location_uid_validity == mailbox.uid_validity,
        messages.c.location_uid.in_(list(uids)),
    )
    return [row_of(row) for row in tx.execute(query).mappings()]
