"""Bodies of what we send: readable text, and the original octets that must arrive as they came.

The original travels as ``message/rfc822`` when its octets may stand in one (RFC 2046 section
5.2.1, RFC 5321 section 4.5.3.1.6), else as base64 ``originale.eml``. It is never parsed and
written again: that breaks signatures.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Sequence

from triage.dispatch.fields import parameter

LONGEST_LINE = 998
"""Octets of a line without its CRLF (RFC 5322 section 2.1.1)."""
LONGEST_FIELD = 65_536
"""Octets of a header field with its folded lines. Postfix discards what exceeds 102,400, also in nested messages."""


def travels_as_message(octets: bytes, eight_bit: bool) -> bool:
    """Whether octets may be carried as a message/rfc822 part without changing one of them."""
    if not octets or b"\0" in octets:
        return False
    pairs = octets.count(b"\r\n")
    if octets.count(b"\r") != pairs or octets.count(b"\n") != pairs:
        return False  # bare CR or LF: servers change or refuse it (SMTP smuggling)
    if not octets.isascii() and not (eight_bit and header_section(octets).isascii()):
        return False  # raw 8-bit fields may stand in a message/global only (RFC 6532 section 3.7), which few can open
    field = 0
    for line in octets.split(b"\r\n"):
        field = field + len(line) if line[:1] in (b" ", b"\t") else len(line)
        if len(line) > LONGEST_LINE or field > LONGEST_FIELD:
            return False
    return True


def header_section(octets: bytes) -> bytes:
    """What stands before the first empty line."""
    return octets.partition(b"\r\n\r\n")[0]


def original_part(octets: bytes, eight_bit: bool, closed: bool = False) -> bytes:
    """The part that holds the original octets, header section included.

    ``closed``: as a file, whatever its octets, for a message that is not to be opened on the way.
    """
    if not closed and travels_as_message(octets, eight_bit):
        encoding = b"7bit" if octets.isascii() else b"8bit"
        head = (
            b"Content-Type: message/rfc822\r\n"
            b'Content-Disposition: attachment; filename="originale.eml"\r\n'
            b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n"
        )
        return head + octets
    head = (
        b'Content-Type: application/octet-stream; name="originale.eml"\r\n'
        b'Content-Disposition: attachment; filename="originale.eml"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head + base64.encodebytes(octets).replace(b"\n", b"\r\n")


def file_part(name: str, content_type: str, octets: bytes) -> bytes:
    """An attached file in base64, header section included; the name as RFC 2231 and RFC 2183 have it."""
    head = (
        b"Content-Type: " + content_type.encode("ascii") + parameter("name", name) + b"\r\n"
        b"Content-Disposition: attachment" + parameter("filename", name) + b"\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head + base64.encodebytes(octets).replace(b"\n", b"\r\n")


def text_part(text: str) -> bytes:
    """A text/plain part in UTF-8, quoted-printable, header section included."""
    return (
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        + quoted_printable(text)
    )


def quoted_printable(text: str) -> bytes:
    """UTF-8 in quoted-printable with CRLF line ends (RFC 2045 section 6.7); ends with one."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    octets = "\n".join(line.rstrip() for line in lines).encode("utf-8", "replace") + b"\n"
    encoded = binascii.b2a_qp(octets.replace(b"\0", b""), quotetabs=False, istext=True)
    return encoded.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def mixed(parts: Sequence[bytes]) -> bytes:
    """A multipart/mixed body with its two header fields; the boundary stands in none of the parts."""
    boundary = secrets.token_hex(16).encode("ascii")
    while any(boundary in part for part in parts):
        boundary = secrets.token_hex(16).encode("ascii")
    # A multipart has the encoding of its parts, or a gateway may think it safe to strip the eighth bit (RFC 2045
    # section 6.4).
    encoding = b"" if all(part.isascii() for part in parts) else b"Content-Transfer-Encoding: 8bit\r\n"
    head = b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="' + boundary + b'"\r\n' + encoding + b"\r\n"
    # The CRLF before a delimiter belongs to the delimiter (RFC 2046 section 5.1.1), so a part that
    # does not end with one keeps its octets all the same.
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    return head + body + b"--" + boundary + b"--\r\n"


def html_part(text: str) -> bytes:
    """A text/html part in UTF-8, quoted-printable, header section included."""
    return (
        b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        + quoted_printable(text)
    )


def alternative(parts: Sequence[bytes]) -> bytes:
    """A multipart/alternative body with its two header fields; its parts are ours, so all is ASCII."""
    # The same for the same parts, and in none of them: no text holds a digest of itself.
    boundary = hashlib.sha256(b"".join(parts)).hexdigest()[:32].encode("ascii")
    head = b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="' + boundary + b'"\r\n\r\n'
    return head + b"".join(b"--" + boundary + b"\r\n" + part for part in parts) + b"--" + boundary + b"--\r\n"
