"""What of danger was found in a message that is not called urgent: a classification enters, yes or no leaves."""

from __future__ import annotations

from triage.vocabulary import Classification

OPEN_DANGER = 0.3
"""Probability from which words are not set aside as nobody's, whatever header fields prove; the head's own bar is near
it."""


def speaks_of_danger(classification: Classification) -> bool:
    """Openly, under header fields that prove a machine: opened by itself, never dismissed together with others."""
    return any(
        one.code == "pericolo_non_escluso" and float(one.params.get("probability", 0.0)) >= OPEN_DANGER
        for one in classification.reasons
    )


def hides_danger(classification: Classification) -> bool:
    """Whether danger cannot be excluded in it, or nobody here can read it."""
    return any(
        one.code in {"pericolo_non_escluso", "lingua_non_letta", "parte_non_letta", "letto_in_parte"}
        for one in classification.reasons
    )
