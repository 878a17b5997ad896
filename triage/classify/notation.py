"""The notation of the phrase lists, which people who do not program read, correct and sign.

Enters a phrase, leaves what it may match. Refused, with :class:`PhraseError`: a phrase that could
match anything.

Word by word: ``picchia*`` begins with; ``*mente`` ends with; ``picchia/mena`` one or the other; ``...``
up to four words between, never over the end of a sentence; ``mi?`` may be missing. Accents and
capitals do not matter; an apostrophe ends a word. Scripts that do not mark words with spaces, or whose
vowel signs are no letters for Python (Han, Gurmukhi, Devanagari, Bengali), are plain characters: there a star says
nothing, and ``...`` is up to twelve characters of one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, product

from triage.classify.folding import fold

GAP_WORDS = 4
"""At most so many words may stand where ``...`` is written."""
UNSPACED = re.compile("[\u0900-\u0aff\u3040-\u30ff\u3400-\u9fff]")
_GAP = "..."
_NO_LETTER = re.compile(r"[^\w*]+")
_REMEMBERED_BY_SLOT = 500


class PhraseError(ValueError):
    """A phrase that cannot be used; the text names the phrase, which is ours and no mail content."""


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """What may stand at one place of a phrase; the same words are the same object (:func:`_slot`)."""

    exact: frozenset[str]
    prefixes: tuple[str, ...]
    suffixes: tuple[str, ...]
    inner: tuple[str, ...]
    optional: bool
    gap: bool
    """Up to four other words may come before it."""
    shortest: int
    """Letters of its shortest alternative, stars apart."""
    memory: dict[str, bool] = field(default_factory=dict)

    def fits(self, word: str) -> bool:
        known = self.memory.get(word)
        if known is None:
            if len(self.memory) > _REMEMBERED_BY_SLOT:
                self.memory.clear()
            known = self.memory[word] = self._fits(word)
        return known

    def _fits(self, word: str) -> bool:
        return (
            word in self.exact
            or (bool(self.prefixes) and word.startswith(self.prefixes))
            or (bool(self.suffixes) and word.endswith(self.suffixes))
            or any(part in word for part in self.inner)
        )

    def words(self) -> tuple[str, ...]:
        """All alternatives, without their stars."""
        return (*self.exact, *self.prefixes, *self.suffixes, *self.inner)


def sequences_of(phrase: str) -> Iterator[tuple[Slot, ...]]:
    """One sequence, or several where an alternative such as ``c'e`` is itself two words."""
    choices: list[Sequence[tuple[Slot, ...]]] = []
    gap = False
    written = fold(phrase).split()
    if not written or written[0] == _GAP or written[0].endswith("?") or written[-1] == _GAP:
        raise PhraseError(f"phrase must begin and end with a word: {phrase!r}")
    for token in written:
        if token == _GAP:
            gap = True
            continue
        choices.append(_alternatives(token, gap))
        gap = False
    for chosen in product(*choices):
        slots = chosen[0] if len(chosen) == 1 else tuple(chain.from_iterable(chosen))
        for slot in slots:
            if slot.shortest > 1 and not slot.optional:
                break
        else:
            raise PhraseError(f"phrase is too short to search for: {phrase!r}")
        yield slots


@cache
def _alternatives(token: str, gap: bool) -> tuple[tuple[Slot, ...], ...]:
    # The same few words stand in many phrases: each is taken apart once.
    optional = token.endswith("?")
    simple: list[str] = []
    groups: list[tuple[Slot, ...]] = []
    for word in token.removesuffix("?").split("/"):
        pieces = [piece for piece in _NO_LETTER.split(word) if piece.strip("*")]
        if not pieces:
            raise PhraseError(f"empty alternative in phrase: {token!r}")
        if len(pieces) == 1:
            simple.append(pieces[0])
        else:
            groups.append(tuple(_slot((piece,), optional, gap and number == 0) for number, piece in enumerate(pieces)))
    if simple:
        groups.insert(0, (_slot(tuple(simple), optional, gap),))
    return tuple(groups)


@cache
def _slot(words: tuple[str, ...], optional: bool, gap: bool) -> Slot:
    # The same few words stand in many phrases: one slot for all of them, which remembers what fits.
    if any("*" in word[1:-1] for word in words):
        raise PhraseError(f"a star may stand only at either end of a word: {' '.join(words)!r}")
    exact = frozenset(word for word in words if "*" not in word)
    prefixes = tuple(word[:-1] for word in words if word.endswith("*") and not word.startswith("*"))
    suffixes = tuple(word[1:] for word in words if word.startswith("*") and not word.endswith("*"))
    inner = tuple(word[1:-1] for word in words if word.startswith("*") and word.endswith("*"))
    shortest = min(len(word.strip("*")) for word in words)
    return Slot(exact, prefixes, suffixes, inner, optional, gap, shortest)


def plain_pattern(phrase: str) -> tuple[re.Pattern[str], str]:
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
