"""What do they want, and does a head see danger or a machine? The trained linear models.

Enters prepared texts (:class:`TopicText`), leaves probabilities and, for one topic, the words that
weighed. Places are masked before: no place's name can pull a topic. Nothing is refused.

Features, fields apart: words and word pairs of subject, text and signature (TF-IDF), hand-chosen
signs (``data/concepts.yaml``), the shape of the message, and the urgency cues. Character n-grams
were tried and did not earn their time (``models/training/README.md``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import yaml
from sklearn.feature_extraction.text import TfidfVectorizer

from triage.classify.concepts import count_concepts
from triage.classify.phrases import PhraseBook, Words, cut

FIELDS = ("subject", "text", "signature")
"""In this order the blocks of word features stand."""

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TopicText:
    """One message made ready: folded and masked texts by field, and what is no word (``extras``)."""

    subject: str
    text: str
    signature: str
    extras: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Head:
    """One linear model over the whole feature row; several outputs are a softmax, one a sigmoid."""

    coefficients: Matrix
    """Outputs by features."""
    intercepts: Matrix
    temperature: float


@dataclass(frozen=True, slots=True)
class FieldTerms:
    """Vocabulary of one field, sorted, and the inverse document frequency of each term."""

    terms: tuple[str, ...]
    idf: Matrix


@dataclass(frozen=True, slots=True)
class Weights:
    """Everything learnt. ``extras`` names the features that are no words, sorted."""

    topics: tuple[str, ...]
    fields: Mapping[str, FieldTerms]
    extras: tuple[str, ...]
    topic: Head
    urgent: Head
    urgent_threshold: float
    automatic: Head
    automatic_threshold: float


class TopicModel:
    """Applies :class:`Weights` to batches. Immutable once built; safe to share between threads."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self._features = Features(weights.fields, weights.extras)

    def rows(self, texts: Sequence[TopicText]) -> sp.csr_matrix:
        """The feature rows of a batch; the vectorisers run once for all of them."""
        return self._features.rows(texts)

    def topic_probabilities(self, rows: sp.csr_matrix) -> Matrix:
        """Messages by topics, rows sum to 1."""
        return softmax(_logits(self.weights.topic, rows))

    def urgent_probabilities(self, rows: sp.csr_matrix) -> Matrix:
        """Probability of danger for each message."""
        return sigmoid(_logits(self.weights.urgent, rows)[:, 0])

    def automatic_probabilities(self, rows: sp.csr_matrix) -> Matrix:
        """Probability that no person wrote it, as far as words and shape tell."""
        return sigmoid(_logits(self.weights.automatic, rows)[:, 0])

    def weighty_terms(self, row: sp.csr_matrix, topic: int, most: int) -> tuple[tuple[str, str, float], ...]:
        """(field, term, contribution) of the features that pull most towards ``topic``, largest first."""
        others = self.weights.topic.coefficients
        pulls = row.data * (others[topic, row.indices] - others[:, row.indices].mean(axis=0))
        order = np.lexsort((row.indices, -pulls))
        named = ((*self._features.name(int(row.indices[position])), float(pulls[position])) for position in order)
        return tuple(item for item in named if item[2] > 0)[:most]


class Features:
    """Turns prepared texts into rows: word blocks in the order of FIELDS, then the extras."""

    def __init__(self, fields: Mapping[str, FieldTerms], extras: Sequence[str]) -> None:
        self._vectorizers: dict[str, TfidfVectorizer] = {}
        self._terms: list[tuple[str, str]] = []
        for field in FIELDS:
            known = fields[field]
            self._terms.extend((field, term) for term in known.terms)
            if known.terms:
                vectorizer = TfidfVectorizer(
                    analyzer=analyse,
                    vocabulary={term: number for number, term in enumerate(known.terms)},
                    sublinear_tf=True,
                    dtype=np.float32,
                )
                vectorizer.idf_ = known.idf
                self._vectorizers[field] = vectorizer
        self._extras = {name: number for number, name in enumerate(extras)}
        self._terms.extend(("extra", name) for name in extras)

    def rows(self, texts: Sequence[TopicText]) -> sp.csr_matrix:
        blocks = [
            vectorizer.transform([getattr(text, field) for text in texts])
            for field, vectorizer in self._vectorizers.items()
        ]
        blocks.append(self._extra_rows(texts))
        return sp.hstack(blocks, format="csr", dtype=np.float32)

    def name(self, column: int) -> tuple[str, str]:
        """(field, term) of a column."""
        return self._terms[column]

    def _extra_rows(self, texts: Sequence[TopicText]) -> sp.csr_matrix:
        data: list[float] = []
        columns: list[int] = []
        ends = [0]
        for text in texts:
            for name, value in text.extras.items():
                column = self._extras.get(name)
                if column is not None:
                    columns.append(column)
                    data.append(value)
            ends.append(len(columns))
        return sp.csr_matrix(
            (np.asarray(data, dtype=np.float32), np.asarray(columns, dtype=np.int32), np.asarray(ends, dtype=np.int32)),
            shape=(len(texts), len(self._extras)),
        )


