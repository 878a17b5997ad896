"""What ``triage check`` has found, and the end of a conversation that it had for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

Answer = TypeVar("Answer")

_GOODBYE = 0.25


@dataclass(slots=True)
class Findings:
    """What was found, a sentence each."""

    errors: list[str] = field(default_factory=list)
    """To be mended in settings or rules."""
    failures: list[str] = field(default_factory=list)
    """Does not work now; the configuration may be right."""
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def to_the_goodbye(work: Awaitable[Answer]) -> Answer:
    """A refused login is closed by TLS in further turns of the loop, which must not end before."""
    try:
        return await work
    finally:
        await asyncio.sleep(_GOODBYE)
