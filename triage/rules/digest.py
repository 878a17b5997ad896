"""Who is told once a working day how much waits for a person, and from which hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time


@dataclass(frozen=True, slots=True)
class DigestRules:
    """Nobody is told while ``to`` is empty; ``at`` is the office's own time."""

    to: tuple[str, ...] = ()
    at: time = time(8)
