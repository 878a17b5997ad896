"""What became of the mails by which families hear which centre has their case, and what is still to leave for them.

In: cases. Out: each one's acknowledgement and notice as they stand; what an undo withdrew counts as never planned.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from triage.record.holding_back import FOR_GOOD, held_back
from triage.record.store import Transaction
from triage.record.tables import audit, decisions, dispatches, messages
from triage.vocabulary import TO_FAMILIES, WRITTEN_BY_STAFF, Action, DispatchKind, DispatchState

CLOSED = "chiuso_senza_centro"
_TELLS = (DispatchKind.ACKNOWLEDGEMENT, DispatchKind.REROUTE)
_UNDER_WAY = (DispatchState.PENDING, DispatchState.SUBMITTING)


@dataclass(frozen=True, slots=True)
class FamilyMail:
    """One mail to a family. ``neutral``: it names no centre. ``ended_at``: when it left or came to its end.

    ``reason``: why it did not leave, or, while it waits, why it will not; empty: nothing is against it.
    """

    state: str
    ended_at: datetime | None
    neutral: bool
    reason: str


def family_mails(tx: Transaction, case_ids: Collection[int]) -> Mapping[tuple[int, str], FamilyMail]:
    """By case and kind the acknowledgement and the notice of a new centre of these cases."""
    query = _of_cases(sorted(set(case_ids))).where(dispatches.c.kind.in_(_TELLS))
    rows = tx.execute(query).all() if case_ids else []
    why = _unsent(tx, [row.id for row in rows if row.state == DispatchState.CANCELLED])
    held = held_back(tx, sorted({row.case_id for row in rows}))
    found = {}
    for row in rows:
        reason = why.get(row.id, "")
        if row.state == DispatchState.PENDING:
            reason = _against(row, held)
        found[row.case_id, str(row.kind)] = FamilyMail(row.state, row.ended_at, row.neutral, reason)
    return found


def still_leaves(tx: Transaction, case_id: int, besides: int) -> list[str]:
    """The kinds of what a case's family is still to get, other than about the message ``besides``."""
    kinds = sorted(TO_FAMILIES | WRITTEN_BY_STAFF)
    query = _of_cases([case_id]).where(dispatches.c.kind.in_(kinds), dispatches.c.state.in_(_UNDER_WAY))
    rows = [row for row in tx.execute(query) if row.message_id != besides or row.state == DispatchState.SUBMITTING]
    held = held_back(tx, [case_id])
    return list(dict.fromkeys(str(row.kind) for row in rows if not _against(row, held)))


def _of_cases(case_ids: Collection[int]) -> sa.Select[*tuple[object, ...]]:
    """With ``closed``: its message is done without a centre."""
    own = ("id", "case_id", "message_id", "kind", "state", "ended_at", "neutral")
    in_force = sa.and_(decisions.c.message_id == messages.c.id, decisions.c.generation == messages.c.generation)
    return (
        sa.select(*(dispatches.c[name] for name in own), (decisions.c.action == Action.FILE).label("closed"))
        .join_from(dispatches, messages, messages.c.id == dispatches.c.message_id)
        .outerjoin(decisions, in_force)
        .where(dispatches.c.case_id.in_(list(case_ids)), dispatches.c.withdrawn.is_(None))
        .order_by(dispatches.c.id)
    )


def _against(row: sa.Row[*tuple[object, ...]], held: Mapping[int, str]) -> str:
    """Why something that waits will not leave."""
    if row.state != DispatchState.PENDING or row.kind in WRITTEN_BY_STAFF:
        return ""
    if row.closed:
        return CLOSED
    stopped = row.kind == DispatchKind.ACKNOWLEDGEMENT and held.get(row.case_id) == FOR_GOOD
    return FOR_GOOD if stopped else ""


def _unsent(tx: Transaction, numbers: Collection[int]) -> dict[int, str]:
    query = sa.select(audit.c.subject_id, audit.c.params).where(
        audit.c.subject == "dispatch", audit.c.subject_id.in_(list(numbers)), audit.c.event == "unsent"
    )
    rows = tx.execute(query.order_by(audit.c.id)) if numbers else ()
    return {row.subject_id: str(row.params.get("reason", "")) for row in rows}
