"""Phrase lists that a person who does not program can read, correct and sign.

Enters: phrases in a small notation, and folded text. Leaves: where which phrase stands. Refused,
with :class:`PhraseError`: a phrase that could match anything.

The notation, word by word: ``picchia*`` begins with; ``picchia/mena`` one or the other; ``...``
up to four words between, never over the end of a sentence; ``mi?`` may be missing. Accents and
capitals do not matter. Scripts that do not mark words with spaces, or whose vowel signs are no
letters for Python (Han, Gurmukhi, Devanagari, Bengali), are searched as plain characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import ahocorasick

_GAP = "..."
_SEPARATOR = r"[^\w.!?]{1,4}"
_GAP_PATTERN = r"(?:[^\w.!?]{1,4}\w+){0,4}?"
_UNSPACED = re.compile("[\u0900-\u0aff\u3040-\u30ff\u3400-\u9fff]")


class PhraseError(ValueError):
    """A phrase that cannot be used; the text names the phrase, which is ours and no mail content."""


@dataclass(frozen=True, slots=True)
class PhraseMatch:
    """One phrase found: its key and its offsets in the text that was searched."""

    key: str
    start: int
    end: int


class PhraseBook:
    """Many phrases searched at once: one pass finds the fixed parts, few patterns are then tried."""

    def __init__(self, entries: Iterable[tuple[str, str]]) -> None:
        """``entries`` are (key, phrase); a key may return. Raises :class:`PhraseError`."""
        self._patterns: list[tuple[str, re.Pattern[str]]] = []
        by_anchor: dict[str, list[int]] = {}
        for key, phrase in entries:
            pattern, anchors = _compile(phrase)
            for anchor in anchors:
                by_anchor.setdefault(anchor, []).append(len(self._patterns))
            self._patterns.append((key, pattern))
        self._automaton = ahocorasick.Automaton()
        for anchor, numbers in by_anchor.items():
            self._automaton.add_word(anchor, tuple(numbers))
        self._empty = not by_anchor
        if not self._empty:
            self._automaton.make_automaton()

    def find(self, folded: str) -> tuple[PhraseMatch, ...]:
        """All matches in text that went through :func:`fold`, in order of place, then key."""
        if self._empty or not folded:
            return ()
        numbers = {number for _, group in self._automaton.iter(folded) for number in group}
        found = {
            PhraseMatch(key, match.start(), match.end())
            for key, pattern in (self._patterns[number] for number in numbers)
            for match in pattern.finditer(folded)
        }
        return tuple(sorted(found, key=lambda match: (match.start, match.end, match.key)))


class _FoldTable(dict[int, str]):
    """Filled as characters are met: one character in, exactly one out, so that offsets hold."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        base = unicodedata.normalize("NFKD", character)[:1] or character
        lowered = base.lower()
        result = _ALIKE.get(lowered, lowered if len(lowered) == 1 else base)
        self[code] = result
        return result


_ALIKE = {"’": "'", "‘": "'", "`": "'", "´": "'", "ʼ": "'", "“": '"', "”": '"', "«": '"', "»": '"', "\u00a0": " "}
_TABLE = _FoldTable()


def fold(text: str) -> str:
    """Lower case without accents, straight quotes; the same length as ``text``, so offsets agree."""
    # A message that mixes all of Unicode must not make the table grow without limit.
    if len(_TABLE) > 20_000:
        _TABLE.clear()
    return text.translate(_TABLE)


def _compile(phrase: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    slots = fold(phrase).split()
    if not slots or slots[0] == _GAP or slots[0].endswith("?") or slots[-1] == _GAP:
        raise PhraseError(f"phrase must begin and end with a word: {phrase!r}")
    spaced = not _UNSPACED.search(phrase)
    pieces: list[str] = []
    anchors: tuple[str, ...] = ()
    for position, slot in enumerate(slots):
        if slot == _GAP:
            pieces.append(_GAP_PATTERN if spaced else r".{0,12}?")
            continue
        optional = slot.endswith("?")
        words = slot.removesuffix("?").split("/")
        if not all(word.strip("*") for word in words):
            raise PhraseError(f"empty alternative in phrase {phrase!r}")
        piece = _slot_pattern(words, spaced=spaced)
        separator = "" if position == 0 else (_SEPARATOR if spaced else r"\s*")
        pieces.append(f"(?:{separator}{piece})?" if optional else separator + piece)
        if not optional:
            bare = tuple(word.strip("*") for word in words)
            if min(map(len, bare)) > min(map(len, anchors), default=0):
                anchors = bare
    if spaced and min(map(len, anchors), default=0) < 2:
        raise PhraseError(f"phrase is too short to search for: {phrase!r}")
    return re.compile("".join(pieces)), anchors


def _slot_pattern(words: list[str], *, spaced: bool) -> str:
    if not spaced:
        return "(?:" + "|".join(re.escape(word.strip("*")) for word in words) + ")"
    patterns = []
    for word in words:
        before = r"\w*" if word.startswith("*") else ""
        after = r"\w*" if word.endswith("*") else ""
        patterns.append(rf"\b{before}{re.escape(word.strip('*'))}{after}\b")
    return "(?:" + "|".join(patterns) + ")"
