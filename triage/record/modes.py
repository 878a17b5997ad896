"""The mode that a person chose for a project on the page, or that drift gave it back; the rules' own without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.store import Transaction
from triage.record.tables import mode_switches
from triage.vocabulary import Mode

PERSON, DRIFT = "persona", "deriva"
"""Why the mode is another: somebody chose it; or the sample showed more errors than promised."""


@dataclass(frozen=True, slots=True)
class ModeSwitch:
    """One project's switch. In force while the rules file says ``file_mode``."""

    project: str
    mode: Mode
    file_mode: Mode
    changed_at: datetime
    changed_by: str
    reason_code: str
    drift_at: datetime | None


_COLUMNS = [mode_switches.c[name] for name in ModeSwitch.__slots__]


def switches(tx: Transaction) -> dict[str, ModeSwitch]:
    """Every project's switch that has one."""
    return {
        row["project"]: ModeSwitch(**(dict(row) | {"mode": Mode(row["mode"]), "file_mode": Mode(row["file_mode"])}))
        for row in tx.execute(sa.select(*_COLUMNS)).mappings()
    }


def set_switch(tx: Transaction, project: str, mode: Mode, before: Mode, file_mode: Mode, reason: str) -> None:
    """Give a project this mode from now on; ``before`` is the one that it had, for the record."""
    values = {
        "mode": mode,
        "file_mode": file_mode,
        "changed_at": tx.now,
        "changed_by": tx.actor[:64],
        "reason_code": reason,
        **({"drift_at": tx.now} if reason == DRIFT else {}),
    }
    statement = tx.insert(mode_switches).values(project=project, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["project"], set_=values))
    write_changes(tx, [Change("mode", 0, "mode_changed", before, mode, {"project": project, "reason": reason})])


def end_outdated(tx: Transaction, file_modes: Mapping[str, Mode]) -> None:
    """End every switch to *automatico* that the rules file has answered with another mode.

    Otherwise a file that says *ombra* to be safe, and later what it said before, would bring *automatico* back, and
    nobody would have looked at what is missing. When drift was seen last stays known.
    """
    for code, switch in switches(tx).items():
        if switch.mode is Mode.AUTOMATIC and file_modes.get(code) is not switch.file_mode:
            set_switch(tx, code, switch.file_mode, switch.mode, switch.file_mode, PERSON)
