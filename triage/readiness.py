"""What the rules themselves still lack before a project may forward by itself, in words for the administrator.

Enters rules; leaves sentences, each with its remedy. What only the record knows (audits, sick addresses) is judged by
``triage.acts.modes``.
"""

from __future__ import annotations

from collections.abc import Iterator

from triage.knowledge import unconfirmed_places
from triage.rules.types import Rules

_SHOWN = 6


def before_automatic(rules: Rules) -> Iterator[str]:
    """By project: addresses that nobody has confirmed, comuni that ATS has not; then what all share."""
    for code, project in rules.projects.items():
        unconfirmed = [address.to for address in project.addresses.values() if not address.confirmed]
        if unconfirmed:
            named = ", ".join(unconfirmed)
            yield f"{code}: somebody there must answer a test mail (triage confirm ADDRESS): {named}"
        if comuni := sorted(unconfirmed_places(rules, project)):
            yield f"{code}: {len(comuni)} comuni are only likely to be theirs, ATS must tick them: {named_few(comuni)}"
    if not rules.urgent.on_call:
        yield "all: nobody is told of possible danger: write urgent.on_call"
    share = f"{rules.thresholds.max_wrong:.1%}"
    yield f"all: proposals settled by people must show that at most {share} would be wrong ('triage ready' counts them)"


def named_few(names: list[str]) -> str:
    """The first of many, and how many more."""
    more = f" and {len(names) - _SHOWN} more (page Regole)" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
