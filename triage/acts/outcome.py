"""What came of an act, for pages and commands: whether it was done, why not as a code, and an Italian sentence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

UNDO = timedelta(minutes=2)
"""How long what a person did can be taken back, and nothing of it leaves."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``undo_until``: until when ``settlement_id`` can be taken back; ``None``: it cannot.

    Of a message that was sent: ``told`` is what the family hears (the keys of ``words.TOLD``), ``have_it`` are other
    projects that have it.
    """

    ok: bool
    code: str
    message_it: str
    undo_until: datetime | None = None
    settlement_id: int | None = None
    told: str = ""
    have_it: tuple[str, ...] = ()
