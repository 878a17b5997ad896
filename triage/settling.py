"""From classifications to settlements: the case of each message, its decision, and what will leave.

Pure but for look-ups in the transaction that will record the result. An acknowledgement is planned
when nothing but time stands against it; the gate is asked again before it leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType

from triage.ages import written_at
from triage.confirmations import take_confirmations
from triage.conversations import keys_of, recipient_keys, threads_of
from triage.decide import (
    DecisionContext,
    against_any_notice,
    calls_somebody,
    decide,
    forwards_at_once,
    may_forward,
    may_notify,
)
from triage.decide.decision import FORWARD_AT_ONCE
from triage.decide.gate import SAME_THREAD
from triage.decide.protocol import protocol_reason
from triage.defects import GRAVE_DEFECTS
from triage.exceptions import excepted
from triage.followups import CORRECTED_BY_FAMILY, about_what_was_sent, corrects_us, in_its_case, with_given_place
from triage.loops import brakes_on, with_proof
from triage.pec.words import label_of
from triage.receipts import Receipts
from triage.record import Transaction
from triage.record.acknowledged import Acknowledged, acknowledged_before
from triage.record.address_tests import note_returned_tests
from triage.record.asked import placed_cases
from triage.record.beside import shared_cases
from triage.record.breaker import note_acknowledgement_returned
from triage.record.decisions import Settlement, accepted_recipients
from triage.record.destinations import sick_addresses
from triage.record.exceptions import note_uses, working_exceptions
from triage.record.identity import secret_of
from triage.record.let_in import PERSON
from triage.record.mailboxes import MailboxRow, known_mailboxes
from triage.record.messages import MessageRow
from triage.record.misroutes import recalled_projects
from triage.record.planned import PlannedDispatch
from triage.record.protocol import note_to_register
from triage.record.recall import sent_by_us
from triage.record.restored import MAYBE, may_be_dealt_with
from triage.record.returned import forwards_of_cases
from triage.record.staff_notices import about_notices, note_returned_notices
from triage.returns import case_of, find_returned, is_projects_word, is_strangers, may_be_a_lost_mail
from triage.rules.types import MailboxRole, Rules
from triage.said_by_projects import Reading
from triage.seals import OWN_FIELD
from triage.telling import family_address, new_plan, plan_acknowledgement
from triage.twins import find_twins
from triage.vocabulary import (
    Action,
    Classification,
    Decision,
    DispatchKind,
    InboundMessage,
    MessageState,
    Reason,
    ReportKind,
)

URGENT_FIRST, FORWARDS = 0, 1
RECALLED = "centro_richiamato"
"""Why a message waits: by itself it would go to a project that was asked to delete what it got of its case."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is looked up once for a whole batch."""

    tx: Transaction
    rules: Rules
    secret: bytes
    accepted: set[tuple[int, str]]
    acknowledged: Acknowledged
    sick: frozenset[str]
    recalled: set[tuple[int, str]]
    """(case, project): the project was asked to delete what it got of the case."""
    quiet: frozenset[int]
    """Rows about which nobody is called: they speak of a notice of ours (failure F2)."""


