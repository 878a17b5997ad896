"""What of a decision makes somebody open a message by itself: a decision enters, yes or no or its reasons leave."""

from __future__ import annotations

from triage.decide.danger import OPEN_DANGER
from triage.vocabulary import Decision, Reason


def is_marked_as_danger(decision: Decision) -> bool:
    """Whether a person was told of a possible danger: nobody puts such a message away without a word.

    A slight likeness alone is no mark: one advertisement in five has it, and warnings that are mostly wrong go unread.
    """
    held_for_it = any(reason.code in ("urgente", "forse_pericolo") for reason in decision.reasons)
    return decision.urgent or held_for_it or any(map(_is_open, decision.reasons))


def unread_reasons(decision: Decision) -> tuple[Reason, ...]:
    """Why what was read of the message may not be what was written: somebody opens it, and never only with others."""
    codes = {"difetti_gravi", "lingua_non_letta", "parte_non_letta", "letto_in_parte", "grafica_diversa"}
    return tuple(reason for reason in decision.reasons if reason.code in codes)


def _is_open(reason: Reason) -> bool:
    return reason.code == "pericolo_non_escluso" and float(reason.params.get("probability", 0.0)) >= OPEN_DANGER
