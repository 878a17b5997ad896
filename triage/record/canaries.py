"""The service's own test messages: planned, arrived, removed again; a row each, of the newest days.

A message counts as one of them by its seal, which nobody else can make, over a Message-ID that is on record.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.arrivals import uncount_arrival
from triage.record.mailboxes import MailboxRow
from triage.record.messages import MessageRow, change_state
from triage.record.staff_notices import NoticeKind, PlannedNotice, plan_notices
from triage.record.store import Transaction
from triage.record.tables import canaries, messages, staff_notices
from triage.vocabulary import DispatchState, MessageState

KEPT = timedelta(days=7)
"""What is older is forgotten: rows do not grow with the years."""


@dataclass(frozen=True, slots=True)
class Canary:
    """One test message. ``message_id``: the row that it became; ``seen_at``: when it came where it was sent."""

    id: int
    mailbox_id: int
    rfc_message_id: str
    planned_at: datetime
    given_up_at: datetime | None
    message_id: int | None
    seen_at: datetime | None
    removed_at: datetime | None

    @property
    def is_awaited(self) -> bool:
        """Whether it is still to come."""
        return self.seen_at is None and self.given_up_at is None


_COLUMNS = [canaries.c[name] for name in Canary.__slots__]


def plan_canary(tx: Transaction, mailbox: MailboxRow, notice: PlannedNotice) -> bool:
    """Put one on record with the notice that sends it; ``False``: another worker just has."""
    if not plan_notices(tx, [notice]):
        return False
    values = {"mailbox_id": mailbox.id, "rfc_message_id": notice.rfc_message_id, "planned_at": tx.now}
    tx.execute(sa.insert(canaries).values(**values))
    return True


def newest_canaries(tx: Transaction) -> dict[int, Canary]:
    """The newest of each mailbox, by its row."""
    newest = sa.select(sa.func.max(canaries.c.id)).group_by(canaries.c.mailbox_id)
    rows = tx.execute(sa.select(*_COLUMNS).where(canaries.c.id.in_(newest)))
    return {row.mailbox_id: Canary(*row) for row in rows}


def newest_arrivals(tx: Transaction) -> dict[int, Canary]:
    """Of each mailbox the newest that has come, by its row."""
    newest = sa.select(sa.func.max(canaries.c.id)).where(canaries.c.seen_at.is_not(None))
    rows = tx.execute(sa.select(*_COLUMNS).where(canaries.c.id.in_(newest.group_by(canaries.c.mailbox_id))))
    return {row.mailbox_id: Canary(*row) for row in rows}


def is_awaited(tx: Transaction, rfc_message_id: str) -> bool:
    """Whether somebody waits for the one of this Message-ID."""
    found = tx.execute(sa.select(*_COLUMNS).where(canaries.c.rfc_message_id == rfc_message_id)).first()
    return found is not None and Canary(*found).is_awaited


def unseen_canaries(tx: Transaction) -> list[Canary]:
    """All that have not come, those included that nobody waits for any more."""
    query = sa.select(*_COLUMNS).where(canaries.c.message_id.is_(None)).order_by(canaries.c.id)
    return [Canary(*row) for row in tx.execute(query)]


def left_at(tx: Transaction, canary: Canary) -> datetime | None:
    """When a server took it; ``None``: none has."""
    query = sa.select(staff_notices.c.ended_at).where(
        staff_notices.c.rfc_message_id == canary.rfc_message_id, staff_notices.c.state == DispatchState.ACCEPTED
    )
    at: datetime | None = tx.execute(query).scalar()
    return at


def note_arrived(tx: Transaction, canary: Canary, row: MessageRow) -> None:
    """It has become a message: of no family, so it is no news of the mailbox and opens no case.

    Raises :class:`LostLeaseError` when the message is not as ``row`` says.
    """
    change_state(tx, row, MessageState.MATCHED, "canary")
    uncount_arrival(tx, row.mailbox_id, row.internal_date, row.listed_at)
    values: dict[str, object] = {"message_id": row.id}
    if row.mailbox_id == canary.mailbox_id:
        values["seen_at"] = tx.now
    tx.execute(sa.update(canaries).where(canaries.c.id == canary.id).values(**values))


def to_remove(tx: Transaction, mailbox: MailboxRow) -> list[tuple[int, int]]:
    """Of this mailbox those that arrived and lie there still: the canary's number and the UID."""
    query = (
        sa.select(canaries.c.id, messages.c.location_uid)
        .join_from(canaries, messages, messages.c.id == canaries.c.message_id)
        .where(canaries.c.removed_at.is_(None), messages.c.mailbox_id == mailbox.id)
        .where(messages.c.location_uid_validity == mailbox.uid_validity)
    )
    return [(key, uid) for key, uid in tx.execute(query)]


def note_removed(tx: Transaction, numbers: Sequence[int]) -> None:
    """They lie in the mailbox no more."""
    which = canaries.c.id.in_(list(numbers))
    of_canary = sa.select(canaries.c.message_id).where(which)
    tx.execute(sa.update(messages).where(messages.c.id.in_(of_canary)).values(gone_at=tx.now))
    tx.execute(sa.update(canaries).where(which).values(removed_at=tx.now))


def give_up(tx: Transaction, given_up: Iterable[Canary]) -> None:
    """Nobody waits for these any more."""
    numbers = [one.id for one in given_up]
    if numbers:
        tx.execute(sa.update(canaries).where(canaries.c.id.in_(numbers)).values(given_up_at=tx.now))


def forget_canaries(tx: Transaction) -> None:
    """What is older than :data:`KEPT` goes, with the notices that sent it."""
    old = canaries.c.planned_at < tx.now - KEPT
    names = list(tx.execute(sa.select(canaries.c.rfc_message_id).where(old)).scalars())
    if names:
        tx.execute(sa.delete(canaries).where(old))
        of_canary = staff_notices.c.kind == NoticeKind.CANARY
        tx.execute(sa.delete(staff_notices).where(of_canary, staff_notices.c.rfc_message_id.in_(names)))
