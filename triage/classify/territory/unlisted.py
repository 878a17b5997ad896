"""Homes that no list of ours holds: a comune of another province, or a name that nobody knows.

Enters: a reading with the places and cues found in it. Leaves: mentions of kind ``outside`` and
``unknown``, one for each home that is told in so many words ("abito a X"). Pure and total.
"""

from __future__ import annotations

import re
from dataclasses import replace

from triage.classify.territory.gazetteer import Gazetteer
from triage.classify.territory.left_behind import is_left_behind
from triage.classify.territory.lookalikes import CueHit, NameHit
from triage.classify.territory.roles import by_subject
from triage.classify.territory.spelling import Gap, Reading, normal
from triage.vocabulary import PlaceMention, Role

_CUES_BEFORE = 30
_ARTICLES = frozenset({"alla", "alle", "ai", "al", "nella", "nel", "nei", "presso", "la", "le", "il", "i", "un", "una"})
_NUMBERS = frozenset({"due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove", "dieci", "cento", "mille"})
_PARTING = frozenset(
    {"che", "dove", "ma", "pero", "perche", "quando", "mentre", "se", "vicino", "vicini", "lontano", "fino"}
)
_PLACING = frozenset({"a", "ad", "da", "di", "in"})
_TOLD = 0.9
_LEAST = 0.86
"""Weight of the weakest cue of a home: "vi scrivo da ..."."""
_LONGEST_FILLING = 8
"""Words between "viviamo" and "a X"."""
_LONGEST_STREET = 8
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
        if not _tells_a_home(reading, cue, cues[max(number - _CUES_BEFORE, 0) : number]):
            continue
        index = _name_told(reading, cue, cues[number + 1 : number + 1 + _CUES_BEFORE], taken, gazetteer)
        if index is None or index in taken or is_left_behind(reading, index, end_of_name(reading, index)):
            continue
        last = end_of_comune(reading, index, gazetteer)
        if last is not None:
            found[index] = PlaceMention(
                where, reading.starts[index], reading.ends[last], "outside", (), cue.cue.role, cue.cue.weight
            )
            continue
        last = end_of_name(reading, index)
        if not starts.isdisjoint(range(last + 1, last + 6)) or last in taken:
            continue  # "abito a Pincopallo, frazione di Viadana": the comune says it
        found[index] = PlaceMention(
            where, reading.starts[index], reading.ends[last], "unknown", (), Role.RESIDENCE, max(cue.cue.weight, _TOLD)
        )
    return list(found.values())


def _tells_a_home(reading: Reading, cue: CueHit, before: tuple[CueHit, ...]) -> bool:
    """Whether a cue speaks of a home of the writer's or the child's: the grandparents' village may well be unknown."""
    if cue.cue.role not in {Role.RESIDENCE, Role.MOVING_TO} or cue.cue.weight < _LEAST:
        return False
    if cue.cue.side == "right":
        return cue.cue.bonus > 0
    if cue.cue.before_colon:
        return reading.text[reading.ends[cue.last] : reading.ends[cue.last] + 3].lstrip().startswith(":")
    if cue.cue.side != "left" or (cue.cue.role is Role.RESIDENCE and cue.cue.person == "any" and not cue.cue.bonus):
        return False
    role, _ = by_subject(reading, replace(cue, cue=replace(cue.cue, person="third")) if cue.cue.bonus else cue, before)
    return role is not Role.RELATIVES


def _name_told(
    reading: Reading, cue: CueHit, behind: tuple[CueHit, ...], taken: set[int], gazetteer: Gazetteer
) -> int | None:
    """Where the name begins that a home cue speaks of, however many small words stand between."""
    if cue.cue.side == "right":
        return _before(reading, cue, gazetteer)
    if cue.cue.before_colon:
        return _in_address(reading, cue, gazetteer) or _on_the_form(reading, cue, gazetteer)
    index = _after_preposition(reading, cue, gazetteer) if not cue.cue.bonus else None
    if index is not None and _looks_like_a_name(reading, index, cue, gazetteer):
        return index
    return _in_address(reading, cue, gazetteer) or _after_filling(reading, cue, behind, taken, gazetteer)


