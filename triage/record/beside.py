"""Messages that a person sent to a further centre beside the one that has them: each forward stands for itself.

Looks only. What replaced a centre, and what was added beside it, is told apart by the acts on record.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from triage.record.misroutes import misrouted
from triage.record.settlements import Exit
from triage.record.store import Transaction
from triage.record.tables import decisions, dispatches, messages, returns, settlements
from triage.vocabulary import Action, DispatchKind, DispatchState

_UNDER_WAY = (DispatchState.PENDING, DispatchState.SUBMITTING)
_HANDED_BACK = "handed_back"


class SentForward(Protocol):
    """A forward as ``record.returned`` lists it."""

    @property
    def message_id(self) -> int: ...

    @property
    def project(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Holder:
    """One centre's forward that holds: its server has accepted it, or it is about to leave (``waits``)."""

    project: str
    address_key: str
    forward_path: str
    waits: bool
    due_at: datetime


def holders_of(tx: Transaction, message_id: int) -> list[Holder]:
    """The centres that have a message or are about to get it, oldest first.

    Not those that handed it back, from which it came back, or that a person called wrong.
    """
    handed_back = sa.select(returns.c.dispatch_id).where(returns.c.kind == _HANDED_BACK)
    waits = dispatches.c.state.in_(_UNDER_WAY)
    query = (
        sa.select(dispatches.c.project, dispatches.c.address_key, dispatches.c.forward_path, waits, dispatches.c.due_at)
        .join_from(dispatches, messages, dispatches.c.message_id == messages.c.id)
        .where(dispatches.c.message_id == message_id, dispatches.c.kind == DispatchKind.FORWARD)
        .where(dispatches.c.id.not_in(handed_back), dispatches.c.id.not_in(misrouted()))
        .where(
            sa.or_(
                dispatches.c.state == DispatchState.ACCEPTED,
                sa.and_(waits, dispatches.c.generation == messages.c.generation),
            )
        )
        .order_by(dispatches.c.id)
    )
    return [Holder(project, key, path, bool(pending), due) for project, key, path, pending, due in tx.execute(query)]


def further_waits(tx: Transaction, message_id: int) -> bool:
    """Whether a forward of a message that a person sent to several centres has not left yet."""
    return is_shared(tx, message_id) and any(one.waits for one in holders_of(tx, message_id))


def is_shared(tx: Transaction, message_id: int) -> bool:
    """Whether a person sent this message to a further centre, and did not take that back."""
    return message_id in shared_messages(tx, [message_id])


def shared_messages(tx: Transaction, message_ids: Collection[int]) -> set[int]:
    """Those of these messages."""
    query = sa.select(settlements.c.message_id).where(
        settlements.c.message_id.in_(list(message_ids)),
        settlements.c.exit == Exit.ALSO,
        settlements.c.undone_at.is_(None),
    )
    return set(tx.execute(query).scalars()) if message_ids else set()


def shared_cases(tx: Transaction, sent: Mapping[int, Sequence[SentForward]]) -> set[int]:
    """Of cases with their forwards that hold, those that several centres have because a person said so."""
    several = {case: {one.message_id for one in group} for case, group in sent.items() if len(_projects(group)) > 1}
    found = shared_messages(tx, {key for keys in several.values() for key in keys})
    return {case for case, keys in several.items() if keys & found}


def _projects(group: Sequence[SentForward]) -> set[str]:
    return {one.project for one in group}


def is_wrong(tx: Transaction, dispatch_id: int) -> bool:
    """Whether a person said that this forward went to the wrong centre."""
    query = sa.select(dispatches.c.id).where(dispatches.c.id == dispatch_id, dispatches.c.id.in_(misrouted()))
    return tx.execute(query).first() is not None


def chosen_for(tx: Transaction, message_id: int, project: str, address_key: str) -> int | None:
    """The newest generation whose decision sends a message to this address."""
    query = sa.select(sa.func.max(decisions.c.generation)).where(
        decisions.c.message_id == message_id,
        decisions.c.action == Action.FORWARD,
        decisions.c.project == project,
        decisions.c.address_key == address_key,
    )
    return tx.execute(query).scalar()
