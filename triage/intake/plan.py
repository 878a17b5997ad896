"""What intake must know of one configured mailbox (from ``routing_rules.yaml``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class MailboxPlan:
    """One mailbox to be read.

    ``root`` is the parent of the folders for done mail. ``backlog_since`` lets mail that was there before the first
    look enter the flow (``triage worker --backlog``). ``take_over`` accepts another instance's marker.
    """

    name: str
    folder: str
    root: str
    max_octets: int
    poll_seconds: float
    backlog_since: datetime | None = None
    take_over: bool = False
    configured: frozenset[str] = frozenset()
    """The names of all mailboxes of the rules: a mailbox of another name may be this one, renamed."""
