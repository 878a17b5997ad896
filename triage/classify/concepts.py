"""What a message speaks of, as concepts: meanings that many words share.

Enters folded text cut into words, leaves how often each concept is met. "Non dorme", "notti in
bianco" and "si sveglia ogni ora" are one concept, so a model that has seen one knows the others. The
lists (``data/lexicon/*.yaml``) were written by hand from knowledge of the language, never from the
training messages; each file is one area in one language, and a foreign list is read only where its
language is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from triage.classify.lists import read_lists
from triage.classify.phrases import PhraseBook, PhraseMatch, Words

_FOLDER = Path(__file__).parent / "data" / "lexicon"


def count_concepts(words: Words, language: str) -> Mapping[str, int]:
    """How often each concept is met; overlapping phrases of one concept count once."""
    counts: dict[str, int] = {}
    reached: dict[str, int] = {}
    for match in find_concepts(words, language):
        if match.start >= reached.get(match.key, 0):
            counts[match.key] = counts.get(match.key, 0) + 1
            reached[match.key] = match.end
    return counts


DANGER = "pericolo/"
"""Concepts of danger begin so."""


def find_concepts(words: Words, language: str) -> tuple[PhraseMatch, ...]:
    """Where which concept stands, in order of place."""
    found = _book("it").find(words)
    if language != "it" and language in languages():
        found = tuple(sorted({*found, *_book(language).find(words)}))
    return found


@lru_cache(maxsize=1)
def languages() -> frozenset[str]:
    """Languages that have lists."""
    return frozenset(path.stem.rpartition("_")[2] for path in _FOLDER.glob("*.yaml"))


@lru_cache(maxsize=32)
def _book(language: str) -> PhraseBook:
    entries: list[tuple[str, str]] = []
    for path in sorted(_FOLDER.glob(f"*_{language}.yaml")):
        raw = read_lists(path)
        entries.extend((concept, phrase) for concept, phrases in raw.items() for phrase in phrases)
    return PhraseBook(entries)
