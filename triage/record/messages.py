"""Rows of messages: listing, fetching, receiving, moving on; each change of state with its audit row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from triage.record.arrivals import note_arrivals
from triage.record.audit import Change, Param, write_changes
from triage.record.identity import keyed_hash, secret_of
from triage.record.mailboxes import MailboxRow, update_mailbox
from triage.record.octets import store_octets
from triage.record.store import LostLeaseError, Transaction
from triage.record.tables import mailboxes, messages
from triage.vocabulary import ListedMessage, MessageState

MOST_TRIES = 3
"""Claims of a received message; one that was claimed so often and not decided is quarantined."""
GIVEN_UP = MOST_TRIES + 1
"""``tries`` of a message that was quarantined, for as long as nobody sends it through the flow again."""


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message as the record knows it."""

    id: int
    mailbox_id: int
    uid_validity: int
    uid: int
    location_uid_validity: int
    location_uid: int
    state: str
    size: int
    internal_date: datetime | None
    resync: bool
    listed_at: datetime
    received_at: datetime | None
    sha256: str | None
    tries: int
    due_at: datetime
    generation: int
    hold_reason: str
    urgent: bool
    case_id: int | None
    same_as: int | None
    author_key: str | None
    message_id_key: str | None
    content_key: str | None
    present_at: datetime | None
    gone_at: datetime | None
    filed_folder: str | None
    file_step: str
    let_in_by: str | None
    comune_given: str | None
    lease_owner: str | None
    lease_epoch: int

    @property
    def stopped_the_parser(self) -> bool:
        """It was given up: only a child may parse it, also once it is closed."""
        return self.state == MessageState.QUARANTINED or self.tries >= GIVEN_UP


COLUMNS = [messages.c[name] for name in MessageRow.__slots__]
PAGE = 500
"""Values in one IN (...) list: below every engine's limit."""


def row_of(mapping: sa.RowMapping) -> MessageRow:
    """A row object from a result that selected :data:`COLUMNS`."""
    return MessageRow(**{name: mapping[name] for name in MessageRow.__slots__})


def get_message(tx: Transaction, message_id: int) -> MessageRow | None:
    """One message, or ``None``."""
    found = tx.execute(sa.select(*COLUMNS).where(messages.c.id == message_id)).mappings().first()
    return row_of(found) if found else None


def messages_by_id(tx: Transaction, message_ids: Sequence[int]) -> dict[int, MessageRow]:
    """Several messages in one query."""
    query = sa.select(*COLUMNS).where(messages.c.id.in_(list(set(message_ids))))
    return {row.id: row for row in map(row_of, tx.execute(query).mappings())}


# --------------------------------------------------------------------------- intake


def list_messages(
    tx: Transaction, mailbox: MailboxRow, listed: Sequence[ListedMessage], *, state: MessageState, last_uid: int
) -> int:
    """Give every listed UID its row and move the mailbox's mark; how many rows are new.

    UIDs that have a row already are left alone, so that a list may be read twice.
    """
    secret = secret_of(tx) if state is MessageState.BASELINE else b""
    rows = [
        {
            "mailbox_id": mailbox.id,
            "uid_validity": mailbox.uid_validity,
            "uid": item.uid,
            "location_uid_validity": mailbox.uid_validity,
            "location_uid": item.uid,
            "state": state,
            "size": item.size,
            "internal_date": item.internal_date,
            "resync": item.uid < mailbox.resync_below,
            "listed_at": tx.now,
            "due_at": tx.now,
            "present_at": tx.now,
            "message_id_key": keyed_hash(secret, "message-id", item.message_id) if secret and item.message_id else None,
        }
        for item in listed
    ]
    before = tx.execute(sa.select(sa.func.max(messages.c.id))).scalar() or 0
    if rows:
        tx.execute(tx.insert(messages).on_conflict_do_nothing(), rows)
    fresh = tx.execute(
        # By UID, so that the unique index is read for these alone and not for the whole mailbox.
        sa.select(messages.c.id, messages.c.uid)
        .where(messages.c.mailbox_id == mailbox.id, messages.c.uid_validity == mailbox.uid_validity)
        .where(messages.c.uid.in_([item.uid for item in listed]), messages.c.id > before)
        .order_by(messages.c.id)
    ).all()
    write_changes(tx, [Change("message", key, "listed", "", state, {"uid": uid}) for key, uid in fresh])
    if state is MessageState.LISTED:
        dates = {item.uid: item.internal_date for item in listed}
        note_arrivals(tx, mailbox.id, [dates[uid] for _, uid in fresh])
    update_mailbox(tx, mailbox, last_uid=last_uid)
    return len(fresh)


def dates_in_flow(tx: Transaction, mailbox: MailboxRow) -> frozenset[datetime]:
    """When those messages arrived that entered the flow although they are older than our first look."""
    query = sa.select(messages.c.internal_date).where(
        messages.c.mailbox_id == mailbox.id,
        messages.c.state != MessageState.BASELINE,
        messages.c.internal_date < mailbox.baselined_at,
    )
    return frozenset(date for date in tx.execute(query).scalars() if date is not None)


def listed_messages(tx: Transaction, mailbox: MailboxRow, limit: int) -> list[MessageRow]:
    """Messages whose octets are to be fetched now, oldest first."""
    query = (
        sa.select(*COLUMNS)
        .where(messages.c.mailbox_id == mailbox.id, messages.c.state == MessageState.LISTED)
        .where(messages.c.due_at <= tx.now)
        # Numbers of an earlier UIDVALIDITY name other messages now.
        .where(messages.c.location_uid_validity == mailbox.uid_validity)
        .order_by(messages.c.id)
        .limit(limit)
    )
    return [row_of(row) for row in tx.execute(query).mappings()]


