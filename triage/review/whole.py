"""Stored messages opened by pages that show or search many of them: whole, within bounds, and said where not.

In: rows and what their mailboxes are. Out: an :class:`Opened` a message. What stopped the parser is not opened. The
first octets are read of all of them at once; most messages are no longer.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from triage.parse import parse
from triage.record import Transaction
from triage.record.messages import MessageRow
from triage.record.octets import read_beginnings, read_octets
from triage.review.desk import Desk
from triage.review.heads import BEGINNING
from triage.rules.types import Mailbox
from triage.vocabulary import InboundMessage

WHOLE = 8 << 20
"""Octets up to which one message is read whole: a seventh of a second. Larger ones are photographs and scans."""
TOGETHER = 16 << 20
"""Octets that are read whole for one page."""
_LIMIT = "limit_"
"""How the defects begin that say that the parser stopped reading."""
Boxes = Mapping[int, Mailbox | None]


@dataclass(frozen=True, slots=True)
class Opened:
    """One message as it was read. ``whole``: nothing of its text or its files lies further on."""

    message: InboundMessage
    whole: bool


def beginnings_of(desk: Desk, tx: Transaction, rows: Sequence[MessageRow], boxes: Boxes) -> dict[int, Opened]:
    """These messages by number, as far as their first octets say."""
    found = read_beginnings(tx, [row.sha256 for row in rows if row.sha256], BEGINNING)
    opened = {}
    for row in rows:
        octets = found.get(row.sha256 or "")
        if octets is not None and not row.stopped_the_parser:
            message = desk.parsed.seen(parse(octets, clock=time.monotonic), boxes.get(row.mailbox_id))
            opened[row.id] = Opened(message, row.size <= BEGINNING and not _was_cut(message))
    return opened


def opened_whole(desk: Desk, tx: Transaction, row: MessageRow, boxes: Boxes) -> Opened | None:
    """One message, read to its end; ``None``: it is too large for that, or stopped the parser, or is gone."""
    if row.sha256 is None or row.size > WHOLE or row.stopped_the_parser:
        return None
    octets = read_octets(tx, [row.sha256]).get(row.sha256)
    if octets is None:
        return None
    message = desk.parsed.seen(desk.parsed.parse(row.sha256, octets), boxes.get(row.mailbox_id))
    return Opened(message, not _was_cut(message))


def opened_of(desk: Desk, tx: Transaction, rows: Sequence[MessageRow], boxes: Boxes) -> dict[int, Opened]:
    """These messages, the newest ones whole as long as :data:`TOGETHER` lasts."""
    opened = beginnings_of(desk, tx, rows, boxes)
    left = TOGETHER
    for row in sorted(rows, key=lambda one: -one.id):
        if row.id in opened and BEGINNING < row.size <= left:
            whole = opened_whole(desk, tx, row, boxes)
            if whole is not None:
                opened[row.id] = whole
                left -= row.size
    return opened


def _was_cut(message: InboundMessage) -> bool:
    return any(defect.code.startswith(_LIMIT) for defect in message.defects)
