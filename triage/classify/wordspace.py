"""Words as columns: the stem of each word and the pieces of its spelling.

Enters words by field, leaves rows of weights. A word's columns never change, so each word is looked
up once and remembered: pieces of words (three to five letters), which find the same meaning through
slips, dialect and inflection, then cost hardly more than whole words. Weights are TF-IDF with
damped counts, every field and the pieces of length one apart (Manning et al. 2008, section 6.4).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import Stemmer

Matrix = npt.NDArray[np.float32]

PIECES = "pieces"
FIELDS = ("subject", "text", "signature", PIECES)
"""Blocks of columns in this order; ``pieces`` are those of subject and text."""

_SIZES = (3, 4, 5)
_HAN = re.compile(r"[\u3400-\u9fff]")
_LONGEST = 24
_REMEMBERED = 60_000
_EMPTY: npt.NDArray[np.int32] = np.zeros(0, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class FieldTerms:
    """Vocabulary of one block, sorted, and the inverse document frequency of each term."""

    terms: tuple[str, ...]
    idf: Matrix


@lru_cache(maxsize=_REMEMBERED)
def terms_of(block: str, word: str) -> tuple[str, ...]:
    """The terms of one folded word in a block; numbers are one term."""
    if word.isdecimal():
        return ("0",)
    if block != PIECES:
        return (_stemmer().stemWord(word),)
    if _HAN.search(word):
        return tuple(word[start : start + size] for size in (1, 2) for start in range(len(word) - size + 1))
    padded = f" {word[:_LONGEST]} "
    return tuple(
        padded[start : start + size] for size in _SIZES for start in range(len(padded) - size + 1) if size < len(padded)
    ) or (padded,)


class WordSpace:
    """Turns words into columns and weights, block after block. Safe to share between threads."""

    def __init__(self, fields: Mapping[str, FieldTerms]) -> None:
        self.width = 0
        self._blocks: list[tuple[str, int, dict[str, int], Matrix, dict[str, npt.NDArray[np.int32]]]] = []
        for name in FIELDS:
            known = fields[name]
            columns = {term: number for number, term in enumerate(known.terms)}
            self._blocks.append((name, self.width, columns, known.idf, {}))
            self.width += len(known.terms)

    def entries(self, words: Mapping[str, Sequence[str]]) -> tuple[npt.NDArray[np.int32], Matrix]:
        """Columns and weights of one message; ``words`` by field, of ``pieces`` too."""
        columns: list[npt.NDArray[np.int32]] = []
        weights: list[Matrix] = []
        for name, begin, known, idf, memory in self._blocks:
            met = [self._columns(name, word, known, memory) for word in words.get(name, ())]
            if not met:
                continue
            found, counts = np.unique(np.concatenate(met), return_counts=True)
            if not len(found):
                continue
            weight = (1.0 + np.log(counts)) * idf[found]
            columns.append(found + np.int32(begin))
            weights.append((weight / math.sqrt(float(weight @ weight))).astype(np.float32))
        if not columns:
            return _EMPTY, np.zeros(0, dtype=np.float32)
        return np.concatenate(columns), np.concatenate(weights)

    def knows(self, name: str, word: str) -> bool:
        """Whether a word of a block has a column."""
        return any(
            len(self._columns(block, word, known, memory)) > 0
            for block, _, known, _, memory in self._blocks
            if block == name
        )

    def sums_of(self, name: str, words: Sequence[str], values: Matrix) -> npt.NDArray[np.float64]:
        """For each word of a field the sum of ``values`` (one a column) over its columns, its pieces' included."""
        owners = np.arange(len(words))
        sums = np.zeros(len(words))
        for block, begin, known, _, memory in self._blocks:
            if words and (block == name or (block == PIECES and name in {"subject", "text"})):
                met = [self._columns(block, word, known, memory) for word in words]
                columns = np.concatenate(met) + np.int32(begin)
                sums += np.bincount(np.repeat(owners, [*map(len, met)]), values[columns], len(words))
        return sums

    def _columns(
        self, name: str, word: str, known: Mapping[str, int], memory: dict[str, npt.NDArray[np.int32]]
    ) -> npt.NDArray[np.int32]:
        found = memory.get(word)
        if found is None:
            if len(memory) > _REMEMBERED:
                memory.clear()  # a flood of invented words must not fill the memory
            columns = [known[term] for term in terms_of(name, word) if term in known]
            found = memory[word] = np.asarray(columns, dtype=np.int32)
        return found


@lru_cache(maxsize=1)
def _stemmer() -> Stemmer.Stemmer:
    return Stemmer.Stemmer("italian", 0)
