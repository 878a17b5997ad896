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


def return_tag(secret: bytes, dispatch_id: int) -> str:
    """The plus tag of one outgoing message's return address: its row, and proof that we made it (failure F18)."""
    return f"{_written(dispatch_id, 2)}-{_tag_mac(secret, dispatch_id)}".lower()


def read_return_tag(secret: bytes, tag: str) -> int | None:
    """The dispatch whose return address has this tag; ``None`` for a tag that we did not make."""
    number, _, mac = tag.upper().rpartition("-")
    if not 0 < len(number) <= 13 or not set(number) <= set(_LETTERS):
        return None
    dispatch_id = 0
    for letter in number:
        dispatch_id = dispatch_id * len(_LETTERS) + _LETTERS.index(letter)
    known = hmac.compare_digest(_tag_mac(secret, dispatch_id).encode(), mac.encode("utf-8", "replace"))
    return dispatch_id if known else None


def _tag_mac(secret: bytes, dispatch_id: int) -> str:
    mac = int.from_bytes(hmac.new(secret, f"return\0{dispatch_id}".encode(), hashlib.sha256).digest()[:8], "big")
    return _written(mac, 12)[-12:]


def _written(number: int, least: int) -> str:
    letters = ""
    while number or len(letters) < least:
        number, rest = divmod(number, len(_LETTERS))
        letters = _LETTERS[rest] + letters
    return letters


def jittered(delay: timedelta) -> timedelta:
    """Between four fifths and six fifths of a delay."""
    return delay * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, guards nothing
