"""Names that are no home town here: street signs, surnames, plain words; and whole addresses.

Enters: a reading and a name hit in it. Leaves: whether the hit is such a thing. The words that tell are
data (``data/words.csv``, ``data/common_words.csv``).
"""

from __future__ import annotations

from dataclasses import dataclass

from triage.classify.territory.gazetteer import Cue, Gazetteer, Name
from triage.classify.territory.spelling import Gap, Reading
from triage.vocabulary import Role

_DECIDING = frozenset(
    {
        Role.RESIDENCE,
        Role.MOVING_TO,
        Role.REQUESTED_DESK,
        Role.SCHOOL,
        Role.WORK,
        Role.RELATIVES,
        Role.HOSPITAL,
        Role.ORGANISATION,
        Role.OTHER,
    }
)
_LOCATIVES = frozenset({"a", "ad", "in", "di", "da", "ai", "alle", "alla", "delle", "dalle"})
_LONGEST_LONE_LINE = 80
_TITLE_SUFFIXES = frozenset({"ssa", "ra"})


@dataclass(frozen=True, slots=True)
class NameHit:
    """A spelling found at words ``first`` to ``last`` (inclusive)."""

    first: int
    last: int
    name: Name
    typo: bool = False


@dataclass(frozen=True, slots=True)
class CueHit:
    """A cue phrase found at words ``first`` to ``last`` (inclusive)."""

    first: int
    last: int
    cue: Cue


def is_street(reading: Reading, hit: NameHit, gazetteer: Gazetteer) -> bool:
    """Via Mantova, viale della Gonzaga, piazza San Giacomo: a name on a street sign."""
    streets = gazetteer.words["street"]
    index = hit.first - 1
    for _ in range(3):
        if index < 0 or reading.gaps[index + 1] is not Gap.NONE:
            return False
        if reading.words[index] in streets:
            # "ponte di Ostiglia", "in strada a Goito" are in the town; "via Porta Mantova" is a sign.
            return reading.words[index + 1] not in {"a", "ad", "in"} and (
                reading.words[index] not in {"ponte", "parco", "porta", "palazzo", "strada", "piazza", "rotonda"}
                or index + 1 == hit.first
                or reading.words[index + 1] in {"per", "porta", "san", "santa"}
            )
        if reading.words[index] not in {"di", "del", "della", "dei", "degli", "porta", "san", "borgo", "per", "dell"}:
            return False
        index -= 1
    return False


def is_surname(reading: Reading, hit: NameHit, gazetteer: Gazetteer) -> bool:
    """A title or a first name next to it: sig.ra Gonzaga, Paolo Cremona, Riva Giulia."""
    if hit.first > 0 and reading.gaps[hit.first] is Gap.NONE:
        before = reading.words[hit.first - 1]
        if before in gazetteer.words["title"]:
            return before not in _TITLE_SUFFIXES or reading.words[max(hit.first - 2, 0)] in {
                "sig",
                "dott",
                "prof",
            }
        if before in gazetteer.words["first_name"] and reading.capital(hit.first - 1) and reading.capital(hit.first):
            # "da quando è nata Anna Crema ..." is rare; "Anna Cremona" signs every day.
            return hit.first < 2 or reading.words[hit.first - 2] not in {"santa", "san", "sant", "via"}
    after = hit.last + 1
    if after < len(reading.words) and reading.gaps[after] is Gap.NONE and hit.first == hit.last:
        alone = hit.first == 0 or reading.words[hit.first - 1] not in gazetteer.words["preposition"]
        return (
            alone
            and reading.words[after] in gazetteer.words["first_name"]
            and reading.capital(after)
            and reading.capital(hit.first)
        )
    return False


