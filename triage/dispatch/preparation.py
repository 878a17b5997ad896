"""What one leased dispatch becomes: ready for the wire, later, or never, and what follows for its message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from triage.dispatch.compose import Outgoing
from triage.record import Transaction
from triage.record.beside import chosen_for
from triage.record.decisions import decision_of
from triage.record.dispatches import DispatchRow
from triage.vocabulary import Decision, DispatchKind

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


def decision_behind(tx: Transaction, row: DispatchRow, current: Decision | None) -> Decision | None:
    """The decision that a dispatch carries out: its message's, or of a forward that is kept beside it, its own.

    A person who sends a message to a further centre writes a decision for that one; the first centre's forward, which
    has not left yet, leaves as it was chosen and shown.
    """
    if row.kind != DispatchKind.FORWARD or current is None or current.project == row.project:
        return current
    generation = chosen_for(tx, row.message_id, row.project, row.address_key)
    return current if generation is None else decision_of(tx, row.message_id, generation)
