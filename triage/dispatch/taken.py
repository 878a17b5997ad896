"""Records what came of dispatches, and moves their messages: the one place where both meet."""

from __future__ import annotations

from collections.abc import Sequence

from triage.dispatch.policy import consequence
from triage.dispatch.prepare import Consequence
from triage.record import Transaction
from triage.record.attempts import Ending, end_attempts
from triage.record.dispatches import DispatchRow, end_unsent, mark_forwarded
from triage.record.incidents import note_altered_octets, open_incident
from triage.record.messages import change_state, get_message
from triage.record.octets import ALTERED
from triage.vocabulary import DispatchKind, DispatchState, MessageState, SubmissionResult


def record_answers(tx: Transaction, answers: Sequence[tuple[DispatchRow, SubmissionResult]]) -> int:
    """Write the answers and what follows for the messages; how many forwards were accepted."""
    if not answers:
        return 0
    consequences = {row.id: consequence(row, result, tx.now) for row, result in answers}
    endings = [Ending(row, result, consequences[row.id].state, consequences[row.id].due_at) for row, result in answers]
    kept = end_attempts(tx, endings)
    accepted = [
        item.row for item in kept if item.row.kind == DispatchKind.FORWARD and item.state is DispatchState.ACCEPTED
    ]
    mark_forwarded(tx, accepted)
    for item in kept:
        reason = consequences[item.row.id].hold_reason
        if reason:
            hold(tx, item.row, reason)
        if item.state is DispatchState.FAILED and item.row.kind == DispatchKind.NOTICE:
            open_incident(tx, "notice", str(item.row.message_id), "an urgent notice was refused")
    return len(accepted)


def record_unsent(tx: Transaction, items: Sequence[tuple[DispatchRow, str, Consequence]]) -> None:
    """End dispatches that must not leave; hold their message or have it decided again."""
    for row, reason, what in items:
        if not end_unsent(tx, [row], DispatchState.CANCELLED, reason):
            continue
        if what is Consequence.HOLD:
            hold(tx, row, reason)
        elif what is Consequence.DECIDE_AGAIN:
            _decide_again(tx, row, reason)


def hold(tx: Transaction, row: DispatchRow, reason: str) -> None:
    """A person must look: the forward cannot be made."""
    message = get_message(tx, row.message_id)
    if message is not None and message.state == MessageState.DECIDED and message.generation == row.generation:
        if reason == ALTERED:
            note_altered_octets(tx, message.id)
        change_state(tx, message, MessageState.HELD, "held", {"reason": reason}, hold_reason=reason)


def _decide_again(tx: Transaction, row: DispatchRow, reason: str) -> None:
    message = get_message(tx, row.message_id)
    if message is not None and message.state == MessageState.DECIDED and message.generation == row.generation:
        change_state(tx, message, MessageState.RECEIVED, "decide_again", {"reason": reason}, tries=0, due_at=tx.now)
