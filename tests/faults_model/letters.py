"""Letters as they arrive, and what must become of each when nothing comes in between.

The octets say what they are to the classifier of the tests (``tests.dispatch.builders``), and to nobody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tests.dispatch.builders import NORD, OURS, SUD
from tests.servers.mail import make_mail
from triage.record.octets import digest

ADDRESS = {"nord": NORD, "sud": SUD}
LARGEST = 20_000
"""Octets over which a message is too large here."""


class Kind(StrEnum):
    """What somebody writes."""

    NORTH = "orari nord"
    SOUTH = "orari sud"
    NOWHERE = "senza luogo"
    COMPLAINT = "reclamo"
    DANGER = "pericolo"
    MACHINE = "notiziario"
    POISON = "veleno"
    LARGE = "orari troppo grande"
    FOLLOW_UP = "re: orari"
    REPORT = "rapporto"
    HAND_BACK = "restituito"


class End(StrEnum):
    """Where a message may be when all is worked off."""

    FORWARDED = "forwarded"
    """Filed, and its project's server has taken it."""
    SILENT = "silent"
    """Filed, and no project got it."""
    WAITS = "waits"
    QUARANTINED = "quarantined"
    LARGE = "oversize"
    UNREADABLE = "unreadable"
    CLOSED = "closed"
    MATCHED = "matched"
    VANISHED = "vanished"
    BASELINE = "baseline"


PEOPLE = frozenset(Kind) - {Kind.MACHINE, Kind.REPORT, Kind.HAND_BACK}
"""Whom the service may answer."""
_UNTOUCHED = {
    Kind.NORTH: End.FORWARDED,
    Kind.SOUTH: End.FORWARDED,
    Kind.NOWHERE: End.WAITS,
    Kind.COMPLAINT: End.WAITS,
    Kind.DANGER: End.WAITS,
    Kind.MACHINE: End.SILENT,
    Kind.POISON: End.QUARANTINED,
    Kind.LARGE: End.LARGE,
}


@dataclass(frozen=True, slots=True, eq=False)
class Letter:
    """One letter; ``about`` is the earlier letter that it belongs to."""

    number: int
    kind: Kind
    octets: bytes
    family: str
    message_id: str
    about: Letter | None = None

    @property
    def sha256(self) -> str:
        return digest(self.octets)

    @property
    def project(self) -> str:
        """The project of the place that it names; empty: it names none."""
        return {Kind.NORTH: "nord", Kind.SOUTH: "sud"}.get(self.kind, "")

    @property
    def end(self) -> End | None:
        """Where it must be when nothing came in between; ``None``: that depends on what it is about."""
        return _UNTOUCHED.get(self.kind)

    @property
    def first(self) -> Letter:
        """The letter with which its conversation began."""
        return self if self.about is None else self.about.first


def write(number: int, kind: Kind, now: datetime) -> Letter:
    """A first letter of a family of its own, or a machine's."""
    family = f"anna@famiglia{number}.example"
    proof = [("Auto-Submitted", "auto-generated")] if kind is Kind.MACHINE else []
    body = f"Buongiorno, siamo la famiglia {number}.\n"
    if kind is Kind.LARGE:
        body += "Cento parole ancora, e poi cento.\n" * (LARGEST // 30)
    return _letter(number, kind, f"{kind} {number}", body, family, now, headers=proof)


def follow_up(number: int, first: Letter, now: datetime) -> Letter:
    """The same family adds something."""
    thread = [("In-Reply-To", first.message_id), ("References", first.message_id)]
    text = f"Aggiungo una cosa, la numero {number}.\n"
    return _letter(number, Kind.FOLLOW_UP, f"Re: senza luogo {number}", text, first.family, now, thread, about=first)


def hand_back(number: int, author: str, code: str, about: Letter, now: datetime) -> Letter:
    """The mail that the link in a forward makes."""
    return _letter(number, Kind.HAND_BACK, f"Non è per noi [{code}]", f"Codice: {code}\n", author, now, about=about)


def report(number: int, rfc_message_id: str, recipient: str, about: Letter) -> Letter:
    """A delivery report of RFC 3464 about something that we sent."""
    message_id = f"<rapporto.{number}@mx.example.net>"
    octets = (
        "Return-Path: <>\r\nAuto-Submitted: auto-replied\r\n"
        f"From: MAILER-DAEMON@mx.example.net\r\nTo: {OURS}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        f"Message-ID: {message_id}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\n\r\nNon consegnato.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; mx.example.net\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\nAction: failed\r\n"
        "Status: 5.1.1\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: {rfc_message_id}\r\n--b--\r\n"
    ).encode()
    return Letter(number, Kind.REPORT, octets, "", message_id, about)


def _letter(
    number: int,
    kind: Kind,
    subject: str,
    body: str,
    author: str,
    now: datetime,
    headers: Sequence[tuple[str, str]] = (),
    about: Letter | None = None,
) -> Letter:
    message_id = f"<lettera.{number}@famiglia.example>"
    octets = make_mail(
        body,
        subject=subject,
        author=f"Anna Rossi <{author}>",
        to=OURS,
        date=now,
        message_id=message_id,
        return_path="" if kind is Kind.MACHINE else author,
        headers=headers,
    )
    return Letter(number, kind, octets, author, message_id, about)
