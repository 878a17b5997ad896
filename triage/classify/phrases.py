"""Phrase lists that a person who does not program can read, correct and sign.

Enters: phrases in a small notation, and folded text. Leaves: where which phrase stands. Refused,
with :class:`PhraseError`: a phrase that could match anything.

The notation, word by word: ``picchia*`` begins with; ``*mente`` ends with; ``picchia/mena`` one or
the other; ``...`` up to four words between, never over the end of a sentence; ``mi?`` may be
missing. Accents and capitals do not matter; an apostrophe ends a word. Scripts that do not mark
words with spaces, or whose vowel signs are no letters for Python (Han, Gurmukhi, Devanagari,
Bengali), are searched as plain characters.

How it is fast: the text is cut into words once (:func:`cut`), each phrase waits at its most telling
word, and only phrases whose word is met are tried. The cost follows the text, not the lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import ahocorasick

from triage.classify.folding import fold

_GAP = "..."
_GAP_WORDS = 4
_UNSPACED = re.compile("[\u0900-\u0aff\u3040-\u30ff\u3400-\u9fff]")
_WORD = re.compile(r"\w+")
_BREAK = re.compile(r"[.!?]")
_SEPARATOR_LENGTH = 4


class PhraseError(ValueError):
    """A phrase that cannot be used; the text names the phrase, which is ours and no mail content."""


@dataclass(frozen=True, slots=True)
class PhraseMatch:
    """One phrase found: its key and its offsets in the text that was searched."""

    key: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Words:
    """Folded text cut into words. ``joined[i]``: nothing but a short gap without .!? before word i."""

    folded: str
    words: tuple[str, ...]
    starts: tuple[int, ...]
    joined: tuple[bool, ...]


def cut(folded: str) -> Words:
    """Cut text that went through :func:`fold` into words, for any number of books."""
    words: list[str] = []
    starts: list[int] = []
    joined: list[bool] = []
    end = -1
    for match in _WORD.finditer(folded):
        start = match.start()
        words.append(match.group())
        starts.append(start)
        joined.append(end >= 0 and start - end <= _SEPARATOR_LENGTH and not _BREAK.search(folded, end, start))
        end = match.end()
    return Words(folded, tuple(words), tuple(starts), tuple(joined))


@dataclass(frozen=True, slots=True)
class _Slot:
    """What may stand at one place of a phrase."""

    exact: frozenset[str]
    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]
    inner: tuple[str, ...]
    optional: bool
    gap: bool
    """Up to four other words may come before it."""

    def fits(self, word: str) -> bool:
        return (
            word in self.exact
            or (bool(self.prefixes) and word.startswith(self.prefixes))
            or (bool(self.suffixes) and word.endswith(self.suffixes))
            or any(part in word for part in self.inner)
        )

    def weakest(self) -> int:
        """Letters of its shortest alternative: how telling it is."""
        return min(len(word) for word in (*self.exact, *self.prefixes, *self.suffixes, *self.inner))


@dataclass(frozen=True, slots=True)
class _Sequence:
    key: str
    slots: tuple[_Slot, ...]
    anchor: int


class PhraseBook:
    """Many phrases searched at once."""

    def __init__(self, entries: Iterable[tuple[str, str]]) -> None:
        """``entries`` are (key, phrase); a key may return. Raises :class:`PhraseError`."""
        self._exact: dict[str, list[_Sequence]] = {}
        self._prefix: dict[str, list[_Sequence]] = {}
        self._parts: list[tuple[str, _Sequence]] = []
        plain: list[tuple[str, re.Pattern[str], str]] = []
        for key, phrase in entries:
            if _UNSPACED.search(phrase):
                plain.append((key, *_plain_pattern(phrase)))
            else:
                for sequence in _sequences(key, phrase):
                    self._index(sequence)
        self._lengths = sorted({len(prefix) for prefix in self._prefix})
        self._plain = _PlainBook(plain)

    def find(self, text: str | Words) -> tuple[PhraseMatch, ...]:
        """All matches in text that went through :func:`fold`, in order of place, then key."""
        cut_text = cut(text) if isinstance(text, str) else text
        found = set(self._plain.find(cut_text.folded))
        for position, word in enumerate(cut_text.words):
            for sequence in self._waiting(word):
                place = _try(sequence, cut_text, position)
                if place is not None:
                    first, last = place
                    end = cut_text.starts[last] + len(cut_text.words[last])
                    found.add(PhraseMatch(sequence.key, cut_text.starts[first], end))
        return tuple(sorted(found, key=lambda match: (match.start, match.end, match.key)))

    def _index(self, sequence: _Sequence) -> None:
        slot = sequence.slots[sequence.anchor]
        for word in slot.exact:
            self._exact.setdefault(word, []).append(sequence)
        for prefix in slot.prefixes:
            self._prefix.setdefault(prefix, []).append(sequence)
        self._parts.extend((part, sequence) for part in (*slot.suffixes, *slot.inner))

    def _waiting(self, word: str) -> Iterator[_Sequence]:
        yield from self._exact.get(word, ())
        length = len(word)
        for size in self._lengths:
            if size > length:
                break
            yield from self._prefix.get(word[:size], ())
        for part, sequence in self._parts:
            if part in word and sequence.slots[sequence.anchor].fits(word):
                yield sequence


def _try(sequence: _Sequence, text: Words, position: int) -> tuple[int, int] | None:
    """First and last word of the phrase whose anchor stands at ``position``, or None."""
    slots, anchor = sequence.slots, sequence.anchor
    if len(slots) == 1:
        return position, position
    first = _backward(slots, anchor - 1, slots[anchor].gap, text, position)
    if first is None:
        return None
    last = _forward(slots, anchor + 1, text, position)
    return None if last is None else (first, last)


def _forward(slots: Sequence[_Slot], number: int, text: Words, position: int) -> int | None:
    """Where the phrase ends if slot ``number - 1`` stands at ``position``."""
    if number == len(slots):
        return position
    slot = slots[number]
    place = position
    for _ in range(_GAP_WORDS + 1 if slot.gap else 1):
        place += 1
        if place >= len(text.words) or not text.joined[place]:
            break
        if slot.fits(text.words[place]):
            last = _forward(slots, number + 1, text, place)
            if last is not None:
                return last
    return _forward(slots, number + 1, text, position) if slot.optional else None


def _backward(slots: Sequence[_Slot], number: int, gap: bool, text: Words, position: int) -> int | None:
    """Where the phrase begins if slot ``number + 1`` stands at ``position``; ``gap`` is that slot's."""
    if number < 0:
        return position
    slot = slots[number]
    place = position
    for _ in range(_GAP_WORDS + 1 if gap else 1):
        if not text.joined[place]:
            break
        place -= 1
        if slot.fits(text.words[place]):
            first = _backward(slots, number - 1, slot.gap, text, place)
            if first is not None:
                return first
    return _backward(slots, number - 1, gap or slot.gap, text, position) if slot.optional else None


