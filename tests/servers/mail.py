"""Build messages for tests: octets as a family's mail program would send them.

Sensible defaults enter by omission; octets with CRLF leave. Header fields are written as given, so
that malformed ones can be made; only non-ASCII text is encoded (RFC 2047).
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, parseaddr

GENERAL_ADDRESS = "pijss.retifamiglia@ats-valpadana.it"

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file to attach; ``content_type`` is type/subtype."""

    file_name: str
    octets: bytes
    content_type: str = "application/pdf"


def make_mail(
    body: str = "Buongiorno,\nvorrei un appuntamento.\nGrazie\n",
    *,
    subject: str | None = "Richiesta di informazioni",
    author: str | None = "Anna Esempio <anna.esempio@example.org>",
    to: str | None = GENERAL_ADDRESS,
    date: datetime | None = None,
    message_id: str | None = "",
    return_path: str | None = None,
    headers: Sequence[tuple[str, str]] = (),
    html: str | None = None,
    attachments: Sequence[AttachedFile] = (),
    charset: str = "utf-8",
    transfer_encoding: str | None = None,
) -> bytes:
    """One message, whole.

    None leaves a header field out; an empty ``message_id`` makes a new one; ``date`` is now unless
    given (aware). ``return_path`` "" is the null path. ``headers`` come last, names and values as
    written (a value may hold its own folding). ``html`` is added as an alternative, ``attachments``
    as a multipart/mixed. ``transfer_encoding`` is 7bit, 8bit, base64 or quoted-printable.
    """
    if message_id == "":
        message_id = f"<prova.{next(_numbers)}@example.org>"
    fields: list[tuple[str, str | None]] = [
        ("Return-Path", None if return_path is None else f"<{return_path}>"),
        ("From", _encode_address(author)),
        ("To", _encode_address(to)),
        ("Subject", _encode_text(subject)),
        ("Date", format_datetime(date or datetime.now(UTC))),
        ("Message-ID", message_id),
        ("MIME-Version", "1.0"),
        *((name, _encode_text(value)) for name, value in headers),
    ]
    section = "".join(f"{name}: {value}\r\n" for name, value in fields if value is not None)
    return section.encode() + _content(body, html, attachments, charset, transfer_encoding)


def _content(
    body: str, html: str | None, attachments: Sequence[AttachedFile], charset: str, transfer_encoding: str | None
) -> bytes:
    content = EmailMessage(policy=SMTP)
    content.set_content(body, charset=charset, cte=transfer_encoding)
    if html is not None:
        content.add_alternative(html, subtype="html", charset=charset, cte=transfer_encoding)
    for attached in attachments:
        main_type, subtype = attached.content_type.split("/", 1)
        content.add_attachment(attached.octets, main_type, subtype, filename=attached.file_name)
    # A boundary from the content keeps the same arguments at the same octets.
    mark = hashlib.sha256(repr((body, html, attachments)).encode()).hexdigest()[:16]
    for number, part in enumerate(part for part in content.walk() if part.is_multipart()):
        part.set_boundary(f"=_{number}_{mark}")
    del content["MIME-Version"]
    return content.as_bytes()


def _encode_text(value: str | None) -> str | None:
    if value is None or value.isascii():
        return value
    return Header(value, "utf-8", maxlinelen=76).encode(linesep="\r\n")


def _encode_address(value: str | None) -> str | None:
    if value is None or value.isascii():
        return value
    name, address = parseaddr(value)
    return formataddr((name, address), "utf-8")
