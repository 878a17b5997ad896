"""What the rules say of forwards: in which form, and with which files. Plain frozen types."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ForwardAs(StrEnum):
    """How a project gets a message (decision 0001)."""

    MESSAGE = "message"
    """A new message from us, with the original attached."""
    REDIRECT = "redirect"
    """The received octets behind a block of Resent-* fields, still from the writer."""


@dataclass(frozen=True, slots=True)
class ForwardRules:
    """Which attachments are sent again as themselves, beside the attached original."""

    attachments_mb: int
    """All together, decoded; 0: none."""
    attachments_most: int
