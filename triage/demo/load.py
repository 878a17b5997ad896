"""The invented inbox, made to look as if it had arrived during the last hours.

Enters: the moment that shall be "now". Leaves: each message's octets with the dates of its own Date
and Received fields moved (RFC 5322 section 3.3); every other octet is as in the file. Refused: a
moment without a time zone. Dates inside bodies, quotes and attached messages stay as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from importlib.resources import files

from imapclient import IMAPClient, SocketTimeout

NEWEST_AGE = timedelta(minutes=2)
"""How long before "now" the newest message was delivered; the oldest came about five hours earlier."""

TIMEOUT = SocketTimeout(connect=5, read=30)
"""Seconds; the demo's server answers in milliseconds."""

DemoMessage = tuple[str, bytes, datetime]
"""File name, octets, and the moment of delivery (IMAP's INTERNALDATE)."""

_HEADER_END = b"\r\n\r\n"
_DATED_FIELD = re.compile(rb"^(?:Date|Received):[^\r\n]*(?:\r\n[ \t][^\r\n]*)*", re.MULTILINE | re.IGNORECASE)
_RECEIVED = re.compile(rb"^Received:", re.IGNORECASE)
_DATE_TIME = re.compile(
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} "
    rb"\d\d:\d\d:\d\d [+-]\d{4}"
)


def demo_messages(now: datetime) -> list[DemoMessage]:
    """All messages of the demo in the order of their delivery, the newest two minutes before ``now``.

    Raises ``ValueError`` when ``now`` has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("The demo's inbox needs a moment with a time zone.")
    stored = [
        (entry.name, entry.read_bytes())
        for entry in files("triage.demo").joinpath("inbox").iterdir()
        if entry.name.endswith(".eml")
    ]
    newest = max(_delivered(octets) for _, octets in stored)
    shift = timedelta(seconds=int((now - NEWEST_AGE - newest).total_seconds()))
    messages = [(name, _moved(octets, shift), _delivered(octets) + shift) for name, octets in stored]
    return sorted(messages, key=lambda message: (message[2], message[0]))


def append_all(host: str, port: int, user: str, password: str, messages: Iterable[DemoMessage]) -> int:
    """Put the messages into the user's INBOX, unread, in the given order; returns how many.

    Speaks plain IMAP without TLS: for a server on loopback only. Raises ``imapclient``'s errors.
    """
    count = 0
    with IMAPClient(host, port, ssl=False, timeout=TIMEOUT) as client:
        client.login(user, password)
        for _, octets, internal_date in messages:
            client.append("INBOX", octets, (), internal_date)
            count += 1
    return count


def _moved(octets: bytes, shift: timedelta) -> bytes:
    header_section, end, body = octets.partition(_HEADER_END)

    def later(match: re.Match[bytes]) -> bytes:
        return format_datetime(parsedate_to_datetime(match[0].decode("ascii")) + shift).encode("ascii")

    moved = _DATED_FIELD.sub(lambda match: _DATE_TIME.sub(later, match[0]), header_section)
    return moved + end + body


def _delivered(octets: bytes) -> datetime:
    """When the last hop, the topmost Received field, took the message (RFC 5321 section 4.4)."""
    for field in _DATED_FIELD.finditer(octets.partition(_HEADER_END)[0]):
        if _RECEIVED.match(field[0]) and (date_time := _DATE_TIME.search(field[0])):
            return parsedate_to_datetime(date_time[0].decode("ascii"))
    raise ValueError("A message of the demo has no Received field with a date.")
