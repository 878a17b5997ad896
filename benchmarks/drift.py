"""When to stop trusting a model: three running sums, each over a limit that is seldom passed by chance.

All are Page's cumulative sums (Page 1954): evidence against "all is as promised" is added up and
falls back to nothing when there is none, so that a change is seen whenever it begins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

FALSE_ALARM_AUDITS = 200
"""While the promise holds, a false alarm comes on average after so many audited forwards or more (Lorden 1971)."""
WORSE = 3.0
"""The audit looks for an error so many times the promised one."""

ALLOWANCE = 0.5
UNKNOWN_LIMIT = 4.0
"""With steps that are normal, a false alarm about every 336 segments; one and a half deviations are seen in four."""


USUAL_NEW = 0.5
SOUGHT_NEW = 2.5
NEW_LIMIT = 4.0
"""New words that three writers of a segment share: so many a segment are usual at most, so many are
looked for. Poisson counts at the usual rate ring falsely less than once in a thousand segments."""


@dataclass(slots=True)
class AuditAlarm:
    """Whether forwards that a person looked at blindly were wrong more often than promised."""

    promised: float
    sum: float = 0.0

    def look(self, wrong: bool) -> None:
        """Add one audited forward: the log-likelihood ratio of the larger error against the promised one."""
        worse = min(WORSE * self.promised, (1.0 + self.promised) / 2)
        step = math.log(worse / self.promised) if wrong else math.log((1.0 - worse) / (1.0 - self.promised))
        self.sum = max(0.0, self.sum + step)

    @property
    def rings(self) -> bool:
        """Whether the evidence is beyond chance."""
        return self.sum >= math.log(FALSE_ALARM_AUDITS)


@dataclass(slots=True)
class UnknownWordsAlarm:
    """Whether writers use more words that the model never met than writers did when it was taught.

    ``usual`` holds each writer's share, as measured on writers that the model had not met either. One
    writer counts once, however many messages they write.
    """

    usual: Sequence[float]
    sum: float = 0.0
    last: float = field(default=0.0, init=False)
    """The share of the last segment."""

    def look(self, shares: Mapping[str, Sequence[float]]) -> None:
        """Add one segment: each writer's share in each of their messages."""
        of_writers = [float(np.mean(values)) for values in shares.values() if values]
        if not of_writers or len(self.usual) < 2:
            return
        self.last = float(np.mean(of_writers))
        spread = max(float(np.std(self.usual, ddof=1)), 1e-6) / math.sqrt(len(of_writers))
        self.sum = max(0.0, self.sum + (self.last - float(np.mean(self.usual))) / spread - ALLOWANCE)

    @property
    def rings(self) -> bool:
        """Whether the evidence is beyond chance."""
        return self.sum >= UNKNOWN_LIMIT


@dataclass(slots=True)
class NewWordsAlarm:
    """Whether words come into use: unknown to the model, and shared by three writers of one segment.

    Far sharper than the share of unknown words, which differs more between writers (slips, dialect)
    than a campaign changes it.
    """

    sum: float = 0.0

    def look(self, words: int) -> None:
        """Add one segment's count."""
        allowance = (SOUGHT_NEW - USUAL_NEW) / math.log(SOUGHT_NEW / USUAL_NEW)
        self.sum = max(0.0, self.sum + words - allowance)

    @property
    def rings(self) -> bool:
        """Whether the evidence is beyond chance."""
        return self.sum >= NEW_LIMIT
