"""Fits the linear models to prepared examples, and says out of fold how well they do.

Enters prepared texts with labels and groups, leaves ``Weights`` and the out-of-fold logits. Nothing
here reads a file or a clock, and every order is fixed: the same examples give the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

from triage.classify.acceptance import UNTAUGHT
from triage.classify.prepare import without_machine
from triage.classify.territory.ranking import NO_PLACES
from triage.classify.topics import Features, Head, TopicText, Weights
from triage.classify.wordspace import FIELDS, FieldTerms, Matrix, terms_of
from triage.vocabulary import TOPICS

FOLDS = 5
TOPIC_STRENGTH = 2.0
HEAD_STRENGTH = 4.0
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
class Topical:
    """A prepared message of which only the topic is known."""

    text: TopicText
    topic: str
    writer: str


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """What models said of messages whose group they never saw. Rows follow the examples."""

    topic_logits: Matrix
    urgent_logits: Matrix
    automatic_logits: Matrix

    @classmethod
    def empty(cls, count: int) -> OutOfFold:
        """Room for ``count`` examples."""
        return cls(
            np.zeros((count, len(TOPICS)), dtype=np.float32),
            np.zeros(count, dtype=np.float32),
            np.zeros(count, dtype=np.float32),
        )


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


def repeated(positions: Sequence[int], times: Sequence[int]) -> list[int]:
    """Each position as often as it counts."""
    return [int(position) for position in positions for _ in range(times[position])]


def shuffled(count: int, seed: int) -> list[int]:
    """An order of ``count`` positions that depends on the seed alone."""
    return [int(position) for position in np.random.default_rng(seed).permutation(count)]


def fewest_writers(writers: int) -> int:
    """How many writers must have used a term before it may enter the vocabulary.

    Three, so that no term gives one person away (design, decision 12) and none is one writer's
    mannerism. With fewer than twelve writers that would leave hardly any words, so the first
    models, which know invented writers only, ask for two, or with fewer than four for one.
    """
    if writers >= 12:
        return 3
    return 2 if writers >= 4 else 1


def fit(examples: Sequence[Labelled], settled: Sequence[Topical] = ()) -> Weights:
    """Weights with temperatures of 1 and thresholds of 0.5; :func:`calibrate` sets the topics' temperature and those.

    ``settled`` teach words and topics alone: a person who settles a message does not say whether there was danger.
    """
    every: list[Labelled | Topical] = [*examples, *settled]
    fields = {field: _learn_terms(every, field) for field in FIELDS}
    extras = _learn_extras(every)
    features = Features(fields, extras)
    rows = features.rows([example.text for example in examples])
    more = features.rows([one.text for one in settled])
    topic = _fit_topics(sp.vstack([rows, more]), [TOPICS.index(one.topic) for one in every])
    # The classifier also reads a machine's words as if a person had sent them: most of those, too, are harmless.
    machines = [example for example in examples if example.automatic]
    bare = features.rows([without_machine(example.text) for example in machines])
    urgent = _fit_binary(sp.vstack([rows, bare]), [example.urgent for example in (*examples, *machines)])
    automatic = _fit_binary(rows, [example.automatic for example in examples])
    return Weights(TOPICS, fields, extras, topic, urgent, 0.5, automatic, 0.5, NO_PLACES, UNTAUGHT)


def logits(weights: Weights, examples: Sequence[Labelled], into: OutOfFold, places: Sequence[int]) -> None:
    """What ``weights`` say of ``examples``, written to the rows ``places`` of ``into``."""
    rows = Features(weights.fields, weights.extras).rows([example.text for example in examples])
    into.topic_logits[places] = rows @ weights.topic.coefficients.T + weights.topic.intercepts
    into.urgent_logits[places] = (rows @ weights.urgent.coefficients.T + weights.urgent.intercepts)[:, 0]
    into.automatic_logits[places] = (rows @ weights.automatic.coefficients.T + weights.automatic.intercepts)[:, 0]


def calibrate(weights: Weights, examples: Sequence[Labelled], seen: OutOfFold) -> Weights:
    """The topics' temperature and the two thresholds, from the out-of-fold logits."""
    topics = np.asarray([TOPICS.index(example.topic) for example in examples])
    temperature = _best_temperature(seen.topic_logits, topics)
    urgent = np.asarray([example.urgent for example in examples])
    automatic = np.asarray([example.automatic for example in examples])
    # As many dangers as can be found at the false alarms that people bear; a person taken for a machine
    # gets no acknowledgement and waits in another list, so there an error costs more than a miss.
    urgent_threshold = _bearable_threshold(_probability(seen.urgent_logits), urgent, URGENT_FALSE_ALARMS)
    automatic_threshold = _cheapest_threshold(_probability(seen.automatic_logits), automatic, miss=1.0, alarm=4.0)
    return replace(
        weights,
        topic=replace(weights.topic, temperature=temperature),
        urgent_threshold=urgent_threshold,
        automatic_threshold=automatic_threshold,
    )


URGENT_FALSE_ALARMS = 0.05
"""Share of the harmless training messages that may be raised; near misses are many times as frequent
there as in a mailbox, where the share is therefore smaller (see the report's natural batches)."""


def _learn_terms(examples: Sequence[Labelled | Topical], field: str) -> FieldTerms:
    writers_of: dict[str, set[str]] = {}
    frequency: dict[str, int] = {}
    for example in examples:
        for term in {term for word in set(example.text.words.get(field, ())) for term in terms_of(field, word)}:
            writers_of.setdefault(term, set()).add(example.writer)
            frequency[term] = frequency.get(term, 0) + 1
    needed = fewest_writers(len({example.writer for example in examples}))
    terms = tuple(sorted(term for term, writers in writers_of.items() if len(writers) >= needed))
    count = len(examples)
    idf = [math.log((1 + count) / (1 + frequency[term])) + 1.0 for term in terms]
    return FieldTerms(terms, np.asarray(idf, dtype=np.float32))


def _learn_extras(examples: Sequence[Labelled | Topical]) -> tuple[str, ...]:
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


def _bearable_threshold(probabilities: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_], bearable: float) -> float:
    """The least threshold, to two decimals, that raises at most this share of the harmless ones."""
    harmless = probabilities[~truth]
    if not len(harmless):
        return 0.5
    return next((step / 100 for step in range(5, 100) if float((harmless >= step / 100).mean()) <= bearable), 0.99)


def _cheapest_threshold(
    probabilities: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_], *, miss: float, alarm: float
) -> float:
    def cost(threshold: float) -> float:
        raised = probabilities >= threshold
        return miss * float((truth & ~raised).sum()) + alarm * float((~truth & raised).sum())

    return min((step / 100 for step in range(5, 100)), key=lambda value: (cost(value), -value))
