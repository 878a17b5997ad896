"""Everything on record about one case, for whoever reads it as a conversation; each table is asked once, by an index.

In: a case. Out: a :class:`CaseRecord` with the newest :data:`MOST` of its messages and all that belongs to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from triage.record.messages import COLUMNS, MessageRow, row_of
from triage.record.misroutes import Misroute, misroutes_of_case
from triage.record.people_tables import staff_acts
from triage.record.settlements import SettlementRow, StaffText, texts_of
from triage.record.store import Transaction
from triage.record.tables import (
    acknowledgement_holds,
    attempts,
    audit,
    cases,
    decisions,
    dispatches,
    messages,
    project_charges,
    returns,
    settlements,
    staff_notices,
)

MOST = 50
"""Messages of one case that are shown; a conversation rarely has ten."""
MOST_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Sent:
    """One outgoing mail of the case."""

    id: int
    message_id: int
    generation: int
    kind: str
    project: str
    forward_path: str
    state: str
    created_at: datetime
    due_at: datetime
    ended_at: datetime | None
    left_out: int | None
    withdrawn: bool | None


@dataclass(frozen=True, slots=True)
class Decided:
    """One generation of a message's decision, in short."""

    message_id: int
    generation: int
    action: str
    destination: str
    project: str
    topic: str
    automatic: bool
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Hold:
    """Staff have put off the case's acknowledgement; ``until`` is ``None`` for good."""

    until: datetime | None
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """``left_out``: older messages that are not here. Rows of other tables are mappings by column."""

    case_id: int
    opened_at: datetime
    rows: tuple[MessageRow, ...]
    left_out: int
    decided: tuple[Decided, ...]
    sent: tuple[Sent, ...]
    tries: Mapping[int, Sequence[sa.RowMapping]]
    unsent: Mapping[int, str]
    settled: tuple[SettlementRow, ...]
    texts: Mapping[tuple[int, int], StaffText]
    came_back: tuple[sa.RowMapping, ...]
    notices: tuple[sa.RowMapping, ...]
    acts: tuple[sa.RowMapping, ...]
    moves: tuple[sa.RowMapping, ...]
    charges: Mapping[str, datetime]
    misroutes: tuple[Misroute, ...]
    hold: Hold | None


def case_record(tx: Transaction, case_id: int, skipped_acts: Sequence[str] = ()) -> CaseRecord | None:
    """The case, or ``None``. ``skipped_acts``: acts of people that are not asked for."""
    opened = tx.execute(sa.select(cases.c.opened_at).where(cases.c.id == case_id)).scalar()
    if opened is None:
        return None
    of_case = messages.c.case_id == case_id
    count: int = tx.execute(sa.select(sa.func.count()).select_from(messages).where(of_case)).scalar_one()
    query = sa.select(*COLUMNS).where(of_case).order_by(messages.c.id.desc()).limit(MOST)
    rows = tuple(reversed([row_of(row) for row in tx.execute(query).mappings()]))
    keys = [row.id for row in rows]
    sent = _sent(tx, case_id, keys)
    numbers = [one.id for one in sent]
    return CaseRecord(
        case_id=case_id,
        opened_at=opened,
        rows=rows,
        left_out=count - len(rows),
        decided=tuple(_of(Decided, tx, decisions, decisions.c.message_id.in_(keys))),
        sent=sent,
        tries=_tries(tx, numbers),
        unsent=_unsent(tx, numbers),
        settled=tuple(_of(SettlementRow, tx, settlements, settlements.c.message_id.in_(keys))),
        texts=texts_of(tx, keys),
        came_back=_rows(tx, returns, returns.c.about_message_id.in_(keys)),
        notices=_rows(tx, staff_notices, staff_notices.c.message_id.in_(keys))
        + _rows(tx, staff_notices, staff_notices.c.case_id == case_id),
        acts=_acts(tx, "message", keys, skipped_acts) + _acts(tx, "case", [case_id], skipped_acts),
        moves=_rows(
            tx, audit, audit.c.subject == "message", audit.c.subject_id.in_(keys), audit.c.event == "opened_again"
        ),
        charges={
            row.project: row.taken_at
            for row in tx.execute(sa.select(project_charges).where(project_charges.c.case_id == case_id))
        },
        misroutes=tuple(misroutes_of_case(tx, case_id)),
        hold=_hold(tx, case_id),
    )


def _sent(tx: Transaction, case_id: int, keys: Sequence[int]) -> tuple[Sent, ...]:
    """What left or was to leave for this case, and for its messages before they belonged to it."""
    found: dict[int, Sent] = {}
    for condition in (dispatches.c.case_id == case_id, dispatches.c.message_id.in_(list(keys))):
        for one in _of(Sent, tx, dispatches, condition):
            found[one.id] = one
    return tuple(found[number] for number in sorted(found))


def _of(kind: Any, tx: Transaction, table: sa.Table, condition: sa.ColumnElement[bool]) -> list[Any]:
    query = sa.select(*(table.c[name] for name in kind.__slots__)).where(condition).limit(MOST_ROWS)
    return [kind(**row) for row in tx.execute(query).mappings()]


def _rows(tx: Transaction, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> tuple[sa.RowMapping, ...]:
    return tuple(tx.execute(sa.select(table).where(*conditions).order_by(table.c.id).limit(MOST_ROWS)).mappings())


def _tries(tx: Transaction, numbers: Sequence[int]) -> Mapping[int, Sequence[sa.RowMapping]]:
    query = sa.select(attempts).where(attempts.c.dispatch_id.in_(list(numbers)))
    found: dict[int, list[sa.RowMapping]] = {}
    for row in tx.execute(query.order_by(attempts.c.dispatch_id, attempts.c.number).limit(MOST_ROWS)).mappings():
        found.setdefault(row["dispatch_id"], []).append(row)
    return found


def _unsent(tx: Transaction, numbers: Sequence[int]) -> Mapping[int, str]:
    """Why each of these that never went on the wire did not."""
    query = sa.select(audit.c.subject_id, audit.c.params).where(
        audit.c.subject == "dispatch", audit.c.subject_id.in_(list(numbers)), audit.c.event == "unsent"
    )
    return {row.subject_id: str(row.params.get("reason", "")) for row in tx.execute(query.order_by(audit.c.id))}


def _acts(tx: Transaction, subject: str, keys: Sequence[int], skipped: Sequence[str]) -> tuple[sa.RowMapping, ...]:
    of = sa.and_(staff_acts.c.subject == subject, staff_acts.c.subject_id.in_(list(keys)))
    return _rows(tx, staff_acts, of, staff_acts.c.act.not_in(list(skipped)))


def _hold(tx: Transaction, case_id: int) -> Hold | None:
    query = sa.select(acknowledgement_holds).where(acknowledgement_holds.c.case_id == case_id)
    row = tx.execute(query).mappings().first()
    if row is None or (row["until"] is not None and row["until"] <= tx.now):
        return None
    return Hold(row["until"], row["at"], row["by"])
