"""Composes what projects and staff get: forward and notice. Pure: everything it says is given to it.

What never leaves the agency: the words that weighed, confidence, urgency. What families get is
composed in ``acknowledging``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from triage.decide import family_behind, is_staff
from triage.dispatch import texts
from triage.dispatch.attachments import RepeatedFile, is_ordinary
from triage.dispatch.fields import (
    address_field,
    clean,
    clean_name,
    date_field,
    id_list,
    recipient_field,
    text_field,
    token_field,
)
from triage.dispatch.links import charge_link, hand_back_link
from triage.dispatch.mime import file_part, mixed, original_part, text_part
from triage.pec.words import certified_lines
from triage.rules.addresses import AddressError, check_address
from triage.rules.types import Rules
from triage.vocabulary import Address, Decision, InboundMessage

LONGEST_TEXT = 100_000
"""Characters of the writer's text repeated in the readable part; the original follows whole."""

_TOO_MUCH = frozenset({"limit_depth", "limit_parts", "limit_header_octets", "limit_header_fields"})
"""What we did not read to its end may stop the project's server or mail program, which would open a message/rfc822."""
FILES, ORIGINAL = 1, 2
"""What a forward may leave out: the files beside the original, and the original as well."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A composed message and its envelope. ``reverse_path`` "" is the null path."""

    reverse_path: str
    forward_path: str
    octets: bytes
    notify_never: bool = False
    smtputf8: bool = False
    left_out: int = 0
    """How much of the message it does not hold: ``FILES``, ``ORIGINAL``."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What identifies one outgoing message."""

    rfc_message_id: str
    case_code: str
    seal: str
    """HMAC over the Message-ID: our own header field, evidence of our own loops."""
    now: datetime


def compose_forward(
    message: InboundMessage,
    octets: bytes,
    decision: Decision,
    forward_path: str,
    rules: Rules,
    stamp: Stamp,
    received_at: datetime,
    eight_bit: bool,
    *,
    files: Sequence[RepeatedFile] = (),
    whole: bool = True,
) -> Outgoing:
    """A new message to a project, from us, with the original octets attached as they came.

    ``files`` of the original stand beside it once more. Unless ``whole``, neither is in it: the text
    lists the attachments and says who has the original.
    """
    service = rules.service
    person = family_behind(message, rules)
    author = _name_of(person or message.author)
    reply_to = person.addr_spec if person is not None else _reply_address(message, rules)
    head = [
        address_field("From", f"{author} tramite {service.sender_name}", service.address),
        recipient_field(forward_path),
        date_field(stamp.now),
        token_field("Message-ID", stamp.rfc_message_id),
        text_field("Subject", f"[{stamp.case_code}] {clean(message.subject, 160) or '(senza oggetto)'}"),
    ]
    if reply_to:
        head.insert(1, address_field("Reply-To", author, reply_to))
    head += _thread_fields(message)
    head += [
        # The project's robots must not answer a robot (RFC 3834 section 2).
        token_field("Auto-Submitted", "auto-generated"),
        token_field("X-Auto-Response-Suppress", "OOF, AutoReply"),
        seal_field(stamp),
    ]
    repeated = {file.number for file in files} if whole else set()
    listed = [(n, item) for n, item in enumerate(message.attachments) if is_ordinary(item) or n in repeated]
    text = texts.forward_text(
        author=author,
        reply_to=reply_to,
        code=stamp.case_code,
        back_link=hand_back_link(service.address, stamp.case_code),
        take_link=charge_link(service.address, stamp.case_code) if _takes_charge(decision, rules) else "",
        service_address=service.address,
        place=_place(decision),
        topic=decision.topic,
        received_at=received_at.astimezone(ZoneInfo(service.timezone)),
        certified=certified_lines(message.certified, service.timezone) if message.certified is not None else (),
        attachments=[(item.file_name, item.size) for _, item in listed],
        written=message.new_text[:LONGEST_TEXT],
        beside=[place for place, (number, _) in enumerate(listed) if number in repeated],
        whole=whole,
        phone=service.phone,
        passed_on=_passed_on(message, behind=person is not None),
    )
    if not whole:
        octets = b"".join((*head, b"MIME-Version: 1.0\r\n", text_part(text)))
        return Outgoing(service.address, forward_path, octets, left_out=ORIGINAL)
    # The files first: a program that shows only the beginning of a list of attachments shows them.
    parts = [file_part(file.name, file.content_type, file.octets) for file in files]
    closed = any(defect.code in _TOO_MUCH for defect in message.defects)
    body = mixed([text_part(text), *parts, original_part(octets, eight_bit, closed)])
    return Outgoing(service.address, forward_path, b"".join(head) + body, left_out=0 if files else FILES)


def compose_notice(forward_path: str, rules: Rules, stamp: Stamp, message_id: int, received_at: datetime) -> Outgoing:
    """Tells the on-call contact that something must be read now; says nothing of what."""
    service = rules.service
    head = [
        address_field("From", service.sender_name, service.address),
        recipient_field(forward_path),
        date_field(stamp.now),
        token_field("Message-ID", stamp.rfc_message_id),
        text_field("Subject", texts.NOTICE_SUBJECT),
        token_field("Auto-Submitted", "auto-generated"),
        token_field("X-Auto-Response-Suppress", "All"),
        seal_field(stamp),
        b"MIME-Version: 1.0\r\n",
    ]
    text = texts.notice_text(message_id, stamp.case_code, received_at.astimezone(ZoneInfo(service.timezone)))
    return Outgoing(service.notice_path, forward_path, b"".join(head) + text_part(text), notify_never=True)


def _takes_charge(decision: Decision, rules: Rules) -> bool:
    project = rules.projects.get(decision.project)
    return project is not None and project.takes_charge


def _thread_fields(message: InboundMessage) -> list[bytes]:
    own = id_list((message.message_id,))
    if not own:
        return []
    return [
        token_field("In-Reply-To", own),
        token_field("References", id_list((*message.references, message.message_id))),
    ]


def seal_field(stamp: Stamp) -> bytes:
    return token_field("X-Reti-Smistamento", f"{stamp.case_code} {stamp.seal}")


def _name_of(address: Address) -> str:
    """What somebody is called; cannot pass for an address, whatever the display name says."""
    local_part = address.addr_spec.rpartition("@")[0]
    return clean_name(address.display_name) or clean_name(local_part) or "Mittente sconosciuto"


def _passed_on(message: InboundMessage, *, behind: bool) -> str:
    """Who else has a part in a message that was passed on by hand, in a line; ``behind``: a colleague passed it on."""
    other = message.author if behind else message.forwarded_author
    if other is None:
        return ""
    said = f"{_name_of(other)} ({clean(other.addr_spec, 254)})"
    return f"Lo ha inoltrato {said}." if behind else f"Chi scrive inoltra un messaggio di {said}."


def _reply_address(message: InboundMessage, rules: Rules) -> str:
    """Where an answer reaches the writer: their Reply-To (RFC 5322 section 3.6.2), else the author."""
    for address in (*message.reply_to, message.author):
        try:
            checked = check_address(address.addr_spec)
        except AddressError:
            continue
        if not checked.needs_smtputf8 and not is_staff(checked.addr_spec, rules):
            return checked.addr_spec
    return ""


def _place(decision: Decision) -> str:
    for reason in decision.reasons:
        if reason.code.startswith("luogo_") and "comune" in reason.params:
            return str(reason.params["comune"])
    return ""
