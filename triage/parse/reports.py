"""Reports about mail sent earlier: delivery, disposition, complaint (RFC 3464, 8098, 5965), and bounces without form.

Enters a message's tree of parts and its own text, leaves a :class:`~triage.vocabulary.Report`, or ``None``
when it is no report. Total like everything here: what is missing or malformed stays empty. Nothing is
believed: whether a report is about mail of ours is the record's to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from triage.parse.header_values import decode_unstructured
from triage.parse.identifiers import parse_message_ids
from triage.parse.limits import Budget, DefectLog
from triage.parse.part_text import part_octets
from triage.parse.structure import Part
from triage.vocabulary import Report, ReportedRecipient, ReportKind

_DELIVERY = frozenset({"message/delivery-status", "message/global-delivery-status"})
_DISPOSITION = frozenset({"message/disposition-notification", "message/global-disposition-notification"})
_FEEDBACK = frozenset({"message/feedback-report"})
_RETURNED = frozenset({"text/rfc822-headers", "message/global-headers"})

_OCTETS = 64 << 10
_MOST_RECIPIENTS = 100
_MOST_PARTS = 200
_TEXT = 20_000
_MOST_FIELDS = 50
_FIELD = 1_000

_DAEMON = re.compile(r"(?:mailer[-_.]?daemon|mail[-_.]?daemon|postmaster|mdaemon|bounces?)(?:\+.*)?@", re.IGNORECASE)
_ADDRESS = re.compile(r"<?([A-Za-z0-9._%+'/=!#$&*?^{|}~-]{1,64}@[A-Za-z0-9.-]{1,200}\.[A-Za-z]{2,24})>?")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.-])([45])[0-7]\d(?=[ -]+(?:[A-Za-z<#(\[]|[45]\.\d))|(?<=\()([45])[0-7]\d(?=\))")
"""What a server answered: words or a status follow it, and no more digits as in a telephone number."""
_FAILED = re.compile(
    r"could not be delivered|couldn'?t be delivered|cannot be delivered|(?:not|wasn'?t) delivered|undeliver"
    r"|(?:not|wasn'?t|un)(?: been)? ?able to deliver|returned to sender|restituit[oa] al mittente"
    r"|delivery (?:to .{0,80})?(?:has )?failed|delivery failure|permanent(?:ly)? (?:fatal )?(?:error|fail)|giving up"
    r"|user unknown|no such user|unknown user|mailbox (?:is )?(?:full|unavailable|not found)|address rejected"
    r"|does(?:n't| not) exist|mancata consegna|non (?:e'|è|e) (?:stato|stata) (?:possibile )?(?:consegnat|recapitat)"
    r"|(?:consegna|recapito) non (?:e' |è |e )?riuscit[oa]"
    r"|impossibile (?:consegnare|recapitare)|non consegnat|casella (?:piena|inesistente)|utente sconosciuto"
    r"|non recapitabil|non (?:pu(?:o'|ò|o) essere|(?:e'|è|e) stat[oa]) (?:consegnat|recapitat)"
    r"|(?:destinatario|indirizzo|utente|casella|mailbox)(?: di posta)? (?:(?:e'|è|e|risulta) )?"
    r"(?:sconosciut|inesistent|disabilitat|disattivat|non (?:trovat|esist|valid))"
    r"|non (?:ha potuto|(?:e'|è|e) riuscit[oa] a) (?:consegnare|recapitare)"
    r"|non ha raggiunto (?:alcuni|tutti|il destinatario|i destinatari)|impossibile raggiungere"
    r"|(?:superato|oltre|esaurit[oa]) (?:la |il |di )?(?:propri[ao] )?(?:quota|limite)|quota (?:superata|esaurita)"
    r"|(?:over|exceed(?:s|ed)?)(?: (?:its|the|their))?(?: \w+)? quota|quota exceeded|mailbox quota"
    r"|(?:was|been|is) (?:rejected|refused|blocked)|(?:rejected|blocked) (?:by|as) ",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"(?:delivery|message|mail)\b[^.\n]{0,60}\bdelayed|delayed (?:delivery|message|mail)"
    r"|will (?:be retried|keep trying|retry)|still being retried|not yet been delivered"
    r"|has not been delivered yet|warning message only|do not need to resend"
    r"|non (?:e'|è|e) ancora stat[oa] (?:possibile )?(?:consegnat|recapitat)"
    r"|(?:consegna|recapito|consegnat[oa]|recapitat[oa]) in ritardo"
    r"|ritardo (?:nella consegna|nel recapito)|(?:consegna|recapito) (?:ritardat|rinviat)"
    r"|verr[aà] (?:ritentat|riprovat)",
    re.IGNORECASE,
)
_COPY = re.compile(
    r"^(?:[ \t]*[-_*=]{2,}.{0,60}\b(?:cop(?:y|ia)|original[ei]?|messaggio|message|headers?|intestazion[ei])\b"
    r"|[ \t>|]*(?:below this line|this is a copy|copia del messaggio|(?:il )?messaggio originale|original message)\b"
    r"|[ \t]*(?:Received|Return-Path|Message-ID|MIME-Version|DKIM-Signature|X-[A-Za-z-]{1,40}):[ \t]|[ \t]*>)",
    re.IGNORECASE | re.MULTILINE,
)
"""Where a bounce begins to quote what it returns: the words after it are ours and the family's."""


