"""Composes what people write: answers and referrals to families, recalls to projects. Pure.

What families get is no automatic answer (RFC 3834): it comes from a person, and an answer to it reaches one. A recall
follows from a person's act without their words, and is marked as a forward is: no robot answers it. The subject is
fixed and holds none of the writer's words: somebody else may see it in the list of that mailbox.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from triage.dispatch import texts as words
from triage.dispatch.acknowledging import closing_of, languages_for, told_in
from triage.dispatch.compose import Outgoing, Stamp, seal_field
from triage.dispatch.fields import address_field, date_field, id_list, recipient_field, text_field, token_field
from triage.dispatch.links import deleted_link
from triage.dispatch.mime import alternative, html_part, text_part
from triage.dispatch.text_blocks import Block, BlockKind, Section, as_html, as_plain
from triage.dispatch.text_files import REFERRAL, REPLY, Texts
from triage.rules.office import Office
from triage.rules.types import Rules
from triage.vocabulary import Decision, InboundMessage

REPLY_SUBJECT = "Risposta al suo messaggio ({code})"
REFERRAL_SUBJECT = "A chi può rivolgersi per il suo messaggio ({code})"
RECALL_SUBJECT = "Da cancellare: un messaggio inviato a voi per errore [{code}]"
LONGEST = 20_000
"""Characters of what a person writes."""


def compose_reply(
    message: InboundMessage, written: str, forward_path: str, rules: Rules, stamp: Stamp, texts: Texts
) -> Outgoing:
    """What staff wrote, and below it how to go on and the list that is the same for everybody."""
    italian = texts.languages["it"]
    values = _values(rules, stamp)
    text = italian.texts[REPLY]
    blocks = (*paragraphs(written), *told_in(italian, text, values), *closing_of(italian, rules.service.name))
    section = Section("it", False, text.title, blocks)
    return _to_family(message, REPLY_SUBJECT, (section,), forward_path, rules, stamp)


def compose_referral(
    message: InboundMessage,
    decision: Decision,
    office: Office,
    written: str,
    forward_path: str,
    rules: Rules,
    stamp: Stamp,
    texts: Texts,
) -> Outgoing:
    """Which other office can help, and what staff add; also in the writer's language where we have the text."""
    values = {**_values(rules, stamp), "ufficio": office.name, "contatti": "; ".join(office.contacts)}
    sections = []
    for language in languages_for(decision, texts):
        text = language.texts.get(REFERRAL)
        if text is None:
            continue
        added = paragraphs(written) if language.code == "it" else ()
        blocks = (*told_in(language, text, values), *added, *closing_of(language, rules.service.name))
        sections.append(Section(language.code, language.right_to_left, text.title, blocks))
    return _to_family(message, REFERRAL_SUBJECT, tuple(sections), forward_path, rules, stamp)


def compose_recall(forward_path: str, rules: Rules, stamp: Stamp, sent_at: datetime) -> Outgoing:
    """Asks a project to delete what was sent to it by mistake; names nobody and nothing of the message."""
    service = rules.service
    day = words.italian_date(sent_at.astimezone(ZoneInfo(service.timezone)))
    text = words.recall_text(
        sent=day,
        code=stamp.case_code,
        link=deleted_link(service.address, stamp.case_code),
        agency=service.name,
        phone=service.phone,
    )
    head = [
        address_field("From", service.sender_name, service.address),
        recipient_field(forward_path),
        date_field(stamp.now),
        token_field("Message-ID", stamp.rfc_message_id),
        text_field("Subject", RECALL_SUBJECT.format(code=stamp.case_code)),
        # Its failure is to come back all the same: then somebody has to telephone.
        token_field("Auto-Submitted", "auto-generated"),
        token_field("X-Auto-Response-Suppress", "OOF, AutoReply"),
        seal_field(stamp),
        b"MIME-Version: 1.0\r\n",
    ]
    return Outgoing(service.address, forward_path, b"".join(head) + text_part(text))


def paragraphs(written: str) -> tuple[Block, ...]:
    """What a person typed: a blank line parts two paragraphs, nothing else has a meaning."""
    clean = "".join(sign for sign in written[:LONGEST] if sign.isprintable() or sign == "\n")
    pieces = ("\n".join(line.rstrip() for line in clean.split("\n"))).strip("\n").split("\n\n")
    lines = (tuple(line for line in piece.split("\n") if line) for piece in pieces)
    return tuple(Block(BlockKind.PARAGRAPH, found) for found in lines if found)


def _values(rules: Rules, stamp: Stamp) -> dict[str, str | bool]:
    service = rules.service
    return {
        "codice": stamp.case_code,
        "agenzia": service.name,
        "indirizzo": service.address,
        "telefono": service.phone,
        "correzione": "",
    }


def _to_family(
    message: InboundMessage, subject: str, sections: tuple[Section, ...], forward_path: str, rules: Rules, stamp: Stamp
) -> Outgoing:
    service = rules.service
    own = id_list((message.message_id,))
    thread = [token_field("In-Reply-To", own)] if own else []
    if own:
        thread.append(token_field("References", id_list((*message.references, message.message_id))))
    head = [
        address_field("From", service.sender_name, service.address),
        recipient_field(forward_path),
        date_field(stamp.now),
        token_field("Message-ID", stamp.rfc_message_id),
        text_field("Subject", subject.format(code=stamp.case_code)),
        *thread,
        seal_field(stamp),
    ]
    body = alternative([text_part(as_plain(sections)), html_part(as_html(sections))])
    # It comes back to us if it cannot be delivered: then a person must find another way.
    return Outgoing(service.address, forward_path, b"".join(head) + body)