@dataclass(frozen=True, slots=True)
class Reception:
    """What became of one listed message when its octets were asked for."""

    message_id: int
    state: MessageState
    octets: bytes | None = None
    sha256: str | None = None
    hold_reason: str = ""
    same_as: int | None = None
    size: int | None = None


def record_receptions(tx: Transaction, mailbox: MailboxRow, receptions: Sequence[Reception]) -> None:
    """Octets, digest and state of a whole batch in this one transaction, before anything else.

    Messages that are no longer listed are left out. Tries of the fetch are not tries of the decision.
    """
    waiting = _still_listed(tx, [r.message_id for r in receptions])
    receptions = [r for r in receptions if r.message_id in waiting]
    store_octets(tx, {r.sha256: r.octets for r in receptions if r.octets is not None and r.sha256 is not None})
    whole = {MessageState.RECEIVED, MessageState.HELD, MessageState.MATCHED}
    values = [
        {
            "key": r.message_id,
            "new_state": r.state,
            "digest": r.sha256,
            "reason": r.hold_reason,
            "twin": r.same_as,
            "when": tx.now if r.state in whole else None,
            # A stated size goes before the octets': of an oversize message only the header section is kept.
            "length": len(r.octets) if r.size is None and r.octets is not None else r.size,
        }
        for r in receptions
    ]
    if not values:
        return
    statement = (
        sa.update(messages)
        .where(messages.c.id == sa.bindparam("key"), messages.c.state == MessageState.LISTED)
        .values(
            state=sa.bindparam("new_state"),
            sha256=sa.bindparam("digest"),
            hold_reason=sa.bindparam("reason"),
            same_as=sa.bindparam("twin"),
            received_at=sa.bindparam("when", type_=messages.c.received_at.type),
            due_at=tx.now,
            tries=0,
            size=sa.func.coalesce(sa.bindparam("length", type_=sa.BigInteger), messages.c.size),
            present_at=tx.now,
        )
    )
    tx.execute(statement, values)
    changes = [
        Change("message", r.message_id, "received", MessageState.LISTED, r.state, _params(r)) for r in receptions
    ]
    write_changes(tx, changes)
    update_mailbox(tx, mailbox, last_read_at=tx.now)


def _still_listed(tx: Transaction, keys: Sequence[int]) -> set[int]:
    query = sa.select(messages.c.id).where(messages.c.id.in_(list(keys)), messages.c.state == MessageState.LISTED)
    return set(tx.execute(query.with_for_update()).scalars())


def _params(reception: Reception) -> dict[str, Param]:
    params: dict[str, Param] = {}
    if reception.hold_reason:
        params["reason"] = reception.hold_reason
    if reception.same_as is not None:
        params["same_as"] = reception.same_as
    return params


def postpone_fetch(tx: Transaction, mailbox: MailboxRow, message_ids: Sequence[int], until: datetime) -> None:
    """The server would not give these octets now; ask again later."""
    update_mailbox(tx, mailbox, last_read_at=tx.now)
    tx.execute(
        sa.update(messages).where(messages.c.id.in_(list(message_ids))).values(tries=messages.c.tries + 1, due_at=until)
    )


def same_octets(tx: Transaction, digests: Sequence[str]) -> list[MessageRow]:
    """Every message already received with one of these digests, oldest first."""
    query = sa.select(*COLUMNS).where(messages.c.sha256.in_(list(digests))).order_by(messages.c.id)
    return [row_of(row) for row in tx.execute(query).mappings()]


def same_origin(tx: Transaction, message_id_keys: Sequence[str]) -> set[str]:
    """Which of these Message-IDs are on record: of a message decided already, or there before a first look."""
    query = sa.select(messages.c.message_id_key).where(messages.c.message_id_key.in_(list(message_id_keys)))
    return {key for key in tx.execute(query).scalars() if key}


def move_location(tx: Transaction, message_id: int, uid_validity: int, uid: int) -> None:
    """A known message was found under a new number: it is filed from there from now on."""
    tx.execute(
        sa.update(messages)
        .where(messages.c.id == message_id)
        .values(location_uid_validity=uid_validity, location_uid=uid, present_at=tx.now, gone_at=None)
    )


def change_state(
    tx: Transaction,
    row: MessageRow,
    to_state: MessageState,
    event: str,
    params: dict[str, Param] | None = None,
    **values: object,
) -> None:
    """Move one message on, ending its lease; raises :class:`LostLeaseError` when it is not as ``row`` says."""
    changed = tx.execute(
        sa.update(messages)
        .where(messages.c.id == row.id, messages.c.state == row.state, messages.c.generation == row.generation)
        .where(messages.c.lease_epoch == row.lease_epoch, messages.c.lease_owner == row.lease_owner)
        .values(state=to_state, lease_owner=None, lease_until=None, **values)
    )
    if not changed.rowcount:
        raise LostLeaseError(f"message {row.id}")
    write_changes(tx, [Change("message", row.id, event, row.state, to_state, params or {})])


def messages_in(tx: Transaction, states: Sequence[str], limit: int = PAGE) -> list[MessageRow]:
    """Messages in one of these states: possible danger first, then the oldest."""
    query = (
        sa.select(*COLUMNS)
        .where(messages.c.state.in_(list(states)))
        .order_by(messages.c.urgent.desc(), messages.c.id)
        .limit(limit)
    )
    return [row_of(row) for row in tx.execute(query).mappings()]


def mailbox_name(tx: Transaction, mailbox_id: int) -> str:
    """The configured name of a mailbox."""
    name: str = tx.execute(sa.select(mailboxes.c.name).where(mailboxes.c.id == mailbox_id)).scalar_one()
    return name