def read_report(root: Part, own_text: str, author: str, budget: Budget, defects: DefectLog) -> Report | None:
    """What a message reports, by its parts; else by the text of a daemon that knows no form."""
    parts = list(_walk(root))
    sections = _returned_sections(parts, budget, defects)
    report = _read(root, parts, own_text, author, _returned_ids(sections), budget, defects)
    return replace(report, returned_fields=_telling(sections, defects)) if report is not None else None


def _read(
    root: Part,
    parts: Sequence[Part],
    own_text: str,
    author: str,
    returned: tuple[str, ...],
    budget: Budget,
    defects: DefectLog,
) -> Report | None:
    for part in parts:
        if part.content_type in _DELIVERY:
            groups = _groups(part, budget, defects)
            recipients = tuple(filter(None, map(_recipient, groups[:_MOST_RECIPIENTS])))
            return Report(ReportKind.DELIVERY, recipients, returned, structured=True)
        if part.content_type in _DISPOSITION:
            return _disposition(_groups(part, budget, defects), returned)
        if part.content_type in _FEEDBACK:
            return Report(ReportKind.FEEDBACK, (), returned, structured=True)
    return _without_form(root, own_text, author, returned)


def _walk(root: Part) -> Iterator[Part]:
    """The parts of this message, and those that it returns; not what is inside those."""
    waiting, seen = [(root, 0)], 0
    while waiting and seen < _MOST_PARTS:
        part, inside = waiting.pop(0)
        seen += 1
        yield part
        # One message deep: the returned one, whose own header section is wanted, but not its reports.
        deeper = inside + (1 if part.children and not part.content_type.startswith("multipart/") else 0)
        if part.content_type.startswith("multipart/") and not inside:
            waiting += [(child, inside) for child in part.children]
        elif deeper == 1 and not inside:
            waiting += [(child, deeper) for child in part.children]


def _groups(part: Part, budget: Budget, defects: DefectLog) -> list[Mapping[str, str]]:
    """Groups of fields between empty lines (RFC 3464 section 2.1); the first is the message's own."""
    source = part
    if part.children:  # some systems nest the fields as if they were a message
        source = part.children[0]
        if source.fields:
            return [{name.lower(): value for name, value in source.fields}, *_read_groups(source, budget, defects)]
    return _read_groups(source, budget, defects)


def _read_groups(part: Part, budget: Budget, defects: DefectLog) -> list[Mapping[str, str]]:
    text = part_octets(part, _OCTETS, budget, defects).decode("utf-8", "replace").replace("\r\n", "\n")
    groups: list[Mapping[str, str]] = []
    for block in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in block.split("\n"):
            if line[:1] in (" ", "\t") and name:
                fields[name] += f" {line.strip()}"
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields.setdefault(name, value.strip())
        if fields:
            groups.append(fields)
    return groups


