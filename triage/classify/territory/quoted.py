"""Whose words a quoted text holds.

Enters: the quoted text and the author of the message. Leaves: for an offset, how much a place there
may count: the same writer's earlier words do, somebody else's (our own answer, a newsletter) do not,
and words without an attribution line count half.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from triage.classify.territory.spelling import normal
from triage.vocabulary import Address

OWN = 0.95
UNATTRIBUTED = 0.6
SOMEBODY_ELSES = 0.0

# "Il giorno mer 18 nov 2026 alle ore 12:02 Anna Rossi <anna@example.org> ha scritto:", "On ... wrote:",
# "Da: Anna Rossi", "From: ...". Mail programs wrap the first kind over two lines.
_ATTRIBUTION = re.compile(
    r"(?im)^[>\s]*(?:(?:il|in data|on|le|el|am|pe|am)\b[^\n]*(?:\n[^\n]*)?"
    r"(?:ha scritto|wrote|a écrit|escribió|schrieb|a scris)\s*:|(?:da|from|de|von|mittente)\s*:[^\n]*)"
)


def share_at(quoted: str, author: Address) -> Callable[[int], float]:
    """A function from an offset in ``quoted`` to the share of its weight that a place there keeps."""
    marks: list[tuple[int, float]] = [(0, UNATTRIBUTED)]
    for match in _ATTRIBUTION.finditer(quoted):
        marks.append((match.start(), OWN if _names(match.group(), author) else SOMEBODY_ELSES))

    def share(offset: int) -> float:
        return next(value for start, value in reversed(marks) if start <= offset)

    return share


def _names(line: str, author: Address) -> bool:
    """Whether an attribution line speaks of the author: their address, or two words of their name."""
    if author.addr_spec and author.addr_spec.lower() in line.lower():
        return True
    words = {word for word in normal(author.display_name).split() if len(word) > 2}
    there = set(normal(line).split())
    return bool(words) and len(words & there) >= min(2, len(words))
