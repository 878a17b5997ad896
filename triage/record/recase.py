"""A message belongs to another case: because a person says so, or takes back that they said so."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.dispatches import dispatch_row, select_dispatches
from triage.record.holding_back import copy_hold
from triage.record.store import Transaction
from triage.record.tables import cases, dispatches, messages
from triage.record.withdrawn import withdraw
from triage.vocabulary import TO_FAMILIES, DispatchState, MessageState


def case_exists(tx: Transaction, case_id: int) -> bool:
    """Whether there is such a case."""
    return tx.execute(sa.select(cases.c.id).where(cases.c.id == case_id)).first() is not None


def new_case(tx: Transaction, author_key: str | None) -> int:
    """A case of its own for a message that is taken out of another."""
    statement = sa.insert(cases).values(opened_at=tx.now, author_key=author_key)
    number: int = tx.execute(statement.returning(cases.c.id)).scalar_one()
    return number


def move_to_case(tx: Transaction, message_id: int, case_id: int) -> None:
    """The message is another case's from now on; what was sent about it stays with the case it was sent for.

    What waits is the caller's matter: :func:`take_along`, :func:`end_what_waits_for_family`.
    """
    tx.execute(sa.update(messages).where(messages.c.id == message_id).values(case_id=case_id))
    write_changes(tx, [Change("message", message_id, "case_changed", params={"case": case_id})])


def is_alone(tx: Transaction, message_id: int, case_id: int) -> bool:
    """Whether a case has no other message; a second copy of the same one is no other."""
    query = sa.select(messages.c.id).where(
        messages.c.case_id == case_id, messages.c.id != message_id, messages.c.state != MessageState.MATCHED
    )
    return tx.execute(query.limit(1)).first() is None


def take_along(tx: Transaction, message_id: int, old: int, new: int, due_at: datetime) -> None:
    """What waits for the family about this message is the new case's, held back as it was; not before ``due_at``.

    What the new case has a like of already does not leave: one of a kind a case.
    """
    query = select_dispatches().where(
        dispatches.c.message_id == message_id,
        dispatches.c.case_id == old,
        dispatches.c.kind.in_(TO_FAMILIES),
        dispatches.c.state == DispatchState.PENDING,
    )
    kinds = sa.select(dispatches.c.kind).where(
        dispatches.c.case_id == new, dispatches.c.kind.in_(TO_FAMILIES), dispatches.c.withdrawn.is_(None)
    )
    had = set(tx.execute(kinds).scalars())
    waiting = [dispatch_row(row) for row in tx.execute(query.with_for_update(of=dispatches)).mappings()]
    withdraw(tx, [row for row in waiting if row.kind in had])
    moved = [row for row in waiting if row.kind not in had]
    for row in moved:
        # Whoever leased it would compose it with the old case's code.
        values = {"lease_owner": None, "lease_until": None, "lease_epoch": dispatches.c.lease_epoch + 1}
        due = sa.case((dispatches.c.due_at > due_at, dispatches.c.due_at), else_=due_at)
        statement = sa.update(dispatches).where(dispatches.c.id == row.id)
        tx.execute(statement.values(case_id=new, due_at=due, **values))
    write_changes(tx, [Change("dispatch", row.id, "case_changed", params={"case": new}) for row in moved])
    copy_hold(tx, old, new)


def end_what_waits_for_family(tx: Transaction, message_id: int) -> None:
    """What a family was to get because of this message does not leave: its new case has, or plans, its own."""
    query = select_dispatches().where(
        dispatches.c.message_id == message_id,
        dispatches.c.kind.in_(TO_FAMILIES),
        dispatches.c.state == DispatchState.PENDING,
    )
    withdraw(tx, [dispatch_row(row) for row in tx.execute(query).mappings()])
