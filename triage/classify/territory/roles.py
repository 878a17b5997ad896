"""Why a place is mentioned, from the words around it.

Enters: a reading of one text, the name hits and cue hits in it. Leaves: a :class:`Role` and a weight
for each hit, by the order of strength of the labelling guide (section 1). Which words are cues is
data (``data/cues.csv``); here is only how near they must stand and which of them wins.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from triage.classify.territory.gazetteer import Gazetteer
from triage.classify.territory.left_behind import is_left_behind, is_new_home
from triage.classify.territory.lookalikes import (
    CueHit,
    NameHit,
    is_address,
    is_common_word,
    is_lone_line,
    is_street,
    is_surname,
)
from triage.classify.territory.secondhand import FRAMES, is_second_hand, is_visitors
from triage.classify.territory.spelling import Gap, Reading
from triage.vocabulary import SECOND_HAND, Role

PLAIN_MENTION = 0.6
"""Weight of a place that is named in the writer's new words without any cue."""
ADDRESS = 0.56
"""Weight of a place in an address, a date line or a signing-off."""

_INHERITED = frozenset(
    {Role.RESIDENCE, Role.MOVING_TO, Role.REQUESTED_DESK, Role.SCHOOL, Role.NEGATED, Role.RELATIVES, Role.WORK}
)
_MAY_BE_LEFT = frozenset({Role.RESIDENCE, Role.MOVING_TO, Role.OTHER, Role.NEGATED, Role.RELATIVES, Role.SIGNATURE})
_ORIGIN = frozenset({"da", "dal", "dalla", "from", "din", "de", "nga"})
"""Before the place left: "da Goito a Viadana" denies the first only."""
_SOFT_COST = 3
"""A comma or bracket between cue and place counts like this many words."""
_SUBJECT_REACH = 8
_WINDOW = 40
"""Words looked at on either side of a place; no cue reaches as far."""
SOMEBODYS_HOME = 0.84
"""Weight of "vive a ..." when nothing tells who; the writer's own "vivo a ..." is stronger."""
NO_CUE = 99
"""The distance of a role that no cue gave."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A hit with its role; ``distance`` tells how near its cue stood (``NO_CUE``: none)."""

    hit: NameHit
    role: Role
    weight: float
    distance: int


def judge(
    reading: Reading,
    hits: tuple[NameHit, ...],
    cues: tuple[CueHit, ...],
    gazetteer: Gazetteer,
    lenient: bool = False,
) -> tuple[Judged, ...]:
    """Role and weight of every hit, left to right; a place in a list takes the role of the one before.

    ``lenient`` is for signatures, where a name that is also a word stands for the place.
    """
    judged: list[Judged] = []
    firsts = [cue.first for cue in cues]
    for number, hit in enumerate(hits):
        # Only a window of words: a hostile text of names alone must not cost the square of its length.
        near = cues[bisect_left(firsts, hit.first - _WINDOW) : bisect_right(firsts, hit.last + _WINDOW)]
        following = hits[number + 1 : number + 4]
        in_reach = _in_reach(reading, following, judged, near)
        own = _judge_alone(reading, hit, in_reach, following, gazetteer, lenient)
        before = judged[-1] if judged else None
        if (
            before is not None
            and before.role in _INHERITED
            and not (before.role is Role.NEGATED and reading.words[before.hit.first - 1] in _ORIGIN)
            and own.distance > 1
            and own.role is not Role.STREET
            and own.role is not Role.SURNAME
            and _is_listed_with(reading, before.hit, hit, gazetteer)
        ):
            own = Judged(hit, before.role, before.weight, before.distance + 2)
        if before is not None and own.distance and _replaces(reading, before, own):
            own = Judged(hit, Role.RESIDENCE, 0.9, 1)
        judged.append(own)
    return tuple(judged)


def _replaces(reading: Reading, before: Judged, own: Judged) -> bool:
    """ "Non abitiamo più a Goito ma a Viadana", "ex Goito, ora Viadana": the home that is told instead."""
    listed = own.role in {Role.OTHER, Role.NEGATED} and own.weight in {0.0, PLAIN_MENTION}
    return listed and before.role is Role.NEGATED and is_new_home(reading, before.hit.last, own.hit.first)


