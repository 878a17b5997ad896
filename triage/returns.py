"""What a received message says about something that we sent: a report, an absence, a hand-back.

Enters messages of a batch with what they refer to, leaves a :class:`~triage.record.returned.Returned` for
those that concern a dispatch of ours. A report is matched by our Message-ID, which nobody else can
know, or by the return address that it came to; where a server has replaced the Message-ID, by our sealed
field, or by the case's code and the recipient. What a project says is read in
``triage.said_by_projects``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from triage.conversations import Thread
from triage.ids import cases_named, read_return_tag
from triage.record import Transaction
from triage.record.identity import secret_of
from triage.record.returned import (
    Returned,
    ReturnKind,
    SentDispatch,
    dispatches_named,
    dispatches_numbered,
    sent_of_cases,
)
from triage.rules.addresses import same_mailbox
from triage.rules.types import Rules
from triage.said_by_projects import (
    Reading,
    had_of_cases,
    has_null_path,
    may_be_a_bounce,
    project_behind,
    said_by_project,
)
from triage.seals import OWN_FIELD, holds
from triage.vocabulary import (
    WRITTEN_BY_STAFF,
    Action,
    Classification,
    Decision,
    DispatchKind,
    DispatchState,
    InboundMessage,
    Report,
    ReportKind,
)

FORWARD_RETURNED = "inoltro_respinto"
"""Why a message that was sent waits for a person again."""

ANSWER_RETURNED = "risposta_non_partita"
_REOPENS: Mapping[str, str] = {
    DispatchKind.FORWARD: FORWARD_RETURNED,
    **dict.fromkeys(WRITTEN_BY_STAFF, ANSWER_RETURNED),
}
"""Why a message waits for a person again when this came back."""

_ACTIONS = {
    "failed": ReturnKind.FAILED,
    "delayed": ReturnKind.DELAYED,
    "delivered": ReturnKind.DELIVERED,
    "relayed": ReturnKind.DELIVERED,
    "expanded": ReturnKind.DELIVERED,
}
_DISPOSITIONS = {
    "displayed": ReturnKind.DISPLAYED,
    "dispatched": ReturnKind.DELIVERED,
    "processed": ReturnKind.DELIVERED,
}
"""Types of RFC 8098 section 3.2.6.2. What was deleted may have been seen by nobody ("Non letto:")."""
_WORST_FIRST = (ReturnKind.FAILED, ReturnKind.DELAYED, ReturnKind.DELIVERED)

_DELIVERED_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To")
"""Where servers write the recipient of the envelope; a report's own To may be anything."""
_MOST_ADDRESSES = 100


