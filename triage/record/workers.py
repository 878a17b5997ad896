"""Which workers share the record, and which mailbox each of them reads.

A worker keeps a row of its own for as long as it lives, by the same lease as everything else. Who stands still or was
killed is no worker any more when it runs out, and what it read is free.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.filing import FRESH, IN_PROGRESS
from triage.record.store import Transaction
from triage.record.tables import mailboxes, messages, workers
from triage.vocabulary import MessageState


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is there, who reads which mailbox (free ones are absent), and when the next of these leases ends."""

    workers: tuple[str, ...]
    readers: Mapping[str, str]
    next_end: datetime | None


def take_part(tx: Transaction, name: str, lease: timedelta) -> bool:
    """This worker lives for another lease, and those that do not are forgotten; whether the others know it not yet."""
    known = sa.select(workers.c.name).where(workers.c.name == name, workers.c.until > tx.now)
    is_new = tx.execute(known).first() is None
    statement = tx.insert(workers).values(name=name, until=tx.now + lease)
    tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"until": statement.excluded.until}))
    gone = sa.select(workers.c.name).where(workers.c.until <= tx.now).with_for_update(skip_locked=True)
    tx.execute(sa.delete(workers).where(workers.c.name.in_(gone)))
    return is_new


def leave(tx: Transaction, name: str) -> None:
    """This worker ends on purpose: others need not wait for its lease."""
    tx.execute(sa.delete(workers).where(workers.c.name == name))


def standing(tx: Transaction, names: Collection[str]) -> Standing:
    """Who shares the mailboxes of these names at this moment."""
    alive = [(name, until) for name, until in tx.execute(sa.select(workers).where(workers.c.until > tx.now))]
    leases = tx.execute(
        sa.select(mailboxes.c.name, mailboxes.c.lease_owner, mailboxes.c.lease_until)
        .where(mailboxes.c.name.in_(sorted(names)), mailboxes.c.lease_until > tx.now)
        .where(mailboxes.c.lease_owner.is_not(None))
    ).all()
    ends = [until for *_, until in (*alive, *leases)]
    return Standing(
        tuple(sorted(name for name, _ in alive)), {name: owner for name, owner, _ in leases}, min(ends, default=None)
    )


def mailboxes_with_work(tx: Transaction) -> set[str]:
    """Mailboxes whose reader has something to do that is not new mail: to file, to look for, to fetch, to compare."""
    seen = tx.now - FRESH / 2
    looked_for = (messages.c.file_step == "", messages.c.gone_at.is_(None), messages.c.present_at < seen)
    to_file = (messages.c.file_step != "", messages.c.due_at <= tx.now)
    wanted = (
        (MessageState.LISTED, (messages.c.due_at <= tx.now,)),
        *((state, to_file) for state in (MessageState.DECIDED, MessageState.FORWARDED)),
        *((state, looked_for) for state in IN_PROGRESS),
    )
    found = {
        key
        for state, conditions in wanted
        for key in tx.execute(
            sa.select(messages.c.mailbox_id).where(messages.c.state == state, *conditions).distinct()
        ).scalars()
    }
    asked = sa.or_(mailboxes.c.reconciled_at.is_(None), mailboxes.c.reconcile_asked_at > mailboxes.c.reconciled_at)
    to_compare = sa.and_(mailboxes.c.reconcile_asked_at.is_not(None), asked)
    return set(tx.execute(sa.select(mailboxes.c.name).where(sa.or_(mailboxes.c.id.in_(found), to_compare))).scalars())
