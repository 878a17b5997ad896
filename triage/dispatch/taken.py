"""Records what came of dispatches, and moves their messages: the one place where both meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from triage.dispatch.compose import ORIGINAL
from triage.dispatch.policy import consequence
from triage.dispatch.preparation import HALVED, Cancelled, Consequence
from triage.record import Transaction
from triage.record.answered import mark_answered
from triage.record.attempts import Ending, end_attempts
from triage.record.charge import note_refused_call
from triage.record.destinations import note_destination_accepted, note_destination_failure
from triage.record.dispatches import DispatchRow, end_unsent, mark_forwarded
from triage.record.incidents import NOTICE, close_incident, note_altered_octets, open_incident
from triage.record.messages import change_state, get_message
from triage.record.misroutes import UNDELIVERED, note_recall
from triage.record.octets import ALTERED
from triage.vocabulary import WRITTEN_BY_STAFF, DispatchKind, DispatchState, MessageState, SubmissionResult

_STATUS_OF = {552: "5.2.2", 452: "4.2.2", 551: "5.1.6", 553: "5.1.3"}
"""What a reply code says by itself at RCPT (RFC 5321 section 4.2.3), where the server knows no enhanced ones."""

_OF_THIS_MESSAGE = "5.6.0"
"""After RCPT was accepted a bare refusal is about what was sent, not about the mailbox."""


def record_answers(tx: Transaction, answers: Sequence[tuple[DispatchRow, SubmissionResult, int]]) -> int:
    """Write the answers and what follows for the messages; how many forwards were accepted.

    Each answer comes with what was left out of the message that was sent.
    """
    if not answers:
        return 0
    consequences = {row.id: consequence(row, result, tx.now, left_out) for row, result, left_out in answers}
    endings = [
        Ending(row, result, after.state, after.due_at, after.left_out)
        for row, result, after in ((row, result, consequences[row.id]) for row, result, _ in answers)
    ]
    kept = end_attempts(tx, endings)
    taken = [item for item in kept if item.row.kind == DispatchKind.FORWARD and item.state is DispatchState.ACCEPTED]
    accepted = [item.row for item in taken]
    halved = [item.row for item in taken if item.left_out == ORIGINAL]
    mark_forwarded(tx, accepted, {row.message_id for row in halved})
    note_destination_accepted(tx, [row.forward_path for row in accepted])
    for row in halved:
        hold(tx, row, HALVED)
    answers_taken = [item.row for item in kept if item.state is DispatchState.ACCEPTED]
    mark_answered(tx, [row for row in answers_taken if row.kind in WRITTEN_BY_STAFF])
    for item in kept:
        reason = consequences[item.row.id].hold_reason
        if reason:
            hold(tx, item.row, reason)
        if item.row.kind == DispatchKind.NOTICE:
            _tell_of_notice(tx, item)
        if item.row.kind == DispatchKind.RECALL and item.state is DispatchState.FAILED:
            note_recall(tx, item.row.id, UNDELIVERED)
        if item.row.kind == DispatchKind.FORWARD and item.state is DispatchState.FAILED:
            _count_against_destination(tx, item)
    return len(accepted)


def _count_against_destination(tx: Transaction, ending: Ending) -> None:
    """The server's answer to RCPT or DATA says what is wrong with the mailbox; an unknown outcome says nothing."""
    result = ending.result
    if result.code and result.stage in ("rcpt", "data"):
        plain = _STATUS_OF.get(result.code, "") if result.stage == "rcpt" else _OF_THIS_MESSAGE
        status = result.enhanced_status or plain
        note_destination_failure(tx, ending.row.project, ending.row.forward_path, status)


def _tell_of_notice(tx: Transaction, ending: Ending) -> None:
    """A refused notice is an incident until one was accepted, or somebody has the message in hand."""
    subject = str(ending.row.message_id)
    if ending.state is DispatchState.FAILED:
        open_incident(tx, NOTICE, subject, f"the urgent notice about message {subject} was refused")
        note_refused_call(tx, ending.row.message_id)
    elif ending.state is DispatchState.ACCEPTED:
        close_incident(tx, NOTICE, subject)


def record_unsent(tx: Transaction, items: Sequence[Cancelled]) -> None:
    """End dispatches that must not leave; hold their message or have it decided again."""
    for item in items:
        if not end_unsent(tx, [item.row], DispatchState.CANCELLED, item.reason):
            continue
        if item.row.kind == DispatchKind.RECALL:
            note_recall(tx, item.row.id, UNDELIVERED)
        if item.consequence is Consequence.HOLD:
            hold(tx, item.row, item.reason, item.params)
        elif item.consequence is Consequence.DECIDE_AGAIN:
            _decide_again(tx, item.row, item.reason)


def hold(tx: Transaction, row: DispatchRow, reason: str, params: Mapping[str, str] = MappingProxyType({})) -> None:
    """A person must look: the forward cannot be made, or not whole."""
    message = get_message(tx, row.message_id)
    if message is not None and message.state == MessageState.DECIDED and message.generation == row.generation:
        if reason == ALTERED:
            note_altered_octets(tx, message.id)
        change_state(tx, message, MessageState.HELD, "held", {"reason": reason, **params}, hold_reason=reason)


def _decide_again(tx: Transaction, row: DispatchRow, reason: str) -> None:
    message = get_message(tx, row.message_id)
    if message is not None and message.state == MessageState.DECIDED and message.generation == row.generation:
        change_state(tx, message, MessageState.RECEIVED, "decide_again", {"reason": reason}, tries=0, due_at=tx.now)
