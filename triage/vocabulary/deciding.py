"""What shall happen to a message."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

from triage.vocabulary.labels import Reason


class Action(StrEnum):
    """What a decision does with a message (the ``esito`` of ``triage classify``)."""

    FORWARD = "inoltra"
    HOLD = "trattieni"
    FILE = "archivia"


class Mode(StrEnum):
    """How much a project lets the service do by itself (design, decision 8)."""

    SHADOW = "ombra"
    PROPOSAL = "proposta"
    AUTOMATIC = "automatico"


@dataclass(frozen=True, slots=True)
class RuleTried:
    """One routing rule and whether it matched; ``line`` is its place in routing_rules.yaml."""

    name: str
    line: int
    matched: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """One generation of what shall happen to a message; pure function of message and rules.

    ``destination`` is the guide's ``destinazione`` (best guess, also when held). ``project`` and
    ``address_key`` name where a forward goes ("oglio_po", "piano"), empty unless ``action`` is
    FORWARD or the hold carries a proposal. ``forward_path`` is that address itself.
    """

    action: Action
    destination: str
    territory: str
    topic: str
    urgent: bool
    language: str
    automatic: bool
    acknowledge: bool
    """The guide's ``ricevuta``: may be acknowledged as far as the content goes; the gate decides."""
    confidence: float
    """Probability that the destination is right, 0..1."""
    project: str
    address_key: str
    forward_path: str
    rules_tried: tuple[RuleTried, ...]
    reasons: tuple[Reason, ...]
    rules_version: str
    model_version: str

    @property
    def holds(self) -> tuple[Reason, ...]:
        """The reasons that hold the message, in order of weight; they stand before what explains the proposal."""
        return tuple(takewhile(lambda reason: reason.code not in _BEHIND_THE_HOLDS, self.reasons))


_BEHIND_THE_HOLDS = frozenset(
    {"regola_applicata", "senza_urgenza", "territorio", "archiviata", "pec", "ricevuta_pec"} | {"da_protocollare"}
)
"""A decision's reasons that hold stand before the first of these."""
