"""When an answer may be trusted: one probability, and a threshold that keeps a promise.

Enters out-of-fold answers, leaves :class:`AcceptanceWeights`. A logistic model stacks the signs of
all heads (Wolpert 1992) into the probability that the destination is right; thresholds are chosen by
learn-then-test (Angelopoulos et al. 2021): from a strict one down, each is tested with the exact
binomial bound on the *accepted* answers, and the first that fails ends the search. Dangers are many
times as frequent in the training messages as in a mailbox, so this is done on the natural mix alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from triage.classify.acceptance import AcceptanceWeights, logit
from triage.learning.answers import Answer

LIMITS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5)
"""Shares of wrong forwards for which a threshold is sought."""
DELTA = 0.05
"""The promise holds with probability 1 - DELTA over the choice of the calibration messages."""
NOTHING_SHOWN = AcceptanceWeights((), np.zeros(0, dtype=np.float32), 1.0, (0.0,), (1.1,))
"""Of too few answers, or all alike: corrects nothing, and no forward leaves without a person."""
_STRENGTH = 0.3
_STEP = 10
"""Least number of answers that one tested threshold accepts more than the one before."""
_LIKELY = 0.95
"""The search begins at the strictest threshold whose chance to pass is this share of the best one."""
_FOLDS = 5

Vector = npt.NDArray[np.float64]


def learn_acceptance(answers: Sequence[Answer], groups: Sequence[int]) -> AcceptanceWeights:
    """Weights from all answers; thresholds from probabilities that were themselves cross-fitted."""
    used = [number for number, one in enumerate(answers) if may_forward(one)]
    right = np.asarray([answers[number].right for number in used])
    kin = [groups[number] for number in used]
    if len(set(kin)) < _FOLDS or right.all() or not right.any():
        return NOTHING_SHOWN
    names = tuple(sorted({name for number in used for name in answers[number].judged.signs}))
    rows = _rows([answers[number] for number in used], names)
    probabilities = np.zeros(len(used))
    for train, test in GroupKFold(n_splits=_FOLDS).split(rows, groups=kin):
        if right[train].all() or not right[train].any():
            return NOTHING_SHOWN
        probabilities[test] = _fit(rows[train], right[train]).predict_proba(rows[test])[:, 1]
    natural = np.asarray([answers[number].example.natural for number in used])
    if not natural.any():
        natural[:] = True
    model = _fit(rows, right)
    weights = np.round(model.coef_[0][1:], 4)
    weights[names.index("b")] += np.round(model.intercept_[0], 4)
    thresholds = [(limit, promised_threshold(probabilities[natural], right[natural], limit)) for limit in LIMITS]
    kept = [(limit, threshold) for limit, threshold in thresholds if threshold is not None]
    # A laxer promise never asks for more than a stricter one.
    falling = [min(threshold for _, threshold in kept[: number + 1]) for number in range(len(kept))]
    return AcceptanceWeights(
        names,
        weights.astype(np.float32),
        float(np.round(model.coef_[0][0], 4)),
        tuple(limit for limit, _ in kept) or NOTHING_SHOWN.limits,
        tuple(falling) or NOTHING_SHOWN.thresholds,
    )


def may_forward(answer: Answer) -> bool:
    """Whether nothing but doubt about the destination would keep this message from a project."""
    decision = answer.decision
    if not decision.project or decision.urgent:
        return False
    return not any(reason.code in _KEPT_ANYWAY for reason in decision.reasons)


_KEPT_ANYWAY = frozenset({"altro_luogo", "lingua_da_verificare", "difetti_gravi"})


def promised_threshold(
    probabilities: Vector, right: npt.NDArray[np.bool_], limit: float, delta: float = DELTA
) -> float | None:
    """The least threshold at which "more than ``limit`` are wrong" is still rejected; None: at none.

    Fixed-sequence testing over thresholds that depend on the probabilities alone, each with the
    p-value P(Binomial(accepted, limit) <= wrong), so no correction for their number is needed.
    Thresholds have four decimals; answers that differ by less are accepted, and tested, together.
    """
    steps = np.floor(probabilities * 1e4)
    order = np.argsort(-steps, kind="stable")
    wrong = np.cumsum(~right[order])
    ranked = steps[order]
    found: float | None = None
    for accepted in _sequence(ranked, np.cumsum(1.0 - probabilities[order]), limit, delta):
        if binom.cdf(wrong[accepted - 1], accepted, limit) > delta:
            break
        found = float(ranked[accepted - 1] / 1e4)
    return found


def _sequence(ranked: Vector, doubt: Vector, limit: float, delta: float) -> list[int]:
    """How many answers each tested threshold accepts, from the first test on; no label is looked at.

    The strictest thresholds are the weakest tests: with few answers one error is too many, and it
    would end the search. So the first is one that is likely to pass if the probabilities are right, and
    errors are half as frequent as the limit at least: the surest are seldom as sure as they say.
    """
    # With fewer accepted answers than this not even none wrong would be a proof.
    wanted = math.ceil(math.log(delta) / math.log(1.0 - limit))
    sizes: list[int] = []
    for accepted in (*(np.flatnonzero(np.diff(ranked)) + 1), len(ranked)):
        if accepted >= wanted:
            sizes.append(int(accepted))
            wanted = accepted + _STEP
    if not sizes:
        return []
    counts = np.asarray(sizes)
    bearable = binom.ppf(delta, counts, limit) - 1
    chances = binom.cdf(bearable, counts, np.clip(doubt[counts - 1] / counts, limit / 2, 1.0))
    return sizes[int(np.argmax(chances >= _LIKELY * chances.max())) :]


def _fit(rows: Vector, right: npt.NDArray[np.bool_]) -> LogisticRegression:
    return LogisticRegression(C=_STRENGTH, max_iter=2_000).fit(rows, right)


def _rows(answers: Sequence[Answer], names: Sequence[str]) -> Vector:
    columns: Mapping[str, int] = {name: 1 + number for number, name in enumerate(names)}
    rows = np.zeros((len(answers), 1 + len(names)))
    for number, one in enumerate(answers):
        rows[number, 0] = logit(one.decision.confidence)
        for name, value in one.judged.signs.items():
            rows[number, columns[name]] = value
    return rows
