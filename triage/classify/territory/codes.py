"""Postal codes and landline prefixes in a text.

Enters: a reading. Leaves: mentions of kind ``cap`` and ``prefix`` with the comuni that share the code.
Numbers that are neither (mobile numbers, prices, dates) are passed over.
"""

from __future__ import annotations

import re

from triage.classify.territory.gazetteer import Gazetteer
from triage.classify.territory.spelling import Reading
from triage.vocabulary import PlaceMention, Role

CODE_WEIGHT = 0.5
PREFIX_WEIGHT = 0.45

_CAP = re.compile(r"(?<![\d./+-])(?:2[67]|46)\d{3}(?![\d/]|[.,]\d)")
# A landline number as people write it: 0386 52123, 0386/52123, +39 0386-521 23, (0386) 521 234.
_PREFIX = re.compile(r"(?<!\d)0(?:37[2-6]|386|363)(?=\)?[\s./-]{0,3}\d(?:[\s./-]{0,2}\d){4,6}(?!\d))")
_NAMED_PREFIX = re.compile(r"(?i)\bprefisso\s+(?:è\s+)?(?:lo\s+)?(0(?:37[2-6]|386|363))\b")
# The number somebody rang tells where the office is, not where they live.
# "Ordine n. 26013", "prot. 46100 del 3/11", "26013 euro": a number that only looks like a postal code.
_NUMBERED = re.compile(
    r"(?i)(?:\bn\.?|\bnr\.?|\bnum\.?|\bnumero|°|\bprot(?:ocollo)?\.?|\bpratica|\bordine|\bticket|\bmatricola|\bbadge|\bfattura"
    r"|\bcodice(?:\s+\w+)?(?:\s+è)?|\binterno|\bint\.|\bid|\brif(?:erimento)?\.?|\bpolizza|\bcontratto|\bbolletta|€|\beuro)[\s:#.n°]{0,6}$"
)
_COUNTED = re.compile(r"(?i)\s{0,2}(?:€|euro|del \d|km|punti)")
_CALLED = re.compile(
    r"(?i)(?:chiamat[oai]|chiamando|telefonat[oai]|rispond\w*|numero verde|centralino|provato)\W+(?:\w+\W+){0,4}$"
)


def find_codes(reading: Reading, where: str, gazetteer: Gazetteer) -> tuple[PlaceMention, ...]:
    """CAPs and prefixes of the two provinces, in the order in which they stand."""
    text = reading.text
    found: list[PlaceMention] = []
    if "26" in text or "46" in text:
        for match in _CAP.finditer(text):
            comuni = gazetteer.caps.get(match.group())
            numbered = _NUMBERED.search(text, max(0, match.start() - 20), match.start()) is not None
            if comuni is not None and not numbered and _COUNTED.match(text, match.end()) is None:
                found.append(_mention(where, match.start(), match.end(), "cap", comuni, CODE_WEIGHT))
    if "03" in text:
        spans = {(m.start(), m.end()) for m in _PREFIX.finditer(text)}
        spans |= {m.span(1) for m in _NAMED_PREFIX.finditer(text)}
        for start, end in sorted(spans):
            comuni = gazetteer.prefixes[text[start:end]]
            called = _CALLED.search(text[max(0, start - 60) : start]) is not None
            found.append(_mention(where, start, end, "prefix", comuni, 0.0 if called else PREFIX_WEIGHT))
    return tuple(sorted(found, key=lambda mention: mention.start))


def _mention(where: str, start: int, end: int, kind: str, comuni: tuple[str, ...], weight: float) -> PlaceMention:
    role = Role.SIGNATURE if where == "signature" else Role.OTHER
    return PlaceMention(where, start, end, kind, comuni, role, weight)
