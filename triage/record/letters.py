"""One worker at a time decides about a letter, however many copies of it there are.

Two copies of a letter are two rows, which two workers may have claimed. Each looks for what is known of
the other before it writes: without this neither would see what the other is about to write, and both
would forward.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from triage.record.messages import COLUMNS, MessageRow, row_of
from triage.record.store import Transaction
from triage.record.tables import messages


def hold_letters(tx: Transaction, keys: Iterable[str]) -> None:
    """Nobody else decides about letters with one of these keys (digests, content keys) until this transaction ends.

    Called before anything is looked up about them: what another worker has decided meanwhile is then seen.
    """
    if not tx.skips_locked:
        return  # SQLite has one writer at a time
    # All workers go through them in one order, so that no two batches wait for each other.
    numbers = sorted({int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], signed=True) for key in keys})
    if numbers:
        number = sa.func.unnest(sa.cast(numbers, postgresql.ARRAY(sa.BigInteger))).column_valued("number")
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


def lock_rows(tx: Transaction, message_ids: Iterable[int]) -> dict[int, MessageRow]:
    """These messages as they are now; nobody else changes them until this transaction ends."""
    query = sa.select(*COLUMNS).where(messages.c.id.in_(sorted(message_ids))).order_by(messages.c.id)
    return {row.id: row for row in map(row_of, tx.execute(query.with_for_update()).mappings())}
