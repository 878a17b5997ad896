"""Content-Transfer-Encoding (RFC 2045 section 6): damaged input yields what can be read.

Also tells the decoded size of a part without decoding it, since attachments are only listed.
"""

from __future__ import annotations

import binascii
import re

from triage.parse.limits import DefectLog

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(sorted(set(range(256)) - set(_ALPHABET + b"=")))
_WHITE_SPACE = b" \t\r\n"
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]{4,}={0,2}[ \t]*\r?\n?")
_QP_PADDED_BREAK = re.compile(rb"=[ \t]+(?=\n)")
_QP_DAMAGE = re.compile(rb"=(?![0-9A-Fa-f]{2}|\n|\Z)")
_UU_BEGIN = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} [^\n]*\n", re.MULTILINE)

PLAIN = frozenset({"", "7bit", "8bit", "binary"})
_UUENCODE = frozenset({"x-uuencode", "uuencode", "x-uue", "uue"})


def decode_transfer(octets: bytes, encoding: str, defects: DefectLog, where: str = "") -> bytes:
    """Octets after undoing ``encoding`` (lower case, as written in the field); unknown ones are left as they are."""
    if encoding in PLAIN:
        return octets
    if encoding == "base64":
        return _decode_base64(octets, defects, where)
    if encoding == "quoted-printable":
        return _decode_quoted_printable(octets, defects, where)
    if encoding in _UUENCODE:
        return _decode_uuencode(octets, defects, where)
    defects.add("transfer_encoding_unknown", where)
    return octets


def decoded_size(octets: bytes, start: int, end: int, encoding: str) -> int:
    """Number of octets that decoding would yield; exact for well-formed parts."""
    length = end - start
    if encoding == "base64":
        white = sum(octets.count(sign, start, end) for sign in (b"\n", b"\r", b" ", b"\t"))
        padding = octets.count(b"=", max(start, end - 8), end)
        return max(0, (length - white) * 3 // 4 - padding)
    if encoding == "quoted-printable":
        soft_crlf = octets.count(b"=\r\n", start, end)
        soft_lf = octets.count(b"=\n", start, end)
        escapes = octets.count(b"=", start, end) - soft_crlf - soft_lf
        return max(0, length - 2 * escapes - 3 * soft_crlf - 2 * soft_lf)
    if encoding in _UUENCODE:
        return max(0, (length - 2 * octets.count(b"\n", start, end)) * 3 // 4)
    return length


def _decode_base64(octets: bytes, defects: DefectLog, where: str) -> bytes:
    solid = octets.translate(None, _WHITE_SPACE)
    try:
        return binascii.a2b_base64(solid, strict_mode=True)
    except binascii.Error:
        pass
    end = _end_of_base64_lines(octets)
    head = octets[:end].translate(None, _WHITE_SPACE)
    if _looks_like_text(octets[end:]) and len(head) >= 8 and len(head) % 4 == 0:
        # A list or a scanner has put its footer in clear under the encoded text.
        defects.add("base64_trailing_text", where)
        return _decode_base64_segments(head) + b"\n" + octets[end:]
    if _looks_like_text(octets):
        defects.add("base64_absent", where)
        return octets
    defects.add("base64_damaged", where)
    return _decode_base64_segments(solid.translate(None, _NOT_BASE64))


def _end_of_base64_lines(octets: bytes) -> int:
    end = 0
    while (line := _BASE64_LINE.match(octets, end)) and (line[0].endswith(b"\n") or line.end() == len(octets)):
        end = line.end()
    return end


def _looks_like_text(octets: bytes) -> bool:
    """More than one octet in twenty is a space inside a line, or outside the alphabet."""
    inner_spaces = octets.count(b" ") - octets.count(b" \n") - octets.count(b" \r")
    solid = octets.translate(None, _WHITE_SPACE)
    alien = len(solid) - len(solid.translate(None, _NOT_BASE64)) + inner_spaces
    return alien > max(2, len(solid) // 20)


def _decode_base64_segments(solid: bytes) -> bytes:
    """Padding may stand in the middle where two encoded texts were joined."""
    return b"".join(_decode_base64_segment(segment) for segment in solid.split(b"=") if segment)


def _decode_base64_segment(segment: bytes) -> bytes:
    usable = len(segment) - (len(segment) % 4 == 1)
    return binascii.a2b_base64(segment[:usable] + b"=" * (-usable % 4))


def _decode_quoted_printable(octets: bytes, defects: DefectLog, where: str) -> bytes:
    # a2b_qp takes "=" before a bare CR for a soft break and drops all up to the next LF.
    octets = octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    octets = _QP_PADDED_BREAK.sub(b"=", octets)
    if _QP_DAMAGE.search(octets):
        defects.add("quoted_printable_damaged", where)
    return binascii.a2b_qp(octets)


def _decode_uuencode(octets: bytes, defects: DefectLog, where: str) -> bytes:
    begin = _UU_BEGIN.search(octets)
    if begin is None:
        defects.add("uuencode_absent", where)
        return octets
    decoded: list[bytes] = []
    for line in octets[begin.end() :].splitlines():
        if line.strip() == b"end":
            return b"".join(decoded)
        decoded.append(_decode_uu_line(line, defects, where))
    defects.add("uuencode_damaged", where)
    return b"".join(decoded)


def _decode_uu_line(line: bytes, defects: DefectLog, where: str) -> bytes:
    if not line:
        return b""
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        # Encoders that count octets wrongly (Python's own uu module has the same workaround).
        needed = (((line[0] - 32) & 63) * 4 + 5) // 3
        try:
            return binascii.a2b_uu(line[:needed])
        except binascii.Error:
            defects.add("uuencode_damaged", where)
            return b""
