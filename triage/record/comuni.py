"""The comune by which a message was decided, for whoever looks for it later."""

from __future__ import annotations

from triage.vocabulary import Decision

CHOSEN = "luogo_scelto"
"""The reason by which a person has named the place; it goes before what was read."""


def comune_of(decision: Decision) -> str | None:
    """The comune that a person named, else the one that weighed most; ``None``: no comune was read."""
    named = [
        (reason.code != CHOSEN, str(reason.params["comune"]))
        for reason in decision.reasons
        if reason.code.startswith("luogo") and reason.params.get("comune")
    ]
    # min() keeps the first of equals: reasons stand in the order of their weight.
    return min(named, key=lambda one: one[0])[1] if named else None