def _in_reach(
    reading: Reading, following: tuple[NameHit, ...], judged: list[Judged], cues: tuple[CueHit, ...]
) -> tuple[CueHit, ...]:
    """Cues with no other place between them and the hit; street signs and plain words do not part them."""
    passed = {Role.STREET, Role.SURNAME, Role.COMMON_WORD}
    floor = next(
        (
            one.hit.last
            for one in reversed(judged)
            # "Ci trasferiamo da Cremona a Offanengo": the place left behind parts nothing either.
            if one.role not in passed and not (one.weight == 0.0 and _is_origin(reading, one.hit))
        ),
        -1,
    )
    ceiling = following[0].first if following else len(reading.words)
    passing = {"subject", *FRAMES}
    return tuple(cue for cue in cues if cue.cue.side in passing or (cue.first > floor and cue.last < ceiling))


def _judge_alone(
    reading: Reading,
    hit: NameHit,
    cues: tuple[CueHit, ...],
    following: tuple[NameHit, ...],
    gazetteer: Gazetteer,
    lenient: bool,
) -> Judged:
    if hit.name.kind != "centre":
        if is_street(reading, hit, gazetteer):
            return Judged(hit, Role.STREET, 0.0, 0)
        if is_surname(reading, hit, gazetteer):
            return Judged(hit, Role.SURNAME, 0.0, 0)
    cue, distance = _nearest_cue(reading, hit, cues, gazetteer)
    plain = (
        (lenient or is_lone_line(reading, hit))
        and hit.name.common == "mild"
        and reading.text[reading.starts[hit.first]].isupper()
    )
    if not plain and is_common_word(reading, hit, following, cue, distance, gazetteer):
        return Judged(hit, Role.COMMON_WORD, 0.0, NO_CUE)
    own = _by_cue(reading, hit, cue, distance, cues, gazetteer)
    if own.role in _MAY_BE_LEFT and hit.name.kind != "centre" and is_left_behind(reading, hit.first, hit.last):
        return Judged(hit, Role.NEGATED, 0.0, 0)
    if own.weight > SECOND_HAND and is_visitors(reading, hit, gazetteer):
        return Judged(hit, Role.OTHER, SECOND_HAND, 0)
    frames = tuple(cue for cue in cues if cue.cue.side in FRAMES) if own.weight > SECOND_HAND else ()
    if frames and is_second_hand(reading, hit, own.role, cue, frames, gazetteer):
        return Judged(hit, Role.OTHER, SECOND_HAND, 0)
    return own


def _by_cue(
    reading: Reading,
    hit: NameHit,
    cue: CueHit | None,
    distance: int,
    cues: tuple[CueHit, ...],
    gazetteer: Gazetteer,
) -> Judged:
    """The role that the nearest cue gives, or the place's own form and position where no cue is near."""
    if cue is None:
        if hit.name.kind == "centre":
            return Judged(hit, Role.REQUESTED_DESK, 1.0, NO_CUE)
        if is_address(reading, hit, gazetteer):
            return Judged(hit, Role.SIGNATURE, ADDRESS, NO_CUE)
        return Judged(hit, Role.OTHER, PLAIN_MENTION, NO_CUE)
    if hit.name.kind == "centre" and cue.cue.role not in {Role.NEGATED, Role.FOOTER, Role.RESIDENCE}:
        return Judged(hit, Role.REQUESTED_DESK, 1.0, 0)
    role, weight = by_subject(reading, cue, cues)
    if role is Role.MOVING_TO and _is_origin(reading, hit):
        return Judged(hit, Role.OTHER, 0.0, distance)
    if hit.name.foreign_country and role in {Role.RESIDENCE, Role.MOVING_TO} and _is_origin_phrase(reading, hit, cue):
        return Judged(hit, Role.OTHER, 0.0, distance)
    if role in {Role.SCHOOL, Role.REQUESTED_DESK, Role.ORGANISATION, Role.WORK} and distance > 1:
        address = is_address(reading, hit, gazetteer)
        if address:
            return Judged(hit, Role.SIGNATURE, ADDRESS, distance)
    if role is Role.SCHOOL and _names_a_school(reading, hit, gazetteer):
        return Judged(hit, role, 0.0, distance)
    return Judged(hit, role, weight, distance)


def _names_a_school(reading: Reading, hit: NameHit, gazetteer: Gazetteer) -> bool:
    """ "Liceo Virgilio", "va al Virgilio": the school's name, in whatever town it is."""
    before = reading.words[hit.first - 1] if hit.first else ""
    return before in {"al", "il", "dal", "del"} or (
        bool(hit.name.common) and before not in gazetteer.words["preposition"]
    )


