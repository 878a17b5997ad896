"""Does somebody ask for a second thing, or for a second family?

Enters a message's text and the topics' probabilities, leaves reasons that name what else there is, so that who answers
sees it. Nothing here decides or holds: where two requests need two answers, places and topics in doubt do that. The
phrases live in ``data/second.yaml``. Labelled second topics are a matter of taste (``docs/quality.md``): a phrase
says that there is a second request, the model only what else it may be about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from triage.classify.folding import fold
from triage.classify.lists import read_lists
from triage.classify.phrases import PhraseBook, PhraseMatch
from triage.vocabulary import NOT_FOR_US, InboundMessage, Reason

PERHAPS_ALSO = 0.20
"""Probability from which a second topic is named: of 954 named so for messages of a held-out fifth of the writers, 415
were the labelled topic or the labelled second one (``docs/quality.md``)."""
_READ = 12_000
_CODES = {"richiesta": "seconda_richiesta", "famiglia": "seconda_famiglia"}


def second_requests(message: InboundMessage, topic: str, probabilities: Mapping[str, float]) -> tuple[Reason, ...]:
    """The first phrase of each kind, with where it stands, and the topic that comes second if it is likely enough."""
    first: dict[str, Reason] = {}
    for match in find_second(fold(message.new_text[:_READ])):
        found = Reason(_CODES[match.key], {"where": "text", "start": match.start, "end": match.end})
        first.setdefault(match.key, found)
    also = max((one for one in probabilities if one not in (topic, NOT_FOR_US)), key=lambda one: probabilities[one])
    if topic != NOT_FOR_US and probabilities[also] >= PERHAPS_ALSO:
        first["argomento"] = Reason("argomento_anche", {"topic": also, "probability": round(probabilities[also], 2)})
    return tuple(first[key] for key in ("argomento", "richiesta", "famiglia") if key in first)


def find_second(folded: str) -> tuple[PhraseMatch, ...]:
    """Where folded text tells of a second request (key ``richiesta``) or family (``famiglia``)."""
    found = _book().find(folded)
    return tuple(
        PhraseMatch(one.start, one.end, one.key.removesuffix(_AT_A_START))
        for one in found
        if not one.key.endswith(_AT_A_START)
        or _BEFORE_A_START.search(folded[max(0, one.start - _LOOKED_BACK) : one.start])
    )


_AT_A_START = "_a_capo"
_LOOKED_BACK = 12
_BEFORE_A_START = re.compile(r"(?:^|[.!?:;)\n])\W*(?:(?:e|ah|poi|ps|p\.s\.|infine|inoltre)\W+)?$")


@lru_cache(maxsize=1)
def _book() -> PhraseBook:
    raw = read_lists(Path(__file__).parent / "data" / "second.yaml")
    return PhraseBook((kind, phrase) for kind, phrases in raw.items() for phrase in phrases)
