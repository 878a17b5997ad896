"""Signs in a message that an automatic answer to it must not be sent.

In: a message's header section and structure. Out: reasons, one per sign; none means nothing in the
message forbids an acknowledgement. These signs bind our reply only: some of them, such as
``X-Auto-Response-Suppress``, do not show that a machine wrote the message (failure F15).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from triage.rules.addresses import LONGEST_ADDRESS, bare_form
from triage.vocabulary import InboundMessage, Reason

# RFC 3834 section 2 names owner-, -request and MAILER-DAEMON; the others answer nobody either.
_SYSTEM_LOCAL_PART = re.compile(
    r"owner-.+|.+-(request|owner|bounces?|admin|outgoing|relay|confirm|unsubscribe|subscribe|join|leave|errors?)"
    r"|(mailer|mail)[-_.]?daemon|postmaster|listserv|majordomo|mailman|mdaemon|daemon|root|nobody|uucp|bounces?|abuse"
    r"|www[-_.]?data|apache|cron|anonymous"
    r"|(bounces?|return|returns|errors?|verp)[-_.+=].+|(listserv|majordomo|mailer-daemon).+"
    r"|posta-certificata|.*undisclosed.*"
)
_NO_REPLY = re.compile(
    r"(.+[-_.])?(no|not|non|nessuna|nicht|nu|do[-_.]?not|dont|never|keine?)[-_.]?(reply|replay|replies|answer|respond|response"
    r"|risponder[ei]|risposta"
    r"|rispondete|antwort|antworten|raspunde(ti)?)([-_.]?.*)?|(.+[-_.])?ne[-_.]?pas[-_.]?repondre.*|(.+[-_.])?noreply.*"
)
_ROBOT = re.compile(
    r"auto[-_.]?(reply|replies|answer|respond|responder|response|risponditore|mailer|submit)([-_.].*)?"
    r"|risponditore|rispost[ae][-_.]?automatic(a|he)([-_.].*)?|newsletters?([-_.].*)?"
)
_NOBODY = (_SYSTEM_LOCAL_PART, _NO_REPLY, _ROBOT)
_PRECEDENCES = frozenset({"list", "bulk", "junk", "auto_reply"})
_PRECEDENCE_FIELDS = ("Precedence", "X-Precedence", "Preference")
_SUPPRESSING = frozenset({"oof", "autoreply", "all"})
_LIST_FIELDS = frozenset({"mailing-list", "x-mailing-list", "x-list", "x-ml-name", "x-beenthere", "x-mailman-version"})
_ANSWERING_FIELDS = frozenset(
    {"x-autoreply", "x-autoreply-from", "x-autorespond", "x-auto-reply", "x-auto-response", "x-vacation"}
    | {"x-autoreply-domain"}
)
_ROBOT_FIELDS = _ANSWERING_FIELDS | {"x-loop", "x-otrs-loop", "x-rt-ticket"}
_ROBOT_WORDS = (
    ("X-POST-MessageClass", "autoresponder"),
    ("Delivered-To", "autoresponder"),
    ("X-MS-Exchange-Generated-Message-Source", "mailbox rules agent"),
    ("X-Mailer", "vacation"),
    ("X-Auto-Submitted", "auto-"),
)
"""Fields of robots that do not say Auto-Submitted, and the word that their value holds."""
_REPORT_FIELDS = frozenset({"tls-report-domain", "tls-report-submitter", "x-failed-recipients", "dsn_gw"})
_REPORT_TYPES = frozenset(
    {
        "multipart/report",
        "message/delivery-status",
        "message/global-delivery-status",
        "message/disposition-notification",
        "message/global-disposition-notification",
        "message/feedback-report",
        "application/tlsrpt+gzip",
        "application/tlsrpt+json",
    }
)
_HEADER_CUT = frozenset({"limit_header_octets", "limit_header_fields"})
_CALENDAR_TYPES = frozenset({"text/calendar", "application/ics"})
# RFC 7489 section 7.2.1.1 fixes the subject of aggregate reports; the report is a compressed attachment.
_DMARC_SUBJECT = re.compile(r"\s*report\s+domain:.*(submitter|report-id):", re.IGNORECASE | re.DOTALL)
_VERP = re.compile(r".*=.*|.*[0-9a-f]{16,}.*|.*[-+.][0-9]{6,}([-+.=].*)?|srs[01].*|.*[%!].*")


def signs_against_answering(message: InboundMessage) -> tuple[Reason, ...]:
    """Why this message must not be answered automatically, by its header section and structure."""
    return tuple(Reason(code) for code, found in _signs(message) if found)


def is_system_address(address: str) -> bool:
    """Whether nobody reads an address: list owners, daemons, no-reply in the usual languages."""
    if len(address) > LONGEST_ADDRESS:
        return True  # no address at all, and the patterns below are for short text
    local = bare_form(address)[0]
    whole = address.rpartition("@")[0].casefold()
    return any(pattern.fullmatch(part) is not None for part in (local, whole) for pattern in _NOBODY)


def is_carried(message: InboundMessage) -> bool:
    """Whether a list or a ticket system carried what may be a person's words: no sign is an answering robot's.

    Whoever works behind a group's address (List-Id, Precedence) or in a ticket system writes all mail so.
    """
    names = {name.strip().lower() for name, _ in message.header_fields}
    found = {code for code, there in _signs(message) if there}
    answers = bool(names & _ANSWERING_FIELDS) or _answers_by_itself(message)
    answers = answers or any("reply" in _keyword(v) for name in _PRECEDENCE_FIELDS for v in message.header(name))
    null_path = message.reverse_path is not None and not message.reverse_path.strip(" <>")
    by_machine = answers or null_path or bool(found & {"auto_submitted", "rapporto", "calendario"})
    return bool(found & {"lista", "precedenza", "risponditore"}) and not by_machine


def is_rewritten_path(reverse_path: str, authors: Iterable[str]) -> bool:
    """Whether a Return-Path that is not an author's looks made for bounces (VERP, SRS).

    An answer sent there is counted as a bounce: the subscriber may be struck off, or the forwarder
    blames the family's mailbox. A BATV path is the author's own and is no such thing.
    """
    if bare_form(reverse_path) in {bare_form(author) for author in authors}:
        return False
    if len(reverse_path) > LONGEST_ADDRESS:
        return True
    return bool(_VERP.fullmatch(reverse_path.rpartition("@")[0].casefold()))


def _signs(message: InboundMessage) -> Iterable[tuple[str, bool]]:
    names = {name.strip().lower() for name, _ in message.header_fields}
    yield "auto_submitted", any(_auto_submitted_keyword(v) != "no" for v in message.header("Auto-Submitted"))
    yield "precedenza", any(_keyword(v) in _PRECEDENCES for name in _PRECEDENCE_FIELDS for v in message.header(name))
    yield "lista", bool(names & _LIST_FIELDS) or any(name.startswith("list-") for name in names)
    yield "risposte_soppresse", any(_suppresses(v) for v in message.header("X-Auto-Response-Suppress"))
    yield "risponditore", bool(names & _ROBOT_FIELDS) or _answers_by_itself(message)
    yield "rapporto", _is_report(message, names)
    yield "calendario", _is_calendar(message)
    yield "pec", _is_certified_mail(message, names)
    # A sign may stand where nobody has looked; the defect of a part's header section has the part's number as detail.
    yield "testata_non_letta", any(d.code in _HEADER_CUT and not d.detail for d in message.defects)


def _auto_submitted_keyword(value: str) -> str:
    """The keyword of Auto-Submitted without comments and parameters (RFC 3834 section 5)."""
    return _keyword(_without_comments(value).split(";", 1)[0])


def _keyword(value: str) -> str:
    return _without_comments(value).strip().strip('"').casefold()


def _without_comments(value: str) -> str:
    """The text outside parentheses, which may be nested and hold quoted pairs (RFC 5322 section 3.2.2)."""
    kept: list[str] = []
    depth = 0
    escaped = False
    for sign in value:
        if escaped:
            escaped = False
        elif sign == "\\":
            escaped = True
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth = max(0, depth - 1)
        elif depth == 0:
            kept.append(sign)
    return "".join(kept)


def _answers_by_itself(message: InboundMessage) -> bool:
    return any(word in value.casefold() for name, word in _ROBOT_WORDS for value in message.header(name))


def _suppresses(value: str) -> bool:
    return bool({part.strip().casefold() for part in re.split(r"[,;\s]+", _without_comments(value))} & _SUPPRESSING)


def _is_report(message: InboundMessage, names: set[str]) -> bool:
    """A DSN, MDN, ARF, DMARC or TLS report (RFC 3464, 8098, 5965, 7489, 8460)."""
    types = {message.content_type, *(part.content_type.lower() for part in message.attachments)}
    return bool(types & _REPORT_TYPES or names & _REPORT_FIELDS or _DMARC_SUBJECT.match(message.subject))


def _is_calendar(message: InboundMessage) -> bool:
    types = {message.content_type, *(part.content_type.lower() for part in message.attachments)}
    classes = [_keyword(value) for value in message.header("Content-Class")]
    return bool(types & _CALENDAR_TYPES) or "urn:content-classes:calendarmessage" in classes


def _is_certified_mail(message: InboundMessage, names: set[str]) -> bool:
    """A PEC receipt or envelope: receipts carry no Auto-Submitted and a Return-Path that is not null.

    Acknowledging from an ordinary account to a PEC one makes two receipts or an anomaly come back. The
    person's message in an envelope that is believed is the gate's affair: the administrator may want it answered.
    """
    certified = message.certified
    if certified is not None:
        return not certified.trusted or certified.kind.is_receipt
    return "x-ricevuta" in names or bool(message.header("X-Trasporto"))