def analyse(folded: str) -> list[str]:
    """Words and word pairs of folded text; single letters are dropped, numbers become one sign."""
    words = ["0" if word.isdecimal() else word for word in WORD.findall(folded)]
    return words + [f"{first} {second}" for first, second in pairwise(words)]


WORD = re.compile(r"[^\W_]{2,}")


def make_topic_text(
    texts: Mapping[str, str], language: str, shape: Mapping[str, float], cues: Mapping[str, float]
) -> TopicText:
    """``texts`` by field, folded and masked; ``shape`` such as ``words<=5``; ``cues`` of the danger lists."""
    features = {name: SCALES["shape"] * value for name, value in shape.items()}
    features.update({name: SCALES["cue"] * value for name, value in cues.items()})
    resembles: dict[str, float] = {}
    for field, weight in _FIELD_WEIGHTS.items():
        words = cut(texts[field][:12_000])
        if field != "signature":
            for concept, met in count_concepts(words, language).items():
                name = f"concept:{concept}"
                pull = SCALES["concept"] * math.log1p(met) * (1.5 if field == "subject" else 1.0)
                features[name] = features.get(name, 0.0) + pull
        for sign, _, _ in _found_signs(words):
            topic, _, name = sign.partition("/")
            key = f"sign@signature:{name}" if field == "signature" else f"sign:{name}"
            features[key] = max(features.get(key, 0.0), SCALES["sign"] * max(1.0, weight))
            resembles[topic] = resembles.get(topic, 0.0) + weight
    for topic, count in resembles.items():
        features[f"resembles:{topic}"] = SCALES["resembles"] * math.log1p(count)
    return TopicText(texts["subject"], texts["text"], texts["signature"], features)


def find_signs(folded: str) -> tuple[tuple[str, int, int], ...]:
    """("topic/sign", start, end) of the hand-chosen signs in folded text."""
    return _found_signs(cut(folded[:12_000]))


def _found_signs(words: Words) -> tuple[tuple[str, int, int], ...]:
    return tuple((match.key, match.start, match.end) for match in _signs().find(words))


SCALES = {"concept": 0.4, "shape": 0.25, "cue": 0.25, "sign": 0.3, "resembles": 0.6}
"""How far each kind of feature may pull, beside word blocks of length 1."""

_FIELD_WEIGHTS = {"subject": 2.0, "text": 1.0, "signature": 0.5}


def softmax(logits: Matrix) -> Matrix:
    """Row-wise; stable for large values."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), dtype=np.float32)


def sigmoid(logits: Matrix) -> Matrix:
    """Element-wise; stable for large values."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)), dtype=np.float32)


def favour_not_for_us(probabilities: Matrix, rows: Sequence[int], topics: Sequence[str]) -> Matrix:
    """For these rows ``non_pertinente`` gets at least ``SURE``; the others keep their proportions.

    Reports, receipts and automatic replies quote what they are about, so their words mislead.
    """
    result = probabilities.copy()
    column = list(topics).index("non_pertinente")
    for row in rows:
        if result[row, column] < SURE:
            result[row] *= (1.0 - SURE) / (1.0 - result[row, column])
            result[row, column] = SURE
    return result


SURE = 0.98


def _logits(head: Head, rows: sp.csr_matrix) -> Matrix:
    product = np.asarray(rows @ head.coefficients.T, dtype=np.float32)
    return np.asarray((product + head.intercepts) / head.temperature, dtype=np.float32)


@lru_cache(maxsize=1)
def _signs() -> PhraseBook:
    path = Path(__file__).parent / "data" / "concepts.yaml"
    # BaseLoader builds nothing but text, lists and mappings: "no" stays a word, "104" too.
    raw = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    return PhraseBook(
        (f"{topic}/{sign}", phrase)
        for topic, signs in raw.items()
        for sign, phrases in signs.items()
        for phrase in phrases
    )