def _nearest_cue(
    reading: Reading, hit: NameHit, cues: tuple[CueHit, ...], gazetteer: Gazetteer
) -> tuple[CueHit | None, int]:
    """The cue with the least distance; a longer one, then a later one, among equals."""
    best: tuple[int, int, int] | None = None
    chosen: CueHit | None = None
    steps = 0
    for cue in cues:
        if cue.cue.side == "left" and cue.last < hit.first:
            distance = _distance(reading, cue.last, hit.first, gazetteer)
            if cue.cue.before_colon and not reading.text[
                reading.ends[cue.last] : reading.ends[cue.last] + 3
            ].lstrip().startswith(":"):
                continue
        elif cue.cue.side == "right" and cue.first > hit.last:
            distance = _distance(reading, hit.last, cue.first, gazetteer)
        else:
            continue
        if distance > cue.cue.reach + (_SOFT_COST if cue.cue.before_colon else 0):
            continue
        rank = (distance - cue.cue.bonus, cue.first - cue.last, -cue.first)
        if best is None or rank < best:
            best, chosen, steps = rank, cue, distance
    return chosen, steps


def _distance(reading: Reading, before: int, after: int, gazetteer: Gazetteer) -> int:
    """Words between two words, prepositions and the like not counted; 999 across a sentence's end."""
    if after - before > 24:
        return 999
    distance = 0
    skipped = gazetteer.words["preposition"]
    transparent = gazetteer.words["transparent"]
    for index in range(before + 1, after + 1):
        gap = reading.gaps[index]
        if gap is Gap.HARD:
            return 999
        if gap is Gap.SOFT:
            distance += _SOFT_COST
        if index < after and reading.words[index] not in skipped and reading.words[index] not in transparent:
            distance += 1
    return distance


def by_subject(reading: Reading, cue: CueHit, cues: tuple[CueHit, ...]) -> tuple[Role, float]:
    """Whose home it is when the verb is in the third person: a child's counts, the grandparents' not."""
    if cue.cue.role not in {Role.RESIDENCE, Role.MOVING_TO} or cue.cue.person != "third":
        return cue.cue.role, cue.cue.weight
    nearest: CueHit | None = None
    for subject in cues:
        if subject.cue.side != "subject" or not 0 < cue.first - subject.last <= _SUBJECT_REACH:
            continue
        if any(reading.gaps[index] is Gap.HARD for index in range(subject.last + 1, cue.first + 1)):
            continue
        if nearest is None or subject.last > nearest.last:
            nearest = subject
    if nearest is None:
        return cue.cue.role, SOMEBODYS_HOME if cue.cue.role is Role.RESIDENCE else cue.cue.weight
    if cue.cue.role is Role.MOVING_TO and nearest.cue.role is Role.RESIDENCE:
        return cue.cue.role, cue.cue.weight
    return nearest.cue.role, nearest.cue.weight


def _is_origin(reading: Reading, hit: NameHit) -> bool:
    return hit.first > 0 and reading.words[hit.first - 1] in {"da", "dal", "dalla", "from"}


def _is_origin_phrase(reading: Reading, hit: NameHit, cue: CueHit) -> bool:
    """ "Vengo dal Marocco", "we are from India" tell where somebody was born, not where they live."""
    near = reading.words[max(cue.first, 0) : hit.first]
    return bool(
        {"da", "dal", "dalla", "dall", "di", "del", "from", "din", "de", "nga", "dell", "della", "paese"} & set(near)
    )


def _is_listed_with(reading: Reading, before: NameHit, after: NameHit, gazetteer: Gazetteer) -> bool:
    """ "Goito e Asola", "Cogozzo di Viadana", "Ombriano, in Crema": only small words between."""
    small = (
        gazetteer.words["joiner"]
        | gazetteer.words["transparent"]
        | gazetteer.words["preposition"] - {"from", "dal", "da"}
    )
    between = range(before.last + 1, after.first + 1)
    if (
        after.first - before.last in {3, 4}
        and reading.words[after.first - 1] in {"a", "ad"}
        and reading.capital(after.first - 2)
        and reading.gaps[after.first - 1] is Gap.NONE
        and (after.first - before.last == 3 or reading.words[before.last + 1] in small)
    ):
        # "Lucia sta a Bonemerse, Agnese a Poggio Rusco": the verb is told once.
        return all(reading.gaps[index] is not Gap.HARD for index in between)
    return after.first - before.last <= 4 and all(
        reading.gaps[index] is not Gap.HARD
        and (index == after.first or reading.words[index] in small)
        and "\n" not in reading.text[reading.ends[index - 1] : reading.starts[index]]
        for index in between
    )