def find_returned(tx: Transaction, rules: Rules, readings: Mapping[int, Reading]) -> dict[int, Returned]:
    """What came back, by the received message's key; the others are missing."""
    named = {key: _ids(reading) for key, reading in readings.items()}
    sent = dispatches_named(tx, sorted({item for group in named.values() for item in group}))
    quoted = sorted({case for reading in readings.values() for case in reading.codes})
    had = had_of_cases(tx, quoted)
    tagged = _by_return_address(tx, readings)
    coded = _sent_in_cases_of_reports(tx, readings)
    sealed = {key: _sealed(tx, readings[key], group) for key, group in coded.items()}
    found: dict[int, Returned] = {}
    for key, reading in readings.items():
        about = [sent[item] for item in named[key] if item in sent]
        result = (
            _reported(reading, about or tagged.get(key, ()) or sealed.get(key, ()))
            or _reported_of_case(reading, coded.get(key, ()))
            or said_by_project(tx, rules, reading, about, had)
            or _came_to_return_address(reading, tagged.get(key, ()))
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
    return thread.codes[0] if thread.codes and project_behind(message, rules) else None


def from_staff(message: InboundMessage, rules: Rules) -> bool:
    """Whether a project or we ourselves wrote it, as far as its authors say: that takes rights away and gives none."""
    addresses = [address.addr_spec for address in (message.author, *message.authors) if address.addr_spec]
    return any(map(rules.project_of_address, addresses)) or rules.is_own(message.author.addr_spec)


def is_strangers(message: InboundMessage, rules: Rules) -> bool:
    """Whether a code that it quotes gives it no part in the case: also who only claims to be a project."""
    return not (project_behind(message, rules) or rules.is_own(message.author.addr_spec))


def may_be_a_lost_mail(message: InboundMessage, classification: Classification, decision: Decision) -> bool:
    """Whether a server says, or may say, that something was not delivered: a person finds out what.

    It is not filed unseen, and no centre gets it for the family's words that it quotes.
    """
    report = message.report
    if report is None:
        notifies = decision.action is Action.FORWARD and classification.automatic and has_null_path(message)
        return notifies or may_be_a_bounce(message, classification)
    undelivered = any(_ACTIONS.get(one.action, ReturnKind.FAILED) is ReturnKind.FAILED for one in report.recipients)
    return report.kind is ReportKind.DELIVERY and (undelivered or not report.recipients)


def is_projects_word(message: InboundMessage, rules: Rules) -> bool:
    """Whether a project says something in words of its own: perhaps that a case is not theirs."""
    return message.report is None and bool(project_behind(message, rules))


def _ids(reading: Reading) -> tuple[str, ...]:
    message = reading.message
    reported = message.report.message_ids if message.report is not None else ()
    return tuple(dict.fromkeys((*reported, *message.in_reply_to, *message.references[-20:], *reading.own_ids)))


def _by_return_address(tx: Transaction, readings: Mapping[int, Reading]) -> dict[int, list[SentDispatch]]:
    """The dispatch whose own return address a message came to (failure F18)."""
    secret = secret_of(tx)
    numbers: dict[int, int] = {}
    for key, reading in readings.items():
        known = (read_return_tag(secret, tag) for tag in _plus_tags(reading.message))
        number = next((number for number in known if number is not None), None)
        if number is not None:
            numbers[key] = number
    sent = dispatches_numbered(tx, sorted(set(numbers.values())))
    return {key: [sent[number]] for key, number in numbers.items() if number in sent}


def _came_to_return_address(reading: Reading, about: Sequence[SentDispatch]) -> Returned | None:
    """What only a machine sends: people answer the address in From (RFC 3834 section 4)."""
    if not about:
        return None
    absent = reading.classification.automatic and not may_be_a_bounce(reading.message, reading.classification)
    return Returned(ReturnKind.ABSENT if absent else ReturnKind.COMPLAINT, about[0])


def _plus_tags(message: InboundMessage) -> list[str]:
    delivered = [value.strip(" <>") for name in _DELIVERED_TO for value in message.header(name)]
    addresses = [*delivered, *(address.addr_spec for address in message.recipients)][:_MOST_ADDRESSES]
    return [address.rpartition("@")[0].partition("+")[2] for address in addresses]


def _sent_in_cases_of_reports(tx: Transaction, readings: Mapping[int, Reading]) -> dict[int, list[SentDispatch]]:
    """What was sent in the cases whose code a report quotes, in its own words or in the header section returned."""
    secret = secret_of(tx)
    cases: dict[int, tuple[int, ...]] = {}
    for key, reading in readings.items():
        report = reading.message.report
        if report is not None:
            returned = cases_named(secret, "\n".join(value for _, value in report.returned_fields))
            cases[key] = tuple(dict.fromkeys((*returned, *reading.codes)))
    sent = sent_of_cases(tx, sorted({case for group in cases.values() for case in group}))
    return {key: [one for case in group for one in sent.get(case, ())] for key, group in cases.items()}


def _sealed(tx: Transaction, reading: Reading, sent: Iterable[SentDispatch]) -> list[SentDispatch]:
    """The dispatches over whose Message-ID the seal in the returned header section was made."""
    report = reading.message.report
    fields = report.returned_fields if report is not None else ()
    seals = [value for name, value in fields if name == OWN_FIELD.lower()]
    secret = secret_of(tx)
    return [one for one in sent if any(holds(secret, value, [one.rfc_message_id]) for value in seals)]


def _reported_of_case(reading: Reading, sent: Sequence[SentDispatch]) -> Returned | None:
    """A report that names no mail of ours, only its case: the one sent to the recipient that it names."""
    report = reading.message.report
    if report is None or not sent:
        return None
    matching = [one for one in sent if _is_named(report, one)]
    open_ones = [one for one in matching if one.state != DispatchState.RETURNED] or matching[-1:]
    if len(open_ones) == 1:
        found = _reported(reading, open_ones)
        return replace(found, by_code=True) if found is not None else None
    if report.kind is not ReportKind.DELIVERY:
        return None
    failed = any(one.action == "failed" for one in report.recipients)
    return Returned(ReturnKind.COMPLAINT, (matching or sent)[-1], unclear=failed)


def _is_named(report: Report, sent: SentDispatch) -> bool:
    return any(one.address and same_mailbox(one.address, sent.forward_path) for one in report.recipients)


def _reported(reading: Reading, about: Sequence[SentDispatch]) -> Returned | None:
    report = reading.message.report
    if report is None or not about:
        return None
    dispatch = _named_recipient(about, [one.address for one in report.recipients])
    if report.kind is ReportKind.FEEDBACK:
        return Returned(ReturnKind.COMPLAINT, dispatch)
    if report.kind is ReportKind.DISPOSITION:
        return Returned(_DISPOSITIONS.get(report.recipients[0].action, ReturnKind.COMPLAINT), dispatch)
    kinds = {_ACTIONS[one.action]: one.status for one in reversed(report.recipients) if one.action in _ACTIONS}
    kind = next((kind for kind in _WORST_FIRST if kind in kinds), None)
    if kind is None:
        # About ours and it does not say what: somebody must read it.
        return Returned(ReturnKind.COMPLAINT, dispatch)
    return Returned(kind, dispatch, kinds[kind], _REOPENS.get(dispatch.kind, "") if kind is ReturnKind.FAILED else "")


def _named_recipient(about: Sequence[SentDispatch], addresses: Sequence[str]) -> SentDispatch:
    """The one sent to an address that the report names; a project may pass mail on inside, so else the first."""
    return next(
        (one for one in about if any(address and same_mailbox(address, one.forward_path) for address in addresses)),
        about[0],
    )
