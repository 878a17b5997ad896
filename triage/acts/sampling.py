"""The blind check: a person takes the next drawn message, says where it belongs, and only then sees the decision.

In: a transaction of the person who acts, the rules in force. Out: what came of it. A label that shows that errors have
become more frequent than promised takes its project back to *proposta* in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from triage.acts.modes import lower_for_drift
from triage.acts.people import Person
from triage.audits import has_drifted
from triage.record.modes import switches
from triage.record.samples import GONE, Label, label_sample, sample_row, take_to_label
from triage.record.staff_acts import note_act
from triage.record.store import Transaction
from triage.rules.types import Rules
from triage.vocabulary import NOBODY, SPECIAL_TERRITORIES, STAFF, TOPICS, Mode


@dataclass(frozen=True, slots=True)
class Labelled:
    """What came of a label. ``lowered``: its project went back to *proposta*."""

    ok: bool
    code: str
    message_it: str
    right: bool = False
    lowered: bool = False


def take_next(tx: Transaction, person: Person) -> int | None:
    """The next drawn message that nobody else is looking at; ``None``: there is none."""
    return take_to_label(tx, person.id or 0)


def problem_with(rules: Rules, label: Label) -> str:
    """What is missing in an answer, as an Italian sentence; empty: nothing."""
    if label.territory not in (*rules.projects, *SPECIAL_TERRITORIES):
        return "Scegli la zona."
    if label.topic not in TOPICS:
        return "Scegli l'argomento."
    if label.destination not in (*rules.projects, STAFF, NOBODY):
        return "Scegli a chi va il messaggio."
    if label.comune and label.comune not in rules.places:
        return "Questo comune non è nell'elenco: sceglilo tra quelli proposti, o lascia vuoto."
    return ""


def answer(
    tx: Transaction, rules: Rules, file_modes: Mapping[str, Mode], person: Person, sample_id: int, label: Label
) -> Labelled:
    """Keep a person's answer; the first one stands."""
    if problem := problem_with(rules, label):
        return Labelled(False, "invalid", problem)
    return _keep(tx, rules, file_modes, person, sample_id, label)


def cannot_be_judged(
    tx: Transaction, rules: Rules, file_modes: Mapping[str, Mode], person: Person, sample_id: int
) -> Labelled:
    """Nobody can say any more where it belonged, as when its text was deleted: on the safe side it counts as wrong."""
    return _keep(tx, rules, file_modes, person, sample_id, Label(GONE))


def _keep(
    tx: Transaction, rules: Rules, file_modes: Mapping[str, Mode], person: Person, sample_id: int, label: Label
) -> Labelled:
    row = sample_row(tx, sample_id)
    if row is None:
        return Labelled(False, "unknown", "Questo messaggio non è tra quelli estratti.")
    right = label_sample(tx, sample_id, person.id, label)
    if right is None:
        return Labelled(False, "answered", "Una collega o un collega ha già risposto: vale la prima risposta.")
    note_act(tx, person, "sample_labelled", "message", row.message_id, {"right": right})
    lowered = _drifts(tx, rules, row.project)
    if lowered:
        lower_for_drift(tx, rules, file_modes, row.project)
    return Labelled(True, "right" if right else "wrong", "", right, lowered)


def _drifts(tx: Transaction, rules: Rules, project: str) -> bool:
    found = rules.projects.get(project)
    if found is None or found.mode is not Mode.AUTOMATIC:
        return False
    return has_drifted(tx, project, switches(tx).get(project), rules.thresholds.max_wrong)
