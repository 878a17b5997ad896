"""How many forwards may be wrong, from a random sample of them: bounds that hold however often somebody looks.

In: how many forwards there were, the least probability with which each could be drawn, and the drawn ones that a
person found wrong. Out: the estimated share, its interval, an upper bound. Pure.

The draw is independent for each forward (Poisson sampling), so ``drawn * wrong / probability`` has the forward's own
wrongness as its mean, whatever the probabilities were and however they followed from what came before (Horvitz and
Thompson 1952). With a bet ``c`` fixed beforehand, the product of ``(1 - c*floor*x) / (1 - c*floor*wrong)`` over all
forwards is a nonnegative martingale that starts at 1; by Ville's inequality it never reaches ``1/alpha`` but with
probability ``alpha``. Its unknown denominator is largest, for a given average share, where all factors are alike
(concavity), so every share at which the product would reach ``1/alpha`` is ruled out, at all times at once. This is
the betting approach to bounded means (Waudby-Smith and Ramdas 2024; for weighted audits: Shekhar, Xu, Lipton, Liang
and Ramdas 2023) with a mixture over a few bets (Robbins 1970). Nothing is assumed of the forwards: their share of
errors may change with time. Where the floor changed, a forward counts in proportion to its floor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ALPHA = 0.05
"""How seldom a bound may be wrong, over all looks together."""

_DOWN = ((1.0, 0.40), (0.86, 0.26), (0.75, 0.16), (0.6, 0.10), (0.4, 0.05), (0.2, 0.03))
"""Bets that few are wrong, with their share of the stake: the first wins most while nothing was wrong, and loses all
at the first error. Chosen for 0 to 5 errors at a promise of 1 to 3 %."""
_UP = tuple((2.0**step, 1 / 9) for step in range(-1, 8))
"""Bets that many are wrong, for the interval's lower end."""
_STEPS = 60
_LARGE = 600.0


@dataclass(frozen=True, slots=True)
class Checked:
    """What the sample says up to some instant, of one project or of all.

    ``forwards`` counts all forwards, drawn or not; ``floors`` is the sum of the least probabilities; ``errors`` holds,
    for each drawn forward that was wrong, its floor over the probability with which it was drawn (0..1).
    """

    forwards: int = 0
    floors: float = 0.0
    checked: int = 0
    """Drawn and labelled: the ``n`` that is shown."""
    errors: tuple[float, ...] = ()

    @property
    def share(self) -> float | None:
        """The estimated share of wrong forwards (Horvitz-Thompson); ``None`` before the first forward."""
        return min(1.0, math.fsum(self.errors) / self.floors) if self.floors > 0 else None


def upper_bound(seen: Checked, alpha: float = ALPHA) -> float:
    """At most this share is wrong, with confidence ``1 - alpha``, at every look; 1 while nothing is known."""
    against = _bets_on_few(seen)
    return _search(lambda share: _money(seen, against, share) >= 1.0 / alpha)


def lower_bound(seen: Checked, alpha: float = ALPHA) -> float:
    """At least this share is wrong, with confidence ``1 - alpha``, at every look; 0 while nothing is known."""
    against = _bets_on_many(seen)
    if not seen.errors or _money(seen, against, 0.0) < 1.0 / alpha:
        return 0.0
    # Small shares are refuted; the bound is the largest of these.
    return _search(lambda share: _money(seen, against, share) < 1.0 / alpha)


def interval(seen: Checked, alpha: float = ALPHA) -> tuple[float, float]:
    """Both ends, each with half of ``alpha``."""
    return lower_bound(seen, alpha / 2), upper_bound(seen, alpha / 2)


def wealth(seen: Checked, share: float) -> float:
    """The gambler's money against "at least this share is wrong"; 1 at the start, large where the share is refuted."""
    return _money(seen, _bets_on_few(seen), share)


def wealth_on_many(seen: Checked, share: float) -> float:
    """The same against "at most this share is wrong"."""
    return _money(seen, _bets_on_many(seen), share)


def _bets_on_few(seen: Checked) -> list[tuple[float, float]]:
    """Each bet that has not lost everything, with the logarithm of its stake and of what errors left of it."""
    lasting = [(bet, stake) for bet, stake in _DOWN if bet * max(seen.errors, default=0.0) < 1.0]
    return [(bet, math.log(stake) + _sum_log(-bet, seen.errors)) for bet, stake in lasting]


def _bets_on_many(seen: Checked) -> list[tuple[float, float]]:
    """The same for bets against the forwards, which errors make richer; each is a negative bet on them."""
    return [(-bet, math.log(stake) + _sum_log(bet, seen.errors)) for bet, stake in _UP]


def _sum_log(bet: float, errors: Sequence[float]) -> float:
    return math.fsum(math.log1p(bet * ratio) for ratio in errors)


def _money(seen: Checked, bets: Sequence[tuple[float, float]], share: float) -> float:
    """What all bets together are worth if this share were wrong."""
    if not seen.forwards:
        return 1.0
    mean = share * seen.floors / seen.forwards
    if any(bet * mean >= 1.0 for bet, _ in bets):
        return math.inf
    return math.fsum(math.exp(min(log - seen.forwards * math.log1p(-bet * mean), _LARGE)) for bet, log in bets)


def needed(seen: Checked, limit: float, alpha: float = ALPHA) -> int:
    """How many more forwards, each looked at and none wrong, bring the upper bound to ``limit``; 0: it is there."""

    def enough(more: int) -> bool:
        later = Checked(seen.forwards + more, seen.floors + more, seen.checked + more, seen.errors)
        return wealth(later, limit) >= 1.0 / alpha

    if enough(0):
        return 0
    high = 1
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _search(is_above: Callable[[float], bool]) -> float:
    """The least share that is above, to a millionth of a millionth; 1 where none is."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_above(middle) else (middle, high)
    return high
