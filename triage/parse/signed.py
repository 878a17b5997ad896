"""CMS SignedData (RFC 5652) -> the content inside it, without judging the signature.

Mail "signed opaquely" has no readable part but this. Walks BER by lengths, definite and indefinite,
with caps on depth and elements; anything else (encrypted, damaged) gives ``None``.
"""

from __future__ import annotations

_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_DATA = bytes.fromhex("06092a864886f70d010701")
_MAX_ELEMENTS = 100_000
_OCTET_STRING, _CONSTRUCTED_OCTET_STRING, _CONTEXT_0 = 0x04, 0x24, 0xA0


def signed_content(octets: bytes) -> bytes | None:
    """The encapsulated content, or ``None`` when there is none to read."""
    if _SIGNED_DATA not in octets[:64]:
        return None
    at = octets.find(_DATA, 0, 4_096)
    if at < 0:
        return None
    position = at + len(_DATA)
    if octets[position : position + 1] != bytes([_CONTEXT_0]):
        return None
    pieces: list[bytes] = []
    for _ in range(_MAX_ELEMENTS):
        header = _read_header(octets, position)
        if header is None:
            break
        tag, start, length = header
        if tag in (_CONTEXT_0, _CONSTRUCTED_OCTET_STRING):
            position = start  # into it; a second [0] (certificates) comes after other elements
            continue
        if tag != _OCTET_STRING or length is None:
            break
        pieces.append(octets[start : start + length])
        position = start + length
    return b"".join(pieces) or None


def _read_header(octets: bytes, position: int) -> tuple[int, int, int | None] | None:
    """(tag, start of the value, length; ``None`` for indefinite) of one BER element."""
    if position + 2 > len(octets):
        return None
    tag, first = octets[position], octets[position + 1]
    if first < 0x80:
        return tag, position + 2, first
    if first == 0x80:
        return tag, position + 2, None
    count = first & 0x7F
    if count > 4 or position + 2 + count > len(octets):
        return None
    return tag, position + 2 + count, int.from_bytes(octets[position + 2 : position + 2 + count], "big")
