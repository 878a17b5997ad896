"""Misspelt names, tried only where no name was found exactly.

Enters: a reading and the words already taken. Leaves: hits marked ``typo``. Refused: names under six
letters, names that are common words, spellings as near to another place as to this one (between Crema
and Cremona lie two letters and many families), and words that nothing marks as a place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from triage.classify.territory.gazetteer import Gazetteer, Name
from triage.classify.territory.lookalikes import NameHit
from triage.classify.territory.spelling import Gap, Reading

SHORTEST = 6
TWO_ERRORS_FROM = 10
LONG = 8
"""Words this long are seldom another word's slip: weaker cues will do."""
PLAIN_PREPOSITIONS = frozenset({"a", "ad", "da"})
"""After these alone a word in lower case may be a comune's misspelt name."""
_LONGEST_WORDS = 5
_PLACE_PREPOSITIONS = frozenset(
    {"a", "ad", "di", "da", "in", "al", "ai", "alle", "nel", "comune", "frazione", "from", "la", "ne"}
)


def misspelt(
    reading: Reading, taken: frozenset[int], cue_ends: frozenset[int], other_ends: frozenset[int], gazetteer: Gazetteer
) -> tuple[NameHit, ...]:
    """Hits for words that are almost a name.

    ``cue_ends`` are the last words of cues of home and school, ``other_ends`` of all other cues.
    """
    hits: list[NameHit] = []
    used = set(taken)
    for first in range(len(reading.words)):
        if first in used or not _may_start(reading, first, cue_ends, other_ends):
            continue
        hit = _longest_at(reading, first, used, gazetteer)
        if hit is not None:
            hits.append(hit)
            used |= set(range(hit.first, hit.last + 1))
    return tuple(hits)


def _may_start(reading: Reading, index: int, cue_ends: frozenset[int], other_ends: frozenset[int]) -> bool:
    if reading.words[index] in _PLACE_PREPOSITIONS:
        return False
    if index - 1 in cue_ends:
        return True
    after_preposition = index > 0 and reading.words[index - 1] in _PLACE_PREPOSITIONS
    if reading.capital(index):
        return after_preposition or not reading.opens_sentence(index)
    if not after_preposition:
        return False
    if index - 2 in cue_ends or index - 1 in cue_ends or reading.shouting:
        return True
    if len(reading.words[index]) >= LONG and (index - 2 in other_ends or index - 1 in other_ends):
        return True
    return reading.words[index - 1] in PLAIN_PREPOSITIONS


def _longest_at(reading: Reading, first: int, used: set[int], gazetteer: Gazetteer) -> NameHit | None:
    for count in range(_LONGEST_WORDS, 0, -1):
        last = first + count - 1
        if last >= len(reading.words) or any(index in used for index in range(first, last + 1)):
            continue
        if any(reading.gaps[index] is not Gap.NONE for index in range(first + 1, last + 1)):
            continue
        joined = "".join(reading.words[first : last + 1])
        if (
            len(joined) < SHORTEST
            or joined in gazetteer.by_joined
            or _is_person_or_word(reading, first, last, gazetteer)
        ):
            continue
        name = _meant(joined, gazetteer)
        if name is not None:
            return NameHit(first, last, name, typo=True)
    return None


def _is_person_or_word(reading: Reading, first: int, last: int, gazetteer: Gazetteer) -> bool:
    word = reading.words[first]
    if word in gazetteer.words["first_name"]:
        return True
    return first == last and (
        word in gazetteer.words["not_a_place"] or word in gazetteer.words["not_a_slip"] or word in gazetteer.cues
    )


@lru_cache(maxsize=4096)
def _meant(joined: str, gazetteer: Gazetteer) -> Name | None:
    """The one name that ``joined`` may be a slip for, or nothing."""
    by_length = _lengths(gazetteer)
    near = sorted(
        (int(distance), spelling)
        for length in range(len(joined) - 3, len(joined) + 4)
        for spelling, distance, _ in process.extract(
            joined, by_length.get(length, ()), scorer=OSA.distance, score_cutoff=3, limit=5
        )
    )
    if not near:
        return None
    distance, spelling = near[0]
    allowed = 2 if len(spelling) >= TWO_ERRORS_FROM else 1
    if distance > allowed or len(spelling) < SHORTEST:
        return None
    names = gazetteer.by_joined[spelling]
    chosen = names[0]
    if len(names) > 1 or (chosen.common and len(spelling) < LONG) or chosen.common == "strict":
        return None
    for other_distance, other in near[1:]:
        # Another place within one more letter: which of the two was meant is a guess. In a long
        # name one slip is plain enough when nothing else is as near.
        if len(spelling) >= TWO_ERRORS_FROM and distance == 1 and other_distance > distance:
            continue
        if other_distance <= distance + 1 and any(
            name.comuni != chosen.comuni or not chosen.comuni
            for name in gazetteer.by_joined[other]
            if name.common != "strict"
        ):
            return None
    return chosen


@lru_cache(maxsize=8)
def _lengths(gazetteer: Gazetteer) -> Mapping[int, tuple[str, ...]]:
    grouped: dict[int, list[str]] = defaultdict(list)
    for joined in gazetteer.by_joined:
        grouped[len(joined)].append(joined)
    return {length: tuple(group) for length, group in grouped.items()}
