"""A text as words, with what the lists say of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from triage.classify.folding import fold
from triage.pseudonyms.lists import cue_words, first_names, ordinary_words, surnames

_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u0900-\u094d\u0a01-\u0a4d])*")
_OPENS = re.compile(r"(?:^|[.!?:;\n]|^[\s\W]+)[\s\W]*$")
_SHORT_ACRONYM = 6


@dataclass(frozen=True, slots=True)
class Token:
    """One word. ``gap``: what stands between it and the word before; ``place``: it belongs to a place's name."""

    start: int
    end: int
    raw: str
    word: str
    gap: str
    place: bool
    opens: bool
    """The first word of a sentence, where a capital says nothing."""
    shouting: bool
    """Of a text in capitals."""

    @property
    def capital(self) -> bool:
        return self.raw[0].isupper() and not self.shouting

    @property
    def cased(self) -> bool:
        """Whether its script has capitals at all."""
        return self.raw[0].lower() != self.raw[0].upper()

    @property
    def ordinary(self) -> bool:
        return self.word in ordinary_words() or self.word in cue_words("no_names")

    @property
    def first(self) -> bool:
        return self.word in first_names()

    @property
    def last(self) -> bool:
        return self.word in surnames()

    @property
    def acronym(self) -> bool:
        """ISEE, ATS: in capitals amid small letters, and nobody's name."""
        shouted = len(self.raw) > 1 and self.raw.isupper() and not self.shouting
        return shouted and len(self.raw) <= _SHORT_ACRONYM and not (self.first or self.last)


def tokens_of(text: str, places: Sequence[tuple[int, int]]) -> list[Token]:
    """All words; ``places`` are spans of place names in this text."""
    letters = [sign for sign in text if sign.isalpha()]
    shouting = len(letters) > 20 and sum(map(str.isupper, letters)) > 0.6 * len(letters)
    found: list[Token] = []
    end = 0
    for match in _WORD.finditer(text):
        place = any(start < match.end() and match.start() < stop for start, stop in places)
        before = text[max(0, match.start() - 40) : match.start()]
        opens = not found or bool(_OPENS.search(before))
        gap = text[end : match.start()]
        word = fold(match[0])
        found.append(Token(match.start(), match.end(), match[0], word, gap, place, opens, shouting))
        end = match.end()
    return found
