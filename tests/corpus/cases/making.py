"""Makes messages octet by octet, and says what must be read of them.

A fact that a case does not state has its ordinary value: Anna Rossi wrote "Vorrei un colloquio a
Viadana." under "Informazioni", nothing is attached, nothing is malformed, a person wrote it, and
she may be sent an acknowledgement. So each case states exactly what is unlike an ordinary message.
"""

from __future__ import annotations

import base64
import quopri
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CRLF = "\r\n"
TEXT = "Vorrei un colloquio a Viadana."
OURS = "famiglie@agency.example"
ANNA = "anna.rossi@family.example"
HEAD: Mapping[str, str] = {
    "Return-Path": f"<{ANNA}>",
    "From": f"Anna Rossi <{ANNA}>",
    "To": f"Sportello <{OURS}>",
    "Subject": "Informazioni",
    "Date": "Mon, 4 May 2026 10:22:00 +0200",
    "Message-ID": "<uno@family.example>",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=utf-8",
}

Octets = str | bytes


@dataclass(frozen=True, slots=True)
class Case:
    """One message: its file's name, why it exists, its octets, and what must be read of it."""

    name: str
    why: str
    octets: bytes
    author: str = ANNA
    author_name: str = "Anna Rossi"
    subject: str = "Informazioni"
    text: tuple[str, ...] = (TEXT,)
    """Each stands in the text that its author wrote now; none: there is no such text."""
    without: tuple[str, ...] = ()
    """None of these stands there."""
    attachments: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()
    automatic: bool = False
    """A machine wrote it, by its header fields or its text."""
    proved: bool = False
    """Its header fields prove that."""
    against: tuple[str, ...] = ()
    """Signs that forbid an acknowledgement; none: she may be sent one."""
    is_forward: bool = False
    passed_on: str = ""
    """Whose message is passed on by hand; not asked where empty."""


def mail(
    body: Octets = TEXT + CRLF,
    *more: Octets,
    head: Mapping[str, Octets | None] | None = None,
    kind: str = "",
    encoding: str = "",
) -> bytes:
    """A whole message. ``head`` changes fields of ``HEAD`` (``None``: left out); ``more`` are further fields as written."""
    fields: dict[str, Octets | None] = {**HEAD, **(head or {})}
    if kind:
        fields["Content-Type"] = kind
    lines = [_octets(name) + b": " + _octets(value) for name, value in fields.items() if value is not None]
    lines += [_octets(line) for line in more]
    if encoding:
        lines.append(b"Content-Transfer-Encoding: " + encoding.encode())
    return b"\r\n".join(lines) + b"\r\n\r\n" + _octets(body)


def bare(fields: str, body: Octets = TEXT + CRLF) -> bytes:
    """A message of these fields only, one a line."""
    return _octets("".join(line + CRLF for line in fields.strip().splitlines())) + b"\r\n" + _octets(body)


def part(content: Octets, kind: str = "text/plain; charset=utf-8", *more: Octets, encoding: str = "") -> bytes:
    """One part of a multipart, its header section included; no kind: no Content-Type."""
    lines = [f"Content-Type: {kind}".encode()] if kind else []
    lines += [_octets(line) for line in more]
    if encoding:
        lines.append(b"Content-Transfer-Encoding: " + encoding.encode())
    content = _octets(content)
    if encoding == "base64":
        content = base64.encodebytes(content).replace(b"\n", b"\r\n").removesuffix(b"\r\n")
    elif encoding == "quoted-printable":
        content = quopri.encodestring(content.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return b"".join(line + b"\r\n" for line in lines) + b"\r\n" + content


def file(name: str, content: Octets = b"%PDF-1.7", kind: str = "application/pdf") -> bytes:
    """An attached file."""
    return part(content, kind, f'Content-Disposition: attachment; filename="{name}"', encoding="base64")


def join(parts: Sequence[Octets], boundary: str = "b1", *, before: Octets = "", after: Octets = "") -> bytes:
    """A multipart's body."""
    mark = b"--" + boundary.encode()
    body = b"".join(mark + b"\r\n" + _octets(one) + b"\r\n" for one in parts)
    return _octets(before) + body + mark + b"--\r\n" + _octets(after)


def multi(*parts: Octets, kind: str = "mixed", params: str = "", boundary: str = "b1", **head: Octets | None) -> bytes:
    """A whole multipart message; keywords change fields ("Subject", with "_" for "-")."""
    value = f'multipart/{kind}; {params}boundary="{boundary}"'
    changed = {name.replace("_", "-"): value for name, value in head.items()}
    return mail(join(parts, boundary), head=changed, kind=value)


def word(octets: Octets, encoding: str = "B", charset: str = "utf-8") -> str:
    """An encoded-word (RFC 2047), also of what no program should encode."""
    octets = _octets(octets)
    if encoding == "B":
        text = base64.b64encode(octets).decode()
    else:
        text = "".join(chr(o) if chr(o).isalnum() and o < 128 else f"={o:02X}" for o in octets)
    return f"=?{charset}?{encoding}?{text}?="


def lines(text: str) -> str:
    """Text with the network's line ends."""
    return text.strip("\n").replace("\n", CRLF) + CRLF


def _octets(text: Octets) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8")


NO_IDS = ("message_id_missing", "date_missing")
"""The defects of a message without header fields, beside those of its kind."""
