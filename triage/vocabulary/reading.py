"""What a message is about: places and their roles, topic, urgency, and how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from triage.vocabulary.labels import Reason


class Role(StrEnum):
    """Why a place is mentioned (guide, section 1)."""

    REQUESTED_DESK = "sportello_chiesto"
    RESIDENCE = "residenza"
    MOVING_TO = "trasferimento"
    SCHOOL = "scuola"
    SIGNATURE = "firma"
    ORGANISATION = "organizzazione"
    WORK = "lavoro"
    RELATIVES = "parenti"
    HOSPITAL = "ospedale"
    STREET = "via"
    SURNAME = "cognome"
    COMMON_WORD = "parola_comune"
    QUOTED = "citato"
    FOOTER = "piede"
    NEGATED = "negato"
    OTHER = "altro"


SECOND_HAND = 0.3
"""Weight of a place that somebody only saw, heard or was told of: a guess for people, which sends nothing anywhere.
Whatever counts weighs more: an address, a CAP, a quoted home."""


@dataclass(frozen=True, slots=True)
class PlaceMention:
    """One mention of a place: where it stands, what it may mean, and in which role.

    ``comuni`` are official names of comuni in the two provinces that it may mean (several when
    ambiguous; empty for a place outside). ``where`` is subject, text, quoted or signature.
    """

    where: str
    start: int
    end: int
    kind: str
    """comune, former_comune, hamlet, homonym (a hamlet named like a comune elsewhere), area, cap, prefix, centre,
    outside, unknown."""
    comuni: tuple[str, ...]
    role: Role
    weight: float
    """How much it counts for the answer, 0 (nothing) to 1 (decides)."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """How far the rules' own probability of a destination may be trusted (design, decision 7).

    The probability that the destination is right has the logit ``slope * logit(raw) + offset``, where
    ``raw`` is the summed probability of the pairs of territory and topic that lead there. ``levels``
    are (share that may be wrong, least probability that keeps to it), both rising; empty: no promise.
    """

    slope: float = 1.0
    offset: float = 0.0
    levels: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Classification:
    """What the message is about. Knows places and topics, never projects.

    ``comune_scores`` maps official comune names to probabilities; together with ``outside``
    (a place beyond the two provinces) and ``unstated`` they sum to 1. ``several`` is the
    probability that two places or families need different answers.
    """

    comune_scores: Mapping[str, float]
    outside: float
    unstated: float
    several: float
    places: tuple[PlaceMention, ...]
    topic: str
    topic_scores: Mapping[str, float]
    urgent: bool
    """*Da leggere oggi* (design, decision 4)."""
    alert: bool
    """*Avvisa il reperibile*: rarer than ``urgent``, implies it."""
    language: str
    language_confidence: float
    automatic: bool
    automatic_proved: bool
    """Header fields, not just the text, prove that a machine sent it (design, decision 9)."""
    reasons: tuple[Reason, ...]
    model_version: str
    acceptance: Acceptance = Acceptance()
