"""Whether the markup of a message says what its plain text does not (RFC 2046 section 5.1.4 promises the same).

Plain text is what is read. Programs that write both write the same; a plain part that was left from a template, or
made to hide what the other says, would be read in the place of the letter. Words are compared, not layout.
"""

from __future__ import annotations

import re

from triage.parse.charsets import decode_text
from triage.parse.html_text import strip_tags
from triage.parse.limits import Budget, DefectLog
from triage.parse.part_text import META_CHARSET, part_octets
from triage.parse.structure import Part

_COMPARED = 60_000
"""Octets of markup that are looked at."""
_WORD = re.compile(r"[^\W\d_]{4,}")
FEWEST = 4
"""Different words of four letters or more that only the markup has."""


def says_more(shown: str, other: str) -> bool:
    """Whether ``other`` has words that ``shown`` has not."""
    return len(_words(other) - _words(shown)) >= FEWEST


def markup_says_more(shown: str, part: Part, budget: Budget) -> bool:
    """The same of the markup in a part that is not read; false where there is none."""
    if part.content_type == "multipart/related":
        return any(markup_says_more(shown, child, budget) for child in part.children[:1])
    if part.content_type != "text/html":
        return False
    octets = part_octets(part, _COMPARED, budget, DefectLog(), for_text=True)
    found = META_CHARSET.search(octets, 0, 4_096)
    declared = part.parameters.get("charset", "") or (found[1].decode("ascii") if found else "")
    source = decode_text(octets, declared, DefectLog(), "")
    return says_more(shown, strip_tags(source))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
