"""The audit rows: one for every change of state, written in the same transaction as the change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from triage.record.store import Transaction
from triage.record.tables import audit

Param = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened to one row; ``params`` hold codes and numbers, never mail."""

    subject: str
    subject_id: int
    event: str
    from_state: str = ""
    to_state: str = ""
    params: Mapping[str, Param] = field(default_factory=dict)


def write_changes(tx: Transaction, changes: Iterable[Change]) -> None:
    """Append audit rows, all with the transaction's instant and actor."""
    rows = [
        {
            "at": tx.now,
            "actor": tx.actor,
            "subject": change.subject,
            "subject_id": change.subject_id,
            "event": change.event,
            "from_state": change.from_state,
            "to_state": change.to_state,
            "params": dict(change.params),
        }
        for change in changes
    ]
    if rows:
        tx.execute(sa.insert(audit), rows)


def history(tx: Transaction, subject: str, subject_id: int) -> list[sa.RowMapping]:
    """Everything that happened to one row, oldest first."""
    query = sa.select(audit).where(audit.c.subject == subject, audit.c.subject_id == subject_id).order_by(audit.c.id)
    return list(tx.execute(query).mappings())
