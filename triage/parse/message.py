"""Octets -> ``InboundMessage``: puts together what the other modules read.

Total: an error of our own code ends in a message that holds nothing but its size and the defect
``parser_failed``; only running out of memory passes through (see ``isolated``).
"""

from __future__ import annotations

from collections.abc import Callable

from triage.parse.addresses import parse_addresses, parse_path
from triage.parse.content import Content, is_pec_envelope, read_content
from triage.parse.forwarded import Forwarded, read_forwarded
from triage.parse.header_values import decode_unstructured
from triage.parse.identifiers import parse_date, parse_message_id, parse_message_ids
from triage.parse.limits import Budget, DefectLog, ParseLimits
from triage.parse.pec import read_certified
from triage.parse.reply import SplitText, split_reply
from triage.parse.reports import read_report
from triage.parse.structure import Part, read_structure
from triage.vocabulary import Address, Defect, InboundMessage

_NOBODY = Address("", "")
_SINGLE_FIELDS = ("From", "Sender", "Subject", "Date", "Message-ID", "Content-Type")
_DEFAULT_LIMITS = ParseLimits()


def parse(
    octets: bytes, limits: ParseLimits = _DEFAULT_LIMITS, clock: Callable[[], float] | None = None
) -> InboundMessage:
    """Reads a message as far as it can be read; ``limits`` cap how far.

    With a ``clock`` (seconds from any start on) nothing more is read after ``limits.seconds``.

    Of a field that may stand once (RFC 5322 section 3.6) the first is used and the repetition is a
    defect. Raises nothing but ``MemoryError``.
    """
    try:
        defects = DefectLog()
        budget = Budget(limits, defects, clock)
        return _read(read_structure(octets, budget, defects), len(octets), budget, defects)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - the promise: one message never stops the others
        return _unread(octets, type(error).__name__)


def _read(root: Part, size: int, budget: Budget, defects: DefectLog, *, inside: bool = False) -> InboundMessage:
    """One message. ``inside``: it is the person's own in a PEC envelope, and is not opened further."""
    fields = _FieldReader(root, budget.limits, defects)
    subject = fields.text("subject")
    content = read_content(root, budget, defects)
    split = _split(root, content, subject)
    authors = fields.addresses("from")
    if not authors:
        defects.add("from_missing")
    author = next((author for author in authors if author.addr_spec), authors[0] if authors else _NOBODY)
    senders = fields.addresses("sender")
    paths = fields.values("return-path")
    passed_on = _passed_on(content, split)
    certified = None if inside else read_certified(root, budget, defects, lambda part: _read_inside(part, budget))
    return InboundMessage(
        message_id=parse_message_id(fields.first("message-id"), defects),
        in_reply_to=parse_message_ids(" ".join(fields.values("in-reply-to"))),
        references=parse_message_ids(" ".join(fields.values("references"))),
        date=parse_date(fields.first("date"), defects),
        author=author,
        authors=authors,
        sender=senders[0] if senders else None,
        reply_to=fields.addresses("reply-to"),
        recipients=fields.addresses("to", "cc", "resent-to", "resent-cc"),
        reverse_path=parse_path(paths[0]) if paths else None,
        subject=subject,
        new_text=split.new,
        quoted_text=split.quoted,
        signature=split.signature,
        is_forward=split.is_forward,
        attachments=tuple(content.attachments),
        header_fields=tuple((name, decode_unstructured(value, defects, "")) for name, value in root.fields),
        content_type=root.content_type,
        content_type_params=root.parameters,
        size=size,
        defects=defects.collected(),
        report=read_report(root, content.own, author.addr_spec, budget, defects),
        certified=certified,
        forwarded_authors=tuple(one.author for one in passed_on),
        forwarded_to=tuple(one.to for one in passed_on),
    )


def _read_inside(part: Part, budget: Budget) -> InboundMessage:
    """The caps are shared with the envelope, what was tolerated is noted apart."""
    return _read(part, part.end - part.begin, budget, DefectLog(), inside=True)


def _split(root: Part, content: Content, subject: str) -> SplitText:
    """Which of the texts is the author's: in certified mail the message inside the envelope."""
    nested = [inner for inner in content.nested if inner.text.strip() or inner.subject]
    is_envelope = is_pec_envelope(root)
    is_receipt = bool(root.value("X-Ricevuta")) or root.content_type == "multipart/report"
    if is_envelope and nested and nested[0].text.strip():
        inner = split_reply(nested[0].text, nested[0].subject)
        others = [text.text for text in nested[1:]]
        return SplitText(
            _joined([inner.new, *others]), _joined([inner.quoted, content.own]), inner.signature, inner.is_forward
        )
    own = split_reply(content.own, subject, threaded=bool(root.value("In-Reply-To") or root.value("References")))
    if is_receipt and own.new:
        # What comes back in a receipt or delivery report is our own message, not a request.
        return SplitText(own.new, _joined([own.quoted, *(text.text for text in nested)]), own.signature, False)
    if not nested:
        return own
    whole = Content(own.new, nested).everything()
    return SplitText(whole, own.quoted, own.signature, is_forward=True)


def _passed_on(content: Content, split: SplitText) -> tuple[Forwarded, ...]:
    """Whose messages a manual forward holds, in its text or attached; nothing where several people's are attached."""
    if not split.is_forward:
        return ()
    # The text first: what is attached beside it may be what the forwarded letter brought along, somebody else's.
    told = read_forwarded(content.own if content.nested else split.new)
    attached = {one.author.addr_spec: Forwarded(one.author, one.to) for one in content.nested if one.author is not None}
    return told or (tuple(attached.values()) if len(attached) == 1 else ())


def _joined(texts: list[str]) -> str:
    return "\n\n".join(text for text in texts if text.strip())


class _FieldReader:
    """Looks fields up by lower case name."""

    def __init__(self, root: Part, limits: ParseLimits, defects: DefectLog) -> None:
        self._limits = limits
        self._defects = defects
        self._values: dict[str, list[str]] = {}
        for name, value in root.fields:
            self._values.setdefault(name.lower(), []).append(value)
        for name in _SINGLE_FIELDS:
            if len(self._values.get(name.lower(), ())) > 1:
                defects.add("field_repeated", name)

    def values(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def first(self, name: str) -> str:
        return next(iter(self.values(name)), "")

    def text(self, name: str) -> str:
        return decode_unstructured(self.first(name), self._defects, name)

    def addresses(self, *names: str) -> tuple[Address, ...]:
        found: list[Address] = []
        for name in names:
            for value in self.values(name):
                left = self._limits.addresses - len(found)
                if left < 1:
                    self._defects.add("limit_addresses", name)
                    break
                found += parse_addresses(value, self._defects, name, left)
        return tuple(found)


def _unread(octets: bytes, error: str) -> InboundMessage:
    return InboundMessage(
        message_id="",
        in_reply_to=(),
        references=(),
        date=None,
        author=_NOBODY,
        authors=(),
        sender=None,
        reply_to=(),
        recipients=(),
        reverse_path=None,
        subject="",
        new_text="",
        quoted_text="",
        signature="",
        is_forward=False,
        attachments=(),
        header_fields=(),
        content_type="text/plain",
        content_type_params={},
        size=len(octets),
        defects=(Defect("parser_failed", error),),
    )
