"""The tree of parts -> text, attachments, and messages inside the message.

Of alternatives the plain one is read unless it is empty or a stub; what stands in an attached
message is read as text too, since a forwarded request is content. Nothing is ever fetched
(message/external-body, message/partial: RFC 2046 sections 5.2.2 and 5.2.3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from triage.parse.addresses import parse_addresses
from triage.parse.alternatives import markup_says_more, says_more
from triage.parse.cleaning import clean_file_name, clean_text
from triage.parse.header_values import decode_unstructured
from triage.parse.limits import Budget, DefectLog
from triage.parse.part_text import html_part_text, part_octets, part_text
from triage.parse.signed import signed_content
from triage.parse.structure import Part, read_structure
from triage.parse.tnef import read_tnef
from triage.parse.transfer import decoded_size
from triage.vocabulary import Address, Attachment

_READ_AS_TEXT = frozenset(
    {"text/plain", "text/html", "text/enriched", "text/richtext", "text/markdown", "text/x-markdown", "text/x-amp-html"}
)
_NO_PROSE = frozenset({"text/rtf", "text/calendar", "text/vcard", "text/x-vcard", "text/directory", "text/css"})
_SIGNED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_INLINE_PGP = re.compile(r"^-----BEGIN PGP MESSAGE-----\s*$", re.MULTILINE)
_STUB_LENGTH = 300
_STUB = re.compile(
    r"\bhtml\b|(?:visualizza|view|leggi|read) .{0,60}(?:browser|online|web|client)|(?:client|"
    r"programma) di posta|e-?mail (?:client|reader)",
    re.IGNORECASE,
)
_PREAMBLE = re.compile(r"multi-?part message|formato mime|mime format|mime-compliant|mime-aware|s/mime", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NestedMessage:
    """A message inside the message; ``text`` is all of it that can be read."""

    subject: str
    text: str
    author: Address | None = None
    to: tuple[str, ...] = ()
    """Addresses that it was written to, lower case."""


@dataclass(slots=True)
class Content:
    """What a message holds. ``own`` is its own text, not that of messages inside it."""

    own: str = ""
    nested: list[NestedMessage] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    sources: list[Part | bytes | None] = field(default_factory=list)
    """Beside each attachment: where its octets are; ``None`` for what is no file of its own."""

    def everything(self) -> str:
        """Own text, then each nested message under its subject."""
        return "\n\n".join(text for text in (self.own, *(_under_subject(inner) for inner in self.nested)) if text)


def read_content(root: Part, budget: Budget, defects: DefectLog) -> Content:
    """Reads one message from its root part."""
    reader = _Reader(budget, defects)
    reader.content.own = _joined(reader.read(root))
    if not reader.content.own:
        reader.content.own = reader.last_resort(root)
    if _INLINE_PGP.search(reader.content.own):
        defects.add("encrypted_or_signed_unread", root.number)
    return reader.content


def is_pec_envelope(part: Part) -> bool:
    """A transport or anomaly envelope of certified mail (DM 2 November 2005; RFC 6109 section 3.2)."""
    return part.value("X-Trasporto").lower() in {"posta-certificata", "errore"}


def _under_subject(inner: NestedMessage) -> str:
    return "\n\n".join(text for text in (f"Oggetto: {inner.subject}" if inner.subject else "", inner.text) if text)


def _joined(pieces: list[str]) -> str:
    return "\n\n".join(piece.strip("\n") for piece in pieces if piece.strip())


class _Reader:
    """Walks one message's parts and gathers what it finds on the way."""

    def __init__(self, budget: Budget, defects: DefectLog) -> None:
        self.budget = budget
        self.defects = defects
        self.content = Content()
        self._spare: list[Part] = []
        self._tnef_text: list[str] = []

    def read(self, part: Part, related: bool = False) -> list[str]:
        """Texts of the part, in order; attachments and nested messages are noted aside."""
        if part.unopened:
            self._list(part, related)
            return []
        if part.content_type.startswith("multipart/"):
            return self._read_multipart(part)
        if part.children:
            self._read_message(part)
            return []
        if part.content_type in _SIGNED:
            return self._read_signed(part)
        if part.content_type in _TNEF or part.file_name.lower() == "winmail.dat":
            self._read_tnef(part)
            return []
        if part.content_type not in _READ_AS_TEXT or part.disposition == "attachment" or part.file_name:
            # Unknown kinds of text are plain text (RFC 2046 section 4.1.4), where there is no other.
            if part.content_type.startswith("text/") and part.content_type not in _NO_PROSE:
                self._spare.append(part)
            self._list(part, related)
            return []
        text, files = part_text(part, self.budget, self.defects)
        for name, size in files:
            self._add(Attachment(clean_file_name(name), "application/octet-stream", size))
        return [text]

    def last_resort(self, root: Part) -> str:
        """Text from where it does not belong, when there is none where it does."""
        if self._tnef_text:
            return _joined(self._tnef_text)
        if self.content.nested:
            return ""
        for part in self._spare:
            text, _ = part_text(part, self.budget, self.defects)
            if text.strip():
                self.defects.add("text_only_attached", part.number)
                return text.strip("\n")
        for start, end in root.outside:
            text = clean_text(root.octets[start : min(end, start + 20_000)].decode("utf-8", "replace")).strip()
            if text and not (len(text) < 500 and _PREAMBLE.search(text)):
                self.defects.add("text_outside_parts", root.number)
                return self.budget.take_text(text)
        return ""

    def _read_multipart(self, part: Part) -> list[str]:
        if not part.children:
            # Without boundaries the body is one text (what RFC 7103 section 9 leaves to us).
            return [part_text(part, self.budget, self.defects)[0]]
        if part.content_type == "multipart/alternative":
            return self._read_alternative(part)
        if part.content_type == "multipart/encrypted":
            self.defects.add("encrypted_or_signed_unread", part.number)  # RFC 1847 section 2.2
        texts: list[str] = []
        for place, child in enumerate(part.children):
            related = part.content_type == "multipart/related" and place > 0
            texts += self.read(child, related)
        return texts

    def _read_alternative(self, part: Part) -> list[str]:
        """Plain text first; markup only if the plain one is empty or says "your program shows no HTML"."""
        plain = [child for child in part.children if child.content_type == "text/plain"]
        others = [child for child in part.children if child.content_type != "text/plain"]
        text = _joined([piece for child in plain for piece in self.read(child)])
        if text and (len(text) > _STUB_LENGTH or not others):
            for child in others:
                self._list_within(child)
            if any(markup_says_more(text, child, self.budget) for child in others):
                self.defects.add("alternatives_differ", part.number)
            return [text]
        best: list[str] = []
        for child in others:
            if child.content_type in {"text/html", "multipart/related", "multipart/mixed", "multipart/alternative"}:
                found = self.read(child)
                best = best if _joined(best) else found
            else:
                self._list_within(child)
        markup = _joined(best)
        told_to_look = bool(_STUB.search(text))
        stub = not text or told_to_look or len(markup) > 20 * len(text)
        shown, left = (markup, text) if markup and stub and len(markup) > len(text) else (text, markup)
        if not told_to_look and says_more(shown, left):
            self.defects.add("alternatives_differ", part.number)
        return [shown]

    def _list_within(self, part: Part) -> None:
        """Lists attachments of an alternative whose text is not read."""
        if not part.children:
            if part.content_type not in _READ_AS_TEXT:
                self._list(part, related=False)
            return
        for place, child in enumerate(part.children):
            if child.children:
                self._list_within(child)
            elif child.content_type not in _READ_AS_TEXT or child.file_name:
                self._list(child, related=part.content_type == "multipart/related" and place > 0)

    def _read_message(self, part: Part) -> None:
        message = part.children[0]
        subject = decode_unstructured(message.value("Subject"), self.defects, part.number)
        self._list(part, related=False, name=part.file_name or (f"{subject[:80]}.eml" if subject else ""))
        inner = read_content(message, self.budget, self.defects)
        for attachment, source in zip(inner.attachments, inner.sources, strict=True):
            self._add(attachment, source)
        if is_pec_envelope(message) and inner.nested:
            self.content.nested += inner.nested
        else:
            authors = parse_addresses(message.value("From"), DefectLog(), "", 1)
            author = authors[0] if authors and authors[0].addr_spec else None
            to = parse_addresses(message.value("To"), DefectLog(), "", 20)
            written_to = tuple(one.addr_spec.lower() for one in to if one.addr_spec)
            self.content.nested.append(NestedMessage(subject, inner.everything(), author, written_to))

    def _read_signed(self, part: Part) -> list[str]:
        """S/MIME with the content inside the signature (RFC 8551 section 3.5.2); the signature is not checked."""
        inner = signed_content(part_octets(part, self.budget.octets_left(), self.budget, self.defects))
        self._list(part, related=False)
        if not inner:
            self.defects.add("encrypted_or_signed_unread", part.number)
            return []
        if not self.budget.take_part():
            return []
        with self.budget.inside(part.number) as allowed:
            return self.read(read_structure(inner, self.budget, self.defects)) if allowed else []

    def _read_tnef(self, part: Part) -> None:
        self._list(part, related=False)
        octets = part_octets(part, self.budget.octets_left(), self.budget, self.defects)
        found = read_tnef(octets, self.defects, part.number)
        for file in found.files:
            self._add(Attachment(clean_file_name(file.name), "application/octet-stream", file.size), file.octets)
        text = clean_text(found.text).strip()
        if not text and found.html:
            text = html_part_text(found.html, self.budget, self.defects)
        if text:
            self._tnef_text.append(self.budget.take_text(text))
        elif found.has_rtf:
            self.defects.add("tnef_text_only_rtf", part.number)

    def _list(self, part: Part, related: bool, name: str = "") -> None:
        if part.content_type in {"message/partial", "message/external-body"}:
            self.defects.add(part.content_type.replace("/", "_").replace("-", "_"), part.number)
        self._add(
            Attachment(
                clean_file_name(name or part.file_name),
                part.content_type,
                decoded_size(part.octets, part.start, part.end, part.encoding),
                inline=part.disposition == "inline" or (related and part.disposition != "attachment"),
            ),
            None if part.children or part.unopened else part,
        )

    def _add(self, attachment: Attachment, source: Part | bytes | None = None) -> None:
        if len(self.content.attachments) >= self.budget.limits.attachments:
            self.defects.add("limit_attachments")
            return
        self.content.attachments.append(attachment)
        self.content.sources.append(source)
