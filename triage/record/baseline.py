"""Mail that was there before the first look: never read, but known again by Message-ID and size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import sqlalchemy as sa

from triage.record.mailboxes import MailboxRow
from triage.record.store import Transaction
from triage.record.tables import messages
from triage.vocabulary import MessageState

Likeness = tuple[str, int]
"""Keyed hash of the Message-ID, and the size that the server states.

Some web forms give all their letters one Message-ID: it alone identifies nothing.
"""


def baselined(tx: Transaction, message_id_keys: Iterable[str]) -> set[Likeness]:
    """Which of these Message-IDs were there before a first look, of any mailbox, with which size."""
    query = sa.select(messages.c.message_id_key, messages.c.size).where(
        messages.c.message_id_key.in_(sorted(set(message_id_keys))), messages.c.state == MessageState.BASELINE
    )
    return {(key, size) for key, size in tx.execute(query)}


def baselined_before(tx: Transaction, mailbox: MailboxRow, message_id_keys: Iterable[str]) -> Counter[Likeness]:
    """How many of each lay in this mailbox under earlier numbers and were not found again under today's."""
    query = (
        sa.select(messages.c.message_id_key, messages.c.size, messages.c.uid_validity, sa.func.count())
        .where(messages.c.message_id_key.in_(sorted(set(message_id_keys))), messages.c.mailbox_id == mailbox.id)
        .where(messages.c.state == MessageState.BASELINE)
        .group_by(messages.c.message_id_key, messages.c.size, messages.c.uid_validity)
    )
    before: Counter[Likeness] = Counter()
    now: Counter[Likeness] = Counter()
    for key, size, uid_validity, count in tx.execute(query):
        if uid_validity == mailbox.uid_validity:
            now[key, size] = count
        else:
            # Each renumbering lists them all once more.
            before[key, size] = max(before[key, size], count)
    return before - now