def _recipient(fields: Mapping[str, str]) -> ReportedRecipient | None:
    action = fields.get("action", "").split("(")[0].strip().lower()
    typed = fields.get("original-recipient") or fields.get("final-recipient", "")
    if not action and not typed:
        return None  # the group about the message itself
    status = _STATUS.search(fields.get("status", "")) or _STATUS.search(fields.get("diagnostic-code", ""))
    said = status[1] if status else ""
    # Some leave out the Action that RFC 3464 section 2.3.3 demands.
    return ReportedRecipient(_address(typed), action or ("failed" if said.startswith("5.") else ""), said)


def _address(typed: str) -> str:
    """Of ``rfc822; a@b`` the address (RFC 3464 section 2.3.1); xtext and comments are not undone."""
    found = _ADDRESS.search(typed.rpartition(";")[2])
    return found[1] if found else ""


def _disposition(groups: Sequence[Mapping[str, str]], returned: tuple[str, ...]) -> Report:
    fields = {name: value for group in reversed(groups) for name, value in group.items()}
    kind = fields.get("disposition", "").rpartition(";")[2].split("/")[0].strip().lower()
    ids = parse_message_ids(fields.get("original-message-id", ""))
    who = _address(fields.get("original-recipient") or fields.get("final-recipient", ""))
    return Report(
        ReportKind.DISPOSITION,
        (ReportedRecipient(who, kind, ""),),
        tuple(dict.fromkeys((*ids, *returned))),
        structured=True,
    )


def _returned_sections(parts: Sequence[Part], budget: Budget, defects: DefectLog) -> list[Sequence[tuple[str, str]]]:
    """Header sections of what is returned, whole or only that."""
    found: list[Sequence[tuple[str, str]]] = []
    for part in parts[1:]:
        if part.content_type in _RETURNED:
            groups = _read_groups(part, budget, defects)
            found += [tuple(groups[0].items())] if groups else []
        elif part.children and not part.content_type.startswith("multipart/"):
            found.append(part.children[0].fields)
    return found


def _returned_ids(sections: Sequence[Sequence[tuple[str, str]]]) -> tuple[str, ...]:
    found: list[str] = []
    for fields in sections:
        value = next((value for name, value in fields if name.lower() == "message-id"), "")
        found += parse_message_ids(value)
    return tuple(dict.fromkeys(found))[:20]


def _telling(sections: Sequence[Sequence[tuple[str, str]]], defects: DefectLog) -> tuple[tuple[str, str], ...]:
    """What names a mail beside its Message-ID, which some servers replace."""
    found = [
        (name.lower(), decode_unstructured(value[:_FIELD], defects, name))
        for fields in sections
        for name, value in fields
        if name.lower() == "subject" or name.lower().startswith("x-")
    ]
    return tuple(found[:_MOST_FIELDS])


def _without_form(root: Part, own_text: str, author: str, returned: tuple[str, ...]) -> Report | None:
    """qmail, Exim, Lotus and webmail say it in words only; a daemon must say so, not a person."""
    failed = [_address(value) for name, value in root.fields if name.lower() == "x-failed-recipients"]
    null_path = any(name.lower() == "return-path" and not value.strip(" <>") for name, value in root.fields)
    if not failed and not (_DAEMON.match(author) or (null_path and not root.value("Auto-Submitted"))):
        return None
    text = own_text[:_TEXT]
    # A delay is only noted, so what the returned mail says is no sign of one; a failure is seen wherever it stands.
    own_words = text[: copy.start()] if (copy := _COPY.search(text)) else text
    status = _STATUS.search(text)
    code = _CODE.search(own_words)
    digit = (code[1] or code[2]) if code else ""
    permanent = bool(_FAILED.search(text)) or bool(status and status[1][0] == "5") or digit == "5"
    delayed = bool(_DELAYED.search(own_words)) or (not permanent and digit == "4")
    if not (permanent or delayed or failed):
        return None
    action = "delayed" if delayed and not failed else "failed"
    said = status[1] if status else ""
    named = failed or [found.lower() for found in _ADDRESS.findall(text) if not _DAEMON.match(found)]
    recipients = tuple(
        ReportedRecipient(address, action, said)
        for address in dict.fromkeys(named[:_MOST_RECIPIENTS] or [""])
        if address or not named
    )
    return Report(ReportKind.DELIVERY, recipients, returned, structured=False)