def _sequences(key: str, phrase: str) -> Iterator[_Sequence]:
    """One sequence, or several where an alternative such as ``c'e`` is itself two words."""
    choices: list[list[tuple[_Slot, ...]]] = []
    gap = False
    written = fold(phrase).split()
    if not written or written[0] == _GAP or written[0].endswith("?") or written[-1] == _GAP:
        raise PhraseError(f"phrase must begin and end with a word: {phrase!r}")
    for token in written:
        if token == _GAP:
            gap = True
            continue
        optional = token.endswith("?")
        choices.append(_alternatives(phrase, token.removesuffix("?").split("/"), optional=optional, gap=gap))
        gap = False
    for chosen in product(*choices):
        slots = tuple(slot for group in chosen for slot in group)
        telling = [(slot.weakest() if not slot.optional else 0, -number) for number, slot in enumerate(slots)]
        letters, negative = max(telling)
        if letters < 2:
            raise PhraseError(f"phrase is too short to search for: {phrase!r}")
        yield _Sequence(key, slots, -negative)


def _alternatives(phrase: str, words: Sequence[str], *, optional: bool, gap: bool) -> list[tuple[_Slot, ...]]:
    simple: list[str] = []
    groups: list[tuple[_Slot, ...]] = []
    for word in words:
        pieces = [piece for piece in re.split(r"[^\w*]+", word) if piece.strip("*")]
        if not pieces:
            raise PhraseError(f"empty alternative in phrase {phrase!r}")
        if len(pieces) == 1:
            simple.append(pieces[0])
        else:
            groups.append(tuple(_slot([piece], optional, gap and number == 0) for number, piece in enumerate(pieces)))
    if simple:
        groups.insert(0, (_slot(simple, optional, gap),))
    return groups


def _slot(words: Sequence[str], optional: bool, gap: bool) -> _Slot:
    if any("*" in word[1:-1] for word in words):
        raise PhraseError(f"a star may stand only at either end of a word: {' '.join(words)!r}")
    exact = frozenset(word for word in words if "*" not in word)
    prefixes = tuple(word[:-1] for word in words if word.endswith("*") and not word.startswith("*"))
    suffixes = tuple(word[1:] for word in words if word.startswith("*") and not word.endswith("*"))
    inner = tuple(word[1:-1] for word in words if word.startswith("*") and word.endswith("*"))
    return _Slot(exact, prefixes, suffixes, inner, optional, gap)


class _PlainBook:
    """Phrases of unspaced scripts: one pass finds the fixed parts, few patterns are then tried."""

    def __init__(self, entries: Sequence[tuple[str, re.Pattern[str], str]]) -> None:
        self._patterns = [(key, pattern) for key, pattern, _ in entries]
        by_part: dict[str, list[int]] = {}
        for number, (_, _, part) in enumerate(entries):
            for alternative in part.split("/"):
                by_part.setdefault(alternative, []).append(number)
        self._automaton = ahocorasick.Automaton()
        for part, numbers in by_part.items():
            self._automaton.add_word(part, tuple(numbers))
        self._empty = not by_part
        if not self._empty:
            self._automaton.make_automaton()

    def find(self, folded: str) -> Iterator[PhraseMatch]:
        if self._empty or folded.isascii() or not _UNSPACED.search(folded):
            return
        for number in {number for _, group in self._automaton.iter(folded) for number in group}:
            key, pattern = self._patterns[number]
            for match in pattern.finditer(folded):
                yield PhraseMatch(key, match.start(), match.end())


def _plain_pattern(phrase: str) -> tuple[re.Pattern[str], str]:
    slots = fold(phrase).split()
    if slots[0] == _GAP or slots[0].endswith("?") or slots[-1] == _GAP:
        raise PhraseError(f"phrase must begin and end with a word: {phrase!r}")
    pieces: list[str] = []
    anchor: tuple[str, ...] = ()
    for position, slot in enumerate(slots):
        if slot == _GAP:
            pieces.append(r".{0,12}?")
            continue
        optional = slot.endswith("?")
        words = tuple(word.strip("*") for word in slot.removesuffix("?").split("/"))
        if not all(words):
            raise PhraseError(f"empty alternative in phrase {phrase!r}")
        piece = ("" if position == 0 else r"\s*") + "(?:" + "|".join(map(re.escape, words)) + ")"
        pieces.append(f"(?:{piece})?" if optional else piece)
        if not optional and min(map(len, words)) > min(map(len, anchor), default=0):
            anchor = words
    return re.compile("".join(pieces)), "/".join(anchor)
