"""Claims of received messages: leased with an epoch, the try counted before anything is parsed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.messages import COLUMNS, MessageRow, row_of
from triage.record.store import Transaction
from triage.record.tables import messages
from triage.vocabulary import MessageState


def has_received(tx: Transaction) -> bool:
    """Whether anything waits to be decided now; a look that costs no write."""
    query = (
        sa.select(messages.c.id)
        .where(messages.c.state == MessageState.RECEIVED, messages.c.due_at <= tx.now)
        .where(sa.or_(messages.c.lease_until.is_(None), messages.c.lease_until <= tx.now))
        .limit(1)
    )
    return tx.execute(query).first() is not None


def next_oversized(tx: Transaction, but: Collection[int] = (), *, locked: bool = False) -> MessageRow | None:
    """One message over the size limit whose header section nobody has looked at; ``locked``: to be written now.

    ``but``: those that were tried in vain, and stand in nobody's way.
    """
    query = (
        sa.select(*COLUMNS)
        .where(messages.c.state == MessageState.OVERSIZE, messages.c.generation == 0, messages.c.case_id.is_(None))
        .where(messages.c.sha256.is_not(None), messages.c.id.not_in(sorted(but)))
        .order_by(messages.c.id)
        .limit(1)
    )
    found = tx.execute(query.with_for_update(skip_locked=True) if locked else query).mappings().first()
    return row_of(found) if found else None


def claim_received(tx: Transaction, worker: str, limit: int, lease: timedelta, max_octets: int) -> list[MessageRow]:
    """Lease received messages for deciding; the try is counted before anything is parsed.

    Messages that were claimed before without a result come one at a time, after all fresh ones:
    one of them may be what ended the process. Bounded by ``max_octets`` together (at least one).
    """
    for fresh in (True, False):
        query = (
            sa.select(*COLUMNS)
            .where(messages.c.state == MessageState.RECEIVED, messages.c.due_at <= tx.now)
            .where(messages.c.tries == 0 if fresh else messages.c.tries > 0)
            .where(sa.or_(messages.c.lease_until.is_(None), messages.c.lease_until <= tx.now))
            .order_by(messages.c.due_at, messages.c.id)
            .limit(limit if fresh else 1)
            .with_for_update(skip_locked=True)
        )
        found = [row_of(row) for row in tx.execute(query).mappings()]
        taken: list[MessageRow] = []
        total = 0
        for row in found:
            total += row.size
            if taken and total > max_octets:
                break
            taken.append(row)
        if taken:
            return _lease(tx, taken, worker, lease)
    return []


def _lease(tx: Transaction, rows: Sequence[MessageRow], worker: str, lease: timedelta) -> list[MessageRow]:
    keys = [row.id for row in rows]
    tx.execute(
        sa.update(messages)
        .where(messages.c.id.in_(keys))
        .values(
            lease_owner=worker,
            lease_until=tx.now + lease,
            lease_epoch=messages.c.lease_epoch + 1,
            tries=messages.c.tries + 1,
        )
    )
    query = sa.select(*COLUMNS).where(messages.c.id.in_(keys)).order_by(messages.c.due_at, messages.c.id)
    return [row_of(row) for row in tx.execute(query).mappings()]


def still_leased(tx: Transaction, rows: Sequence[MessageRow], state: MessageState) -> set[int]:
    """Which of these are as they were claimed; nobody else takes them until this transaction ends."""
    # The epoch alone is not enough: a message that was settled and opened again since has the same.
    wanted = {row.id: (row.lease_epoch, row.lease_owner, row.generation) for row in rows}
    query = (
        sa.select(messages.c.id, messages.c.lease_epoch, messages.c.lease_owner, messages.c.generation)
        .where(messages.c.id.in_(list(wanted)), messages.c.state == state)
        .order_by(messages.c.id)
        .with_for_update()
    )
    return {key for key, *lease in tx.execute(query) if wanted[key] == tuple(lease)}


def in_other_hands(tx: Transaction, rows: Sequence[MessageRow], batch: Sequence[MessageRow]) -> set[int]:
    """Messages that were due before one of these and are being decided by another worker than that of ``batch``."""
    query = sa.select(messages.c.id).where(
        messages.c.state == MessageState.RECEIVED,
        messages.c.due_at <= max(row.due_at for row in rows),
        messages.c.lease_until > tx.now,
        messages.c.id.not_in([row.id for row in batch]),
    )
    return set(tx.execute(query).scalars())


def renew_claims(tx: Transaction, rows: Sequence[MessageRow], lease: timedelta) -> None:
    """Keep what is still claimed as it was, while the work on it lasts."""
    claims = [(row.id, row.lease_epoch, row.lease_owner) for row in rows]
    mine = (
        sa.select(messages.c.id)
        .where(sa.tuple_(messages.c.id, messages.c.lease_epoch, messages.c.lease_owner).in_(claims))
        .where(messages.c.state == MessageState.RECEIVED)
        # What is being decided at this moment needs no lease any more.
        .with_for_update(skip_locked=True)
    )
    keys = list(tx.execute(mine).scalars())
    tx.execute(sa.update(messages).where(messages.c.id.in_(keys)).values(lease_until=tx.now + lease))


def release_claims(tx: Transaction, rows: Sequence[MessageRow], due_at: datetime | None = None) -> None:
    """Give claims back unused: the counted try is taken back too. Due at once, or at ``due_at``."""
    for row in rows:
        tx.execute(
            sa.update(messages)
            .where(messages.c.id == row.id, messages.c.lease_epoch == row.lease_epoch)
            .where(messages.c.lease_owner == row.lease_owner)
            .values(
                lease_owner=None,
                lease_until=None,
                tries=sa.case((messages.c.tries > 0, messages.c.tries - 1), else_=0),
                due_at=due_at or messages.c.due_at,
            )
        )
