"""Cases that a project got and has not said to have taken in charge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from triage.record.plans import unindexed
from triage.record.store import Transaction
from triage.record.tables import dispatches, messages, project_charges
from triage.vocabulary import DispatchKind, DispatchState, MessageState


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case as its project may be reminded of it: nothing of whom it is about."""

    case_id: int
    forwarded_at: datetime


def open_cases(tx: Transaction, project: str, since: datetime) -> list[OpenCase]:
    """Cases forwarded to a project since then that it has not taken in charge, the oldest first.

    A case that was decided anew (handed back, come back, corrected) is no longer this project's matter.
    """
    first = sa.func.min(dispatches.c.ended_at, type_=dispatches.c.ended_at.type).label("forwarded_at")
    taken = sa.exists().where(
        project_charges.c.case_id == dispatches.c.case_id, project_charges.c.project == dispatches.c.project
    )
    query = (
        sa.select(dispatches.c.case_id, first)
        .join_from(dispatches, messages, dispatches.c.message_id == messages.c.id)
        .where(dispatches.c.kind == DispatchKind.FORWARD, unindexed(dispatches.c.state) == DispatchState.ACCEPTED)
        .where(dispatches.c.project == project, dispatches.c.ended_at > since)
        .where(dispatches.c.generation == messages.c.generation)
        .where(messages.c.state.in_((MessageState.FORWARDED, MessageState.FILED)))
        .where(sa.not_(taken))
        .group_by(dispatches.c.case_id)
        .order_by(first, dispatches.c.case_id)
    )
    return [OpenCase(case_id, at) for case_id, at in tx.execute(query)]
