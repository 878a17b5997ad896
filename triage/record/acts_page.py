"""People's acts a page at a time, the newest first: all of them, or those on the messages of one case. By index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from triage.record.people_tables import staff_acts
from triage.record.store import Transaction
from triage.record.tables import messages


@dataclass(frozen=True, slots=True)
class ActRow:
    """One act as it was written; its seal is not for reading."""

    id: int
    at: datetime
    person_id: int | None
    actor: str
    act: str
    subject: str
    subject_id: int
    params: Mapping[str, Any]


def acts_page(
    tx: Transaction,
    *,
    case: int = 0,
    before: int = 0,
    size: int = 50,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[ActRow]:
    """Up to ``size`` acts with a number under ``before`` (0: from the newest).

    ``case``: only those on it or on its messages (0: all). ``since``, ``until``: only of that time, the end left out.
    """
    query = sa.select(*(staff_acts.c[name] for name in ActRow.__slots__)).order_by(staff_acts.c.id.desc()).limit(size)
    if before:
        query = query.where(staff_acts.c.id < before)
    if case:
        query = query.where(_about(case))
    if since is not None:
        query = query.where(staff_acts.c.at >= since)
    if until is not None:
        query = query.where(staff_acts.c.at < until)
    return [ActRow(*row) for row in tx.execute(query)]


def cases_of_acts(tx: Transaction, acts: Sequence[ActRow]) -> dict[int, int]:
    """By an act's number: the case that it was about; acts about something else are absent."""
    numbers = {act.subject_id for act in acts if act.subject == "message"}
    query = sa.select(messages.c.id, messages.c.case_id).where(messages.c.id.in_(numbers))
    known = {row.id: row.case_id for row in tx.execute(query) if row.case_id is not None}
    known_acts = ((act.id, known.get(act.subject_id)) for act in acts if act.subject == "message")
    found = {number: case for number, case in known_acts if case is not None}
    return found | {act.id: act.subject_id for act in acts if act.subject == "case"}


def _about(case: int) -> sa.ColumnElement[bool]:
    own = sa.select(messages.c.id).where(messages.c.case_id == case)
    on_message = sa.and_(staff_acts.c.subject == "message", staff_acts.c.subject_id.in_(own))
    return sa.or_(on_message, sa.and_(staff_acts.c.subject == "case", staff_acts.c.subject_id == case))