def settle(
    tx: Transaction,
    rules: Rules,
    pairs: Sequence[tuple[MessageRow, InboundMessage]],
    classified: Sequence[Classification],
    own_ids: Mapping[int, Sequence[str]] = MappingProxyType({}),
) -> list[Settlement]:
    """What becomes of each claimed message, as it is seen (``triage.pec``); in the order given.

    ``own_ids`` are Message-IDs of our form that stand in a message, by its row's id.
    """
    secret = secret_of(tx)
    boxes = {mailbox.id: mailbox for mailbox in known_mailboxes(tx)}
    names = {key: mailbox.name for key, mailbox in boxes.items()}
    contexts = [context_of(row, message, rules, boxes[row.mailbox_id]) for row, message in pairs]
    written = [message for _, message in pairs]
    keys = [keys_of(secret, message, rules) for _, message in pairs]
    twins = find_twins(tx, rules, names, [row for row, _ in pairs], [key.content for key in keys if key.content])
    threads = threads_of(tx, secret, pairs, keys)
    batch = _Batch(
        tx,
        rules,
        secret,
        accepted_recipients(tx, [row.id for row, _ in pairs if row.generation]),
        _acknowledged(tx, rules, secret, list(zip(written, contexts, strict=True))),
        sick_addresses(tx),
        recalled_projects(tx, {thread.case_id for thread in threads if thread.case_id is not None}),
        about_notices(tx, own_ids),
    )
    receipts = Receipts(tx, rules, secret, [message for _, message in pairs])
    reported = sent_by_us(tx, [item for group in own_ids.values() for item in group])
    returned = find_returned(
        tx,
        rules,
        {
            row.id: Reading(message, classification, tuple(own_ids.get(row.id, ())), thread.codes)
            for (row, message), classification, thread in zip(pairs, classified, threads, strict=True)
        },
    )
    sent = forwards_of_cases(tx, [thread.case_id for thread in threads if thread.case_id is not None])
    placed = placed_cases(tx, list(sent))
    shared = shared_cases(tx, sent)
    brakes = brakes_on(tx, [row.mailbox_id for row, _ in pairs])
    confirming = take_confirmations(tx, rules, pairs, classified)
    taught, used = working_exceptions(tx, {key.author for key in keys}), list[int]()
    marked: dict[int, str] = {}
    for (row, message), classification, key, thread, seen in zip(
        pairs, classified, keys, threads, contexts, strict=True
    ):
        context = replace(with_proof(tx, secret, seen, message), brakes=brakes.on(rules, row.mailbox_id))
        if row.comune_given:
            classification = with_given_place(classification, row.comune_given)
        decision = decide(message, classification, rules, context)
        case_id = case_of(thread, back := returned.get(row.id), message, rules)
        receipt = receipts.judge(message, decision, doubtful=bool(context.defects))
        if receipt is not None:
            decision, back = receipt.decision, receipt.returned
            case_id = receipt.case_id if receipt.case_id is not None else thread.case_id
        elif back is not None:
            decision = about_what_was_sent(decision, classification, back, rules, context)
        elif thread.case_id is not None and corrects_us(message):
            decision = _held(decision, CORRECTED_BY_FAMILY)
        elif (thread.codes or thread.answers_us) and row.id not in confirming and is_projects_word(message, rules):
            decision = _held(decision, "forse_restituito")
        elif thread.answers_us and thread.case_id not in placed:
            decision = _held(decision, "risposta_a_noi")
            if classification.automatic:
                note_acknowledgement_returned(tx)
        elif classification.automatic and (row.id in batch.quiet or reported.intersection(own_ids.get(row.id, ()))):
            # A report about what we sent ourselves: filed unseen it would hide a family's lost letter.
            decision = _held(decision, "avviso_su_nostro_invio")
            if message.report is not None and message.report.kind is ReportKind.DELIVERY:
                note_returned_notices(tx, own_ids.get(row.id, ()))
                if any(one.action == "failed" for one in message.report.recipients):
                    note_returned_tests(tx, own_ids.get(row.id, ()))
        elif not decision.urgent and may_be_a_lost_mail(message, classification, decision):
            # Of what is not known: perhaps of a forward. No person wrote it, whatever it quotes.
            decision = replace(_held(decision, "avviso_su_nostro_invio"), acknowledge=False)
        elif row.id in confirming:
            decision = _held(decision, confirming[row.id])
        elif thread.quotes_another and is_strangers(message, rules):
            decision = _held(decision, "codice_di_altri")
        elif thread.case_id in sent and not row.generation:
            newest, of_several = sent[thread.case_id][-1], thread.case_id in shared
            decision = in_its_case(decision, classification, newest, rules, shared=of_several)
        else:
            decision, exception = excepted(decision, message, classification, key.author, taught, rules)
            used += [exception.id] if exception is not None else []
        if may_be_dealt_with(row, boxes[row.mailbox_id]) and row.let_in_by != PERSON:
            decision = _waiting_after_restoration(decision)
        if message.certified is not None:
            decision = replace(decision, reasons=(*decision.reasons, label_of(message.certified)))
        if mark := protocol_reason(message, decision, classification, rules, context):
            decision = replace(decision, reasons=(*decision.reasons, mark))
            marked[row.id] = str(mark.params["why"])
        settlement = twins.settle(
            Settlement(
                row=row,
                decision=decision,
                state=MessageState.HELD,
                case_id=case_id,
                case_of=None if thread.case_of in returned else thread.case_of,
                author_key=key.author,
                message_id_key=key.message_id,
                content_key=key.content,
                returned=back,
            )
        )
        if settlement.same_as is None:
            settlement = _settle_one(batch, settlement, message, context)
        twins.note(settlement)
    note_uses(tx, used)
    # The same letter in another mailbox is one document.
    note_to_register(tx, {key: why for key, why in marked.items() if twins.settled[key].same_as is None})
    return list(twins.settled.values())


