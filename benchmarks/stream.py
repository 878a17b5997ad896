"""A stream of invented mail: whole writers one after another, and other words from half way on.

Enters the training messages, leaves what a first model may learn from and the segments of the
stream. Writers who share a situation stay together, so that a refit between two segments never
taught a model the writers that it is measured on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from triage.classify.examples import Example
from triage.classify.fitting import group_kindred

RENAMED: Mapping[str, str] = {
    "laboratorio": "percorso",
    "laboratori": "percorsi",
    "corso": "gruppo",
    "corsi": "gruppi",
    "doposcuola": "spazio",
    "iscrizione": "richiesta",
    "iscrizioni": "richieste",
}
"""Activities under a new name that had another meaning before: no word is new, the model is misled."""

CAMPAIGN: Mapping[str, str] = {
    "serata": "agorà",
    "serate": "agorà",
    "incontro": "radura",
    "incontri": "radure",
    "colloquio": "milleminuti",
    "colloqui": "milleminuti",
    "consulenza": "milleminuti",
    "sportello": "portatonda",
    "psicologa": "accompagnatrice",
    "psicologo": "accompagnatore",
    "appuntamento": "segnaposto",
    "genitori": "genitribù",
    "mamme": "genitribù",
    "papà": "genitribù",
    "bonus": "miniconto",
}
"""A campaign's own words, which no message before it has."""

_TABLE = {**RENAMED, **CAMPAIGN}
_WORDS = re.compile(rf"\b(?:{'|'.join(_TABLE)})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Segment:
    """Messages of whole writers, mixed, as they arrive between two looks at the figures."""

    examples: tuple[Example, ...]
    shifted: bool
    """Whether they speak of the campaign."""


def draw(
    read: Sequence[Example], messages: int, history: int | None, per_segment: int, seed: int
) -> tuple[list[Example], list[Segment]]:
    """The first model's messages (``history`` at most, or all that are left) and the stream's segments."""
    random = np.random.default_rng(seed)
    kin: dict[int, list[Example]] = {}
    for group, one in zip(group_kindred([e.writer for e in read], [e.situation for e in read]), read, strict=True):
        kin.setdefault(group, []).append(one)
    order = [kin[int(group)] for group in random.permutation(list(kin))]
    segments: list[Segment] = []
    arrived = 0
    while order and arrived < messages:
        arriving: list[Example] = []
        while order and len(arriving) < per_segment:
            arriving += order.pop()
        mixed = [arriving[int(position)] for position in random.permutation(len(arriving))][: messages - arrived]
        shifted = arrived >= messages / 2
        segments.append(Segment(tuple(shift(one) for one in mixed) if shifted else tuple(mixed), shifted))
        arrived += len(mixed)
    return [one for group in order for one in group][:history], segments


def shift(one: Example) -> Example:
    """The same message in the words of the campaign."""
    words = replace(one.message, subject=_reworded(one.message.subject), new_text=_reworded(one.message.new_text))
    return replace(one, message=words)


def touched(segments: Sequence[Segment]) -> tuple[int, int]:
    """How many of the shifted messages speak with a word of the campaign or an activity's new name, of how many."""
    new = re.compile(rf"\b(?:{'|'.join(sorted({*_TABLE.values()}))})\b", re.IGNORECASE)
    shifted = [one.message for segment in segments if segment.shifted for one in segment.examples]
    return sum(bool(new.search(f"{one.subject} {one.new_text}")) for one in shifted), len(shifted)


def _reworded(text: str) -> str:
    def put(found: re.Match[str]) -> str:
        new = _TABLE[found[0].lower()]
        return new.capitalize() if found[0][0].isupper() else new

    return _WORDS.sub(put, text)
