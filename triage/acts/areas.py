"""ATS says that comuni which were only likely to be a project's are; or takes that back.

In: a transaction of the person who acts, the rules in force, what was ticked on the form and how it stood when the form
was made. Out: what came of it. What somebody else ticked meanwhile stays as it is.
"""

from __future__ import annotations

from collections.abc import Collection

from triage.acts.accounts import Changed
from triage.knowledge import likely_places
from triage.record.areas import tick_comuni, untick_comuni
from triage.record.staff_acts import Actor, note_act
from triage.record.store import Transaction
from triage.rules.types import Rules


def confirm_comuni(
    tx: Transaction, rules: Rules, person: Actor, project: str, wanted: Collection[str], before: Collection[str]
) -> Changed:
    """Tick what is wanted and was not ticked before, untick the reverse; only comuni of the project that are likely."""
    known = rules.projects.get(project)
    if known is None:
        return Changed(False, "unknown", "Questo centro non è nelle regole.")
    likely = likely_places(rules, known)
    if set(wanted) - likely:
        return Changed(False, "area", "Nel frattempo le regole sono cambiate: controlla di nuovo i comuni.")
    ticked = tick_comuni(tx, project, sorted(set(wanted) - set(before)))
    gone = untick_comuni(tx, project, sorted(set(before) & likely - set(wanted)))
    for count, code in ((ticked, "comuni_confirmed"), (gone, "comuni_unconfirmed")):
        if count:
            note_act(tx, person, code, "project", 0, {"project": project, "count": count})
    if not ticked and not gone:
        return Changed(False, "same", "Non è cambiato niente.")
    told = [_count(ticked, "confermato", "confermati"), _count(gone, "non più confermato", "non più confermati")]
    return Changed(True, "saved", f"{known.name}: {' e '.join(part for part in told if part)}.")


def _count(number: int, one: str, many: str) -> str:
    if not number:
        return ""
    return f"un comune {one}" if number == 1 else f"{number} comuni {many}"
