"""Reads what we send as the strictest receiver would: an independent reader, sharing no code with ours.

Octets enter; header fields, parts and the attached original leave. Refused, with ``NotStrictError``:
whatever RFC 5321 or RFC 5322 does not let a sender write, even where every mail program would forgive
it. The standard library's parser reads the same octets beside it, and both must agree.
"""

from __future__ import annotations

import base64
import email
import quopri
import re
from dataclasses import dataclass
from email.message import Message

LONGEST_LINE = 998
"""Octets without the CRLF (RFC 5321 section 4.5.3.1.6, RFC 5322 section 2.1.1)."""
_FIELD = re.compile(rb"([!-9;-~]+): (.*)", re.DOTALL)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class NotStrictError(AssertionError):
    """What we would have sent is not what a sender may send."""


@dataclass(frozen=True, slots=True)
class Section:
    """A header section and the octets below it. Values are unfolded and not decoded."""

    fields: tuple[tuple[str, str], ...]
    body: bytes

    def names(self) -> list[str]:
        return [name for name, _ in self.fields]

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def value(self, name: str) -> str:
        """The field's value; it must stand there exactly once."""
        [value] = self.values(name)
        return value

    def content(self) -> bytes:
        """The body without its transfer encoding."""
        encoding = (self.values("Content-Transfer-Encoding") or ["7bit"])[0]
        if encoding == "base64":
            return base64.b64decode(self.body.replace(b"\r\n", b""), validate=True)
        if encoding == "quoted-printable":
            return quopri.decodestring(self.body)
        _require(encoding in ("7bit", "8bit"), f"an encoding that no receiver must know: {encoding}")
        _require(encoding == "8bit" or self.body.isascii(), "octets above 127 are called 7bit")
        return self.body


def read_strictly(octets: bytes, *, eight_bit: bool) -> Section:
    """The whole message; its lines, line ends and header section obey the clauses named above."""
    _require(octets.endswith(b"\r\n"), "it does not end with CRLF")
    _require(b"\0" not in octets, "NUL")
    pairs = octets.count(b"\r\n")
    _require(octets.count(b"\r") == pairs == octets.count(b"\n"), "a bare CR or LF: servers may see another message")
    _require(max(map(len, octets.split(b"\r\n"))) <= LONGEST_LINE, "a line over 998 octets")
    _require(eight_bit or octets.isascii(), "8-bit octets without 8BITMIME")
    return _section(octets)


def parts_of(section: Section) -> tuple[Section, ...]:
    """The parts of a multipart/mixed, split by its boundary alone (RFC 2046 section 5.1.1)."""
    found = re.fullmatch(r'multipart/mixed; boundary="([0-9A-Za-z=_.-]{16,70})"', section.value("Content-Type"))
    if found is None:
        raise NotStrictError("no multipart/mixed with a plain boundary")
    delimiter = b"--" + found[1].encode()
    whole = b"\r\n" + section.body
    _require(whole.startswith(b"\r\n" + delimiter + b"\r\n"), "text before the first boundary")
    _require(whole.endswith(b"\r\n" + delimiter + b"--\r\n"), "no closing boundary at the end")
    inner = whole.removesuffix(b"\r\n" + delimiter + b"--\r\n")
    parts = inner.split(b"\r\n" + delimiter + b"\r\n")[1:]
    _require(all(delimiter not in part for part in parts), "the boundary stands inside a part")
    return tuple(_section(part) for part in parts)


def original_of(parts: tuple[Section, ...]) -> bytes:
    """The attached original: the one part named ``originale.eml``."""
    carriers = [part for part in parts if any("originale.eml" in value for value in part.values("Content-Disposition"))]
    _require(len(carriers) == 1, f"{len(carriers)} originals")
    return carriers[0].content()


def read_by_library(octets: bytes) -> Message:
    """What the standard library makes of it, whole; no defects are tolerated in what is ours."""
    message = email.message_from_bytes(octets)
    _require(not message.defects, f"the standard library sees defects: {message.defects}")
    return message


def _section(octets: bytes) -> Section:
    head, found, body = octets.partition(b"\r\n\r\n")
    _require(bool(found), "a header section without an end")
    fields: list[tuple[str, str]] = []
    for line in head.split(b"\r\n"):
        _require(_CONTROL.search(line) is None, "a control character in a header field")
        if line[:1] in (b" ", b"\t"):
            _require(bool(line.strip()) and bool(fields), "a folded line of blanks, or one that continues nothing")
            name, value = fields.pop()
            fields.append((name, value + line.decode("utf-8")))
        else:
            match = _FIELD.fullmatch(line)
            if match is None:
                raise NotStrictError("a line of the header section is no field")
            fields.append((match[1].decode("ascii"), match[2].decode("utf-8")))
    return Section(tuple(fields), body)


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise NotStrictError(otherwise)
