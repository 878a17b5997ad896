"""Many phrases searched at once in one text.

Enters: phrases in the notation of :mod:`triage.classify.notation`, and folded text. Leaves: where
which phrase stands.

How it is fast: the text is cut into words once (:func:`cut`), each phrase waits at its most telling
word, and only phrases whose word is met are tried. The cost follows the text, not the lists.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import ahocorasick

from triage.classify.notation import GAP_WORDS, UNSPACED, Slot, plain_pattern, sequences_of

_WORD = re.compile(r"\w+")
_BREAKS = frozenset(".!?")
_SEPARATOR_LENGTH = 4


class PhraseMatch(NamedTuple):
    """One phrase found: its offsets in the text that was searched, and its key; in this order they sort."""

    start: int
    end: int
    key: str


@dataclass(frozen=True, slots=True)
class Words:
    """Folded text cut into words. ``joined[i]``: nothing but a short gap without .!? before word i."""

    folded: str
    words: tuple[str, ...]
    starts: tuple[int, ...]
    joined: tuple[bool, ...]


@lru_cache(maxsize=16)
def cut(folded: str) -> Words:
    """Cut text that went through :func:`fold` into words, for any number of books, which come one after the other."""
    words: list[str] = []
    starts: list[int] = []
    joined: list[bool] = []
    end = -1
    for match in _WORD.finditer(folded):
        start = match.start()
        words.append(match.group())
        starts.append(start)
        if start - end == 1:  # one space, hardly ever anything else
            joined.append(end >= 0 and folded[end] not in _BREAKS)
        else:
            joined.append(end >= 0 and start - end <= _SEPARATOR_LENGTH and _BREAKS.isdisjoint(folded[end:start]))
        end = match.end()
    return Words(folded, tuple(words), tuple(starts), tuple(joined))


class _Sequence(NamedTuple):
    # Tens of thousands are made while a service starts: a frozen dataclass takes five times as long.
    key: str
    slots: tuple[Slot, ...]
    anchor: int
    before: Slot | None
    """What must stand right before the anchor, when that is one word for certain; likewise ``after``."""
    after: Slot | None


class PhraseBook:
    """Many phrases searched at once. Safe to share between threads."""

    def __init__(self, entries: Iterable[tuple[str, str]]) -> None:
        """``entries`` are (key, phrase); a key may return. Raises :class:`PhraseError`."""
        plain: list[tuple[str, re.Pattern[str], str]] = []
        raw: list[tuple[str, tuple[Slot, ...]]] = []
        for key, phrase in entries:
            if UNSPACED.search(phrase):
                plain.append((key, *plain_pattern(phrase)))
            else:
                raw.extend((key, slots) for slots in sequences_of(phrase))
        weight = _weigh(slots for _, slots in raw)
        self._exact: dict[str, list[_Sequence]] = {}
        self._prefix: dict[str, list[_Sequence]] = {}
        self._parts: list[tuple[str, _Sequence]] = []
        for key, slots in raw:
            self._index(_sequence(key, slots, _most_telling(slots, weight)))
        self._lengths = sorted({len(prefix) for prefix in self._prefix})
        self._memory: dict[str, _Waiting] = {}
        self._plain = _PlainBook(plain)

    def find(self, text: str | Words) -> tuple[PhraseMatch, ...]:
        """All matches in text that went through :func:`fold`, in order of place, then key."""
        cut_text = cut(text) if isinstance(text, str) else text
        found = set(self._plain.find(cut_text.folded))
        starts, words = cut_text.starts, cut_text.words
        last_position = len(words) - 1
        known = self._memory.get
        for position, word in enumerate(words):
            keys, longer, after_word = waiting = known(word) or self._waiting(word)
            if waiting is _NOTHING:
                continue  # most words begin no phrase
            if after_word is not None:
                longer = _those_after(words[position - 1] if position else "", longer, after_word)
            for key in keys:
                found.add(PhraseMatch(starts[position], starts[position] + len(word), key))
            for sequence in longer:
                # Most tries end at a neighbour: looked at here, before anything is called.
                before, after = sequence.before, sequence.after
                if before is not None:
                    fits = before.memory.get(words[position - 1]) if position else False
                    if fits is False or (fits is None and not before.fits(words[position - 1])):
                        continue
                if after is not None:
                    fits = after.memory.get(words[position + 1]) if position < last_position else False
                    if fits is False or (fits is None and not after.fits(words[position + 1])):
                        continue
                place = _try(sequence, cut_text, position)
                if place is not None:
                    first, last = place
                    found.add(PhraseMatch(starts[first], starts[last] + len(words[last]), sequence.key))
        return tuple(sorted(found))

    def _index(self, sequence: _Sequence) -> None:
        slot = sequence.slots[sequence.anchor]
        for word in slot.exact:
            self._exact.setdefault(word, []).append(sequence)
        for prefix in slot.prefixes:
            self._prefix.setdefault(prefix, []).append(sequence)
        self._parts.extend((part, sequence) for part in (*slot.suffixes, *slot.inner))

    def _waiting(self, word: str) -> _Waiting:
        """Keys of phrases that this word alone is, and the longer phrases that wait for it.

        Where a crowd waits for it, there is a memory as well of those that a word before it lets through.
        """
        found = list(self._exact.get(word, ()))
        for size in self._lengths:
            if size > len(word):
                break
            found += self._prefix.get(word[:size], ())
        found += (
            sequence for part, sequence in self._parts if part in word and sequence.slots[sequence.anchor].fits(word)
        )
        keys = tuple(dict.fromkeys(one.key for one in found if len(one.slots) == 1))
        longer = tuple(one for one in found if len(one.slots) > 1)
        result = (keys, longer, {} if len(longer) > _CROWD else None) if found else _NOTHING
        if len(self._memory) > _REMEMBERED:
            self._memory.clear()  # a flood of invented words must not fill the memory
        self._memory[word] = result
        return result


_Waiting = tuple[tuple[str, ...], tuple[_Sequence, ...], dict[str, tuple[_Sequence, ...]] | None]
_REMEMBERED = 20_000
_REMEMBERED_BEFORE = 300
_CROWD = 8
_NOTHING: _Waiting = ((), (), None)


def _those_after(
    word: str, longer: tuple[_Sequence, ...], memory: dict[str, tuple[_Sequence, ...]]
) -> tuple[_Sequence, ...]:
    """Of many phrases those that may have ``word`` before their anchor; the empty text: nothing stands there."""
    found = memory.get(word)
    if found is None:
        if len(memory) > _REMEMBERED_BEFORE:
            memory.clear()
        found = memory[word] = tuple(
            one for one in longer if one.before is None or (word != "" and one.before.fits(word))
        )
    return found


def _sequence(key: str, slots: tuple[Slot, ...], anchor: int) -> _Sequence:
    before = slots[anchor - 1] if anchor and not slots[anchor].gap and not slots[anchor - 1].optional else None
    following = slots[anchor + 1] if anchor + 1 < len(slots) else None
    after = following if following is not None and not following.gap and not following.optional else None
    return _Sequence(key, slots, anchor, before, after)


def _try(sequence: _Sequence, text: Words, position: int) -> tuple[int, int] | None:
    """First and last word of the phrase whose anchor stands at ``position``, or None."""
    slots, anchor = sequence.slots, sequence.anchor
    first = _backward(slots, anchor - 1, slots[anchor].gap, text, position)
    if first is None:
        return None
    last = _forward(slots, anchor + 1, text, position)
    return None if last is None else (first, last)


def _forward(slots: Sequence[Slot], number: int, text: Words, position: int, gap: bool = False) -> int | None:
    """Where the phrase ends if slot ``number - 1`` stands at ``position``; ``gap``: of one that was left out."""
    if number == len(slots):
        return position
    slot = slots[number]
    place = position
    for _ in range(GAP_WORDS + 1 if gap or slot.gap else 1):
        place += 1
        if place >= len(text.words) or not text.joined[place]:
            break
        if slot.fits(text.words[place]):
            last = _forward(slots, number + 1, text, place)
            if last is not None:
                return last
    return _forward(slots, number + 1, text, position, gap or slot.gap) if slot.optional else None


def _backward(slots: Sequence[Slot], number: int, gap: bool, text: Words, position: int) -> int | None:
    """Where the phrase begins if slot ``number + 1`` stands at ``position``; ``gap`` is that slot's."""
    if number < 0:
        return position
    slot = slots[number]
    place = position
    for _ in range(GAP_WORDS + 1 if gap else 1):
        if not text.joined[place]:
            break
        place -= 1
        if slot.fits(text.words[place]):
            first = _backward(slots, number - 1, slot.gap, text, place)
            if first is not None:
                return first
    return _backward(slots, number - 1, gap or slot.gap, text, position) if slot.optional else None


def _most_telling(slots: tuple[Slot, ...], weight: Mapping[Slot, int]) -> int:
    """The slot whose words stand in the fewest phrases, of the longest words: there the phrase waits."""
    if len(slots) == 1:
        return 0
    telling = [
        (-weight[slot], slot.shortest, -number)
        for number, slot in enumerate(slots)
        if not slot.optional and slot.shortest > 1
    ]
    return -max(telling)[2]


def _weigh(sequences: Iterable[tuple[Slot, ...]]) -> Mapping[Slot, int]:
    """Of each slot how many phrases its words stand in."""
    met = Counter(slot for slots in sequences if len(slots) > 1 for slot in slots)
    frequency: Counter[str] = Counter()
    for slot, times in met.items():
        for word in slot.words():
            frequency[word] += times
    return {slot: sum(frequency[word] for word in slot.words()) for slot in met}


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
        if self._empty or folded.isascii() or not UNSPACED.search(folded):
            return
        for number in {number for _, group in self._automaton.iter(folded) for number in group}:
            key, pattern = self._patterns[number]
            for match in pattern.finditer(folded):
                yield PhraseMatch(match.start(), match.end(), key)
