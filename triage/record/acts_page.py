"""People's acts a page at a time, the newest first: all of them, or those on the messages of one case. By index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from triage.record.people_tables import staff_acts
from triage.record.store import Transaction
from triage.record.tables import exceptions, messages, misroutes


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
    found = {act.id: act.subject_id for act in acts if act.subject == "case"}
    for subject, query in _CASES.items():
        named = [act for act in acts if act.subject == subject]
        asked = query.where(query.selected_columns[0].in_({act.subject_id for act in named}))
        rows = tx.execute(asked).all() if named else ()
        known = {row[0]: row[1] for row in rows}
        found |= {act.id: known[act.subject_id] for act in named if known.get(act.subject_id) is not None}
    return found


def _about(case: int) -> sa.ColumnElement[bool]:
    own = (_on(subject, _of_case(query, case)) for subject, query in _CASES.items())
    return sa.or_(*own, sa.and_(staff_acts.c.subject == "case", staff_acts.c.subject_id == case))


def _of_case(query: _Numbered, case: int) -> sa.Select[tuple[int]]:
    number, of_case = query.selected_columns
    return query.with_only_columns(number).where(of_case == case)


def _on(subject: str, numbers: sa.Select[tuple[int]]) -> sa.ColumnElement[bool]:
    return sa.and_(staff_acts.c.subject == subject, staff_acts.c.subject_id.in_(numbers))


_Numbered = sa.Select[tuple[int, int | None]]
_CASES: Mapping[str, _Numbered] = {
    "message": sa.select(messages.c.id, messages.c.case_id),
    "exception": sa.select(exceptions.c.id, messages.c.case_id).join(
        messages, messages.c.id == exceptions.c.message_id
    ),
    "misroute": sa.select(misroutes.c.id, misroutes.c.case_id),
}
"""What an act may be about that belongs to a case: the number of each, and the case."""
