"""A whole message without whom it is about.

In: a message as it was read. Out: the same with placeholders in subject, text, quoted text, signature, names, without
identifiers of the message, and with addresses only as far as they tell an organisation from a person.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace

from triage.classify.folding import fold
from triage.classify.territory import Gazetteer, find_places
from triage.pseudonyms.kinds import Kind
from triage.pseudonyms.lists import cue_words, ordinary_words
from triage.pseudonyms.shapes import shapes
from triage.pseudonyms.text import Masks
from triage.vocabulary import Address, InboundMessage

_OFFICE = re.compile(
    r"(?:^|[.@-])(?:comune|comunedi|provincia|regione|ic|istituto|scuola|liceo|biblioteca|asst|ats|asl|coop|cooperativa"
    r"|edu|gov|pec|noreply|no-reply|donotreply|mailer-daemon|postmaster|newsletter|info|notifiche|segreteria)(?:[.@-]|$)",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"[^\W\d_]+")


def pseudonymised(message: InboundMessage, gazetteer: Gazetteer) -> InboundMessage:
    """Never raises on any message that ``parse`` can build; the same message gives the same result."""
    masks = Masks()
    author = Address(masks_of_name(masks, message.author.display_name), _address(message.author.addr_spec))
    where: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for place in find_places(message, gazetteer):
        if place.kind not in ("cap", "prefix"):
            where[place.where].append((place.start, place.end))
    # The text first: names that are sure there are known in the subject, too.
    new_text = masks.mask(message.new_text, where["text"])
    signature = masks.mask(message.signature, where["signature"])
    quoted_text = masks.mask(message.quoted_text, where["quoted"])
    subject = masks.mask(message.subject, where["subject"])
    return replace(
        message,
        subject=subject,
        new_text=new_text,
        signature=signature,
        quoted_text=quoted_text,
        author=author,
        authors=(author,) if message.authors else (),
        sender=None,
        reply_to=(),
        recipients=(),
        reverse_path=message.reverse_path and _address(message.reverse_path),
        message_id="",
        in_reply_to=(),
        references=(),
        attachments=tuple(replace(one, file_name=_suffix(one.file_name)) for one in message.attachments),
        header_fields=tuple((name, _field(value)) for name, value in message.header_fields if _is_kept(name)),
        forwarded_authors=(),
        forwarded_to=(),
        report=None,
        certified=None,
    )


def masks_of_name(masks: Masks, name: str) -> str:
    """A display name: what says what somebody is stays ("Maestra", "Ufficio"), the rest is the person."""
    kept: list[str] = []
    person: list[str] = []
    for match in _LETTERS.finditer(name):
        word = fold(match[0])
        (kept if word in cue_words("roles") else person).append(match[0])
    if not person or (kept and all(fold(word) in ordinary_words() for word in person)):
        return " ".join(kept) if not person else name
    masks.known |= {fold(word) for word in person if len(word) > 2 and fold(word) not in ordinary_words()}
    return " ".join([*kept, masks.put(Kind.PERSON, " ".join(person))])


def _address(address: str) -> str:
    """An office's stays; of a person's nothing does but that there is one."""
    return address if not address or _OFFICE.search(address) else "persona@esempio.invalid"


def _field(value: str) -> str:
    for span in reversed(shapes(value)):
        if span.kind is not Kind.EMAIL or not _OFFICE.search(value[span.start : span.end]):
            value = f"{value[: span.start]}{span.kind}{value[span.end :]}"
    return value


def _is_kept(name: str) -> bool:
    """Fields by which a machine is known; those that only name persons and ways go."""
    return fold(name.strip()) not in _GONE


_GONE = frozenset(
    {"from", "to", "cc", "bcc", "sender", "reply-to", "subject", "received", "message-id", "in-reply-to", "references"}
    | {"delivered-to", "x-original-to", "thread-topic", "thread-index", "authentication-results", "dkim-signature"}
    | {"x-sender", "x-originating-ip", "return-path", "resent-from", "resent-to", "received-spf", "arc-seal"}
)


def _suffix(name: str) -> str:
    """Of a file's name only its ending: "relazione Rossi.pdf" tells of whom it is."""
    _, dot, ending = name.rpartition(".")
    return f"allegato.{ending[:5]}" if dot and ending.isalnum() else "allegato"