def context_of(row: MessageRow, message: InboundMessage, rules: Rules, box: MailboxRow) -> DecisionContext:
    """What is known of a message beside its octets; a mailbox that was since removed counts as an inbox."""
    mailbox = rules.mailboxes.get(box.name)
    arrived = row.internal_date or row.listed_at
    written = written_at(row.listed_at, row.internal_date, message.date, message.header("Received"))
    days = mailbox.old_mail_days if mailbox is not None else 3
    return DecisionContext(
        mailbox=box.name,
        role=mailbox.role if mailbox is not None else MailboxRole.INBOX,
        internal_date=arrived,
        # What was perhaps answered already is never acknowledged, like old mail.
        is_old=may_be_dealt_with(row, box) or row.listed_at - written > timedelta(days=days),
        received_count=len(message.header("Received")),
        is_own_loop=bool(message.header(OWN_FIELD)),
        defects=tuple(defect for defect in message.defects if defect.code in GRAVE_DEFECTS),
        return_path_proved=box.writes_return_path,
    )


def _held(decision: Decision, code: str) -> Decision:
    return replace(decision, action=Action.HOLD, reasons=(Reason(code), *decision.reasons))


def _waiting_after_restoration(decision: Decision) -> Decision:
    """Perhaps a centre has it: a person looks first. What only would be filed is filed."""
    if decision.action is Action.FILE:
        return decision
    others = tuple(reason for reason in decision.reasons if reason.code != FORWARD_AT_ONCE)
    return _held(replace(decision, reasons=others), MAYBE)


def _acknowledged(
    tx: Transaction, rules: Rules, secret: bytes, items: Sequence[tuple[InboundMessage, DecisionContext]]
) -> Acknowledged:
    addresses = [family_address(message, rules, context) for message, context in items]
    keys = [recipient_keys(secret, address) for address in addresses if address]
    return acknowledged_before(tx, [key for key, _ in keys], [domain for _, domain in keys], SAME_THREAD)


def _settle_one(batch: _Batch, settlement: Settlement, message: InboundMessage, context: DecisionContext) -> Settlement:
    decision = settlement.decision
    # A report about a notice, and what we sent ourselves and was sent back, call nobody a second time.
    calls = is_called_for(decision, context) and settlement.row.id not in batch.quiet
    plans = notices(batch.tx, batch.rules, batch.secret, decision) if calls else []
    already = (settlement.row.id, decision.forward_path) in batch.accepted
    if already:
        pass  # this project has it (an earlier generation's forward was accepted): never a second time
    elif decision.action is Action.FORWARD or forwards_at_once(decision):
        # A person who has looked may send it on all the same: perhaps they know that it works again.
        sick = frozenset() if settlement.row.let_in_by == PERSON else batch.sick
        verdict = may_forward(decision, decision.forward_path, batch.rules, sick=sick)
        if (settlement.case_id, decision.project) in batch.recalled:
            decision = _held(decision, RECALLED)
        elif verdict.allowed:
            plans.append(_plan(batch, DispatchKind.FORWARD, FORWARDS, verdict.forward_path, decision))
        elif decision.action is Action.FORWARD:
            decision = _held(decision, verdict.reasons[0].code if verdict.reasons else "nessun_inoltro")
    acknowledgement = plan_acknowledgement(
        batch.tx, batch.rules, batch.secret, batch.acknowledged, settlement.case_id, message, decision, context
    )
    if acknowledgement is not None:
        plans.append(acknowledgement)
    held = decision.action is Action.HOLD
    return replace(
        settlement,
        decision=decision,
        state=MessageState.HELD if held else MessageState.DECIDED,
        hold_reason=decision.reasons[0].code if held and decision.reasons else "",
        dispatches=tuple(plans),
        file=decision.action is Action.FILE or (decision.action is Action.FORWARD and already),
        calls=calls and not against_any_notice(batch.rules),
    )


def is_called_for(decision: Decision, context: DecisionContext) -> bool:
    """Whether somebody is called because of a message; never for what we sent ourselves."""
    return calls_somebody(decision) and not context.is_own_loop


def notices(tx: Transaction, rules: Rules, secret: bytes, decision: Decision) -> list[PlannedDispatch]:
    """One notice without content to the first on-call contact; the further steps follow from the record."""
    if not rules.urgent.on_call:
        return []
    verdict = may_notify(rules.urgent.on_call[0], rules)
    if not verdict.allowed:
        return []
    return [new_plan(tx, rules, secret, DispatchKind.NOTICE, URGENT_FIRST, verdict.forward_path, decision)]


def _plan(batch: _Batch, kind: DispatchKind, priority: int, address: str, decision: Decision) -> PlannedDispatch:
    return new_plan(batch.tx, batch.rules, batch.secret, kind, priority, address, decision)
