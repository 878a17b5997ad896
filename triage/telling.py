"""What families are to be told, planned: the acknowledgement, the question, the notice of a new centre.

In: a message, its decision, and the transaction that will record the plan. Out: a planned dispatch, or
``None`` when something that does not pass speaks against it. The gate is asked here and again before
anything leaves. That each is sent at most once a case is held by a unique index of the record.

For the callers of :func:`plan_question` and :func:`plan_reroute_notice`: write the plan with
``record.planned.write_dispatches`` in the same transaction.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from triage.conversations import recipient_keys
from triage.decide import (
    AckHistory,
    DecisionContext,
    GateVerdict,
    may_acknowledge,
    may_ask,
    may_tell_of_reroute,
    recipient_of,
)
from triage.decide.gate import SAME_THREAD, TEMPORARY, only_place_is_missing
from triage.ids import new_message_id
from triage.record import Transaction
from triage.record.acknowledged import Acknowledged, acknowledged_before
from triage.record.decisions import acknowledged_cases, was_told_a_centre
from triage.record.holding_back import held_back
from triage.record.planned import PlannedDispatch, may_still_be_asked
from triage.rules.types import Rules
from triage.vocabulary import Decision, DispatchKind, InboundMessage, Reason

REST = 2
"""After notices (0) and forwards (1)."""

ASKED_BEFORE = "gia_chiesto"
"""The family was asked for its comune, or is about to be: never twice."""


def plan_acknowledgement(
    tx: Transaction,
    rules: Rules,
    secret: bytes,
    before: Acknowledged,
    case_id: int | None,
    message: InboundMessage,
    decision: Decision,
    context: DecisionContext,
) -> PlannedDispatch | None:
    """The acknowledgement, due when no forward comes; a forward's 250 makes it due earlier.

    Where the rules let it ask for the comune, it does not wait: the sooner the family answers, the better.
    """
    address = family_address(message, rules, context)
    verdict = _of_acknowledgement(tx, rules, secret, before, case_id, message, decision, context)
    if not address or not (verdict.allowed or verdict.later):
        return None
    limits = rules.acknowledgements
    asks = limits.ask_comune and only_place_is_missing(decision)
    plan = new_plan(tx, rules, secret, DispatchKind.ACKNOWLEDGEMENT, REST, address, decision)
    if asks:
        return replace(plan, due_at=tx.now + timedelta(minutes=limits.undo_minutes), neutral=True, asks=True)
    patience = timedelta(hours=limits.neutral_after_hours)
    return replace(plan, due_at=max(tx.now, (context.internal_date or tx.now) + patience), neutral=True)


def against_acknowledgement(
    tx: Transaction,
    rules: Rules,
    secret: bytes,
    before: Acknowledged,
    case_id: int | None,
    message: InboundMessage,
    decision: Decision,
    context: DecisionContext,
) -> str:
    """The first reason, as a code, for which :func:`plan_acknowledgement` plans none; empty: nothing that stays."""
    verdict = _of_acknowledgement(tx, rules, secret, before, case_id, message, decision, context)
    return next((reason.code for reason in _that_stay(verdict) if reason.code not in TEMPORARY), "")


def _of_acknowledgement(
    tx: Transaction,
    rules: Rules,
    secret: bytes,
    before: Acknowledged,
    case_id: int | None,
    message: InboundMessage,
    decision: Decision,
    context: DecisionContext,
) -> GateVerdict:
    address = family_address(message, rules, context)
    known = case_id is not None and bool(acknowledged_cases(tx, [case_id]))
    history = history_of(before, secret, address, case_id, forward_accepted=False, case_acknowledged=known)
    history = replace(history, held_back=held_back(tx, [case_id]).get(case_id, "") if case_id is not None else "")
    asks = rules.acknowledgements.ask_comune and only_place_is_missing(decision)
    return may_acknowledge(message, decision, rules, history, tx.now, context, asks=asks)


def plan_question(
    tx: Transaction,
    rules: Rules,
    secret: bytes,
    case_id: int,
    message: InboundMessage,
    decision: Decision,
    context: DecisionContext,
) -> PlannedDispatch | None:
    """The question for the comune, which staff start; ``None`` when :func:`against_question` says why not."""
    if against_question(tx, rules, secret, case_id, message, decision, context):
        return None
    return new_plan(tx, rules, secret, DispatchKind.QUESTION, REST, family_address(message, rules, context), decision)


def against_question(
    tx: Transaction,
    rules: Rules,
    secret: bytes,
    case_id: int,
    message: InboundMessage,
    decision: Decision,
    context: DecisionContext,
) -> tuple[Reason, ...]:
    """What speaks against asking the family for its comune, and does not pass; nothing: staff may ask.

    The case stays locked until the transaction ends, so that no acknowledgement asks meanwhile.
    """
    asked = [] if case_id in may_still_be_asked(tx, [case_id]) else [Reason(ASKED_BEFORE)]
    history = _looked_up(tx, secret, family_address(message, rules, context), case_id, forward_accepted=False)
    return (*asked, *_that_stay(may_ask(message, decision, rules, history, context, by_person=True)))


def plan_reroute_notice(
    tx: Transaction,
    rules: Rules,
    secret: bytes,
    case_id: int,
    message: InboundMessage,
    decision: Decision,
    context: DecisionContext,
) -> PlannedDispatch | None:
    """The notice that another centre has the case now; it leaves after that centre's 250.

    ``None`` unless the family was told of another centre: an acknowledgement that still waits, or that
    named none, leaves nothing to put right.
    """
    address = family_address(message, rules, context)
    if not was_told_a_centre(tx, case_id, besides=decision.project):
        return None
    history = _looked_up(tx, secret, address, case_id, forward_accepted=False)
    if _that_stay(may_tell_of_reroute(message, decision, rules, history, context)):
        return None
    return new_plan(tx, rules, secret, DispatchKind.REROUTE, REST, address, decision)


def family_address(message: InboundMessage, rules: Rules, context: DecisionContext) -> str:
    """The address that may be answered, whatever else speaks against answering; empty when there is none."""
    recipient = recipient_of(message, rules, context)
    return recipient.address.addr_spec if recipient.address is not None else ""


def history_of(
    before: Acknowledged,
    secret: bytes,
    address: str,
    case_id: int | None,
    *,
    forward_accepted: bool,
    case_acknowledged: bool,
) -> AckHistory:
    """The gate's view of what was sent to one address."""
    recipient, domain = recipient_keys(secret, address)
    return AckHistory(
        forward_accepted=forward_accepted,
        case_acknowledged=case_acknowledged,
        last_in_thread=before.last_in_case.get((recipient, case_id)) if case_id is not None else None,
        to_address_last_day=before.to_address_last_day.get(recipient, 0),
        to_domain_last_hour=before.to_domain_last_hour.get(domain, 0),
        total_last_hour=before.total_last_hour,
    )


def new_plan(
    tx: Transaction, rules: Rules, secret: bytes, kind: DispatchKind, priority: int, address: str, decision: Decision
) -> PlannedDispatch:
    """One outgoing message to one recipient, due now, with a Message-ID of its own."""
    recipient, domain = recipient_keys(secret, address)
    return PlannedDispatch(
        kind=kind,
        project=decision.project,
        address_key=decision.address_key,
        forward_path=address,
        recipient_key=recipient,
        domain_key=domain,
        rfc_message_id=new_message_id(rules.service.address.rpartition("@")[2]),
        priority=priority,
        due_at=tx.now,
    )


def _that_stay(verdict: GateVerdict) -> tuple[Reason, ...]:
    """The gate's reasons against, unless time alone lifts them: it is asked again before anything leaves."""
    return () if verdict.allowed or verdict.later else verdict.reasons


def _looked_up(tx: Transaction, secret: bytes, address: str, case_id: int, *, forward_accepted: bool) -> AckHistory:
    recipient, domain = recipient_keys(secret, address)
    before = acknowledged_before(tx, [recipient], [domain], SAME_THREAD)
    return history_of(before, secret, address, case_id, forward_accepted=forward_accepted, case_acknowledged=True)
