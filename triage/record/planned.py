"""Planned dispatches become rows: at most one row for each message, kind and recipient.

A message that goes through the flow again may want to reach a recipient that an earlier generation
planned for. It then takes over that generation's row, with its Message-ID, its attempts and its
unknown outcomes: what is on the wire is waited for, what was accepted is not repeated, and a
further copy is known as one by the recipient's server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.misroutes import recalled
from triage.record.store import Transaction
from triage.record.tables import ONE_A_CASE, cases, dispatches
from triage.vocabulary import DispatchKind, DispatchState

ONE_A_RECIPIENT = frozenset({DispatchKind.FORWARD, DispatchKind.NOTICE})
"""What families get is one of a kind a case, which a unique index holds."""

Recipient = tuple[int, str, str]
"""Message, kind of dispatch, forward_path."""


@dataclass(frozen=True, slots=True)
class PlannedDispatch:
    """One outgoing message to one recipient, as yet unsent; its Message-ID is fixed from here on."""

    kind: DispatchKind
    project: str
    address_key: str
    forward_path: str
    recipient_key: str
    domain_key: str
    rfc_message_id: str
    priority: int
    due_at: datetime
    neutral: bool = False
    asks: bool = False
    """An acknowledgement that asks for the comune."""


@dataclass(frozen=True, slots=True)
class OwnedPlan:
    """A plan, and the message, generation and case that it belongs to."""

    message_id: int
    generation: int
    case_id: int
    plan: PlannedDispatch

    @property
    def recipient(self) -> Recipient:
        """What there may be one row of."""
        return self.message_id, self.plan.kind, self.plan.forward_path


@dataclass(frozen=True, slots=True)
class EarlierDispatch:
    """What an earlier generation has for the same recipient."""

    id: int
    state: str


def lock_earlier(tx: Transaction, message_ids: Iterable[int]) -> dict[Recipient, EarlierDispatch]:
    """The forward and the notice of these messages to each recipient, locked: no worker begins or ends them.

    Of several the first that was accepted, else the newest.
    """
    query = (
        sa.select(
            dispatches.c.id,
            dispatches.c.message_id,
            dispatches.c.kind,
            dispatches.c.forward_path,
            dispatches.c.state,
        )
        .where(dispatches.c.message_id.in_(list(message_ids)), dispatches.c.kind.in_(sorted(ONE_A_RECIPIENT)))
        # What came back, or was to be deleted, is at its end: a further copy is a message of its own.
        .where(dispatches.c.state != DispatchState.RETURNED, dispatches.c.id.not_in(recalled()))
        .order_by(dispatches.c.id)
        .with_for_update()
    )
    found: dict[Recipient, EarlierDispatch] = {}
    for row in tx.execute(query):
        known = found.get((row.message_id, row.kind, row.forward_path))
        if known is None or known.state != DispatchState.ACCEPTED:
            found[(row.message_id, row.kind, row.forward_path)] = EarlierDispatch(row.id, row.state)
    return found


def write_dispatches(tx: Transaction, items: Sequence[OwnedPlan], earlier: Mapping[Recipient, EarlierDispatch]) -> None:
    """Write what is planned: new rows, or an earlier generation's row once more.

    ``earlier`` is what :func:`lock_earlier` found; recipients that have accepted must be left out before.
    """
    fresh = [item for item in items if item.recipient not in earlier]
    if fresh:
        # A second acknowledgement of a case meets its unique index and is left out. Any other
        # conflict (a Message-ID used twice) is an error: a forward must not disappear in silence.
        statement = tx.insert(dispatches).on_conflict_do_nothing(
            index_elements=["case_id", "kind"], index_where=sa.text(ONE_A_CASE)
        )
        tx.execute(statement, [_values(tx, item) for item in _asking_once(tx, fresh)])
    again = [(item, earlier[item.recipient]) for item in items if item.recipient in earlier]
    write_changes(tx, [_take_over(tx, item, row) for item, row in again])


def may_still_be_asked(tx: Transaction, case_ids: Iterable[int]) -> set[int]:
    """Those of the cases whose family was never asked for the comune, nor is about to be; the cases are locked.

    Who asks must hold the case: two ways of asking at once (staff, an acknowledgement) would be two questions.
    """
    keys = sorted(set(case_ids))
    tx.execute(sa.select(cases.c.id).where(cases.c.id.in_(keys)).order_by(cases.c.id).with_for_update()).all()
    asked = sa.select(dispatches.c.case_id).where(
        dispatches.c.case_id.in_(keys),
        dispatches.c.withdrawn.is_(None),
        sa.or_(
            dispatches.c.kind == DispatchKind.QUESTION,
            sa.and_(dispatches.c.asks, dispatches.c.state != DispatchState.CANCELLED),
        ),
    )
    return set(keys) - set(tx.execute(asked).scalars())


def _asking_once(tx: Transaction, items: Sequence[OwnedPlan]) -> list[OwnedPlan]:
    """The same plans, less a second question to the same family."""
    asking = [item for item in items if item.plan.asks]
    if not asking:
        return list(items)
    free = may_still_be_asked(tx, [item.case_id for item in asking])
    return [
        item if not item.plan.asks or item.case_id in free else replace(item, plan=replace(item.plan, asks=False))
        for item in items
    ]


def _take_over(tx: Transaction, item: OwnedPlan, row: EarlierDispatch) -> Change:
    values: dict[str, object] = {
        "generation": item.generation,
        "project": item.plan.project,
        "address_key": item.plan.address_key,
    }
    state = DispatchState.SUBMITTING
    if row.state != DispatchState.SUBMITTING:
        state = DispatchState.PENDING
        values |= {
            "state": state,
            "priority": item.plan.priority,
            "created_at": tx.now,
            "due_at": item.plan.due_at,
            "ended_at": None,
            "withdrawn": None,
            "left_out": 0,
            "lease_owner": None,
            "lease_until": None,
            # Whoever leased it for the earlier generation must neither begin nor cancel it.
            "lease_epoch": dispatches.c.lease_epoch + 1,
        }
    tx.execute(sa.update(dispatches).where(dispatches.c.id == row.id).values(**values))
    return Change("dispatch", row.id, "taken_over", row.state, state, {"generation": item.generation})


def _values(tx: Transaction, item: OwnedPlan) -> dict[str, object]:
    plan = item.plan
    return {
        "message_id": item.message_id,
        "generation": item.generation,
        "case_id": item.case_id,
        "kind": plan.kind,
        "project": plan.project,
        "address_key": plan.address_key,
        "forward_path": plan.forward_path,
        "recipient_key": plan.recipient_key,
        "domain_key": plan.domain_key,
        "rfc_message_id": plan.rfc_message_id,
        "state": DispatchState.PENDING,
        "priority": plan.priority,
        "neutral": plan.neutral,
        "asks": plan.asks or None,
        "created_at": tx.now,
        "due_at": plan.due_at,
    }
