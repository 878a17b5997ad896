"""Before something that a person wrote leaves: may it still, to this address, and what does it say?

In: a leased dispatch of one of these kinds with its message. Out: what it becomes. The gate is asked as for everything.
"""

from __future__ import annotations

from triage.decide import GateVerdict, may_recall, may_write
from triage.dispatch.compose import Outgoing, Stamp
from triage.dispatch.preparation import Cancelled, Consequence, Preparation
from triage.dispatch.staff_letters import compose_recall, compose_referral, compose_reply
from triage.dispatch.text_files import Texts
from triage.record import Transaction
from triage.record.dispatches import DispatchRow
from triage.record.messages import MessageRow
from triage.record.misroutes import recalled_forward
from triage.record.settlements import texts_of
from triage.rules.types import Rules
from triage.vocabulary import WRITTEN_BY_STAFF, Decision, DispatchKind, InboundMessage

BY_STAFF = WRITTEN_BY_STAFF | {DispatchKind.RECALL}


def prepare_by_staff(
    tx: Transaction,
    rules: Rules,
    texts: Texts,
    row: DispatchRow,
    message: MessageRow,
    decision: Decision,
    parsed: InboundMessage,
    stamp: Stamp,
    sick: frozenset[str],
) -> Preparation | tuple[Outgoing, GateVerdict]:
    """The composed mail with the gate's word, or why it does not leave: then a person finds another way."""
    if row.kind == DispatchKind.RECALL:
        verdict = may_recall(row.project, row.forward_path, rules, sick)
        sent_at = recalled_forward(tx, row.id)
        if not verdict.allowed or sent_at is None:
            return Cancelled(row, verdict.reasons[0].code if verdict.reasons else "decisione_superata")
        return compose_recall(row.forward_path, rules, stamp, sent_at), verdict
    if row.generation != message.generation:
        return Cancelled(row, "decisione_superata")
    verdict = may_write(parsed, rules)
    if verdict.allowed and verdict.forward_path != row.forward_path:
        return Cancelled(row, "indirizzo_non_attuale", Consequence.HOLD)
    if not verdict.allowed:
        return Cancelled(row, verdict.reasons[0].code, Consequence.HOLD)
    written = texts_of(tx, [message.id]).get((message.id, row.generation))
    if row.kind == DispatchKind.REFERRAL:
        office = rules.offices.get(written.office) if written is not None else None
        if office is None or written is None:
            return Cancelled(row, "ufficio_sconosciuto", Consequence.HOLD)
        outgoing = compose_referral(parsed, decision, office, written.text, row.forward_path, rules, stamp, texts)
    elif written is None:
        return Cancelled(row, "testo_mancante", Consequence.HOLD)
    else:
        outgoing = compose_reply(parsed, written.text, row.forward_path, rules, stamp, texts)
    return outgoing, verdict
