"""How long what is kept: the section ``retention`` of the rules file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """How many days what is kept; ``None``: for ever.

    The first three count from the last thing that happened in a message's case: octets, what staff wrote, notes,
    families' addresses. ``server_replies``: what other servers answered, and which worker spoke with them.
    """

    forwarded: int | None = 365
    settled: int | None = 365
    not_for_us: int | None = 90
    server_replies: int = 21
