"""The register of misroutes as it is read: each row with when the mail left, and what became of the recall.

In: which rows, and before which one to go on. Out: rows, the newest first. No body, no subject, no name of a family.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from triage.record.misroutes import Misroute
from triage.record.store import Transaction
from triage.record.tables import dispatches, misroutes


@dataclass(frozen=True, slots=True)
class Entry:
    """One misroute; ``wrong_at``: when the wrong centre's server took it; ``recall_state``: empty without a recall."""

    misroute: Misroute
    wrong_at: datetime | None
    recall_state: str
    recall_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to see to it."""
        return self.misroute.closed_at is None


_wrong = dispatches.alias("wrong")
_recall = dispatches.alias("recall")


def entries(
    tx: Transaction,
    *,
    only_open: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int = 0,
    size: int = 50,
) -> list[Entry]:
    """At most ``size`` rows with a number below ``before`` (0: all), found from ``since`` to before ``until``."""
    query = _select().order_by(misroutes.c.id.desc()).limit(size)
    if only_open:
        query = query.where(misroutes.c.closed_at.is_(None))
    if since is not None:
        query = query.where(misroutes.c.found_at >= since)
    if until is not None:
        query = query.where(misroutes.c.found_at < until)
    if before:
        query = query.where(misroutes.c.id < before)
    return [_entry(row) for row in tx.execute(query).mappings()]


def entry_numbered(tx: Transaction, number: int) -> Entry | None:
    """One row, or ``None``."""
    row = tx.execute(_select().where(misroutes.c.id == number)).mappings().first()
    return _entry(row) if row is not None else None


def count_open(tx: Transaction) -> int:
    """Rows that somebody still has to see to."""
    query = sa.select(sa.func.count()).select_from(misroutes).where(misroutes.c.closed_at.is_(None))
    number: int = tx.execute(query).scalar_one()
    return number


def _select() -> sa.Select[*tuple[object, ...]]:
    own = [misroutes.c[name].label(f"own_{name}") for name in Misroute.__slots__]
    return (
        sa.select(
            *own,
            _wrong.c.ended_at.label("wrong_at"),
            _recall.c.state.label("recall_state"),
            _recall.c.ended_at.label("recall_at"),
        )
        .join(_wrong, _wrong.c.id == misroutes.c.wrong_dispatch_id)
        .outerjoin(_recall, _recall.c.id == misroutes.c.recall_dispatch_id)
    )


def _entry(row: sa.RowMapping) -> Entry:
    one = Misroute(**{name: row[f"own_{name}"] for name in Misroute.__slots__})
    return Entry(one, row["wrong_at"], row["recall_state"] or "", row["recall_at"])
