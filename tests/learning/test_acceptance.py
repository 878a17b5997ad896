"""The promised error rate: exact, honest over many draws, and silent where there is too little to go on."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest

from tests.learning.builders import made
from triage.classify.acceptance import AcceptanceWeights, acceptance_of
from triage.decide.trust import corrected, least_confidence
from triage.learning.acceptance import DELTA, LIMITS, NOTHING_SHOWN, learn_acceptance, may_forward, promised_threshold
from triage.learning.answers import Answer

Vector = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]


# --------------------------------------------------------------------------- the exact bound


def binomial_tail(wrong: int, n: int, limit: Fraction) -> Fraction:
    """P(at most so many wrong of n), without rounding."""
    return sum(
        (math.comb(n, k) * limit**k * (1 - limit) ** (n - k) for k in range(wrong + 1)),
        Fraction(0),
    )


@pytest.mark.parametrize("limit", [Fraction(1, 100), Fraction(1, 20), Fraction(3, 10)])
@pytest.mark.parametrize("steps", [0, 1, 7, 18, 30])
def test_a_level_is_promised_exactly_when_the_binomial_tail_is_small_enough(limit: Fraction, steps: int) -> None:
    """All answers are equally sure, so there is one test: so many wrong among all of them."""
    n = math.ceil(math.log(DELTA) / math.log(1 - limit)) + 10 * steps
    outcomes = set()
    for wrong in range(0, n, max(1, n // 60)):
        right = np.arange(n) >= wrong
        found = promised_threshold(np.full(n, 0.8), right, float(limit))
        allowed = binomial_tail(wrong, n, limit) <= Fraction(5, 100)
        assert (found is not None) is allowed, (n, wrong)
        outcomes.add(allowed)
    assert outcomes == ({True, False})


def test_one_per_cent_takes_299_answers_without_an_error() -> None:
    """Design, decision 7."""
    sure = np.linspace(0.999, 0.9, 299)
    assert promised_threshold(sure, np.ones(299, dtype=bool), 0.01) == pytest.approx(0.9)
    assert promised_threshold(sure[:298], np.ones(298, dtype=bool), 0.01) is None


def test_the_strictest_answers_are_tested_first_and_the_first_failure_ends_the_search() -> None:
    """A later stretch without errors must not be found by trying on."""
    n = 2_000
    probabilities = np.linspace(0.999, 0.5, n)
    right = np.ones(n, dtype=bool)
    right[100:104] = False
    assert binomial_tail(4, n, Fraction(1, 100)) < Fraction(5, 100)
    assert promised_threshold(probabilities, right, 0.01) is None


def test_a_threshold_lets_through_nothing_that_was_not_tested() -> None:
    """Thresholds have four decimals: answers that differ by less belong to the same test."""
    probabilities = np.concatenate([np.full(299, 0.98765), np.full(300, 0.98761)])
    right = np.arange(599) < 299
    found = promised_threshold(probabilities, right, 0.01)
    assert found is None or right[probabilities >= found].all()


# --------------------------------------------------------------------------- over many calibration sets


def curve(error: Callable[[Vector], Vector], size: int = 200_001) -> tuple[Vector, Vector]:
    """Confidence from the surest down, and the true share of errors among all at least so sure."""
    depth = np.linspace(0.0, 1.0, size)
    return 1.0 - depth, np.cumsum(error(depth)) / np.arange(1, size + 1)


def share_of_broken_promises(
    error: Callable[[Vector], Vector],
    limit: float,
    choose: Callable[[Vector, Truth, float], float | None],
    *,
    size: int = 1_000,
    draws: int = 500,
) -> float:
    """How many of the drawn calibration sets get a threshold whose true error is above the limit."""
    confidence, true_error = curve(error)
    random = np.random.default_rng(5)
    broken = 0
    for _ in range(draws):
        depth = random.random(size)
        threshold = choose(1.0 - depth, random.random(size) >= error(depth), limit)
        if threshold is not None:
            accepted = int(np.searchsorted(-confidence, -threshold, side="right"))
            broken += bool(true_error[accepted - 1] > limit)
    return broken / draws


def noise(draws: int = 500) -> float:
    """Three standard errors of a share near DELTA."""
    return 3 * math.sqrt(DELTA * (1 - DELTA) / draws)


def rising(depth: Vector) -> Vector:
    """2 % are wrong among the surest 0.7."""
    return 0.004 + 0.0976 * depth**2


def just_above(depth: Vector) -> Vector:
    """However strict, a little more than 2 % are wrong: no threshold is right, the hardest case of all."""
    return np.full(len(depth), 0.0201)


def naive(probabilities: Vector, right: Truth, limit: float) -> float | None:
    """What one would do without a test: the lowest threshold at which few enough were wrong."""
    order = np.argsort(-probabilities)
    shares = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    kept = np.nonzero(shares <= limit)[0]
    return float(probabilities[order][kept[-1]]) if len(kept) else None


@pytest.mark.parametrize("error", [rising, just_above])
def test_the_promise_is_broken_in_at_most_delta_of_all_calibration_sets(error: Callable[[Vector], Vector]) -> None:
    assert share_of_broken_promises(error, 0.02, promised_threshold) <= DELTA + noise()


def test_the_bound_gives_nothing_away() -> None:
    """In the hardest case the share is close to delta, not far below: the test above can fail."""
    assert share_of_broken_promises(just_above, 0.02, promised_threshold) >= DELTA - noise()


def test_without_a_test_the_promise_would_be_broken_often() -> None:
    assert share_of_broken_promises(rising, 0.02, naive) > 0.3


def test_one_early_error_does_not_end_the_search() -> None:
    """Whose probabilities are right gets the promise that it keeps, in nearly all calibration sets."""
    random = np.random.default_rng(9)
    found, broken = 0, 0
    for _ in range(200):
        depth = random.random(4_000)
        error = rising(depth)
        threshold = promised_threshold(1.0 - error, random.random(4_000) >= error, 0.02)
        if threshold is not None:
            found += 1
            # 2 % of all that are at least so sure are wrong at a depth of 0.7, where one answer's error is 5.2 %.
            broken += bool(threshold < 1.0 - float(rising(np.asarray(0.7014))) - 1e-4)
    assert found >= 180
    assert broken / 200 <= DELTA + noise(200)


def test_a_few_errors_among_the_very_surest_do_not_end_the_search() -> None:
    """Two of the ten surest are wrong (a danger that nobody saw, say) and one of twenty of the others."""
    right = np.ones(1_000, dtype=bool)
    right[[3, 7, *range(20, 1_000, 20)]] = False
    found = promised_threshold(np.linspace(0.995, 0.9, 1_000), right, 0.1)
    assert found == pytest.approx(0.9)


def test_where_errors_are_rare_a_threshold_is_found_that_forwards_most() -> None:
    random = np.random.default_rng(3)
    depth = random.random(3_000)
    found = promised_threshold(1.0 - depth, random.random(3_000) >= rising(depth), 0.02)
    assert found is not None
    assert 0.3 < found < 0.7


# --------------------------------------------------------------------------- the whole, from answers


def answers(count: int, *, seed: int = 1, error: float = 0.3, kin: int = 4) -> tuple[list[Answer], list[int]]:
    """Forwards of which one sign tells the doubtful ones: a third have it, and ``error`` of those are wrong."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        doubtful = bool(random.random() < 1 / 3)
        wrong = doubtful and bool(random.random() < error)
        found.append(
            made(
                confidence=0.6 + 0.39 * float(random.random()),
                true_destination="mantova" if wrong else "crema",
                signs={"b": 1.0, "doubtful": float(doubtful)},
            )
        )
    return found, [number // kin for number in range(count)]


def test_the_signs_that_tell_errors_are_learnt() -> None:
    learnt = learn_acceptance(*answers(2_000))
    weights = dict(zip(learnt.names, learnt.weights, strict=True))
    assert weights["doubtful"] < -1.0
    plain, doubtful = (acceptance_of(learnt, {"b": 1.0, "doubtful": value}) for value in (0.0, 1.0))
    assert corrected(0.9, plain) > 0.95 > corrected(0.9, doubtful)


def test_levels_rise_with_the_limit_and_never_ask_for_more() -> None:
    learnt = learn_acceptance(*answers(2_000))
    assert list(learnt.limits) == sorted(learnt.limits)
    assert set(learnt.limits) <= set(LIMITS)
    assert list(learnt.thresholds) == sorted(learnt.thresholds, reverse=True)
    assert len(learnt.limits) >= 3
    levels = acceptance_of(learnt, {"b": 1.0})
    asked = [least_confidence(0.0, limit, levels) for limit in LIMITS]
    assert asked == sorted(asked, reverse=True)


def test_the_level_of_one_per_cent_keeps_it_on_new_messages() -> None:
    learnt = learn_acceptance(*answers(4_000))
    new, _ = answers(8_000, seed=2)
    least = least_confidence(0.0, 0.01, acceptance_of(learnt, {"b": 1.0}))
    accepted = [one for one in new if trust(one, learnt) >= least]
    assert len(accepted) > 4_000
    assert sum(not one.right for one in accepted) <= 0.01 * len(accepted)


def trust(one: Answer, learnt: AcceptanceWeights) -> float:
    return corrected(one.decision.confidence, acceptance_of(learnt, one.judged.signs))


def test_too_few_answers_promise_nothing_strict() -> None:
    """With 60 forwards one per cent cannot be shown, so at one per cent everything waits for a person."""
    learnt = learn_acceptance(*answers(60, error=0.9))
    assert all(limit > 0.01 for limit in learnt.limits)
    assert least_confidence(0.9, 0.01, acceptance_of(learnt, {"b": 1.0})) > 1.0


def test_a_model_that_is_mostly_wrong_promises_nothing_at_all() -> None:
    wrong = [made(true_destination="mantova" if number % 7 else "crema") for number in range(400)]
    learnt = learn_acceptance(wrong, list(range(400)))
    assert learnt.names
    assert all(least_confidence(0.0, limit, acceptance_of(learnt, {"b": 1.0})) > 1.0 for limit in LIMITS)


@pytest.mark.parametrize(
    ("found", "groups"),
    [
        (answers(400)[0], [number % 4 for number in range(400)]),
        ([made() for _ in range(400)], list(range(400))),
        ([made(true_destination="mantova") for _ in range(400)], list(range(400))),
        ([made(project="", destination="operatori") for _ in range(400)], list(range(400))),
        ([], []),
    ],
    ids=["four groups", "all right", "all wrong", "no forwards", "nothing"],
)
def test_what_cannot_be_learnt_from_lets_nothing_leave(found: list[Answer], groups: list[int]) -> None:
    """Whoever cannot show an error rate must not fall back to having promised none."""
    learnt = learn_acceptance(found, groups)
    assert learnt is NOTHING_SHOWN
    unshown = acceptance_of(learnt, {"b": 1.0})
    assert corrected(0.7, unshown) == 0.7
    assert all(least_confidence(0.9, limit, unshown) > 1.0 for limit in LIMITS)


def test_kin_do_not_vouch_for_one_another() -> None:
    """Each group has a sign of its own that tells whether it is right: of use only to who has seen the group."""
    random = np.random.default_rng(7)
    wrong = random.random(300) < 0.2
    found = [
        made(true_destination="mantova" if wrong[group] else "crema", signs={"b": 1.0, f"group={group}": 3.0})
        for group in range(300)
        for _ in range(4)
    ]
    learnt = learn_acceptance(found, [group for group in range(300) for _ in range(4)])
    assert all(limit > 0.05 for limit in learnt.limits)


def test_urgent_mail_and_mail_of_no_project_is_no_forward() -> None:
    assert may_forward(made())
    assert not may_forward(made(urgent=True))
    assert not may_forward(made(project="", destination="operatori"))
