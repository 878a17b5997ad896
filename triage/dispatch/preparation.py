"""What one leased dispatch becomes: ready for the wire, later, or never, and what follows for its message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from triage.dispatch.compose import Outgoing
from triage.record.dispatches import DispatchRow

INFECTED, NOT_LOOKED_AT = "allegato_infetto", "allegato_non_controllato"
HALVED = "originale_non_inviato"
"""Forwarded, but the project has the text only: somebody must hand the original over."""


class Consequence(StrEnum):
    """What becomes of the message whose dispatch is cancelled."""

    NONE = "none"
    HOLD = "hold"
    DECIDE_AGAIN = "decide_again"


@dataclass(frozen=True, slots=True)
class Prepared:
    """Ready for the wire."""

    row: DispatchRow
    outgoing: Outgoing


@dataclass(frozen=True, slots=True)
class Later:
    """Not now."""

    row: DispatchRow
    wait: timedelta


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Not ever, and why."""

    row: DispatchRow
    reason: str
    consequence: Consequence = Consequence.NONE
    params: Mapping[str, str] = field(default_factory=dict)
    """What else staff are told; nothing of the message."""


Preparation = Prepared | Later | Cancelled
