"""Families who were asked for their comune: whose message waits for it, and what their answer does.

A question is asked once a case. When it is answered, the waiting message is decided again with the comune;
the answer itself rests until that is done, and then follows its case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.messages import MessageRow
from triage.record.store import Transaction
from triage.record.tables import dispatches, messages, settlements
from triage.vocabulary import DispatchKind, DispatchState, MessageState

WAITS_FOR_A_PLACE = "territorio_non_indicato"
"""Why a message is held that only lacks its comune."""
ASKED = "domanda"
"""The settlement by which a person asks (``settlements.Exit.QUESTION``)."""


_LEFT = (DispatchState.SUBMITTING, DispatchState.ACCEPTED, DispatchState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Question:
    """A family was asked for its comune, or is about to be, and has not answered. ``by``: empty for the service."""

    at: datetime
    by: str


def questions_about(tx: Transaction, rows: Sequence[MessageRow]) -> Mapping[int, Question]:
    """By message who asked for the comune that it waits for, and when; nothing for those that wait for no answer."""
    waiting = {row.id: row.case_id for row in rows if _waits(row)}
    query = sa.select(dispatches.c.case_id, dispatches.c.created_at, dispatches.c.ended_at, dispatches.c.message_id)
    asked = {
        row.case_id: row
        for row in tx.execute(
            query.where(dispatches.c.case_id.in_(sorted({case for case in waiting.values() if case}))).where(_asks())
        )
    }
    acts = sa.select(settlements.c.message_id, settlements.c.actor, settlements.c.at).where(
        settlements.c.message_id.in_([row.message_id for row in asked.values()]),
        settlements.c.exit == ASKED,
        settlements.c.undone_at.is_(None),
    )
    people = {row.message_id: row for row in tx.execute(acts)} if asked else {}
    found = {}
    for number, case in waiting.items():
        if (row := asked.get(case)) is not None:
            act = people.get(row.message_id)
            found[number] = (
                Question(act.at, act.actor) if act is not None else Question(row.ended_at or row.created_at, "")
            )
    return found


def waits_for_an_answer() -> sa.ColumnElement[bool]:
    """Of ``messages``: those whose family was asked for the comune that they wait for."""
    lacks = sa.and_(messages.c.hold_reason == WAITS_FOR_A_PLACE, messages.c.comune_given.is_(None))
    return sa.and_(lacks, sa.exists().where(dispatches.c.case_id == messages.c.case_id, _asks()))


def _waits(row: MessageRow) -> bool:
    held = row.state == MessageState.HELD and row.hold_reason == WAITS_FOR_A_PLACE
    return held and row.case_id is not None and not row.comune_given


def _asks() -> sa.ColumnElement[bool]:
    question = sa.or_(dispatches.c.kind == DispatchKind.QUESTION, dispatches.c.asks.is_(True))
    on_its_way = dispatches.c.state.in_((DispatchState.PENDING, *_LEFT))
    return sa.and_(question, on_its_way, dispatches.c.withdrawn.is_(None))


def waiting_for_a_place(tx: Transaction, case_ids: Sequence[int]) -> dict[int, int]:
    """By case the message that waits for the comune which its family was asked for, and has not named."""
    asked = (
        sa.select(dispatches.c.case_id)
        .where(dispatches.c.case_id.in_(list(case_ids)), dispatches.c.state.in_(_LEFT))
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
