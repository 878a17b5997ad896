"""The demo's mail as people read it and write it: what its SMTP server took, and what a visitor sends to the mailbox.

Enters: accepted messages, or the fields of a form. Leaves: plain values for the demo's own page, or octets as a mail
server would deliver them. Refused: an author without an address, line breaks in a header field. Pure: ``now`` enters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import format_datetime, make_msgid, parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

from triage.demo.smtp_server import AcceptedMessage

_MAILTO = re.compile(r"mailto:[^\s<>\"]+")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_ORIGINAL = "message/rfc822"


@dataclass(frozen=True, slots=True)
class Draft:
    """A mail to the general mailbox, ready to be changed and sent; ``answers`` is the Message-ID that it answers."""

    author: str = ""
    subject: str = ""
    text: str = ""
    answers: str = ""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One mail in somebody's inbox. ``links``: the ready-made mails that it offers, each with its subject."""

    number: int
    to: str
    author: str
    subject: str
    date: str
    text: str
    files: tuple[str, ...]
    answer: Draft | None
    links: tuple[Draft, ...]


def arrived(messages: Iterable[AcceptedMessage], ours: str) -> list[Arrived]:
    """A mail for each recipient, in the order in which they were taken; only an answer to ``ours`` can be sent."""
    return [
        _read(number, to, one.octets, ours)
        for number, one in enumerate(messages, 1)
        for to in (path.lower() for path in one.forward_paths)
    ]


def _read(number: int, to: str, octets: bytes, ours: str) -> Arrived:
    mail = _parsed(octets)
    subject, text = str(mail["Subject"] or ""), text_of(mail)
    answers_go_to = parseaddr(str(mail["Reply-To"] or mail["From"] or ""))[1].lower()
    answer = None
    if answers_go_to == ours.lower():
        quoted = "".join(f"> {line}\n" for line in text.splitlines())
        answer = Draft(to, f"Re: {subject}", f"\n\n{quoted}", str(mail["Message-ID"] or "").strip())
    files = tuple(_file_name(part) for part in mail.iter_attachments())
    links = tuple(dict.fromkeys(_linked(link, to) for link in _MAILTO.findall(text)))
    return Arrived(number, to, str(mail["From"] or ""), subject, str(mail["Date"] or ""), text, files, answer, links)


def _linked(link: str, author: str) -> Draft:
    fields = parse_qs(urlsplit(link).query)
    return Draft(author, *(unquote(fields.get(name, [""])[0]) for name in ("subject", "body")))


def _file_name(part: EmailMessage) -> str:
    return part.get_filename() or ("messaggio allegato" if part.get_content_type() == _ORIGINAL else "senza nome")


def as_draft(octets: bytes) -> Draft | None:
    """A message of the inbox as the same author could write it again; nothing where it has no plain text or address."""
    mail = _parsed(octets)
    author, text = str(mail["From"] or ""), text_of(mail)
    return Draft(author, str(mail["Subject"] or ""), text) if text.strip() and _ADDRESS.search(author) else None


def text_of(mail: EmailMessage) -> str:
    """Its plain text; empty where there is none that can be read."""
    body = mail.get_body(("plain",))
    try:
        return str(body.get_content()).replace("\r\n", "\n") if body is not None else ""
    except (LookupError, ValueError):
        return ""


def _parsed(octets: bytes) -> EmailMessage:
    return BytesParser(EmailMessage, policy=policy.default).parsebytes(octets)


def as_delivered(draft: Draft, to: str, now: datetime) -> bytes:
    """The draft as the mailbox's server would deliver it: with the fields that such a server adds.

    Raises ``ValueError``, with a sentence for the visitor, when it cannot be sent as it is.
    """
    name, address = parseaddr(draft.author)
    if _ADDRESS.fullmatch(address) is None:
        raise ValueError("Scrivi l'indirizzo di chi manda la mail, per esempio anna.rossi@example.org.")
    mail = EmailMessage(policy=policy.SMTP)
    local, _, domain = address.rpartition("@")
    mail["Date"] = now
    mail["Message-ID"] = make_msgid(domain=domain)
    mail["From"] = Address(" ".join(name.split()), local, domain)
    mail["To"] = to
    mail["Subject"] = " ".join(draft.subject.split())
    if answers := "".join(draft.answers.split()):
        mail["In-Reply-To"] = mail["References"] = answers
    mail.set_content(draft.text.replace("\r\n", "\n"))
    by = f"by posta.demo.invalid with ESMTP for <{to}>; {format_datetime(now)}"
    trace = f"Return-Path: <{address}>\r\nReceived: from posta.{domain} (posta.{domain} [192.0.2.25])\r\n\t{by}\r\n"
    return trace.encode("ascii") + mail.as_bytes()
