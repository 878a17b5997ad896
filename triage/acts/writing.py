"""Writes a person's decision as the message's next generation; the one place where acts change a message.

In: a locked row and the decision. Out: the new generation's number. What leaves and the message's new state are
written together, as for any other decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from triage.conversations import Keys
from triage.decide.decision import SETTLED
from triage.decide.gate_staff import CHOSEN_BY_PERSON
from triage.record import Transaction
from triage.record.audit import Param
from triage.record.corrections import open_for_correction
from triage.record.decisions import Settlement, record_decisions
from triage.record.messages import MessageRow
from triage.record.planned import PlannedDispatch
from triage.record.settlements import Exit
from triage.record.store import LostLeaseError
from triage.vocabulary import NOBODY, Action, Decision, MessageState, Reason

CLOSED_BY_PERSON = "chiuso_da_una_persona"
"""The first reason of a decision by which a person ends a message without a centre."""
PLACE_CHOSEN = "luogo_scelto"
ENDED_RULE = "taught"
"""Among what an undo has to give back: the taught rule that the act has ended."""
TOOK = "took"
"""Likewise: whether the act has taken the message in hand, which nobody had before."""


def write_decision(
    tx: Transaction,
    row: MessageRow,
    decision: Decision,
    *,
    keys: Keys | None = None,
    plans: tuple[PlannedDispatch, ...] = (),
    file: bool = False,
    hold_reason: str = "",
    due_at: datetime | None = None,
    params: Mapping[str, Param] | None = None,
) -> int:
    """The new generation. ``hold_reason``: it waits for a person; ``file``: it is done, and moved away from ``due_at``.

    Raises ``LostLeaseError`` when the row is not as it was read; then nothing may be committed.
    """
    fresh = open_for_correction(tx, row, params or {}, due_at)
    written = record_decisions(
        tx,
        [
            Settlement(
                row=fresh,
                decision=decision,
                state=MessageState.HELD if hold_reason else MessageState.DECIDED,
                hold_reason=hold_reason,
                case_id=fresh.case_id,
                author_key=fresh.author_key or (keys.author if keys else None),
                message_id_key=fresh.message_id_key or (keys.message_id if keys else None),
                content_key=fresh.content_key or (keys.content if keys else None),
                dispatches=plans,
                file=file,
            )
        ],
    )
    if not written:
        raise LostLeaseError(f"message {row.id}")
    return fresh.generation + 1


def closing_decision(decision: Decision, exit: Exit) -> Decision:
    """The decision of a person who ends a message without a centre: what was read of it stays."""
    folder = "not_for_us" if exit is Exit.NOT_FOR_US else SETTLED
    first = (Reason(CLOSED_BY_PERSON, {"exit": str(exit)}), Reason("archiviata", {"folder": folder}))
    rest = (r for r in decision.reasons if r.code not in (CLOSED_BY_PERSON, CHOSEN_BY_PERSON, "archiviata"))
    if exit is Exit.NOT_FOR_US:
        decision = replace(decision, topic="non_pertinente", destination=NOBODY)
    return replace(decision, action=Action.FILE, project="", address_key="", forward_path="", reasons=(*first, *rest))


def how_it_stands(row: MessageRow) -> dict[str, Param]:
    """What an undo has to give back."""
    return {
        "state": row.state,
        "reason": row.hold_reason,
        "generation": row.generation,
        "case": row.case_id or 0,
        "let_in": row.let_in_by or "",
        "filing": bool(row.file_step),
    }
