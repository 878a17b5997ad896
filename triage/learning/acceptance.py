"""When an answer may be trusted: one probability, and a threshold that keeps a promise.

Enters out-of-fold answers, leaves :class:`AcceptanceWeights`. A logistic model stacks the signs of
all heads (Wolpert 1992) into the probability that the destination is right; thresholds are chosen by
learn-then-test (Angelopoulos et al. 2021): a few thresholds, fixed beforehand by how many answers they
accept, are each tested with the exact binomial bound on the *accepted* answers, at a level divided by
their number (Bonferroni); the least one that passes is taken. Dangers are many times as frequent in
the training messages as in a mailbox, so thresholds are chosen on the messages of the natural mix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from triage.classify.acceptance import UNTAUGHT, AcceptanceWeights, logit
from triage.learning.answers import Answer

LIMITS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5)
"""Shares of wrong forwards for which a threshold is sought."""
DELTA = 0.05
"""The promise holds with probability 1 - DELTA over the choice of the calibration messages."""
_STRENGTH = 0.3
_STEPS = 20
_FOLDS = 5

Vector = npt.NDArray[np.float64]


def learn_acceptance(answers: Sequence[Answer], groups: Sequence[int]) -> AcceptanceWeights:
    """Weights from all answers; thresholds from probabilities that were themselves cross-fitted."""
    used = [number for number, one in enumerate(answers) if may_forward(one)]
    right = np.asarray([answers[number].right for number in used])
    kin = [groups[number] for number in used]
    if len(set(kin)) < _FOLDS or right.all() or not right.any():
        return UNTAUGHT
    names = tuple(sorted({name for number in used for name in answers[number].judged.signs}))
    rows = _rows([answers[number] for number in used], names)
    probabilities = np.zeros(len(used))
    for train, test in GroupKFold(n_splits=_FOLDS).split(rows, groups=kin):
        if right[train].all() or not right[train].any():
            return UNTAUGHT
        probabilities[test] = _fit(rows[train], right[train]).predict_proba(rows[test])[:, 1]
    natural = np.asarray([answers[number].example.natural for number in used])
    if not natural.any():
        natural[:] = True
    model = _fit(rows, right)
    weights = np.round(model.coef_[0][1:], 4)
    weights[names.index("b")] += np.round(model.intercept_[0], 4)
    found = [(limit, promised_threshold(probabilities[natural], right[natural], limit)) for limit in LIMITS]
    kept = [(limit, threshold) for limit, threshold in found if threshold is not None]
    # A laxer promise never asks for more than a stricter one.
    falling = [min(threshold for _, threshold in kept[: number + 1]) for number in range(len(kept))]
    return AcceptanceWeights(
        names,
        weights.astype(np.float32),
        float(np.round(model.coef_[0][0], 4)),
        tuple(limit for limit, _ in kept) or (0.0,),
        tuple(falling) or (1.1,),
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
    """The least threshold at which "more than ``limit`` are wrong" is rejected; None: at none.

    Tested are the thresholds that accept 5 %, 10 %, ... 100 % of the answers: they depend on the
    probabilities alone. Each has the p-value P(Binomial(accepted, limit) <= wrong) and is held
    against ``delta`` divided by their number, so the chance that any false one passes is below ``delta``.
    """
    order = np.argsort(-probabilities, kind="stable")
    wrong = np.cumsum(~right[order])
    ranked = probabilities[order]
    found: float | None = None
    for step in range(1, _STEPS + 1):
        threshold = float(np.floor(ranked[max(0, len(order) * step // _STEPS - 1)] * 1e4) / 1e4)
        accepted = int((ranked >= threshold).sum())
        if accepted and binom.cdf(wrong[accepted - 1], accepted, limit) <= delta / _STEPS:
            found = threshold
    return found


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
