"""The few header fields that intake itself looks at; a malformed one says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.parser import BytesHeaderParser

from triage.ages import read_date

MOST_OCTETS = 64 << 10


@dataclass(frozen=True, slots=True)
class Header:
    """``message_id`` as written (empty: none), the author's ``date``, the Received fields, newest first."""

    message_id: str = ""
    date: datetime | None = None
    received: tuple[str, ...] = ()


def read_header(octets: bytes) -> Header:
    """Of a message or of its header section; never raises."""
    head = octets[:MOST_OCTETS].split(b"\r\n\r\n", 1)[0]
    try:
        fields = BytesHeaderParser().parsebytes(head)
        received = tuple(str(value) for value in fields.get_all("Received", []))
        return Header(str(fields.get("Message-ID", "")).strip(), read_date(str(fields.get("Date", ""))), received)
    except Exception:  # noqa: BLE001 - any malformed header simply identifies nothing
        return Header()
