"""What a received message says about something that we sent: a report, an absence, a hand-back.

Enters messages of a batch with what they refer to, leaves a :class:`~triage.record.returned.Returned` for
those that concern a dispatch of ours. A report is matched by our Message-ID, which nobody else can
know; a hand-back by the case's code and the project's own address (design, decision 5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from triage.classify.said_of_forwards import MOVED, NOT_OURS, said_of_forward
from triage.conversations import Thread
from triage.record import Transaction
from triage.record.returned import Returned, ReturnKind, SentDispatch, dispatches_named, forwards_of_cases
from triage.rules.addresses import same_mailbox
from triage.rules.types import Rules
from triage.vocabulary import Classification, DispatchKind, InboundMessage, ReportKind

FORWARD_RETURNED = "inoltro_respinto"
HANDED_BACK = "restituito"
"""Why a message that was sent waits for a person again."""

_ACTIONS = {
    "failed": ReturnKind.FAILED,
    "delayed": ReturnKind.DELAYED,
    "delivered": ReturnKind.DELIVERED,
    "relayed": ReturnKind.DELIVERED,
    "expanded": ReturnKind.DELIVERED,
}
_WORST_FIRST = (ReturnKind.FAILED, ReturnKind.DELAYED, ReturnKind.DELIVERED)

_READ = 3_000
_TAKEN = re.compile(r"\s*preso in carico\s*\[", re.IGNORECASE)
_ONLY_THE_CODE = re.compile(r"\s*Codice:\s*[0-9A-Z]{2,13}-[0-9A-Z]{8}\s*", re.IGNORECASE)
"""What the link "Preso in carico" writes (``triage.dispatch.links``)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One message as far as it may have come back: who wrote it, and what it refers to."""

    message: InboundMessage
    classification: Classification
    own_ids: tuple[str, ...]
    """Message-IDs of our form that stand anywhere in it."""
    codes: tuple[int, ...]
    """Cases whose code it quotes."""


def find_returned(tx: Transaction, rules: Rules, readings: Mapping[int, Reading]) -> dict[int, Returned]:
    """What came back, by the received message's key; the others are missing."""
    named = {key: _ids(reading) for key, reading in readings.items()}
    sent = dispatches_named(tx, sorted({item for group in named.values() for item in group}))
    cases = forwards_of_cases(tx, sorted({case for reading in readings.values() for case in reading.codes}))
    found: dict[int, Returned] = {}
    for key, reading in readings.items():
        about = [sent[item] for item in named[key] if item in sent]
        result = (
            _reported(reading, about)
            or _answered(reading, about, rules)
            or _taken(reading, cases, rules)
            or _handed_back(reading, about, cases, rules)
        )
        if result is not None:
            found[key] = result
    return found


def case_of(thread: Thread, returned: Returned | None, message: InboundMessage, rules: Rules) -> int | None:
    """The case that a message goes on with: also a project's, whose members quote its code to us."""
    if thread.case_id is not None:
        return thread.case_id
    if returned is not None:
        return returned.dispatch.case_id
    return thread.codes[0] if thread.codes and _project(message, rules) else None


def from_staff(message: InboundMessage, rules: Rules) -> bool:
    """Whether a project or we ourselves wrote it, as far as its author says."""
    return bool(_project(message, rules)) or rules.is_own(message.author.addr_spec)


def _ids(reading: Reading) -> tuple[str, ...]:
    message = reading.message
    reported = message.report.message_ids if message.report is not None else ()
    return tuple(dict.fromkeys((*reported, *message.in_reply_to, *message.references[-20:], *reading.own_ids)))


def _reported(reading: Reading, about: Sequence[SentDispatch]) -> Returned | None:
    report = reading.message.report
    if report is None or not about:
        return None
    dispatch = _named_recipient(about, [one.address for one in report.recipients])
    if report.kind is ReportKind.FEEDBACK:
        return Returned(ReturnKind.COMPLAINT, dispatch)
    if report.kind is ReportKind.DISPOSITION:
        return Returned(ReturnKind.DISPLAYED, dispatch)
    kinds = {_ACTIONS[one.action]: one.status for one in reversed(report.recipients) if one.action in _ACTIONS}
    kind = next((kind for kind in _WORST_FIRST if kind in kinds), None)
    if kind is None:
        # About ours and it does not say what: somebody must read it.
        return Returned(ReturnKind.COMPLAINT, dispatch)
    failed = kind is ReturnKind.FAILED and dispatch.kind == DispatchKind.FORWARD
    return Returned(kind, dispatch, kinds[kind], FORWARD_RETURNED if failed else "")


def _named_recipient(about: Sequence[SentDispatch], addresses: Sequence[str]) -> SentDispatch:
    """The one sent to an address that the report names; a project may pass mail on inside, so else the first."""
    return next(
        (one for one in about if any(address and same_mailbox(address, one.forward_path) for address in addresses)),
        about[0],
    )


def _answered(reading: Reading, about: Sequence[SentDispatch], rules: Rules) -> Returned | None:
    """A project's mail program answers our forward by itself."""
    forwards = [one for one in about if one.kind == DispatchKind.FORWARD]
    if not forwards or not reading.classification.automatic:
        return None
    project = _project(reading.message, rules)
    dispatch = next((one for one in forwards if one.project == project), None)
    if dispatch is None:
        return None
    moved = MOVED in said_of_forward(reading.message.new_text[:_READ])
    return Returned(ReturnKind.MOVED if moved else ReturnKind.ABSENT, dispatch)


def _taken(reading: Reading, cases: Mapping[int, Sequence[SentDispatch]], rules: Rules) -> Returned | None:
    """A person at a project sends the mail that the link "Preso in carico" makes, from the project's own address."""
    message = reading.message
    project = _project(message, rules)
    if not project or reading.classification.automatic or message.report is not None:
        return None
    forwards = [one for case in reading.codes for one in cases.get(case, ()) if one.project == project]
    if not forwards or not _TAKEN.match(message.subject):
        return None
    bare = bool(_ONLY_THE_CODE.fullmatch(message.new_text)) and not message.attachments
    return Returned(ReturnKind.TAKEN, forwards[-1], nothing_to_read=bare)


def _handed_back(
    reading: Reading, about: Sequence[SentDispatch], cases: Mapping[int, Sequence[SentDispatch]], rules: Rules
) -> Returned | None:
    """A person at a project says "not for us", with the case's code, from the project's own address."""
    message = reading.message
    project = _project(message, rules)
    if not project or reading.classification.automatic or message.report is not None:
        return None
    forwards = [one for case in reading.codes for one in cases.get(case, ()) if one.project == project]
    if not forwards or NOT_OURS not in said_of_forward(f"{message.subject}. {message.new_text[:_READ]}"):
        return None
    answered = {one.id for one in about}
    dispatch = next((one for one in forwards if one.id in answered), forwards[-1])
    return Returned(ReturnKind.HANDED_BACK, dispatch, "", HANDED_BACK)


def _project(message: InboundMessage, rules: Rules) -> str:
    addresses = [address.addr_spec for address in (message.author, *message.authors) if address.addr_spec]
    return next((code for code in map(rules.project_of_address, addresses) if code), "")
