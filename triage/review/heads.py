"""Who wrote a message and under which subject, for lists: read from the first octets, and remembered.

In: a transaction and rows. Out: a :class:`Head` a message. Nothing is refused: what cannot be read has an empty head.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from triage.parse import parse
from triage.reading import ParsedMessages
from triage.record import Transaction
from triage.record.messages import MessageRow
from triage.record.octets import read_beginnings
from triage.rules import Rules
from triage.vocabulary import MessageState

BEGINNING = 64 << 10
"""Octets that are read of a message for its head."""
MOST = 8192


@dataclass(frozen=True, slots=True)
class Head:
    """What a list shows of a message."""

    name: str = ""
    address: str = ""
    subject: str = ""
    files: int = 0
    whole: bool = True
    """Whether ``files`` are all of them, where that is asked for."""


_lock = threading.Lock()
_kept: OrderedDict[tuple[str, bool], Head] = OrderedDict()


def heads_of(
    tx: Transaction, parsed: ParsedMessages, rules: Rules, mailboxes: dict[int, str], rows: Sequence[MessageRow]
) -> dict[int, Head]:
    """The heads of these messages; what stopped the parser is not read again."""
    keys = {row.id: (row.sha256 or "", _certified(rules, mailboxes, row)) for row in rows if _readable(row)}
    with _lock:
        known = {key: _kept[key] for key in set(keys.values()) if key in _kept}
    missing = {key for key in keys.values() if key not in known}
    beginnings = read_beginnings(tx, [sha256 for sha256, _ in missing], BEGINNING) if missing else {}
    boxes = {keys[row.id]: rules.mailboxes.get(mailboxes.get(row.mailbox_id, "")) for row in rows if row.id in keys}
    for key in missing:
        if (octets := beginnings.get(key[0])) is not None:
            message = parsed.seen(parse(octets), boxes[key])
            author = message.author
            known[key] = Head(author.display_name, author.addr_spec, message.subject, len(message.attachments))
    with _lock:
        for key in missing & known.keys():
            _kept[key] = known[key]
        while len(_kept) > MOST:
            _kept.popitem(last=False)
    return {number: known.get(key, Head()) for number, key in keys.items()}


def _readable(row: MessageRow) -> bool:
    # What was erased is not shown from memory either: another page may have remembered its head.
    return row.sha256 is not None and row.state != MessageState.ERASED and not row.stopped_the_parser


def _certified(rules: Rules, mailboxes: dict[int, str], row: MessageRow) -> bool:
    box = rules.mailboxes.get(mailboxes.get(row.mailbox_id, ""))
    return box is not None and box.pec
