"""Message-IDs and dates of header fields, never failing.

A msg-id is kept with its angle brackets, without white space (RFC 5322 section 3.6.4). Microsoft's
``<[...]>`` and ids without brackets or "@" are kept too: an id is compared, never taken apart.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from triage.parse.cleaning import clean_line
from triage.parse.limits import DefectLog

_BRACKETED = re.compile(r"<([^<>]{1,998})>")
_MAX_IDS = 200
_MAX_FIELD = 100_000


def parse_message_ids(text: str) -> tuple[str, ...]:
    """All ids of an unfolded References or In-Reply-To value; the last ``200``, phrases left out."""
    text = text[-_MAX_FIELD:]
    ids = ["".join(clean_line(found).split()) for found in _BRACKETED.findall(text)]
    if not ids:
        ids = [token for token in clean_line(text).replace(",", " ").split() if "@" in token and len(token) <= 998]
    return tuple(f"<{bare}>" for bare in dict.fromkeys(ids) if bare)[-_MAX_IDS:]


def parse_message_id(text: str, defects: DefectLog) -> str:
    """The id of a Message-ID value, "" when it holds nothing."""
    found = _BRACKETED.search(text)
    bare = "".join(clean_line(found[1] if found else text[:998]).split()).strip("<>")
    if not bare:
        defects.add("message_id_missing")
        return ""
    if not found or "@" not in bare:
        defects.add("message_id_malformed")
    return f"<{bare}>"


def parse_date(text: str, defects: DefectLog) -> datetime | None:
    """The moment in UTC; ``None`` when the field cannot be read. No zone, or -0000, counts as UTC."""
    if not text:
        defects.add("date_missing")
        return None
    try:
        moment = parsedate_to_datetime(text[:200])
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        defects.add("date_invalid")
        return None
