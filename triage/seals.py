"""The seal in our own header field: evidence that a message was made here, and whether it holds.

A field enters as it stands in a message, with the Message-IDs that it may have been made over. A seal that was made
over none of them is a forgery, or a copy of somebody else's: it is shown and proves nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from enum import StrEnum

from triage.ids import case_code

OWN_FIELD = "X-Reti-Smistamento"
"""Our own header field: the case's code and the seal."""

_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


class Seal(StrEnum):
    """What our own header field proves."""

    ABSENT = "absent"
    OURS = "ours"
    FORGED = "forged"


def seal(secret: bytes, rfc_message_id: str) -> str:
    """An HMAC over the Message-ID that nobody else can compute."""
    return hmac.new(secret, f"seal\0{rfc_message_id}".encode(), hashlib.sha256).hexdigest()[:32]


def holds(secret: bytes, value: str, message_ids: Iterable[str]) -> bool:
    """Whether a field's seal was made over one of these."""
    given = value.strip().rpartition(" ")[2].encode("utf-8", "replace")
    return any(hmac.compare_digest(seal(secret, item).encode(), given) for item in message_ids)


def case_of_field(secret: bytes, value: str) -> int | None:
    """The case whose genuine code stands in a field; ``None`` when there is none."""
    code = value.strip().partition(" ")[0]
    number = 0
    for sign in code.partition("-")[0][:13]:
        if sign not in _LETTERS:
            return None
        number = number * len(_LETTERS) + _LETTERS.index(sign)
    genuine = case_code(secret, number).encode() if number < 1 << 62 else b""
    return number if genuine and hmac.compare_digest(genuine, code.encode("utf-8", "replace")) else None
