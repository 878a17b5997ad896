"""Name lists and cues. ``data/README.md`` says where each comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from triage.classify.folding import fold
from triage.classify.lists import read_lists

_DATA = Path(__file__).parent / "data"


@lru_cache(maxsize=1)
def first_names() -> frozenset[str]:
    """First names of many countries, folded."""
    return _words("first_names.txt")


@lru_cache(maxsize=1)
def surnames() -> frozenset[str]:
    """Surnames, folded."""
    return _words("surnames.txt")


@lru_cache(maxsize=1)
def ordinary_words() -> frozenset[str]:
    """Words that families write with a small letter, folded: no names, unless something says so."""
    return _words("ordinary_words.txt")


@lru_cache(maxsize=16)
def cue_words(name: str) -> frozenset[str]:
    """One list of the cues, folded."""
    return frozenset(fold(word) for word in _cues()[name])


@lru_cache(maxsize=16)
def cue_pattern(name: str) -> re.Pattern[str]:
    """Any of a list's cues as whole words in folded text, the longest first."""
    words = sorted(cue_words(name), key=len, reverse=True)
    return re.compile(r"(?<![^\W_])(?:" + "|".join(map(re.escape, words)) + r")(?![^\W_])")


@lru_cache(maxsize=1)
def _cues() -> Mapping[str, list[str]]:
    raw = read_lists(_DATA / "cues.yaml")
    return {str(name): [str(word) for word in words] for name, words in raw.items()}


def _words(name: str) -> frozenset[str]:
    return frozenset(fold(word) for word in (_DATA / name).read_text(encoding="utf-8").split())
