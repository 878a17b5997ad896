"""Places where somebody only saw, heard or was told of us: a poster's library, a doctor's town.

Enters: a reading, a place in it with the role its own cue gave, and the frames around it (cues of side ``source``
and ``told``). Leaves: whether the place is known at second hand only. It then is a guess for people to confirm and
never sends a letter anywhere (guide, section 1, rule 5). Which words make a frame is data (``data/cues.csv``).
"""

from __future__ import annotations

from triage.classify.territory.gazetteer import Gazetteer
from triage.classify.territory.lookalikes import CueHit, NameHit
from triage.classify.territory.spelling import Gap, Reading
from triage.vocabulary import Role

SOURCE, TOLD = "source", "told"
FRAMES = frozenset({SOURCE, TOLD})
_POSTER, _TELLER, _HEARSAY = "poster", "teller", "hearsay"
_VENUE = "venue"
_FROM = frozenset({"da", "dal", "dalla"})
_SUBJECT_WITHIN = 5
_ASKED_WITHIN = 30
"""Words after a desk of which the writer has heard, in which they may ask for it."""


def is_second_hand(
    reading: Reading, hit: NameHit, role: Role, cue: CueHit | None, frames: tuple[CueHit, ...], gazetteer: Gazetteer
) -> bool:
    """ "Un volantino in biblioteca a X", "il consultorio di X mi ha detto", "ho sentito che a X fate" and no more."""
    venue = cue is not None and cue.cue.person == _VENUE
    vague = role is Role.ORGANISATION or venue or (role is Role.OTHER and cue is None)
    if vague and any(_tells_after(reading, hit, frame) for frame in frames):
        return True
    kinds = {frame.cue.person for frame in frames if _is_before(reading, hit, frame)}
    if vague and kinds & {_POSTER, _TELLER}:
        return True
    heard_of = vague or (role is Role.REQUESTED_DESK and hit.name.kind != "centre")
    return _HEARSAY in kinds and heard_of and not _asks_for_it(reading, hit, gazetteer)


def is_visitors(reading: Reading, hit: NameHit, gazetteer: Gazetteer) -> bool:
    """ "La maestra viene da X", "la babysitter scende da X ogni mattina": the town of somebody who comes to work."""
    verb = hit.first - 2
    if verb < 1 or reading.words[hit.first - 1] not in _FROM or reading.words[verb] not in gazetteer.words["comes"]:
        return False
    start = verb
    while start > 0 and verb - start < _SUBJECT_WITHIN and reading.gaps[start] is not Gap.HARD:
        start -= 1
    return not gazetteer.words["visitor"].isdisjoint(reading.words[start:verb])


def _tells_after(reading: Reading, hit: NameHit, frame: CueHit) -> bool:
    """ "... di X (qui vicino) mi ha detto": close behind, in the same sentence."""
    if frame.cue.side != TOLD or not 0 < frame.first - hit.last <= frame.cue.reach + 1:
        return False
    return all(reading.gaps[index] is not Gap.HARD for index in range(hit.last + 1, frame.first + 1))


def _is_before(reading: Reading, hit: NameHit, frame: CueHit) -> bool:
    """In the same sentence; a comma may part what was heard from where, but a poster from no signature."""
    if frame.cue.side != SOURCE or not 0 < hit.first - frame.last <= frame.cue.reach + 1:
        return False
    worst = Gap.SOFT if frame.cue.person == _HEARSAY else Gap.NONE
    return all(reading.gaps[index] <= worst for index in range(frame.last + 1, hit.first + 1))


def _asks_for_it(reading: Reading, hit: NameHit, gazetteer: Gazetteer) -> bool:
    after = reading.words[hit.last + 1 : hit.last + 1 + _ASKED_WITHIN]
    return not gazetteer.words["asked_for"].isdisjoint(after)
