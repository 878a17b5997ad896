"""Names that we give: Message-IDs, case codes and the tags of return addresses."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator
from itertools import islice

_AMAZON = "[0-9a-f]{16}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9]{6}"
_AMAZON_REPLY = re.compile(rf"(?:2\.\d\.\d )?Ok:? ({_AMAZON})", re.IGNORECASE)
_AMAZON_ID = re.compile(rf"<({_AMAZON})@(?:[a-z0-9-]+\.)?amazonses\.com>", re.IGNORECASE)
_MICROSOFT_REPLY = re.compile(
    r"2\.[06]\.0 .{0,20}?(<[\x21-\x3b\x3d\x3f-\x7e]{1,200}@[A-Za-z0-9.-]{1,253}>) "
    r"\[(?:InternalId=[0-9]+, ?)?Hostname=[A-Za-z0-9.-]+\]",
    re.IGNORECASE,
)
_OURS = re.compile(r"(?<![\w.+-])[0-9a-f]{32}@[A-Za-z0-9.-]{0,252}[A-Za-z0-9]")
"""Ours is known without its angle brackets, too, which some reports leave out."""
_PUT_IN_ITS_PLACE = re.compile(
    r"(?<=<)[0-9a-f-]{16,70}@[a-z0-9.-]{0,30}amazonses\.com(?=>)"
    r"|(?<=<)[A-Za-z0-9+/=_.-]{1,120}@[A-Za-z0-9.-]{1,80}\.prod\.(?:outlook|exchangelabs)\.com(?=>)"
)
_LONGEST_LEFT = 121
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""No letter or digit that is mistaken for another when read aloud or copied by hand."""
_CODE = re.compile(rf"(?<![A-Z0-9-])[{_LETTERS}]{{2,13}}-[{_LETTERS}]{{8}}(?![A-Z0-9-])")
_NO_HYPHEN = re.compile(rf"[{_LETTERS}]{{10,21}}")
_MOST_CODES = 50
_MOST_IDS = 20


def new_message_id(domain: str) -> str:
    """A Message-ID that says nothing about what it names (RFC 5322 section 3.6.4)."""
    return f"<{secrets.token_hex(16)}@{domain}>"


def probe_subject(rfc_message_id: str) -> str:
    """The subject of a message to ourselves; it names the message where a server has replaced the Message-ID."""
    return f"Prova di triage check {rfc_message_id.strip('<>').partition('@')[0]}"


def own_ids(octets: bytes, *texts: str) -> tuple[str, ...]:
    """Message-IDs in the first 256 kB that may name what we sent, each once, as :func:`findable` has them.

    A delivery report quotes the header section of what could not be delivered: our own Message-ID, or
    the one that Amazon or Microsoft put in its place. ``texts``: the message's own, decoded, where some
    write it within base64, over a soft line break, or as HTML.
    """
    read = (octets[: 256 << 10].decode("latin-1"), *(text[: 256 << 10] for text in texts))
    found = dict.fromkeys(item for text in read for item in islice(_may_be_ours(text), _MOST_IDS))
    return tuple(dict.fromkeys(findable(f"<{item}>") for item in found))


def _may_be_ours(text: str) -> Iterator[str]:
    """From each @ to the left: large files hold few of them, and to search the whole costs a hundredfold."""
    at = text.find("@")
    while at >= 0:
        opens = text.rfind("<", max(0, at - _LONGEST_LEFT), at)
        ours = _OURS.match(text, at - 32) if at >= 32 else None
        # What begins further to the left is the whole of it.
        found = _PUT_IN_ITS_PLACE.match(text, opens + 1) if opens >= 0 and (not ours or opens + 1 < at - 32) else None
        if (found := found or ours) is not None:
            yield found[0]
        at = text.find("@", at + 1)


def given_id(reply: str, own: str) -> str:
    """The Message-ID that a server says it put in place of ``own``, in the form of :func:`findable`; "": none.

    Amazon SES answers ``Ok <its id>``; Microsoft names the Message-ID in force, and the host.
    """
    amazon = _AMAZON_REPLY.fullmatch(reply.strip())
    if amazon:
        return f"<{amazon[1].lower()}@amazonses.com>"
    microsoft = _MICROSOFT_REPLY.search(reply)
    return microsoft[1] if microsoft and microsoft[1] != own else ""


def findable(message_id: str) -> str:
    """The form in which a Message-ID is looked for: Amazon's answer names no region, the Message-ID does."""
    amazon = _AMAZON_ID.fullmatch(message_id)
    return f"<{amazon[1].lower()}@amazonses.com>" if amazon else message_id


def case_code(secret: bytes, case_id: int) -> str:
    """The case's short code: its number and a part of an HMAC that nobody else can compute."""
    mac = int.from_bytes(hmac.new(secret, f"case\0{case_id}".encode(), hashlib.sha256).digest()[:8], "big")
    return f"{_written(case_id, 2)}-{_written(mac, 8)[-8:]}"


def with_hyphen(code: str) -> str:
    """A case's code as we write it, where it was typed without its hyphen, as it is heard on the telephone."""
    typed = code.strip().upper()
    return f"{typed[:-8]}-{typed[-8:]}" if _NO_HYPHEN.fullmatch(typed) else code


def cases_typed(secret: bytes, text: str) -> tuple[int, ...]:
    """The cases that somebody names by typing a code: with its hyphen or without, in any case, with blanks around."""
    return cases_named(secret, with_hyphen(text))


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
