"""Places in other scripts than the Latin one: Cyrillic, Arabic, Gurmukhi, Devanagari, Bengali, Han.

Enters a reading, leaves mentions. A name is known by its table (``data/exonyms.csv``) or by its sound
(:mod:`triage.classify.territory.heard`); its role by cues of that script (``data/script_cues.csv``).
"""

from __future__ import annotations

import re

from triage.classify.territory.gazetteer import Gazetteer
from triage.classify.territory.heard import heard_names
from triage.classify.territory.roles import PLAIN_MENTION
from triage.classify.territory.spelling import Reading
from triage.vocabulary import PlaceMention, Role

OTHER_SCRIPTS = re.compile(r"[\u0400-\u04ff\u0600-\u06ff\u0900-\u0a7f\u4e00-\u9fff]")
_REACH = 24
_VERB_LAST = re.compile(r"[\u0600-\u06ff\u0900-\u0a7f]")
_LONGEST_SCRIPT_NAME = 3
_PROCLITICS = "بفلو"
"""Arabic prepositions and "and", written onto the name."""
_SCRIPT_PREPOSITIONS = frozenset({"في", "ف", "من", "الى", "إلى", "ب", "بـ", "ديال", "بلدية", "مدينة", "میں", "سے"})
_SCRIPT_PREPOSITIONS |= {"в", "у", "з", "із", "из", "с", "до", "біля", "под", "під"}


def find_in_scripts(reading: Reading, where: str, gazetteer: Gazetteer) -> list[PlaceMention]:
    """Places of a text that is written, wholly or in part, in another script than the Latin one."""
    text = reading.text
    spans: dict[tuple[int, int], tuple[str, tuple[str, ...]]] = {}
    for name, comuni in gazetteer.script_names.items():
        start = text.find(name)
        while start >= 0:
            spans[start, start + len(name)] = ("comune", comuni)
            start = text.find(name, start + len(name))
    taken = {place for start, end in spans for place in range(start, end)}
    known = heard_names(gazetteer)
    index = 0
    while index < len(reading.words):
        size = 1
        if not reading.words[index].isascii() and reading.starts[index] not in taken:
            before = reading.words[index - 1] if index else ""
            placed = before in _SCRIPT_PREPOSITIONS
            for last in range(min(index + _LONGEST_SCRIPT_NAME, len(reading.words)) - 1, index - 1, -1):
                words = reading.words[index : last + 1]
                meant = known.meant_in_script(words, placed=placed)
                if meant is None and words[0][0] in _PROCLITICS:
                    meant = known.meant_in_script((words[0][1:], *words[1:]), placed=True)
                if meant is not None:
                    spans[reading.starts[index], reading.ends[last]] = (meant.kind, meant.comuni)
                    size = last - index + 1
                    break
        index += size
    found: list[PlaceMention] = []
    for (start, end), (kind, comuni) in sorted(spans.items()):
        role, weight = role_by_script(text, start, end, gazetteer) or (Role.OTHER, PLAIN_MENTION)
        found.append(PlaceMention(where, start, end, kind, comuni, role, weight))
    return found


def role_by_script(text: str, start: int, end: int, gazetteer: Gazetteer) -> tuple[Role, float] | None:
    """Role and weight by the nearest cue of another script: before, or after where the verb comes last."""
    before, after = text[max(0, start - _REACH) : start], text[end : end + _REACH]
    if not OTHER_SCRIPTS.search(before + after):
        return None
    near: list[tuple[int, Role]] = []
    for phrase, role in gazetteer.script_cues:
        found = before.rfind(phrase)
        if found >= 0:
            near.append((len(before) - found - len(phrase), role))
        later = after.find(phrase) if _VERB_LAST.match(phrase) else -1
        if later >= 0:
            near.append((later, role))
    if not near:
        return None
    role = min(near, key=lambda pair: pair[0])[1]
    return role, {Role.RESIDENCE: 0.9, Role.SCHOOL: 0.75}.get(role, 0.0)
