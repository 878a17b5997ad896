"""Composes what families get from the service itself: acknowledgement, question, notice of a new centre. Pure.

Nothing of the writer's stands in it, and no topic: somebody else may read that mailbox (design,
decision 3). The subject is fixed. The writer's language, where its text is signed, stands above the
Italian; where the language is not sure, easy English stands below it (failure F114).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from triage.decide.gate import applied_rule
from triage.decide.gate_staff import centres_of, is_further
from triage.decide.trust import UNSURE_LANGUAGE
from triage.dispatch.compose import Outgoing, Stamp
from triage.dispatch.fields import address_field, date_field, id_list, recipient_field, text_field, token_field
from triage.dispatch.mime import alternative, html_part, text_part
from triage.dispatch.text_blocks import Block, BlockKind, Section, as_html, as_plain, blocks_of
from triage.dispatch.text_files import ACKNOWLEDGEMENT, QUESTION, REROUTE, SEVERAL, LanguageTexts, Text, Texts
from triage.rules.types import Envelope, Mailbox, Rules
from triage.vocabulary import Decision, DispatchKind, InboundMessage

SUBJECTS: Mapping[DispatchKind, str] = {
    DispatchKind.ACKNOWLEDGEMENT: "Auto: abbiamo ricevuto il suo messaggio ({code})",
    DispatchKind.QUESTION: "Auto: una domanda per il suo messaggio ({code})",
    DispatchKind.REROUTE: "Auto: il suo messaggio è in un altro centro ({code})",
}
SEVERAL_SUBJECT = "Auto: il suo messaggio è in più di un centro ({code})"
"""Fixed, whatever was written; RFC 3834 section 3.1.5 allows the first word."""

CORRECTION_SUBJECT = "Non è la mia zona [{code}]"
"""The subject of the family's mail that corrects us: it always goes to a person."""

_NAMES = {
    DispatchKind.ACKNOWLEDGEMENT: ACKNOWLEDGEMENT,
    DispatchKind.QUESTION: QUESTION,
    DispatchKind.REROUTE: REROUTE,
}
_ISOLATE, _END_OF_ISOLATE = "\u2066", "\u2069"
"""Around a code, address or number in a text from right to left, which would else be shown in pieces (UAX 9)."""


def compose_for_family(
    kind: DispatchKind,
    message: InboundMessage,
    decision: Decision,
    forward_path: str,
    rules: Rules,
    stamp: Stamp,
    texts: Texts,
    *,
    reverse_path: str = "",
    neutral: bool = False,
    asks: bool = False,
) -> Outgoing:
    """One automatic answer (RFC 3834 section 3).

    ``neutral``: an acknowledgement that names no centre. ``asks``: one that asks for the comune.
    """
    sections = sections_for(kind, decision, rules, stamp, texts, neutral=neutral, asks=asks)
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
        text_field("Subject", subject_of(kind, decision).format(code=stamp.case_code)),
        *thread,
        token_field("Auto-Submitted", "auto-replied"),
        token_field("X-Auto-Response-Suppress", "All"),
        token_field("X-Reti-Smistamento", f"{stamp.case_code} {stamp.seal}"),
    ]
    body = alternative([text_part(as_plain(sections)), html_part(as_html(sections))])
    # Where a failure finds its message it shall come back; elsewhere nobody would read it (RFC 3834 section 3.3).
    comes_back = reverse_path not in ("", rules.acknowledgements.dedicated_address)
    return Outgoing(reverse_path, forward_path, b"".join(head) + body, notify_never=not comes_back)


def subject_of(kind: DispatchKind, decision: Decision) -> str:
    """The subject, in which the code is still missing."""
    return SEVERAL_SUBJECT if kind is DispatchKind.REROUTE and is_further(decision) else SUBJECTS[kind]


def reverse_path(rules: Rules, mailbox: Mailbox | None, tag: str, *, plus_works: bool) -> str:
    """The envelope sender (RFC 3834 section 3.3); a plus tag only where mail to one is known to arrive."""
    limits = rules.acknowledgements
    if rules.service.pec:
        return rules.service.address  # a PEC provider takes no other (RFC 6109 section 3.1.1)
    envelope = (mailbox.envelope if mailbox is not None else None) or limits.envelope
    if envelope is Envelope.DEDICATED:
        return limits.dedicated_address
    if envelope is Envelope.PLUS and plus_works:
        local, _, domain = rules.service.address.rpartition("@")
        return f"{local}+{tag}@{domain}"
    return ""


