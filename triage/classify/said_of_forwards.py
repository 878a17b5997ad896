"""What is said of a message that we sent: that it is not theirs, that the address has changed, that it did not arrive.

Enters text, leaves the kinds of what was found. The list is data (``data/said_of_forwards.yaml``), written
by hand and read by people.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from triage.classify.folding import fold
from triage.classify.lists import read_lists
from triage.classify.phrases import PhraseBook

NOT_OURS = "non_per_noi"
MOVED = "cambiato"
UNDELIVERED = "non_consegnato"
MISSED = "mancata_consegna"


def said_of_forward(text: str) -> frozenset[str]:
    """:data:`NOT_OURS`, :data:`MOVED`, :data:`UNDELIVERED` and :data:`MISSED`, as far as the text says so."""
    return frozenset(match.key for match in _book().find(fold(text)))


@lru_cache(maxsize=1)
def _book() -> PhraseBook:
    raw = read_lists(Path(__file__).parent / "data" / "said_of_forwards.yaml")
    return PhraseBook((kind, phrase) for kind, phrases in raw.items() for phrase in phrases)
