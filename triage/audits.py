"""The promise against the audit: what the blind sample and the settled proposals say of each project and of all.

In: a transaction, the projects' codes and the switches. Out: an :class:`Audit` each. What was measured before drift
was last seen does not count: the service of then is not the service of now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from triage.bounds import Checked, interval, needed, upper_bound
from triage.drift import rings
from triage.record import Transaction
from triage.record.modes import ModeSwitch
from triage.record.samples import first_waiting, sequence_of, sums_of


@dataclass(frozen=True, slots=True)
class Audit:
    """What is known by now. All shares 0..1, with 95 % confidence at every look (``triage.bounds``)."""

    seen: Checked
    most: float
    """At most this share of the forwards was wrong."""
    between: tuple[float, float]
    until: datetime | None
    """Of the last forward that counts; ``None`` before the first."""
    beyond: int
    """Labels that count only when an earlier drawn message has its own."""

    @property
    def wrong(self) -> int:
        """Drawn forwards that were wrong."""
        return len(self.seen.errors)

    def missing(self, limit: float) -> int:
        """How many more, none of them wrong, bring ``most`` to the limit."""
        return needed(self.seen, limit)


def audit_of(tx: Transaction, project: str, switch: ModeSwitch | None) -> Audit:
    """One project's own."""
    since = switch.drift_at if switch is not None else None
    return _audit(tx, [project], first_waiting(tx, project, since), since)


def audit_of_all(tx: Transaction, projects: Sequence[str], switches: Mapping[str, ModeSwitch]) -> Audit:
    """All projects together, in one order: up to the first drawn forward of any that has no label."""
    since = max((switch.drift_at for switch in switches.values() if switch.drift_at is not None), default=None)
    waiting = [found for project in projects if (found := first_waiting(tx, project, since)) is not None]
    return _audit(tx, projects, min(waiting, default=None), since)


def _audit(tx: Transaction, projects: Sequence[str], before: int | None, since: datetime | None) -> Audit:
    sums = [sums_of(tx, project, before, since) for project in projects]
    seen = Checked(
        forwards=sum(one.forwards for one in sums),
        floors=sum(one.floors for one in sums),
        checked=sum(one.checked for one in sums),
        errors=tuple(ratio for one in sums for ratio in one.errors),
    )
    until = max((one.until for one in sums if one.until is not None), default=None)
    return Audit(seen, upper_bound(seen), interval(seen), until, sum(one.beyond for one in sums))


def has_drifted(tx: Transaction, project: str, switch: ModeSwitch | None, promised: float) -> bool:
    """Whether the sample shows that more than ``promised`` of a project's automatic forwards are wrong by now."""
    if not 0.0 < promised < 1.0:
        return False
    since = max(
        (at for at in ((switch.drift_at, switch.changed_at) if switch is not None else ()) if at is not None),
        default=None,
    )
    return rings(sequence_of(tx, project, first_waiting(tx, project, since), since), promised)