def sections_for(
    kind: DispatchKind,
    decision: Decision,
    rules: Rules,
    stamp: Stamp,
    texts: Texts,
    *,
    neutral: bool = False,
    asks: bool = False,
) -> tuple[Section, ...]:
    """What is said, in each language that this family gets, in order."""
    neutral = neutral and kind is DispatchKind.ACKNOWLEDGEMENT
    variant = _variant(kind, decision, rules, neutral=neutral)
    values = _values(decision, rules, stamp, neutral=neutral, asks=asks)
    name = SEVERAL if kind is DispatchKind.REROUTE and is_further(decision) else _NAMES[kind]
    return tuple(
        section_of(language, language.others.get(variant) or language.texts[name], values, rules.service.name)
        for language in languages_for(decision, texts)
        if name in language.texts
    )


def languages_for(decision: Decision, texts: Texts) -> Sequence[LanguageTexts]:
    """The writer's language above the Italian where we have it; Italian and easy English where we do not know."""
    italian, english = texts.languages["it"], texts.languages["en"]
    unsure = any(reason.code == UNSURE_LANGUAGE for reason in decision.reasons)
    own = texts.languages.get(decision.language)
    if unsure or own is None or not own.is_on:
        return (italian, english)
    return (italian,) if own is italian else (own, italian)


def correction_link(address: str, code: str) -> str:
    """Opens a mail to us with the case code; reading or following it changes nothing."""
    body = f"Codice: {code}\r\nIl mio comune è:"
    return f"mailto:{address}?subject={quote(CORRECTION_SUBJECT.format(code=code))}&body={quote(body)}"


def _variant(kind: DispatchKind, decision: Decision, rules: Rules, *, neutral: bool) -> str:
    rule = applied_rule(decision, rules)
    usual = kind is not DispatchKind.ACKNOWLEDGEMENT or neutral or rule is None
    return "" if usual or rule is None else rule.acknowledgement


def _values(decision: Decision, rules: Rules, stamp: Stamp, *, neutral: bool, asks: bool) -> Mapping[str, str | bool]:
    service = rules.service
    codes = () if neutral else centres_of(decision)
    centres = [rules.projects[code] for code in codes if code in rules.projects]
    contacts = [(one.centre, one.contact) for one in centres if one.contact]
    is_open = service.is_open(stamp.now) if service.opening_hours else None
    return {
        "codice": stamp.case_code,
        "agenzia": service.name,
        "indirizzo": service.address,
        "telefono": service.phone,
        "centro": "; ".join(one.centre for one in centres),
        "contatto": "; ".join(f"{name}: {contact}" if len(centres) > 1 else contact for name, contact in contacts),
        "aperto": is_open is True,
        "chiuso": is_open is False,
        "chiede": asks,
        "correzione": correction_link(service.address, stamp.case_code),
    }


def section_of(language: LanguageTexts, text: Text, values: Mapping[str, str | bool], agency: str) -> Section:
    """One text with its values, and below it what stands in all."""
    blocks = (*told_in(language, text, values), *closing_of(language, agency))
    return Section(language.code, language.right_to_left, text.title, blocks)


def told_in(language: LanguageTexts, text: Text, values: Mapping[str, str | bool]) -> tuple[Block, ...]:
    """One text with its values."""
    given = {name: _isolated(value) for name, value in values.items()} if language.right_to_left else dict(values)
    given["correzione"] = values["correzione"]  # a link's target is not shown
    return blocks_of(text.render(given))


def closing_of(language: LanguageTexts, agency: str) -> tuple[Block, ...]:
    """The list that is the same for everybody: nobody who reads over a shoulder learns anything from it."""
    return (
        Block(BlockKind.HEADING, (language.emergency_title,)),
        Block(BlockKind.PARAGRAPH, (language.emergency_note,)),
        Block(BlockKind.LIST, tuple(f"{number}: {words}" for number, words in language.numbers.items())),
        Block(BlockKind.PARAGRAPH, (agency,)),
    )


def _isolated(value: str | bool) -> str | bool:
    return f"{_ISOLATE}{value}{_END_OF_ISOLATE}" if isinstance(value, str) and value else value
