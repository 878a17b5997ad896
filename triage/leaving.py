"""One mail that is about to leave because of what a person chose, as far as it must be known to show it before.

Built by ``triage.acts.preview``, composed by ``triage.dispatch.shown`` with the code that composes what is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from triage.vocabulary import Decision, DispatchKind, InboundMessage


class When(StrEnum):
    """From which moment it may leave."""

    UNDO_OVER = "finito_annulla"
    """Once the time to undo is over: ``Leaving.due_at``."""
    CENTRE_HAS_IT = "dopo_il_centro"
    """Once the centre's server has accepted the forward, and the rules' own time to change it is over."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """One outgoing mail to one recipient. ``waits_already``: it was planned before this choice."""

    kind: DispatchKind
    to: str
    project: str
    when: When
    due_at: datetime
    message: InboundMessage
    decision: Decision
    case_code: str
    received_at: datetime
    text: str = ""
    """What staff wrote; of a reply or a referral."""
    office: str = ""
    waits_already: bool = False
    not_before: datetime | None = None
    """Until when staff have put it off; of an acknowledgement."""