def is_common_word(
    reading: Reading,
    hit: NameHit,
    following: tuple[NameHit, ...],
    cue: CueHit | None,
    distance: int,
    gazetteer: Gazetteer,
) -> bool:
    """Whether a name that is also a word is just the word here."""
    before = reading.words[hit.first - 1] if hit.first else ""
    if hit.name.kind == "area" and hit.first == hit.last:
        return before not in gazetteer.words["area_article"]
    if not hit.name.common:
        return False
    capital = reading.capital(hit.first)
    if _is_anchored(reading, hit, following, gazetteer):
        return False
    near = cue is not None and cue.cue.role in _DECIDING and distance <= 1
    locative = before in _LOCATIVES or (cue is not None and reading.words[cue.last] in _LOCATIVES)
    if near and locative and cue is not None and cue.cue.role in {Role.RESIDENCE, Role.MOVING_TO}:
        return hit.name.common == "strict" and not capital and distance > 0
    if hit.name.common == "strict":
        # "La festa di Santa Lucia" is a feast; "la festa a Santa Lucia" would be in the hamlet.
        wanted = _LOCATIVES - {"di"} if cue is not None and cue.cue.role is Role.REQUESTED_DESK else _LOCATIVES
        return not ((capital or hit.last > hit.first) and near and before in wanted)
    if cue is not None and cue.cue.role is Role.NEGATED and distance == 0:
        return False
    if before in {"a", "ad", "da"}:
        return False
    if capital and not reading.opens_sentence(hit.first):
        return False
    sign = reading.text[reading.ends[hit.last] : reading.ends[hit.last] + 3].lstrip(" ")[:1]
    if capital and sign in {",", ":", "(", "-", "–"}:
        return False
    reachable = cue is not None and cue.cue.role in _DECIDING and distance <= 3
    return not (reachable and (before in {"a", "ad", "di", "da", "in"} or locative))


def _is_anchored(reading: Reading, hit: NameHit, following: tuple[NameHit, ...], gazetteer: Gazetteer) -> bool:
    """A CAP before, a province sign behind, "frazione" before or a consistent place next to it."""
    if hit.first and reading.gaps[hit.first] is Gap.NONE:
        before = reading.words[hit.first - 1]
        if before in gazetteer.caps or before in {"frazione", "fraz", "localita", "loc", "quartiere", "comune"}:
            return True
    after = hit.last + 1
    if after < len(reading.words) and reading.raw(after) in {"MN", "CR"}:
        return True
    for other in following:
        if not set(other.name.comuni) & set(hit.name.comuni) or other.name.common:
            continue
        between = other.first - hit.last - 1
        if 0 <= between <= 2 and all(
            word in gazetteer.words["preposition"] or word in gazetteer.words["transparent"]
            for word in reading.words[hit.last + 1 : other.first]
        ):
            return True
    return False


def is_address(reading: Reading, hit: NameHit, gazetteer: Gazetteer) -> bool:
    """After a CAP, after street and number, or alone with a name or date on the last or first line."""
    index = hit.first - 1
    if index >= 0 and reading.words[index] in gazetteer.caps:
        return True
    streets = gazetteer.words["street"]
    window = reading.words[max(hit.first - 7, 0) : hit.first]
    for back, word in enumerate(reversed(window), start=1):
        if reading.gaps[hit.first - back + 1] is Gap.HARD:
            break
        if word in streets:
            return any(w[0].isdigit() for w in reading.words[hit.first - back : hit.first])
    return is_lone_line(reading, hit)


def is_lone_line(reading: Reading, hit: NameHit) -> bool:
    """Whether the hit stands on a short first or last line of several: a date line or a signing-off."""
    text = reading.text
    start = text.rfind("\n", 0, reading.starts[hit.first]) + 1
    end = text.find("\n", reading.ends[hit.last])
    end = len(text) if end < 0 else end
    if end - start > _LONGEST_LONE_LINE or not (reading.ends[-1] <= end or start <= reading.starts[0]):
        return False
    if text.find("\n", reading.starts[0], reading.ends[-1]) < 0:
        return False
    line = text[start:end]
    if text[reading.ends[hit.last] : end].strip(" .,)MNCR(") and not any(c.isdigit() for c in line):
        return False
    return len(line.split()) <= 6 and "?" not in line
