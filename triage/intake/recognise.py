"""Tells new messages from ones that we have seen: by digest first, by what they say second.

Policy: known octets under a new UID are another appearance, never sent again, shown (in another
mailbox: ``triage.twins`` says, when it is decided). After a
renumbering, as many appearances as we knew are the same messages under new numbers; what matches
nothing and is old, or has a known Message-ID, date and author with other octets, is held.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from email.parser import BytesHeaderParser

from triage.record import Transaction
from triage.record.identity import keyed_hash, secret_of
from triage.record.mailboxes import MailboxRow
from triage.record.messages import MessageRow, Reception, move_location, same_octets, same_origin
from triage.record.octets import digest
from triage.vocabulary import MessageState

GRACE = timedelta(minutes=10)
"""Mail that arrived this long before our last look may still not have been listed."""


def recognise(tx: Transaction, mailbox: MailboxRow, fetched: Sequence[tuple[MessageRow, bytes]]) -> list[Reception]:
    """What each fetched message is; runs inside the transaction that records it."""
    digests = {row.id: digest(octets) for row, octets in fetched}
    known: dict[str, list[MessageRow]] = {}
    for row in same_octets(tx, sorted(set(digests.values()))):
        known.setdefault(row.sha256 or "", []).append(row)
    origins = _origins(tx, fetched) if any(row.resync for row, _ in fetched) else {}
    receptions = []
    for row, octets in fetched:
        key = digests[row.id]
        twins = known.setdefault(key, [])
        reception = _recognise_one(tx, mailbox, row, octets, key, twins, origins.get(row.id, False))
        receptions.append(reception)
        if reception.state is not MessageState.MATCHED:
            twins.append(row)
    return receptions


def _recognise_one(
    tx: Transaction,
    mailbox: MailboxRow,
    row: MessageRow,
    octets: bytes,
    key: str,
    twins: list[MessageRow],
    known_origin: bool,
) -> Reception:
    if row.resync:
        for place, twin in enumerate(twins):
            # Each earlier row answers for one copy; a further copy is a new appearance.
            if _stands_for_a_copy(twin, mailbox):
                # Still known, but no longer to be found: the next such octets are one copy too many.
                twins[place] = replace(twin, location_uid_validity=row.location_uid_validity)
                move_location(tx, twin.id, row.location_uid_validity, row.location_uid)
                return Reception(row.id, MessageState.MATCHED, octets, key, same_as=twin.id)
    here = [twin for twin in twins if twin.mailbox_id == row.mailbox_id]
    if here:
        return Reception(row.id, MessageState.HELD, octets, key, "ricomparso", here[0].id)
    if twins:
        # Whether the one in the other mailbox counts depends on what became of it there: decided later.
        return Reception(row.id, MessageState.RECEIVED, octets, key)
    if row.resync:
        if known_origin:
            return Reception(row.id, MessageState.HELD, octets, key, "stesso_messaggio_altri_ottetti")
        if _is_old(mailbox, row):
            return Reception(row.id, MessageState.HELD, octets, key, "vecchio_non_riconosciuto")
    return Reception(row.id, MessageState.RECEIVED, octets, key)


def _stands_for_a_copy(twin: MessageRow, mailbox: MailboxRow) -> bool:
    # A row that only says "matched" after an earlier renumbering was the same copy as its twin.
    only_matched = twin.state == MessageState.MATCHED and twin.generation == 0
    # A filed message had left the inbox: that it lies there again is somebody's doing, and is shown.
    here = twin.mailbox_id == mailbox.id and twin.state != MessageState.FILED
    return here and twin.location_uid_validity != mailbox.uid_validity and not only_matched


def _is_old(mailbox: MailboxRow, row: MessageRow) -> bool:
    if row.internal_date is None or mailbox.last_read_at is None:
        return True
    seen = min(mailbox.last_read_at, mailbox.resynced_at or mailbox.last_read_at)
    return row.internal_date < seen - GRACE


def _origins(tx: Transaction, fetched: Sequence[tuple[MessageRow, bytes]]) -> dict[int, bool]:
    """Whether a message's Message-ID belongs to a message received before (with other octets)."""
    secret = secret_of(tx)
    keys = {}
    for row, octets in fetched:
        message_id = _message_id(octets)
        if message_id:
            keys[row.id] = keyed_hash(secret, "message-id", message_id)
    known = same_origin(tx, sorted(set(keys.values())))
    return {row_id: key in known for row_id, key in keys.items()}


def _message_id(octets: bytes) -> str:
    head = octets[: 64 << 10].split(b"\r\n\r\n", 1)[0]
    try:
        return str(BytesHeaderParser().parsebytes(head).get("Message-ID", "")).strip()
    except Exception:  # noqa: BLE001 - any malformed header simply identifies nothing
        return ""
