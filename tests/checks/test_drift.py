"""The alarm is silent while the promise holds, and rings soon after it is broken."""

from __future__ import annotations

import numpy as np

from triage.drift import RARE, evidence, rings

PROMISED = 0.02
FLOOR = 0.2


def _stream(random: np.random.Generator, share: float, length: int) -> list[tuple[float, float]]:
    found = (random.random(length) < share) & (random.random(length) < FLOOR)
    return [(FLOOR, float(one)) for one in found]


def test_while_the_promise_holds_false_alarms_are_rare() -> None:
    random = np.random.default_rng(1)
    rung = sum(_ever(_stream(random, PROMISED, 1_000)) for _ in range(60))
    # A first false alarm within so many forwards: at most their number over RARE on average, in truth far fewer.
    assert rung / 60 <= 0.25


def test_a_service_five_times_as_bad_is_seen() -> None:
    random = np.random.default_rng(2)
    seen = [_when(_stream(random, 5 * PROMISED, 4_000)) for _ in range(30)]
    assert np.median(seen) < 1_500


def test_it_is_seen_whenever_it_begins() -> None:
    good = [(1.0, 0.0)] * 5_000
    bad = [(1.0, 1.0), (1.0, 0.0)] * 8
    assert not rings(good, PROMISED)
    assert rings([*good, *bad], PROMISED)


def test_one_error_alone_rings_nothing() -> None:
    assert 1.0 < evidence([(1.0, 1.0)], 0.01) < RARE


def _ever(forwards: list[tuple[float, float]]) -> bool:
    return _when(forwards) < len(forwards)


def _when(forwards: list[tuple[float, float]]) -> int:
    """After how many forwards it rings; the evidence can only pass its limit at an error."""
    errors = [number + 1 for number, (_, ratio) in enumerate(forwards) if ratio]
    return next((number for number in errors if rings(forwards[:number], PROMISED)), len(forwards))
