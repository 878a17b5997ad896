"""Acknowledgements that staff have put off, or do not want to leave, by case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from triage.record.audit import Change, Param, write_changes
from triage.record.store import Transaction
from triage.record.tables import acknowledgement_holds

FOR_GOOD, FOR_NOW = "ricevuta_fermata", "ricevuta_rimandata"


def held_back(tx: Transaction, case_ids: Sequence[int]) -> Mapping[int, str]:
    """Of these the cases whose acknowledgement may not leave now, and whether for good."""
    query = sa.select(acknowledgement_holds.c.case_id, acknowledgement_holds.c.until).where(
        acknowledgement_holds.c.case_id.in_(list(case_ids))
    )
    found: dict[int, str] = {}
    for case_id, until in tx.execute(query) if case_ids else ():
        if until is None:
            found[case_id] = FOR_GOOD
        elif until > tx.now:
            found[case_id] = FOR_NOW
    return found


def held_until(tx: Transaction, case_id: int) -> datetime | None:
    """Before which moment the case's acknowledgement may not leave; ``None``: nobody has put it off."""
    until = sa.select(acknowledgement_holds.c.until).where(acknowledgement_holds.c.case_id == case_id)
    found: datetime | None = tx.execute(until).scalar()
    return found if found is not None and found > tx.now else None


def hold_back(tx: Transaction, case_id: int, until: datetime | None) -> None:
    """It leaves not before ``until``; ``None``: never."""
    values = {"until": until, "at": tx.now, "by": tx.actor[:64]}
    statement = tx.insert(acknowledgement_holds).values(case_id=case_id, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["case_id"], set_=values))
    params: dict[str, Param] = {"until": f"{until:%Y-%m-%dT%H:%MZ}"} if until is not None else {"until": ""}
    write_changes(tx, [Change("case", case_id, "acknowledgement_held_back", params=params)])


def copy_hold(tx: Transaction, old: int, new: int) -> None:
    """What staff said of one case's acknowledgement holds for another case too, unless they said something of that."""
    query = sa.select(acknowledgement_holds.c.case_id, acknowledgement_holds.c.until).where(
        acknowledgement_holds.c.case_id.in_((old, new))
    )
    said = {row.case_id: row.until for row in tx.execute(query)}
    if old in said and new not in said:
        hold_back(tx, new, said[old])


def let_go(tx: Transaction, case_id: int) -> bool:
    """It leaves as the rules say again; whether anything had held it back."""
    deleted = tx.execute(sa.delete(acknowledgement_holds).where(acknowledgement_holds.c.case_id == case_id))
    if deleted.rowcount:
        write_changes(tx, [Change("case", case_id, "acknowledgement_let_go")])
    return deleted.rowcount > 0
