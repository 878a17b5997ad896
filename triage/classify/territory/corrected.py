"""Writers who correct themselves: "abitiamo a X... volevo dire Y", "X, anzi Y", "X? no, scusi, Y".

Enters: a reading with the places found in it. Leaves: the same places, the one taken back denied and the later one in
its role; and a mention of a later one that no list of ours holds, so that the first cannot decide. Pure and total.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from triage.classify.territory.gazetteer import Gazetteer
from triage.classify.territory.lookalikes import NameHit
from triage.classify.territory.roles import Judged
from triage.classify.territory.spelling import Gap, Reading
from triage.classify.territory.unlisted import end_of_comune, end_of_name
from triage.vocabulary import PlaceMention, Role

_WORDS = 9
"""Words from the place taken back to the one that is meant."""
_SORRY = r"(?: (?:[.,]|scusi|scusate|scusa|scusatemi|ah|oh|ops|oddio|cioe|aspetti|aspettate))*"
_PLACING = (
    r"(?: (?:[.,]|a|ad|di|in|da|comune|paese|no|era|e|siamo|sono|abito|abitiamo|vivo|viviamo|sto|stiamo"
    r"|quello|quella))*"
)
_PLAIN = re.compile(
    rf"^(?: [.,])*(?: [a-z]{{1,4}} \.)?{_SORRY}(?: no)?{_SORRY}"
    r" (?:(?:volevo|volevamo|intendevo|intendevamo) (?:dire|scrivere)|intendevo|intendevamo|(?:mi )?correggo|pardon"
    r"|errata corrige|(?:mi sono|ci siamo) sbagliat[oaie]|(?:ho|abbiamo) (?:sbagliato|scritto male)|anzi no|no anzi)"
    rf"{_SORRY}{_PLACING} $"
)
_SLIGHT = re.compile(
    rf"^(?: [.,])*(?: [a-z]{{1,4}} \.)?(?:{_SORRY} anzi{_SORRY}| (?:[.,] )?no(?: ,| (?:scusi|scusate|scusa|scusatemi))"
    rf"{_SORRY})(?: (?:quello|quella))?(?: (?:a|ad|di|in|da))? $"
)
"""These say it only before a name that some list holds: "a Goito, anzi Marta verrebbe da sola"."""
_PASSED = frozenset({Role.STREET, Role.SURNAME, Role.COMMON_WORD})


def with_corrections(reading: Reading, judged: Sequence[Judged]) -> tuple[Judged, ...]:
    """Roles as they are once the writer's own corrections count."""
    result = list(judged)
    for number, (wrong, right) in enumerate(pairwise(judged)):
        # "Isso" is a word as well as a town elsewhere; after "volevo dire" it is the town.
        word = right.role is Role.COMMON_WORD and right.hit.name.kind == "outside"
        if wrong.role in _PASSED or (right.role in _PASSED and not word):
            continue
        between = _between(reading, wrong.hit.last, right.hit.first)
        if not (_PLAIN.match(between) or (_SLIGHT.match(between) and not word)):
            continue
        meant = result[number]
        result[number] = replace(meant, role=Role.NEGATED, weight=0.0, distance=0)
        if right.weight < meant.weight or right.role is Role.NEGATED:
            result[number + 1] = replace(right, role=meant.role, weight=meant.weight, distance=meant.distance)
    return tuple(result)


def told_instead(
    reading: Reading, judged: Sequence[Judged], where: str, gazetteer: Gazetteer
) -> tuple[tuple[Judged, ...], list[PlaceMention]]:
    """The same where the later place is no name of ours: a comune of another province, or one that nobody knows."""
    result: list[Judged] = []
    found: list[PlaceMention] = []
    starts = {one.hit.first for one in judged}
    for one in judged:
        index = None if one.role in _PASSED else _named_after(reading, one.hit, starts, gazetteer)
        if index is None:
            result.append(one)
            continue
        comune = end_of_comune(reading, index, gazetteer)
        last = end_of_name(reading, index) if comune is None else comune
        kind = "unknown" if comune is None else "outside"
        role, weight = (one.role, one.weight) if one.weight > 0 else (Role.OTHER, 0.0)
        found.append(PlaceMention(where, reading.starts[index], reading.ends[last], kind, (), role, weight))
        result.append(replace(one, role=Role.NEGATED, weight=0.0, distance=0))
    return tuple(result), found


def _named_after(reading: Reading, hit: NameHit, starts: set[int], gazetteer: Gazetteer) -> int | None:
    """Where the later name begins, if it stands in the place of ``hit``."""
    plain = gazetteer.words["first_name"] | gazetteer.words["not_a_place"] | gazetteer.words["street"]
    for index in range(hit.last + 2, min(hit.last + 2 + _WORDS, len(reading.words))):
        if index in starts:
            return None
        word = reading.words[index]
        if not reading.capital(index) or len(word) < 3 or word in plain:
            continue
        between = _between(reading, hit.last, index)
        listed = end_of_comune(reading, index, gazetteer) is not None
        if listed and _SLIGHT.match(between):
            return index
        if _PLAIN.match(between) and (listed or word not in gazetteer.cue_words):
            return index
    return None


def _between(reading: Reading, left: int, right: int) -> str:
    """The words between two places, with signs as words of their own; all of it too long to match if far apart."""
    if right - left > _WORDS:
        return ""
    parts: list[str] = []
    for index in range(left + 1, right + 1):
        if reading.gaps[index] is not Gap.NONE:
            parts.append("." if reading.gaps[index] is Gap.HARD else ",")
        if index < right:
            parts.append(reading.words[index])
    return f" {' '.join(parts)} " if parts else ""
