"""Names of comuni with words cut short: "S. Giov. in C.", "Castigl. d. Stiviere", "Casalmagg.".

Enters: a reading. Leaves: hits for words that only one comune's name fits. A word may be cut to a beginning that ends
in a consonant and a full stop; small words may be cut or left out. Refused: what two places fit, places elsewhere in
Italy included ("Crem." is Crema, Cremona and Cremosano), and a single word of which fewer than five letters are left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from triage.classify.territory.gazetteer import Gazetteer, Name
from triage.classify.territory.lookalikes import NameHit
from triage.classify.territory.spelling import Gap, Reading

_SMALL = frozenset(
    {"d", "di", "de", "del", "della", "delle", "dei", "degli", "dell", "dall", "dal", "a", "in", "al", "ed", "e"}
    | {"sul", "sull"}
)
_SAINTS = {"s": ("san", "santa", "santo", "sant", "santissima"), "ss": ("santissima",), "st": ("sant", "santo")}
_VOWELS = frozenset("aeiou")
_FIRST = 3
"""Letters that must be left of a name's first word, saints apart."""
_ALONE = 5
"""Letters that must be left of a word which is the whole name."""
_LONGEST = 7
"""Words of the longest name."""

_Token = tuple[str, bool]
"""A word as it stands in the text, and whether a full stop follows it."""


def find_abbreviated(reading: Reading, gazetteer: Gazetteer) -> tuple[NameHit, ...]:
    """Hits that may overlap each other and names that are written out; the longest is to stand."""
    cut = [index for index in range(len(reading.words)) if _is_cut(reading, index)]
    if not cut:
        return ()
    found: dict[tuple[int, int], NameHit] = {}
    for first in {first for index in cut for first in range(max(index - _LONGEST + 1, 0), index + 1)}:
        if not (reading.capital(first) or reading.shouting or _is_cut(reading, first)):
            continue
        for last in _ends(reading, first):
            if any(first <= index <= last for index in cut):
                name = _meant(tuple(_tokens(reading, first, last)), gazetteer)
                if name is not None:
                    found[first, last] = NameHit(first, last, name)
    return tuple(found.values())


def doubtful_cuts(reading: Reading, gazetteer: Gazetteer) -> frozenset[int]:
    """Words cut so that several places fit: "Casalmor." is neither Casalmoro by its sound nor Casalmorano."""
    return frozenset(
        index
        for index in range(len(reading.words))
        if len(reading.words[index]) >= _ALONE
        and _is_cut(reading, index)
        and len({name.comuni for name in _fitting(((reading.words[index], True),), gazetteer)}) > 1
    )


def _is_cut(reading: Reading, index: int) -> bool:
    """A full stop close behind a word that no Italian sentence ends with, or behind an initial."""
    word = reading.words[index]
    dotted = reading.text[reading.ends[index] : reading.ends[index] + 1] == "."
    return dotted and (word[-1] not in _VOWELS or (len(word) == 1 and reading.capital(index)))


def _ends(reading: Reading, first: int) -> Iterator[int]:
    """Last words that a name beginning at ``first`` may have; only its own full stops stand in between."""
    yield first
    for last in range(first + 1, min(first + _LONGEST, len(reading.words))):
        between = reading.text[reading.ends[last - 1] : reading.starts[last]]
        if reading.gaps[last] is not Gap.NONE and between.strip(" ") != ".":
            return
        yield last


def _tokens(reading: Reading, first: int, last: int) -> Iterator[_Token]:
    for index in range(first, last + 1):
        yield reading.words[index], reading.text[reading.ends[index] : reading.ends[index] + 1] == "."


@lru_cache(maxsize=4096)
def _meant(tokens: tuple[_Token, ...], gazetteer: Gazetteer) -> Name | None:
    word, dotted = tokens[0]
    if len(tokens) == 1 and (not dotted or len(word) < _ALONE or word in gazetteer.words["first_name"]):
        return None
    if len(word) < _FIRST and not (dotted and word in _SAINTS):
        return None
    fitting = _fitting(tokens, gazetteer)
    meanings = {name.comuni for name in fitting}
    if len(meanings) != 1 or meanings == {()}:
        return None
    chosen = min(fitting, key=lambda name: (name.kind != "comune", name.kind))
    return None if chosen.kind == "hamlet" or chosen.common else chosen


@lru_cache(maxsize=4096)
def _fitting(tokens: tuple[_Token, ...], gazetteer: Gazetteer) -> frozenset[Name]:
    beginning = tokens[0][0][:1]
    return frozenset(name for parts, name in _by_beginning(gazetteer).get(beginning, ()) if _fits(tokens, parts))


def _fits(tokens: Sequence[_Token], parts: Sequence[str]) -> bool:
    """Whether each word is one of the name's, whole or cut, in order, and nothing but small words is missing."""
    if not tokens:
        return all(part in _SMALL for part in parts)
    if not parts:
        return False
    (word, dotted), part = tokens[0], parts[0]
    same = word == part or (dotted and word != part and (part.startswith(word) or part in _SAINTS.get(word, ())))
    if same and _fits(tokens[1:], parts[1:]):
        return True
    return part in _SMALL and _fits(tokens, parts[1:])


@lru_cache(maxsize=8)
def _by_beginning(gazetteer: Gazetteer) -> Mapping[str, tuple[tuple[tuple[str, ...], Name], ...]]:
    """All names in words, ours and those elsewhere, by their first letter."""
    elsewhere = Name("outside", ())
    named = [(spelling, name) for spelling, name in gazetteer.names.items() if name.kind != "centre"]
    named += [(spelling, elsewhere) for spelling in gazetteer.elsewhere if spelling not in gazetteer.names]
    grouped: dict[str, list[tuple[tuple[str, ...], Name]]] = defaultdict(list)
    for spelling, name in named:
        grouped[spelling[:1]].append((tuple(spelling.split()), name))
    return {letter: tuple(group) for letter, group in grouped.items()}
