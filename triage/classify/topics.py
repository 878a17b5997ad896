"""What do they want, and does a head see danger or a machine? The trained linear models.

Enters prepared texts (:class:`TopicText`), leaves probabilities and, for one topic, the words that
weighed. Places are masked before and people's names left out: no name can pull a topic or a danger. Nothing is
refused.

Features, fields apart: stems of subject, text and signature and pieces of words (``wordspace``),
concepts (``data/lexicon``), hand-chosen signs (``data/concepts.yaml``), the shape of the message, and
the urgency cues. What each of them earns is in ``models/training/README.md``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from triage.classify.acceptance import AcceptanceWeights
from triage.classify.concepts import DANGER, count_concepts
from triage.classify.lists import read_lists
from triage.classify.personal_names import personal_names
from triage.classify.phrases import PhraseBook, Words, cut
from triage.classify.territory import RankerWeights
from triage.classify.wordspace import PIECES, FieldTerms, Matrix, WordSpace
from triage.vocabulary import NOT_FOR_US


@dataclass(frozen=True, slots=True)
class TopicText:
    """One message made ready: folded and masked words by block, and what is no word (``extras``)."""

    words: Mapping[str, tuple[str, ...]]
    extras: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Head:
    """One linear model over the whole feature row; several outputs are a softmax, one a sigmoid."""

    coefficients: Matrix
    """Outputs by features."""
    intercepts: Matrix
    temperature: float


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
    places: RankerWeights
    acceptance: AcceptanceWeights


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

    def knows(self, word: str) -> bool:
        """Whether the model has met a folded word, in another form perhaps, in some letter's text, or it is a name."""
        return word in personal_names() or self._features.space.knows("text", word)

    def known_share(self, text: TopicText) -> float:
        """Share of the text's different words whose stem the model has met; 1 for no words."""
        words = set(text.words.get("text", ()))
        if not words:
            return 1.0
        return sum(self._features.space.knows("text", word) for word in words) / len(words)

    def weighty_words(
        self, text: TopicText, row: sp.csr_matrix, topic: int, most: int
    ) -> tuple[tuple[str, str, float], ...]:
        """(field, word, contribution) of the words and signs that pull most towards ``topic``, largest first."""
        coefficients = self.weights.topic.coefficients
        pulls = np.zeros(coefficients.shape[1], dtype=np.float32)
        columns = row.indices
        pulls[columns] = row.data * (coefficients[topic, columns] - coefficients[:, columns].mean(axis=0))
        space = self._features.space
        found: list[tuple[str, str, float]] = []
        for field in ("subject", "text"):
            words = [*dict.fromkeys(text.words.get(field, ()))]
            sums = space.sums_of(field, words, pulls)
            found += [(field, word, float(pull)) for word, pull in zip(words, sums, strict=True)]
        found += [
            ("extra", name, float(pulls[column]))
            for name in text.extras
            if name.startswith("sign:") and (column := self._features.extra_column(name)) >= 0
        ]
        found.sort(key=lambda item: (-item[2], item[0], item[1]))
        return tuple(item for item in found if item[2] > 0)[:most]


class Features:
    """Turns prepared texts into rows: word blocks in the order of FIELDS, then the extras."""

    def __init__(self, fields: Mapping[str, FieldTerms], extras: Sequence[str]) -> None:
        self.space = WordSpace(fields)
        self._extras = {name: self.space.width + number for number, name in enumerate(extras)}
        self._width = self.space.width + len(extras)

    def rows(self, texts: Sequence[TopicText]) -> sp.csr_matrix:
        columns: list[npt.NDArray[np.int32]] = []
        data: list[Matrix] = []
        ends = [0]
        for text in texts:
            found, weights = self.space.entries(text.words)
            extras = [(self._extras[name], value) for name, value in text.extras.items() if name in self._extras]
            columns += [found, np.asarray([column for column, _ in extras], dtype=np.int32)]
            data += [weights, np.asarray([value for _, value in extras], dtype=np.float32)]
            ends.append(ends[-1] + len(found) + len(extras))
        if not texts:
            return sp.csr_matrix((0, self._width), dtype=np.float32)
        return sp.csr_matrix(
            (np.concatenate(data), np.concatenate(columns), np.asarray(ends)), shape=(len(texts), self._width)
        )

    def extra_column(self, name: str) -> int:
        """Where a feature that is no word stands; -1 when the model does not know it."""
        return self._extras.get(name, -1)


def make_topic_text(
    texts: Mapping[str, str], language: str, shape: Mapping[str, float], cues: Mapping[str, float]
) -> TopicText:
    """``texts`` by field, folded and masked; ``shape`` such as ``words<=5``; ``cues`` of the danger lists."""
    features = {name: SCALES["shape"] * value for name, value in shape.items()}
    features.update({name: SCALES["cue"] * value for name, value in cues.items()})
    resembles: dict[str, float] = {}
    words: dict[str, tuple[str, ...]] = {}
    names = personal_names()
    for field, weight in _FIELD_WEIGHTS.items():
        found = cut(texts[field][:_READ])
        words[field] = tuple(word for word in found.words if _is_word(word) and word not in names)
        if field == "signature":
            _add_danger_aside(features, found, language)
        else:
            for concept, met in count_concepts(found, language).items():
                name = f"concept:{concept}"
                pull = SCALES["concept"] * math.log1p(met) * (1.5 if field == "subject" else 1.0)
                features[name] = features.get(name, 0.0) + pull
        for sign, _, _ in _found_signs(found):
            topic, _, name = sign.partition("/")
            key = f"sign@signature:{name}" if field == "signature" else f"sign:{name}"
            features[key] = max(features.get(key, 0.0), SCALES["sign"] * max(1.0, weight))
            resembles[topic] = resembles.get(topic, 0.0) + weight
    _add_danger_aside(features, cut(texts["quoted"]), language)
    for topic, count in resembles.items():
        features[f"resembles:{topic}"] = SCALES["resembles"] * math.log1p(count)
    words[PIECES] = words["subject"] + words["text"]
    return TopicText(words, features)


_READ = 12_000


def _is_word(word: str) -> bool:
    return len(word) > 1 or not word.isascii()


def _add_danger_aside(features: dict[str, float], words: Words, language: str) -> None:
    """A danger may stand in the postscript under the name, or in the writer's own earlier words."""
    for concept, met in count_concepts(words, language).items():
        if concept.startswith(DANGER):
            name = f"aside:{concept}"
            features[name] = features.get(name, 0.0) + SCALES["concept"] * math.log1p(met)


def find_signs(folded: str) -> tuple[tuple[str, int, int], ...]:
    """("topic/sign", start, end) of the hand-chosen signs in folded text."""
    return _found_signs(cut(folded[:_READ]))


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
    column = list(topics).index(NOT_FOR_US)
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
    raw = read_lists(path)
    return PhraseBook(
        (f"{topic}/{sign}", phrase)
        for topic, signs in raw.items()
        for sign, phrases in signs.items()
        for phrase in phrases
    )
