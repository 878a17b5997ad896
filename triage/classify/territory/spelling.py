"""Text to comparable words with a way back to the original, and the ways in which a name is written.

Enters: any text. Leaves: a :class:`Reading`, whose words are lower case without accents and know
where they stand in the text. Nothing is refused; signs that are neither letter nor digit separate.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

# A word is letters and digits; combining accents (decomposed text, Indic vowel signs), soft hyphens
# and zero-width signs may stand inside it. Han signs know no spaces, also not around a Latin name.
_WORD = re.compile(
    r"[\u3400-\u9fff]+|[^\W_\u3400-\u9fff](?:[^\W_\u3400-\u9fff]|[\u0300-\u036f\u0900-\u0903\u093a-\u094d\u0a01-\u0a4d\u00ad\u200b-\u200d])*"
)
_DROPPED = re.compile(r"[\u00ad\u200b-\u200d]")
_HARD = re.compile(r"[!?;•…]|\.\.|\n\s*\n|\.\s|\.$")
_PLAIN_GAPS = frozenset({" ", "'", "’", ". ", ".", "-", "`", "´", "' ", "’ "})

SPLIT_HEADS = ("casal", "castel", "cast", "porto", "borgo", "ponte", "monte", "villa", "campi", "ronco", "rover")


class Gap(IntEnum):
    """What stands between a word and the one before it."""

    NONE = 0
    SOFT = 1
    """Comma, bracket, dash or a line's end: the sentence goes on."""
    HARD = 2
    """A sentence or paragraph ends."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as words. ``padded`` is all words joined by single spaces, with one at either end."""

    text: str
    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    gaps: tuple[Gap, ...]
    padded: str
    word_at: dict[int, int]
    """Position in ``padded`` of a word's first letter -> index of the word."""
    shouting: bool
    """Mostly capitals: a capital letter says nothing."""

    def raw(self, index: int) -> str:
        """The word as it was written."""
        return self.text[self.starts[index] : self.ends[index]]

    def capital(self, index: int) -> bool:
        """Whether the word begins with a capital that means something."""
        return not self.shouting and self.text[self.starts[index]].isupper()

    def opens_sentence(self, index: int) -> bool:
        """Whether a capital is due here anyway (start, after a full stop, a new line)."""
        if index == 0 or self.gaps[index] is Gap.HARD:
            return True
        return "\n" in self.text[self.ends[index - 1] : self.starts[index]]


def read(text: str, abbreviations: frozenset[str] = frozenset()) -> Reading:
    """Split ``text`` into words; a full stop after one of ``abbreviations`` ends no sentence."""
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    gaps: list[Gap] = []
    word_at: dict[int, int] = {}
    place = 1
    for match in _WORD.finditer(text):
        word = fold(match.group())
        if not word:
            continue
        start = match.start()
        if words:
            gaps.append(_gap(text[ends[-1] : start], words[-1], word, abbreviations))
        else:
            gaps.append(Gap.HARD)
        word_at[place] = len(words)
        place += len(word) + 1
        words.append(word)
        starts.append(start)
        ends.append(match.end())
    return Reading(
        text=text,
        words=tuple(words),
        starts=tuple(starts),
        ends=tuple(ends),
        gaps=tuple(gaps),
        padded=" " + " ".join(words) + " ",
        word_at=word_at,
        shouting=_is_shouting(text),
    )


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """Lower case, without accents, soft hyphens and zero-width signs; may be empty."""
    if word.isascii():
        return word.lower()
    bare = _DROPPED.sub("", unicodedata.normalize("NFKD", word.lower()))
    return "".join(c for c in bare if not "\u0300" <= c <= "\u036f" and not c.isspace()).replace("ß", "ss")


def normal(name: str) -> str:
    """A name as it stands in ``Reading.padded``, without the outer spaces."""
    return " ".join(fold(word) for word in _WORD.findall(name))


def spellings(name: str) -> frozenset[str]:
    """The ways in which people write a name, normalised: abbreviated saints, joined, split, d'/de/dei."""
    words = normal(name).split()
    forms = {tuple(words)}
    for form in tuple(forms):
        if form[0] in {"san", "santo", "santa", "sant", "santissima"} and len(form) > 1:
            forms.add(("s", *form[1:]))
            forms.add(("ss" if form[0] == "santissima" else "st", *form[1:]))
    for form in tuple(forms):
        if "san" in form[1:]:
            forms.add((*form[: form.index("san", 1)], "s", *form[form.index("san", 1) + 1 :]))
        forms |= {tuple(w for w in form if w != small) for small in ("d", "de") if small in form and len(form) > 2}
        forms |= {tuple("di" if w == small else w for w in form) for small in ("d", "de") if small in form}
        forms |= {tuple("de" if w == "d" else w for w in form)}  # as Spanish and French writers do
        forms |= {tuple("dei" if w == "de" else w for w in form)}  # "de'" is "dei" cut short
    result = {" ".join(form) for form in forms}
    joined = "".join(words)
    if len(words) > 1 and len(joined) >= 8:
        result.add(joined)
    if words[0] == "sant" and len(words) > 1:
        result.add(" ".join([words[0] + words[1], *words[2:]]))
    if "d" in words[:-1]:
        at = words.index("d")
        result.add(" ".join([*words[:at], "d" + words[at + 1], *words[at + 2 :]]))
    for head in SPLIT_HEADS:
        tail = words[0][len(head) :]
        if words[0].startswith(head) and len(tail) >= 4:
            result.add(" ".join([head, tail, *words[1:]]))
    return frozenset(result)


def _gap(between: str, before: str, after: str, abbreviations: frozenset[str]) -> Gap:
    if between == " ":
        return Gap.NONE
    if between in _PLAIN_GAPS and "." not in between:
        return Gap.NONE
    if between.startswith("."):
        if before in abbreviations and "\n\n" not in between:
            return Gap.NONE if "\n" not in between else Gap.SOFT
        if between == ".":  # "p.zza", "s.giorgio", "esempio.it": no sentence ends without a space
            return Gap.NONE if len(before) < 5 and not after[0].isdigit() else Gap.SOFT
    if _HARD.search(between):
        return Gap.HARD
    return Gap.SOFT if between.strip(" '’`´\"“”«»*_>\t\r\xa0") else Gap.NONE


def _is_shouting(text: str) -> bool:
    letters = sum(map(str.isalpha, text))
    return letters >= 12 and sum(map(str.isupper, text)) > 0.6 * letters
