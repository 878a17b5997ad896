"""What of danger was found in a message: a classification enters, or the decision about it; yes or no leaves."""

from __future__ import annotations

from triage.vocabulary import Classification, Decision, Reason

OPEN_DANGER = 0.3
"""Probability from which words are not set aside as nobody's, whatever header fields prove; the head's own bar is near
it."""


def speaks_of_danger(classification: Classification) -> bool:
    """Openly, under header fields that prove a machine: opened by itself, never dismissed together with others."""
    return any(map(_is_open, classification.reasons))


def hides_danger(classification: Classification) -> bool:
    """Whether danger cannot be excluded in it, or nobody here can read it."""
    return any(
        one.code in {"pericolo_non_escluso", "lingua_non_letta", "parte_non_letta", "letto_in_parte"}
        for one in classification.reasons
    )


def is_marked_as_danger(decision: Decision) -> bool:
    """Whether a person was told of a possible danger: nobody puts such a message away without a word.

    A slight likeness alone is no mark: one advertisement in five has it, and warnings that are mostly wrong go unread.
    """
    held_for_it = any(reason.code in ("urgente", "forse_pericolo") for reason in decision.reasons)
    return decision.urgent or held_for_it or any(map(_is_open, decision.reasons))


def unread_reasons(decision: Decision) -> tuple[Reason, ...]:
    """Why what was read of the message may not be what was written: somebody opens it, and never only with others."""
    codes = {"difetti_gravi", "lingua_non_letta", "parte_non_letta", "letto_in_parte"}
    return tuple(reason for reason in decision.reasons if reason.code in codes)


def _is_open(reason: Reason) -> bool:
    return reason.code == "pericolo_non_escluso" and float(reason.params.get("probability", 0.0)) >= OPEN_DANGER
