"""What a project says of what we sent to it: absence, "deleted", "taken in charge", "not for us".

In: a mail as far as it may be a project's (:class:`Reading`), and what the project got in the cases whose code it
quotes. Out: a :class:`~triage.record.returned.Returned`, or ``None``. It counts from the project's own address only, as
long as it is the one author and our own mail server does not doubt it (design, decision 5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from triage.classify.said_of_forwards import MISSED, MOVED, UNDELIVERED, said_of_forward
from triage.decide import is_carried, is_system_address
from triage.decide.authentication import author_domain, is_doubted
from triage.hand_backs import BY_LINK, hands_back
from triage.record import Transaction
from triage.record.returned import (
    Returned,
    ReturnKind,
    SentDispatch,
    another_has_it,
    forwards_of_cases,
    recalls_of_cases,
)
from triage.rules.types import Rules
from triage.vocabulary import Classification, DispatchKind, InboundMessage

HANDED_BACK = "restituito"
"""Why a message that was handed back waits for a person again."""
_READ = 3_000
_TAGS = r"\s*(?:(?:\[[^\]]{0,40}\]|\{[^}]{0,40}\}|\*+[^*]{0,40}\*+)\s*)*"
"""What gateways write before a subject: ``[EXTERNAL]``, ``{Spam?}``, ``***SPAM***``."""
_DELETED = re.compile(_TAGS + r"cancellato\s*\[", re.IGNORECASE)
_TAKEN = re.compile(_TAGS + r"preso in carico\s*\[", re.IGNORECASE)
_MAIL_SYSTEM = re.compile(r"(?:mailer[-_.]?daemon|mail[-_.]?daemon|postmaster|mdaemon)(?:\+.*)?@", re.IGNORECASE)
_ONLY_THE_CODE = re.compile(r"\s*Codice:\s*[0-9A-Z]{2,13}-[0-9A-Z]{8}\s*", re.IGNORECASE)
"""What the links in our mails to projects write (``triage.dispatch.links``)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One message as far as it may have come back: who wrote it, and what it refers to."""

    message: InboundMessage
    classification: Classification
    own_ids: tuple[str, ...]
    """Message-IDs of our form that stand anywhere in it."""
    codes: tuple[int, ...]
    """Cases whose code it quotes."""


@dataclass(frozen=True, slots=True)
class Had:
    """What projects got in some cases, by case."""

    forwards: Mapping[int, Sequence[SentDispatch]]
    by_mistake: Mapping[int, Sequence[SentDispatch]]
    """Of which a person has said that the project was the wrong one."""
    recalls: Mapping[int, Sequence[SentDispatch]]


def had_of_cases(tx: Transaction, case_ids: Sequence[int]) -> Had:
    """What projects got in these cases."""
    wrong = forwards_of_cases(tx, case_ids, by_mistake=True)
    return Had(forwards_of_cases(tx, case_ids), wrong, recalls_of_cases(tx, case_ids))


def said_by_project(
    tx: Transaction, rules: Rules, reading: Reading, about: Sequence[SentDispatch], had: Had
) -> Returned | None:
    """What a project says by a mail; ``about`` are our mails that it answers."""
    return (
        _answered(reading, about, had.forwards, rules)
        or _deleted(reading, about, had.recalls, rules)
        or _taken(reading, had.forwards, rules)
        or _handed_back(tx, reading, about, had.forwards, rules)
        or _handed_back_late(reading, had.by_mistake, rules)
    )


def project_behind(message: InboundMessage, rules: Rules) -> str:
    """The project that may act by this message, or the empty text."""
    if not author_domain(message) or is_doubted(message, rules.service.authserv_id, rules.service.authserv_below):
        return ""
    return rules.project_of_address(message.author.addr_spec)


def _answered(
    reading: Reading, about: Sequence[SentDispatch], cases: Mapping[int, Sequence[SentDispatch]], rules: Rules
) -> Returned | None:
    """A project's mail program answers our forward by itself; some quote its subject and no Message-ID."""
    if not reading.classification.automatic or reading.message.report is not None:
        return None
    project = project_behind(reading.message, rules)
    coded = (one for case in reading.codes for one in reversed(cases.get(case, ())))
    forwards = (one for one in (about or coded) if one.kind == DispatchKind.FORWARD and one.project == project)
    dispatch = next(forwards, None)
    if not project or dispatch is None:
        return None
    if MOVED in said_of_forward(reading.message.new_text[:_READ]):
        return Returned(ReturnKind.MOVED, dispatch)
    if speaks_as_mail_system(reading.message) or says_undelivered(reading.message):
        # In no form that we know: the forward may be lost, and a person reads it.
        return Returned(ReturnKind.COMPLAINT, dispatch, unclear=True)
    if not _is_robots(reading):
        return None
    return Returned(ReturnKind.ABSENT if _says_automatic(reading.message) else ReturnKind.COMPLAINT, dispatch)


def _is_robots(reading: Reading) -> bool:
    """Whether a program answers for its owner; not whoever at a project writes by a list or a ticket system."""
    return reading.classification.automatic and not is_carried(reading.message)


