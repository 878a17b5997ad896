"""How old a message is: the oldest of what the mailbox, its author and the last hop say of it.

A migration gives old mail a new INTERNALDATE, and a colleague may append what was written long ago;
nobody makes a letter look older than it is without harm to himself alone. What cannot be true (a
future date, one from before there was such mail) counts for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.parser import BytesParser
from email.policy import compat32
from email.utils import parsedate_to_datetime

EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
"""A Date from before is a broken clock's, not an old letter's."""
_HEAD = 64 << 10
"""Octets in which a header section that says when it arrived has its fields."""
FAST = timedelta(days=1)
"""How far a clock may be ahead, and a time zone wrong."""


def written_at(
    seen: datetime, internal_date: datetime | None, date: datetime | None, received: Sequence[str]
) -> datetime:
    """Since when the message exists, as far as anybody says; ``seen`` (when we listed it) if nobody does.

    ``received`` are the Received fields, the newest first (RFC 5321 section 4.4).
    """
    claimed = [date, hop_time(received[0]) if received else None]
    sane = [stamp for stamp in claimed if stamp is not None and EARLIEST <= stamp <= seen + FAST]
    return min([*sane, *([internal_date] if internal_date is not None else [])], default=seen)


def arrived_at(octets: bytes, now: datetime) -> datetime:
    """When a message in a file reached its mailbox: by its newest Received field, else its Date; ``now`` if it says
    nothing, or what cannot be true.
    """
    try:
        fields = BytesParser(policy=compat32).parsebytes(octets[:_HEAD], headersonly=True)
        hops, date = fields.get_all("Received", []), str(fields.get("Date", ""))
    except Exception:  # noqa: BLE001 - the library raises what it likes; such a header section says nothing
        return now
    claimed = (hop_time(str(hops[0])) if hops else None, read_date(date))
    return next((stamp for stamp in claimed if stamp is not None and EARLIEST <= stamp <= now), now)


def hop_time(received: str) -> datetime | None:
    """When a hop took the message, from its Received field."""
    return read_date(received.rpartition(";")[2])


def read_date(text: str) -> datetime | None:
    """A date of RFC 5322 in UTC, or ``None``; without a time zone it counts as UTC."""
    try:
        stamp = parsedate_to_datetime(text.strip())
        return stamp.astimezone(UTC) if stamp.tzinfo is not None else stamp.replace(tzinfo=UTC)
    except Exception:  # noqa: BLE001 - the library raises what it likes; such a date says nothing
        return None
