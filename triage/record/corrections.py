"""A person sends a message elsewhere: what the record undoes and opens for that, in the person's own transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from triage.record.audit import Param
from triage.record.charge import take_in_charge
from triage.record.dispatches import DispatchRow, dispatch_row, dispatches_of, end_unsent, select_dispatches
from triage.record.incidents import NOTICE, PEC_FAILURE, close_incident
from triage.record.let_in import PERSON
from triage.record.messages import COLUMNS, GIVEN_UP, MessageRow, change_state, get_message, row_of
from triage.record.misroutes import recalled
from triage.record.planned import lock_earlier
from triage.record.returned import RETURNED_FORWARD
from triage.record.store import LostLeaseError, Transaction
from triage.record.tables import dispatches, messages
from triage.vocabulary import DispatchKind, DispatchState, MessageState

CORRECTED = "corretto"
"""Why a message that was done is open again, for the instant until it is decided anew."""


def projects_that_have(tx: Transaction, message_id: int) -> dict[str, str]:
    """By address the projects whose server has accepted a forward of this message.

    Not those from which it came back, nor those that were asked to delete it.
    """
    query = sa.select(dispatches.c.forward_path, dispatches.c.project).where(
        dispatches.c.message_id == message_id,
        dispatches.c.kind == DispatchKind.FORWARD,
        dispatches.c.state == DispatchState.ACCEPTED,
        dispatches.c.id.not_in(recalled()),
    )
    return {row.forward_path: row.project for row in tx.execute(query)}


def acknowledgement_waits(tx: Transaction, case_id: int) -> bool:
    """Whether a case's acknowledgement has not left yet: it will name whoever has the message then."""
    return waiting_acknowledgement(tx, case_id) is not None


def waiting_acknowledgement(tx: Transaction, case_id: int) -> DispatchRow | None:
    """A case's acknowledgement that has not left yet."""
    query = select_dispatches().where(
        dispatches.c.case_id == case_id,
        dispatches.c.kind == DispatchKind.ACKNOWLEDGEMENT,
        dispatches.c.state == DispatchState.PENDING,
    )
    found = tx.execute(query.limit(1)).mappings().first()
    return dispatch_row(found) if found else None


def reroute_notice_of(tx: Transaction, case_id: int) -> DispatchRow | None:
    """The one notice of a new centre that a case may have, in whatever state."""
    query = select_dispatches().where(
        dispatches.c.case_id == case_id,
        dispatches.c.kind == DispatchKind.REROUTE,
        dispatches.c.withdrawn.is_(None),
    )
    found = tx.execute(query.limit(1)).mappings().first()
    return dispatch_row(found) if found else None


def withdraw_forwards(tx: Transaction, message_id: int) -> bool:
    """Forwards that wait do not leave; ``False``, and nothing is changed: one is on the wire at this moment."""
    lock_earlier(tx, [message_id])
    rows = [row for row in dispatches_of(tx, message_id) if row.kind == DispatchKind.FORWARD]
    if any(row.state == DispatchState.SUBMITTING for row in rows):
        return False
    waiting = [row for row in rows if row.state == DispatchState.PENDING]
    end_unsent(tx, waiting, DispatchState.CANCELLED, "decisione_superata")
    return True


def lock_message(tx: Transaction, message_id: int) -> MessageRow | None:
    """One message's row, which nobody else changes until this transaction ends; ``None``: there is none."""
    query = sa.select(*COLUMNS).where(messages.c.id == message_id).with_for_update()
    found = tx.execute(query).mappings().first()
    return row_of(found) if found else None


def open_for_correction(
    tx: Transaction, row: MessageRow, params: Mapping[str, Param], due_at: datetime | None = None
) -> MessageRow:
    """The message as one that is to be decided now; raises ``LostLeaseError`` when it is not as ``row`` says.

    ``due_at``: when what follows may begin; now, unless it is said.
    """
    if row.state not in (MessageState.HELD, MessageState.QUARANTINED):
        change_state(
            tx, row, MessageState.HELD, "opened_again", {"reason": CORRECTED}, hold_reason=CORRECTED, file_step=""
        )
        row = _now(tx, row)
    change_state(
        tx,
        row,
        MessageState.RECEIVED,
        "corrected",
        dict(params),
        hold_reason="",
        same_as=None,
        tries=GIVEN_UP if row.stopped_the_parser else 0,
        due_at=due_at or tx.now,
        let_in_by=PERSON,
    )
    return _now(tx, row)


def close_what_waited(tx: Transaction, message_id: int) -> bool:
    """A person has it in hand: nobody is called about it any more, and what was to be mended is.

    Whether nobody had it in hand before.
    """
    taken = take_in_charge(tx, message_id, tx.actor) is None
    for kind in (NOTICE, PEC_FAILURE, RETURNED_FORWARD):
        close_incident(tx, kind, str(message_id))
    return taken


def _now(tx: Transaction, row: MessageRow) -> MessageRow:
    found = get_message(tx, row.id)
    if found is None:
        raise LostLeaseError(f"message {row.id}")
    return found
