"""Tells new messages from ones that we have seen: by digest first, by what they say second.

Policy: known octets under a new UID are another appearance, never sent again, shown (in another
mailbox: ``triage.twins`` says, when it is decided). After a
renumbering, as many appearances as we knew are the same messages under new numbers; what matches
nothing and is old, or has a known Message-ID with other octets, is held. So is, at any time, what is
older than the mailbox's first look, unless somebody let it in, and what is cut of what the server
states. No octets are like nothing: all empty messages have one digest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from triage.ages import written_at
from triage.intake.headers import read_header
from triage.record import Transaction
from triage.record.baseline import baselined
from triage.record.identity import keyed_hash, secret_of
from triage.record.mailboxes import MailboxRow
from triage.record.messages import MessageRow, Reception, move_location, same_octets, same_origin
from triage.record.octets import digest
from triage.record.restored import SURELY, lies_in_our_folders
from triage.vocabulary import MessageState

GRACE = timedelta(minutes=10)
"""Mail that arrived this long before our last look may still not have been listed."""
SLOW = timedelta(days=1)
"""How long mail may have been under way, or its author's clock be slow, without counting as old."""

CUT = "arrivato_incompleto"


def is_cut(stated: int, octets: bytes) -> bool:
    """Whether it is seen to be cut: the body is missing, or its closing delimiter (RFC 2046 section 5.1.1).

    Less is let be, and so is a single text that is not very much shorter: servers state sizes by guess, a letter's of
    some kB easily twice what it has (Exchange's, unless told otherwise), and would have all their mail held.
    """
    missing = stated - len(octets)
    head, _, body = octets.partition(b"\r\n\r\n")
    if missing <= 0 or not body:
        return missing > 0
    if boundary := _BOUNDARY.search(_FOLD.sub(b" ", head)):
        return missing > max(100, stated // 10) and b"--%b--" % boundary[1].strip() not in body
    return missing > max(_GUESSED, stated // 2)


_FOLD = re.compile(rb"\r\n[ \t]+")
_BOUNDARY = re.compile(
    rb'^content-type:\s*multipart/[^\r\n]*?boundary\s*=\s*"?([^";\r\n]{1,200})', re.IGNORECASE | re.MULTILINE
)
_GUESSED = 16_384
"""Octets by which a size of one text may be guessed too high."""


def recognise(tx: Transaction, mailbox: MailboxRow, fetched: Sequence[tuple[MessageRow, bytes]]) -> list[Reception]:
    """What each fetched message is; runs inside the transaction that records it."""
    digests = {row.id: digest(octets) for row, octets in fetched}
    known: dict[str, list[MessageRow]] = {}
    for row in same_octets(tx, sorted({digests[row.id] for row, octets in fetched if octets})):
        known.setdefault(row.sha256 or "", []).append(row)
    origins = _origins(tx, mailbox, fetched, digests)
    receptions = []
    for row, octets in fetched:
        key = digests[row.id]
        twins = known.setdefault(key, [])
        reception = _recognise_one(tx, mailbox, row, octets, key, twins, origins[row.id])
        receptions.append(reception)
        if octets and reception.state is not MessageState.MATCHED:
            twins.append(row)
    return receptions


@dataclass(frozen=True, slots=True)
class _Origin:
    """What the header section says of where a message comes from, and of what is on record."""

    written_at: datetime
    is_dated: bool
    """Whether the mailbox's server, and its author or a hop, say when."""
    id_known: bool
    in_baseline: bool
    dealt_with: bool
    """Whether it lies in one of our folders since before this record was restored."""


def _recognise_one(
    tx: Transaction,
    mailbox: MailboxRow,
    row: MessageRow,
    octets: bytes,
    key: str,
    twins: list[MessageRow],
    origin: _Origin,
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
    reason = "" if row.let_in_by else _against(mailbox, row, origin, seen_elsewhere=bool(twins))
    if not reason and is_cut(row.size, octets):
        reason = CUT
    if reason:
        return Reception(row.id, MessageState.HELD, octets, key, reason)
    # Whether one in another mailbox counts depends on what became of it there: decided later.
    return Reception(row.id, MessageState.RECEIVED, octets, key)


def _against(mailbox: MailboxRow, row: MessageRow, origin: _Origin, *, seen_elsewhere: bool) -> str:
    """Why a message that matches nothing is a person's all the same; empty: it is new."""
    if origin.dealt_with:
        return SURELY
    if row.resync and not seen_elsewhere:
        if origin.id_known:
            return "stesso_messaggio_altri_ottetti"
        if _is_old(mailbox, origin):
            return "vecchio_non_riconosciuto"
    first_look = mailbox.baselined_at
    if origin.in_baseline or (first_look is not None and origin.written_at < first_look - SLOW):
        return "precedente_al_servizio"
    return ""


def _stands_for_a_copy(twin: MessageRow, mailbox: MailboxRow) -> bool:
    # A row that only says "matched" after an earlier renumbering was the same copy as its twin.
    only_matched = twin.state == MessageState.MATCHED and twin.generation == 0
    # A filed message had left the inbox: that it lies there again is somebody's doing, and is shown.
    here = twin.mailbox_id == mailbox.id and twin.state not in (MessageState.FILED, MessageState.ERASED)
    return here and twin.location_uid_validity != mailbox.uid_validity and not only_matched


def _is_old(mailbox: MailboxRow, origin: _Origin) -> bool:
    if not origin.is_dated or mailbox.last_read_at is None:
        return True
    seen = min(mailbox.last_read_at, mailbox.resynced_at or mailbox.last_read_at)
    return origin.written_at < seen - GRACE


def _origins(
    tx: Transaction, mailbox: MailboxRow, fetched: Sequence[tuple[MessageRow, bytes]], digests: Mapping[int, str]
) -> dict[int, _Origin]:
    """What is known of each message beside its octets."""
    headers = {row.id: read_header(octets) for row, octets in fetched}
    secret = secret_of(tx)
    keys = {
        key: keyed_hash(secret, "message-id", header.message_id) for key, header in headers.items() if header.message_id
    }
    old = baselined(tx, keys.values())
    known = same_origin(tx, sorted(set(keys.values()))) if any(row.resync for row, _ in fetched) else set()
    restored = mailbox.restored_at is not None
    filed = lies_in_our_folders(tx, list(digests.values()), list(keys.values())) if restored else set()
    found = {}
    for row, _ in fetched:
        header, key = headers[row.id], keys.get(row.id, "")
        dated = row.internal_date is not None and bool(header.date or header.received)
        written = written_at(row.listed_at, row.internal_date, header.date, header.received)
        found[row.id] = _Origin(
            written, dated, key in known, (key, row.size) in old, bool({key, digests[row.id]} & filed)
        )
    return found
