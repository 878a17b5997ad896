"""Families who were asked for their comune: whose message waits for it, and what their answer does.

A question is asked once a case. When it is answered, the waiting message is decided again with the comune;
the answer itself rests until that is done, and then follows its case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.store import Transaction
from triage.record.tables import dispatches, messages
from triage.vocabulary import DispatchKind, DispatchState, MessageState

WAITS_FOR_A_PLACE = "territorio_non_indicato"
"""Why a message is held that only lacks its comune."""


def waiting_for_a_place(tx: Transaction, case_ids: Sequence[int]) -> dict[int, int]:
    """By case the message that waits for the comune which its family was asked for, and has not named."""
    left = (DispatchState.SUBMITTING, DispatchState.ACCEPTED, DispatchState.UNKNOWN)
    asked = (
        sa.select(dispatches.c.case_id)
        .where(dispatches.c.case_id.in_(list(case_ids)), dispatches.c.state.in_(left))
        .where(sa.or_(dispatches.c.kind == DispatchKind.QUESTION, dispatches.c.asks))
    )
    query = (
        sa.select(messages.c.case_id, messages.c.id)
        .where(messages.c.case_id.in_(asked), messages.c.state == MessageState.HELD)
        .where(messages.c.hold_reason == WAITS_FOR_A_PLACE, messages.c.comune_given.is_(None))
        .order_by(messages.c.id.desc())
    )
    rows = tx.execute(query) if case_ids else ()
    return {row[0]: row[1] for row in rows}


def placed_cases(tx: Transaction, case_ids: Sequence[int]) -> set[int]:
    """Of these the cases whose comune was named when asked."""
    query = sa.select(messages.c.case_id).where(
        messages.c.case_id.in_(list(case_ids)), messages.c.comune_given.is_not(None)
    )
    return set(tx.execute(query).scalars()) if case_ids else set()


def name_places(tx: Transaction, places: Mapping[int, str]) -> None:
    """These waiting messages are decided again, each with the comune that its family has named."""
    changes = []
    for message_id, comune in places.items():
        named = tx.execute(
            sa.update(messages)
            .where(messages.c.id == message_id, messages.c.state == MessageState.HELD)
            .where(messages.c.comune_given.is_(None))
            .values(state=MessageState.RECEIVED, comune_given=comune, hold_reason="", tries=0, due_at=tx.now)
        )
        if named.rowcount:
            states = MessageState.HELD, MessageState.RECEIVED
            changes.append(Change("message", message_id, "place_named", *states, {"comune": comune}))
    write_changes(tx, changes)
