"""Every version of the rules and the model that the record holds, and the order in which they were in force.

A model's card is kept as a version of a kind of its own, under the model's name. What was in force
and who changed it stands in the audit rows alone, so nothing can say otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from triage.record.audit import Change, history, write_changes
from triage.record.identity import MODEL, keep_version, make_current
from triage.record.store import Transaction
from triage.record.tables import current_versions, versions

CARD = "card"


class How(StrEnum):
    """By what a version came into force."""

    IMPORTED = "imported"
    """From its file: at the first start, or adopted."""
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """One version in the record, without its octets."""

    version: str
    imported_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """One change of what is in force."""

    at: datetime
    actor: str
    version: str
    how: How
    why: str


def stored_versions(tx: Transaction, kind: str) -> tuple[StoredVersion, ...]:
    """All versions of a kind, the newest first."""
    query = (
        sa.select(versions.c.version, versions.c.imported_at)
        .where(versions.c.kind == kind)
        .order_by(versions.c.imported_at.desc(), versions.c.version)
    )
    return tuple(StoredVersion(row.version, row.imported_at) for row in tx.execute(query))


def keep_card(tx: Transaction, version: str, octets: bytes) -> None:
    """Keep a model's card; the one that is there already stands."""
    keep_version(tx, CARD, octets, version)


def remove_models(tx: Transaction, names: Iterable[str], papers: Iterable[str]) -> None:
    """Models that must be kept no longer, with their cards and with what kinds of ``papers`` say of them."""
    for name in names:
        gone = sa.and_(versions.c.kind.in_((MODEL, CARD)), versions.c.version == name)
        said = sa.and_(versions.c.kind.in_(list(papers)), versions.c.version.contains(name, autoescape=True))
        tx.execute(sa.delete(versions).where(sa.or_(gone, said)))
        write_changes(tx, [Change("version", 0, "model_removed", params={"version": name})])


def put_in_force(
    tx: Transaction, kind: str, version: str, how: How, *, why: str = "", compared: int | None = None
) -> None:
    """A person's act, with its audit row; ``compared``: on how many messages it was compared before."""
    params: dict[str, str | int] = {"version": version, "how": str(how), "why": why}
    if compared is not None:
        params["compared"] = compared
    make_current(tx, kind, version, params)


def hold_current(tx: Transaction, kind: str) -> None:
    """Let nobody else change what is in force until this transaction ends (PostgreSQL; SQLite has one writer)."""
    tx.execute(sa.select(current_versions.c.version).where(current_versions.c.kind == kind).with_for_update())


def steps(tx: Transaction, kind: str) -> tuple[Step, ...]:
    """Every change of what is in force, oldest first."""
    return tuple(
        Step(
            row["at"],
            row["actor"],
            row["params"]["version"],
            How(row["params"].get("how", How.IMPORTED)),
            row["params"].get("why", ""),
        )
        for row in history(tx, "version", 0)
        if row["event"] == f"{kind}_current"
    )


def line(taken: Iterable[Step]) -> tuple[str, ...]:
    """What is in force, last, and before it what a roll-back would bring back, step by step.

    A roll-back takes the last one off the line, so that two of them go two steps back and never in a circle.
    """
    found: list[str] = []
    for step in taken:
        if step.how is How.ROLLED_BACK and len(found) > 1:
            found.pop()
        if not found or found[-1] != step.version:
            found.append(step.version)
    return tuple(found)
