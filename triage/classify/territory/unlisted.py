"""Homes that no list of ours holds: a comune of another province, or a name that nobody knows.

Enters: a reading with the places and cues found in it. Leaves: mentions of kind ``outside`` and
``unknown``, one for each home that is told in so many words ("abito a X"). Pure and total.
"""

from __future__ import annotations

import re

from triage.classify.territory.gazetteer import Gazetteer
from triage.classify.territory.lookalikes import CueHit, NameHit
from triage.classify.territory.roles import by_subject
from triage.classify.territory.spelling import Gap, Reading, normal
from triage.vocabulary import PlaceMention, Role

_CUES_BEFORE = 30
_ARTICLES = frozenset({"alla", "alle", "ai", "al", "nella", "nel", "nei", "presso", "la", "le", "il", "i", "un", "una"})
_NUMBERS = frozenset({"due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove", "dieci", "cento", "mille"})
_LONGEST = 6
"""Words of the longest name of a comune ("San Nicola da Crissa" has four, "San Dorligo della Valle/Dolina" five)."""


def homes_elsewhere(
    reading: Reading, hits: tuple[NameHit, ...], cues: tuple[CueHit, ...], where: str, gazetteer: Gazetteer
) -> list[PlaceMention]:
    """ "Abito a X" where X is no place of ours: if nobody knows it, something must be asked."""
    starts = {hit.first for hit in hits}
    taken = {index for hit in hits for index in range(hit.first, hit.last + 1)}
    found: dict[int, PlaceMention] = {}
    for number, cue in enumerate(cues):
        if cue.cue.side != "left" or cue.cue.weight < 0.9 or cue.cue.person == "any":
            continue
        if cue.cue.role not in {Role.RESIDENCE, Role.MOVING_TO} or cue.cue.bonus:
            continue
        if (
            by_subject(reading, cue, cues[max(number - _CUES_BEFORE, 0) : number])[0] is not Role.RESIDENCE
            and cue.cue.role is Role.RESIDENCE
        ):
            continue  # the grandparents' village may well be unknown
        index = _after_preposition(reading, cue, gazetteer)
        if index is None or index in taken or not _looks_like_a_name(reading, index, cue, gazetteer):
            continue
        last = _end_of_comune(reading, index, gazetteer)
        if last is not None:
            found[index] = PlaceMention(
                where, reading.starts[index], reading.ends[last], "outside", (), cue.cue.role, cue.cue.weight
            )
            continue
        last = index
        while last + 1 < len(reading.words) and reading.gaps[last + 1] is Gap.NONE and reading.capital(last + 1):
            last += 1
        if not starts.isdisjoint(range(last + 1, last + 6)) or last in taken:
            continue  # "abito a Pincopallo, frazione di Viadana": the comune says it
        found[index] = PlaceMention(
            where, reading.starts[index], reading.ends[last], "unknown", (), Role.RESIDENCE, cue.cue.weight
        )
    return list(found.values())


def _after_preposition(reading: Reading, cue: CueHit, gazetteer: Gazetteer) -> int | None:
    """The word where the name of the place begins that the cue speaks of."""
    index = cue.last + 1
    ready = reading.words[cue.last] in {"a", "ad", "di", "in", "ai"}
    if not ready and index < len(reading.words) and reading.words[index] in {"a", "ad", "in"}:
        ready, index = True, index + 1
    while index + 1 < len(reading.words) and index <= cue.last + 4 and reading.words[index] in _ARTICLES:
        ready, index = True, index + 1
    if index + 1 < len(reading.words) and reading.words[index] in gazetteer.words["settlement"]:
        # "Vivo in frazione Motta Bassa", "abitiamo presso la cascina Malpensata": the name comes after.
        index += 2 if reading.words[index + 1] in {"di", "del", "della"} else 1
        ready = index < len(reading.words) and reading.capital(index)
    if not ready or index >= len(reading.words):
        return None
    if any(reading.gaps[i] is not Gap.NONE for i in range(cue.last + 1, index + 1)):
        return None
    return index


def _looks_like_a_name(reading: Reading, index: int, cue: CueHit, gazetteer: Gazetteer) -> bool:
    word = reading.words[index]
    if word in {"ca", "san", "santa", "cà"} and reading.capital(index):
        return index + 1 < len(reading.words) and reading.capital(index + 1)
    if word in _NUMBERS and reading.capital(index):
        following = index + 1  # "Tre Olmi"
        return following < len(reading.words) and reading.gaps[following] is Gap.NONE and reading.capital(following)
    if len(word) < 4 or not word.isalpha() or word in gazetteer.words["not_a_place"] or word in gazetteer.cues:
        return False
    if (
        word in gazetteer.words["first_name"]
        or word in gazetteer.words["street"]
        or word in gazetteer.words["preposition"]
    ):
        return False
    # In lower case only after an unmistakable verb: "sono a disposizione", "siamo in attesa".
    return reading.capital(index) or (cue.first == cue.last and reading.words[index - 1] != "in")


def _end_of_comune(reading: Reading, index: int, gazetteer: Gazetteer) -> int | None:
    """The last word of the comune of another province whose name begins at ``index``."""
    for last in range(min(index + _LONGEST, len(reading.words)) - 1, index - 1, -1):
        if any(reading.gaps[word] is not Gap.NONE for word in range(index + 1, last + 1)):
            continue
        if " ".join(reading.words[index : last + 1]) in gazetteer.elsewhere:
            return last
    return None


_PLACED = re.compile(
    r"\b(?:[Aa]d?|[Aa]l|[Dd]a|[Ii]n|[Ll]ocalit[aà]'?|[Ll]oc\.|[Ff]razione|[Ff]raz\.|[Pp]aese|[Vv]icino|\d,)"
    r",?\s+(?=[A-Z])((?:[^\W\d_]|['’])+)"
)
"""A capital after "a", "da", "in", "località", "paese," or a street's number: perhaps a place that no list holds."""


def unlisted_names(text: str, gazetteer: Gazetteer) -> tuple[tuple[int, int], ...]:
    """Where words stand that look like places and are none we know, nor a person's or an everyday one."""
    found: list[tuple[int, int]] = []
    for match in _PLACED.finditer(text[:_SEARCHED]):
        word = normal(match.group(1))
        parts = word.split()
        if len(word) < _SHORTEST or not parts or parts[0] in gazetteer.cues:
            continue
        plain = gazetteer.words["first_name"] | gazetteer.words["not_a_place"] | gazetteer.words["street"]
        if parts[0] in plain or parts[0] in gazetteer.first_words:
            continue
        found.append(match.span(1))
    return tuple(found)


_SEARCHED = 4_000
_SHORTEST = 4
