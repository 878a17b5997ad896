"""What a rehearsal shows: where mail would have gone, why it would have waited, and how far people had said the same.

Enters outcomes, each with the label of the folder where a person had put the message; leaves counts. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from triage.labelling import Label
from triage.rehearsal.stage import Outcome
from triage.rules.types import Rules


@dataclass(slots=True)
class Compared:
    """The messages of one label: how many would have gone there, elsewhere, wait, or be filed unsent."""

    there: int = 0
    elsewhere: Counter[str] = field(default_factory=Counter)
    waits: int = 0
    filed: int = 0


@dataclass(slots=True)
class Report:
    """All counts. ``forwarded`` by project and address, ``held`` by reason."""

    messages: int = 0
    forwarded: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    filed: int = 0
    acknowledged: int = 0
    urgent: int = 0
    compared: dict[str, Compared] = field(default_factory=dict)

    def told(self) -> dict[str, object]:
        """The counts for a program."""
        compared = {
            label: {"there": one.there, "elsewhere": dict(one.elsewhere), "waits": one.waits, "filed": one.filed}
            for label, one in self.compared.items()
        }
        return {
            "count": self.messages,
            "forwarded": dict(self.forwarded),
            "held": dict(self.held),
            "filed": self.filed,
            "acknowledged": self.acknowledged,
            "urgent": self.urgent,
            "compared": compared,
        }


def report_of(outcomes: Iterable[tuple[Outcome, Label]], rules: Rules) -> Report:
    """Count them."""
    found = Report()
    for outcome, label in outcomes:
        found.messages += 1
        found.acknowledged += outcome.acknowledged
        found.urgent += outcome.urgent
        match outcome.action:
            case "inoltra":
                found.forwarded[place_of(outcome)] += 1
            case "trattieni":
                found.held[outcome.reason] += 1
            case _:
                found.filed += 1
        if project := label.project_under(rules):
            _compare(found.compared.setdefault(label.text, Compared()), outcome, project)
    return found


def place_of(outcome: Outcome) -> str:
    """``oglio_po``, or ``oglio_po.piano`` for a further address."""
    return f"{outcome.project}.{outcome.address_key}".removesuffix(".default")


def _compare(found: Compared, outcome: Outcome, project: str) -> None:
    if outcome.action == "trattieni":
        found.waits += 1
    elif outcome.action != "inoltra":
        found.filed += 1
    elif outcome.project == project:
        found.there += 1
    else:
        found.elsewhere[outcome.project] += 1
