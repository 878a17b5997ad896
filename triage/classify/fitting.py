"""Fits the linear models to prepared examples, and says out of fold how well they do.

Enters prepared texts with labels and groups, leaves ``Weights`` and the out-of-fold logits. Nothing
here reads a file or a clock, and every order is fixed: the same examples give the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from triage.classify.topics import (
    FIELDS,
    Features,
    FieldTerms,
    Head,
    Matrix,
    TopicText,
    Weights,
    analyse,
)
from triage.vocabulary import TOPICS

Progress = Callable[[int, int, str], None]
"""Called with steps done, steps in all, and what comes next."""

FOLDS = 5
TOPIC_STRENGTH = 0.5
HEAD_STRENGTH = 1.0
"""Inverse regularisation; chosen once out of fold among 0.25, 0.5, 1, 2 and 4."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One prepared example with its labels; ``group`` is shared by kindred messages."""

    text: TopicText
    topic: str
    urgent: bool
    automatic: bool
    writer: str
    group: int


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """What models said of messages whose group they never saw. Rows follow the examples."""

    topic_logits: Matrix
    urgent_logits: Matrix
    automatic_logits: Matrix


def group_kindred(writers: Sequence[str], situations: Sequence[str]) -> tuple[int, ...]:
    """Numbers such that messages of one writer, or of one situation, share theirs, also by chains."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    pairs = [(f"w:{writer}", f"s:{situation}") for writer, situation in zip(writers, situations, strict=True)]
    for writer, situation in pairs:
        first, second = sorted((root(writer), root(situation)))
        parent[second] = first
    numbers: dict[str, int] = {}
    return tuple(numbers.setdefault(root(writer), len(numbers)) for writer, _ in pairs)


def fewest_writers(writers: int) -> int:
    """How many writers must have used a term before it may enter the vocabulary.

    Three, so that no term gives one person away (design, decision 12) and none is one writer's
    mannerism. With fewer than twelve writers that would leave hardly any words, so the first
    models, which know invented writers only, ask for two, or with fewer than four for one.
    """
    if writers >= 12:
        return 3
    return 2 if writers >= 4 else 1


def fit(examples: Sequence[Labelled]) -> Weights:
    """Weights with temperatures of 1 and thresholds of 0.5; :func:`calibrate` sets those."""
    fields = {field: _learn_terms(examples, field) for field in FIELDS}
    extras = _learn_extras(examples)
    rows = Features(fields, extras).rows([example.text for example in examples])
    topic = _fit_topics(rows, [TOPICS.index(example.topic) for example in examples])
    urgent = _fit_binary(rows, [example.urgent for example in examples])
    automatic = _fit_binary(rows, [example.automatic for example in examples])
    return Weights(TOPICS, fields, extras, topic, urgent, 0.5, automatic, 0.5)


def cross_validate(examples: Sequence[Labelled], progress: Progress) -> OutOfFold:
    """Fit on the other groups, speak about each. Vocabulary and weights are learnt inside each fold."""
    count = len(examples)
    topic = np.zeros((count, len(TOPICS)), dtype=np.float32)
    urgent = np.zeros(count, dtype=np.float32)
    automatic = np.zeros(count, dtype=np.float32)
    groups = [example.group for example in examples]
    folds = min(FOLDS, len(set(groups)))
    if folds < 2:
        raise ValueError("training needs messages of at least two writers, to test on one what the other taught")
    for number, (train, test) in enumerate(GroupKFold(n_splits=folds).split(groups, groups=groups)):
        progress(number, folds + 1, "cross-validation")
        weights = fit([examples[position] for position in train])
        rows = Features(weights.fields, weights.extras).rows([examples[position].text for position in test])
        topic[test] = rows @ weights.topic.coefficients.T + weights.topic.intercepts
        urgent[test] = (rows @ weights.urgent.coefficients.T + weights.urgent.intercepts)[:, 0]
        automatic[test] = (rows @ weights.automatic.coefficients.T + weights.automatic.intercepts)[:, 0]
    return OutOfFold(topic, urgent, automatic)


def calibrate(weights: Weights, examples: Sequence[Labelled], seen: OutOfFold) -> Weights:
    """Temperatures and thresholds from the out-of-fold logits."""
    topics = np.asarray([TOPICS.index(example.topic) for example in examples])
    temperature = _best_temperature(seen.topic_logits, topics)
    urgent = np.asarray([example.urgent for example in examples])
    automatic = np.asarray([example.automatic for example in examples])
    # A danger missed weighs far more than a message read in vain; a person taken for a machine gets
    # no acknowledgement and waits in another list, so there the balance is the other way round.
    urgent_threshold = _cheapest_threshold(_probability(seen.urgent_logits), urgent, miss=_MISS, alarm=1.0)
    automatic_threshold = _cheapest_threshold(_probability(seen.automatic_logits), automatic, miss=1.0, alarm=4.0)
    return replace(
        weights,
        topic=replace(weights.topic, temperature=temperature),
        urgent_threshold=urgent_threshold,
        automatic_threshold=automatic_threshold,
    )


_MISS = 6.0


def _learn_terms(examples: Sequence[Labelled], field: str) -> FieldTerms:
    writers_of: dict[str, set[str]] = {}
    frequency: dict[str, int] = {}
    for example in examples:
        for term in set(analyse(getattr(example.text, field))):
            writers_of.setdefault(term, set()).add(example.writer)
            frequency[term] = frequency.get(term, 0) + 1
    needed = fewest_writers(len({example.writer for example in examples}))
    terms = tuple(sorted(term for term, writers in writers_of.items() if len(writers) >= needed))
    count = len(examples)
    idf = [math.log((1 + count) / (1 + frequency[term])) + 1.0 for term in terms]
    return FieldTerms(terms, np.asarray(idf, dtype=np.float32))


def _learn_extras(examples: Sequence[Labelled]) -> tuple[str, ...]:
    return tuple(sorted({name for example in examples for name in example.text.extras}))


def _fit_topics(rows: sp.csr_matrix, targets: Sequence[int]) -> Head:
    """A topic that no example has keeps a very low, finite score: never likely, never impossible."""
    present = sorted(set(targets))
    coefficients = np.zeros((len(TOPICS), rows.shape[1]), dtype=np.float64)
    intercepts = np.full(len(TOPICS), -8.0)
    if len(present) == 1:
        intercepts[present[0]] = 0.0
        return _head(coefficients, intercepts)
    model = LogisticRegression(C=TOPIC_STRENGTH, class_weight="balanced", max_iter=2_000)
    model.fit(rows, np.asarray(targets))
    if len(present) == 2:
        coefficients[present[0]], coefficients[present[1]] = -model.coef_[0] / 2, model.coef_[0] / 2
        intercepts[present[0]], intercepts[present[1]] = -model.intercept_[0] / 2, model.intercept_[0] / 2
    else:
        coefficients[present], intercepts[present] = model.coef_, model.intercept_
    return _head(coefficients, intercepts)


def _fit_binary(rows: sp.csr_matrix, targets: Sequence[bool]) -> Head:
    if len(set(targets)) < 2:
        return _head(np.zeros((1, rows.shape[1])), np.asarray([8.0 if all(targets) else -8.0]))
    model = LogisticRegression(C=HEAD_STRENGTH, class_weight="balanced", max_iter=2_000)
    model.fit(rows, np.asarray(targets))
    return _head(model.coef_, model.intercept_)


def _head(coefficients: npt.NDArray[np.float64], intercepts: npt.NDArray[np.float64]) -> Head:
    # Four decimals: the last bits of a fit depend on the processor, the artefact should not.
    return Head(np.round(coefficients, 4).astype(np.float32), np.round(intercepts, 4).astype(np.float32), 1.0)


def _best_temperature(logits: Matrix, topics: npt.NDArray[np.int_]) -> float:
    """The divisor of the logits with the least log-loss, to two decimals."""

    def loss(temperature: float) -> float:
        scaled = logits.astype(np.float64) / temperature
        shifted = scaled - scaled.max(axis=1, keepdims=True)
        chosen = shifted[np.arange(len(topics)), topics]
        return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - chosen))

    return min((step / 100 for step in range(20, 401)), key=lambda value: (round(loss(value), 9), value))


def _probability(logits: Matrix) -> npt.NDArray[np.float64]:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits.astype(np.float64))))


def _cheapest_threshold(
    probabilities: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_], *, miss: float, alarm: float
) -> float:
    def cost(threshold: float) -> float:
        raised = probabilities >= threshold
        return miss * float((truth & ~raised).sum()) + alarm * float((~truth & raised).sum())

    return min((step / 100 for step in range(5, 100)), key=lambda value: (cost(value), -value))