def _on_the_form(reading: Reading, cue: CueHit, gazetteer: Gazetteer) -> int | None:
    """ "Residenza: Zobbiola", on one line."""
    index = cue.last + 1
    if index >= len(reading.words) or "\n" in reading.text[reading.ends[cue.last] : reading.starts[index]]:
        return None
    return index if reading.capital(index) and _looks_like_a_name(reading, index, cue, gazetteer) else None


def _before(reading: Reading, cue: CueHit, gazetteer: Gazetteer) -> int | None:
    """ "Da Zobbiola, dove abitiamo": the capitals before the cue, after a preposition."""
    index = cue.first
    while index > 1 and reading.gaps[index] is not Gap.HARD and reading.capital(index - 1):
        if reading.words[index - 1] in _PLACING:
            break
        index -= 1
    placed = index < cue.first and reading.words[index - 1] in _PLACING
    return index if placed and _looks_like_a_name(reading, index, cue, gazetteer) else None


def _in_address(reading: Reading, cue: CueHit, gazetteer: Gazetteer) -> int | None:
    """ "Abitiamo in via dei Tigli 4, Zobbiola": behind the street's number, unless a CAP says it."""
    streets = gazetteer.words["street"]
    near = range(cue.last + 1, min(cue.last + 4, len(reading.words)))
    street = next((index for index in near if reading.words[index] in streets), None)
    if street is None or any(reading.gaps[index] is Gap.HARD for index in range(cue.last + 1, street + 1)):
        return None
    for index in range(street + 1, min(street + _LONGEST_STREET, len(reading.words) - 1)):
        if reading.gaps[index] is Gap.HARD:
            return None
        if reading.words[index].isdecimal():
            index += 2 if reading.words[index + 1] in {"a", "ad", "in", "bis", "b"} else 1
            told = index < len(reading.words) and reading.gaps[index] is not Gap.HARD and reading.capital(index)
            line = told and "\n" not in reading.text[reading.ends[index - 1] : reading.starts[index]]
            return index if line and _looks_like_a_name(reading, index, cue, gazetteer) else None
    return None


def _after_filling(
    reading: Reading, cue: CueHit, behind: tuple[CueHit, ...], taken: set[int], gazetteer: Gazetteer
) -> int | None:
    """ "Viviamo da due anni con i suoceri a Zobbiola": the first capital after "a", before anything else is told."""
    end = min([cue.last + _LONGEST_FILLING, len(reading.words) - 2, *(one.first - 1 for one in behind if _parts(one))])
    for index in range(cue.last + 1, end + 1):
        word = reading.words[index]
        if index in taken or reading.gaps[index] is Gap.HARD or word in _PARTING:
            return None
        placed = word in {"a", "ad"}
        if reading.gaps[index] is Gap.SOFT and not placed:
            return None
        after = index + 1
        if placed and reading.gaps[after] is Gap.NONE and reading.capital(after):
            return after if _looks_like_a_name(reading, after, cue, gazetteer) else None
    return None


def _parts(cue: CueHit) -> bool:
    """Whether a later cue begins something else: a school, work, a desk. With whom one lives is still the home."""
    return cue.cue.side == "left" and cue.cue.role not in {Role.RESIDENCE, Role.MOVING_TO, Role.RELATIVES}


def end_of_name(reading: Reading, index: int) -> int:
    last = index
    while last + 1 < len(reading.words) and reading.gaps[last + 1] is Gap.NONE and reading.capital(last + 1):
        last += 1
    return last


def _after_preposition(reading: Reading, cue: CueHit, gazetteer: Gazetteer) -> int | None:
    """The word where the name of the place begins that the cue speaks of."""
    index = cue.last + 1
    ready = reading.words[cue.last] in {"a", "ad", "di", "in", "ai", "da", "e"}
    if index < len(reading.words) and reading.words[index] == "e" and cue.cue.person == "first":
        index += 1  # "casa nostra è a ..."
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
    unmistakable = cue.first == cue.last and cue.cue.person != "any"
    return reading.capital(index) or (unmistakable and reading.words[index - 1] != "in")


def end_of_comune(reading: Reading, index: int, gazetteer: Gazetteer) -> int | None:
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
