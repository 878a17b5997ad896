"""When audited forwards have become worse than promised: a running sum of evidence that is seldom high by chance.

In: forwards in the order in which they were decided, drawn or not, as ``triage.bounds`` weighs them. Out: whether the
alarm rings. Pure.

Each forward multiplies the evidence by ``1 + bet * floor * (x - promised)``, where ``x`` is 1 over its probability for
a drawn forward that was wrong, and 0 for any other: on average at most 1 while no more than the promised share is
wrong. Evidence below 1 counts as 1, so that a change is seen whenever it begins (Page 1954); restarted like that it is
an e-detector (Shin, Ramdas and Rinaldo 2023), whose false alarms come after :data:`RARE` forwards or more on average.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

WORSE = 3.0
"""The sum looks for an error so many times the promised one: the best bet on it (Kelly 1956)."""
RARE = 1000.0


def evidence(forwards: Iterable[tuple[float, float]], promised: float) -> float:
    """The evidence after the last of these: of each its floor, and ``floor/probability`` if found wrong, else 0.

    ``promised`` is the share that may be wrong, above 0 and below 1.
    """
    worse = min(WORSE * promised, (1.0 + promised) / 2)
    bet = (worse - promised) / (promised * (1.0 - promised))
    log = 0.0
    for floor, ratio in forwards:
        log = max(0.0, log + math.log1p(bet * (ratio - floor * promised)))
    return math.exp(min(log, 600.0))


def rings(forwards: Iterable[tuple[float, float]], promised: float) -> bool:
    """Whether the evidence at the end is beyond chance."""
    return evidence(forwards, promised) >= RARE