def speaks_as_mail_system(message: InboundMessage) -> bool:
    """Whether a server speaks, and not a mail program for its owner: then it is no absence (RFC 3464, 6522)."""
    about_display = "disposition" in message.content_type_params.get("report-type", "").lower()
    report = message.content_type == "multipart/report" and not about_display
    return report or _MAIL_SYSTEM.match(message.author.addr_spec) is not None


def says_undelivered(message: InboundMessage) -> bool:
    """Whether it says in words that a mail did not arrive; who says so, a machine or a person, stays open."""
    return bool(said_of_forward(message.new_text[:_READ]) & {UNDELIVERED, MISSED})


def may_be_a_bounce(message: InboundMessage, classification: Classification) -> bool:
    """Whether a server may say, in no form that we know, that something did not arrive.

    Its words count where no person stands behind it, and its subject always: a bounce may come from any address,
    with any path, and quote a family's words as if they were new. A missed delivery may be a parcel's: where a person
    may ask about it, the text must speak of mail.
    """
    subject = said_of_forward(message.subject)
    if speaks_as_mail_system(message) or UNDELIVERED in subject:
        return True
    if MISSED in subject and UNDELIVERED in said_of_forward(message.new_text[:_READ]):
        return True
    nobody = classification.automatic or has_null_path(message) or is_system_address(message.author.addr_spec)
    return nobody and (MISSED in subject or says_undelivered(message))


def has_null_path(message: InboundMessage) -> bool:
    """Whether its server says that nobody is to answer it: notifications of servers, and nearly nothing else."""
    return message.reverse_path is not None and not message.reverse_path.strip(" <>")


def _says_automatic(message: InboundMessage) -> bool:
    """With a null path, only who says so by RFC 3834; nearly all else that has one is a bounce."""
    return not has_null_path(message) or any(
        value.strip().lower().startswith("auto-") for value in message.header("Auto-Submitted")
    )


def _deleted(
    reading: Reading, about: Sequence[SentDispatch], recalls: Mapping[int, Sequence[SentDispatch]], rules: Rules
) -> Returned | None:
    """A project answers a recall: by the link in it, or in words that a person must read."""
    message = reading.message
    project = project_behind(message, rules)
    if not project or message.report is not None:
        return None
    ours = [one for case in reading.codes for one in recalls.get(case, ()) if one.project == project]
    answered = [one for one in about if one.kind == DispatchKind.RECALL and one.project == project]
    if ours and _DELETED.match(message.subject) and not _is_robots(reading):
        return Returned(ReturnKind.DELETED, ours[-1], nothing_to_read=_is_bare(reading, _DELETED))
    if not answered:
        return None
    kind = ReturnKind.ABSENT if _is_robots(reading) else ReturnKind.RECALL_ANSWERED
    return Returned(kind, answered[-1])


def _taken(reading: Reading, cases: Mapping[int, Sequence[SentDispatch]], rules: Rules) -> Returned | None:
    """A person at a project sends the mail that the link "Preso in carico" makes, from the project's own address."""
    message = reading.message
    project = project_behind(message, rules)
    if not project or _is_robots(reading) or message.report is not None:
        return None
    forwards = [one for case in reading.codes for one in cases.get(case, ()) if one.project == project]
    if not forwards or not _TAKEN.match(message.subject):
        return None
    return Returned(ReturnKind.TAKEN, forwards[-1], nothing_to_read=_is_bare(reading, _TAKEN))


def _handed_back(
    tx: Transaction,
    reading: Reading,
    about: Sequence[SentDispatch],
    cases: Mapping[int, Sequence[SentDispatch]],
    rules: Rules,
) -> Returned | None:
    """A person at a project says "not for us", with the case's code, from the project's own address."""
    forwards = _not_theirs(reading, cases, rules)
    if not forwards:
        return None
    answered = {one.message_id for one in about}
    dispatch = next((one for one in reversed(forwards) if one.message_id in answered), forwards[-1])
    if another_has_it(tx, dispatch):
        return _late(reading, dispatch)
    return Returned(ReturnKind.HANDED_BACK, dispatch, "", HANDED_BACK)


def _handed_back_late(
    reading: Reading, mistaken: Mapping[int, Sequence[SentDispatch]], rules: Rules
) -> Returned | None:
    """The same of a project from which a person has taken the case: whoever has it now keeps it."""
    forwards = _not_theirs(reading, mistaken, rules)
    return _late(reading, forwards[-1]) if forwards else None


def _late(reading: Reading, dispatch: SentDispatch) -> Returned:
    return Returned(ReturnKind.LATE_HAND_BACK, dispatch, nothing_to_read=_is_bare(reading, BY_LINK))


def _not_theirs(reading: Reading, cases: Mapping[int, Sequence[SentDispatch]], rules: Rules) -> list[SentDispatch]:
    """What its project got of the cases that a message hands back."""
    message = reading.message
    project = project_behind(message, rules)
    if not project or _is_robots(reading) or message.report is not None:
        return []
    forwards = [one for case in reading.codes for one in cases.get(case, ()) if one.project == project]
    return forwards if forwards and hands_back(message.subject, message.new_text) else []


def _is_bare(reading: Reading, link: re.Pattern[str]) -> bool:
    """Whether it is the mail that one of our links makes, and nothing beside."""
    message = reading.message
    is_ours = link.search(message.subject) and _ONLY_THE_CODE.fullmatch(message.new_text)
    return bool(is_ours) and not message.attachments
