"""A person says that a restored service may go on: what waited has been looked at.

In: a transaction, the modes that the rules file says. Out: the modes hold again, but no project forwards by itself
before somebody raises it on the page.
"""

from __future__ import annotations

from collections.abc import Mapping

from triage.modes import unless_restored
from triage.record.modes import PERSON, end_outdated, set_switch, switches
from triage.record.restored import go_on
from triage.record.staff_acts import Actor
from triage.record.store import Transaction
from triage.vocabulary import Mode


def end_restoration(tx: Transaction, person: Actor, file_modes: Mapping[str, Mode]) -> Mapping[str, Mode] | None:
    """The mode of each project from now on: *proposta* where it was *automatico*; ``None``: nothing was restored."""
    if not go_on(tx, person):
        return None
    end_outdated(tx, file_modes)
    chosen, after = switches(tx), dict[str, Mode]()
    for code, file_mode in file_modes.items():
        after[code] = unless_restored(file_mode, chosen.get(code))
        if after[code] is Mode.AUTOMATIC:
            after[code] = Mode.PROPOSAL
            set_switch(tx, code, Mode.PROPOSAL, Mode.SHADOW, file_mode, PERSON)
    return after
