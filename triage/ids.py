"""Names that we give: Message-IDs, case codes, and the jitter that keeps workers apart."""

from __future__ import annotations

import hashlib
import hmac
import random
import re
import secrets
from datetime import timedelta

_OWN_ID = re.compile(rb"<[0-9a-f]{32}@[A-Za-z0-9.-]{1,253}>")
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""No letter or digit that is mistaken for another when read aloud or copied by hand."""
_CODE = re.compile(rf"(?<![A-Z0-9-])[{_LETTERS}]{{2,13}}-[{_LETTERS}]{{8}}(?![A-Z0-9-])")
_MOST_CODES = 50


def new_message_id(domain: str) -> str:
    """A Message-ID that says nothing about what it names (RFC 5322 section 3.6.4)."""
    return f"<{secrets.token_hex(16)}@{domain}>"


def own_ids(octets: bytes) -> tuple[str, ...]:
    """Message-IDs of the form of :func:`new_message_id` in the first 256 kB, each once.

    A delivery report quotes the header section of what could not be delivered.
    """
    found = dict.fromkeys(_OWN_ID.findall(octets[: 256 << 10]))
    return tuple(item.decode("ascii") for item in list(found)[:20])


def case_code(secret: bytes, case_id: int) -> str:
    """The case's short code: its number and a part of an HMAC that nobody else can compute."""
    mac = int.from_bytes(hmac.new(secret, f"case\0{case_id}".encode(), hashlib.sha256).digest()[:8], "big")
    return f"{_written(case_id, 2)}-{_written(mac, 8)[-8:]}"


def cases_named(secret: bytes, text: str) -> tuple[int, ...]:
    """Cases whose code stands in a text, each once; a number without its HMAC names nothing."""
    found: dict[int, None] = {}
    for written in _CODE.findall(text.upper())[:_MOST_CODES]:
        case_id = 0
        for letter in written.partition("-")[0]:
            case_id = case_id * len(_LETTERS) + _LETTERS.index(letter)
        if case_id < 1 << 62 and hmac.compare_digest(case_code(secret, case_id), written):
            found[case_id] = None
    return tuple(found)


def _written(number: int, least: int) -> str:
    letters = ""
    while number or len(letters) < least:
        number, rest = divmod(number, len(_LETTERS))
        letters = _LETTERS[rest] + letters
    return letters


def jittered(delay: timedelta) -> timedelta:
    """Between four fifths and six fifths of a delay."""
    return delay * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, guards nothing
