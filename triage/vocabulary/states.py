"""Where messages and what is sent stand in the record, and what an SMTP server answered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class MessageState(StrEnum):
    """Where a message stands in the flow; every change is one transaction with its audit row."""

    LISTED = "listed"
    BASELINE = "baseline"
    """There before the service started; recorded, nothing leaves."""
    VANISHED = "vanished"
    """Listed, then taken away by somebody before its octets were read."""
    UNREADABLE = "unreadable"
    """Still listed, but the server would not give its octets after repeated tries."""
    OVERSIZE = "oversize"
    """Over the size limit: header section kept, held for a person, left in the mailbox."""
    CLOSED = "closed"
    """Too large or unreadable for us: a person has dealt with it in the mailbox, where it stays."""
    RECEIVED = "received"
    DECIDED = "decided"
    """A forward, or the filing of proven automatic mail, is on its way."""
    FORWARDED = "forwarded"
    FILED = "filed"
    HELD = "held"
    QUARANTINED = "quarantined"
    MATCHED = "matched"
    """The same message as an earlier row, found again (UIDVALIDITY change or second mailbox)."""
    ERASED = "erased"


class DispatchKind(StrEnum):
    """What an outgoing message is. Order of work: notices, forwards, the rest."""

    NOTICE = "notice"
    FORWARD = "forward"
    ACKNOWLEDGEMENT = "acknowledgement"
    QUESTION = "question"
    """Asks the family for their comune, and for nothing else."""
    REROUTE = "reroute"
    """Tells the family that their case is with another centre now."""
    REPLY = "reply"
    """Staff answer the family themselves, in their own words."""
    REFERRAL = "referral"
    """Staff name another office that can help the family."""
    RECALL = "recall"
    """Asks a project to delete what was sent to it by mistake."""


TO_FAMILIES: frozenset[DispatchKind] = frozenset(
    {DispatchKind.ACKNOWLEDGEMENT, DispatchKind.QUESTION, DispatchKind.REROUTE}
)
"""What families get from the service itself; of each kind a case has at most one (design, decision 3)."""


WRITTEN_BY_STAFF: frozenset[DispatchKind] = frozenset({DispatchKind.REPLY, DispatchKind.REFERRAL})
"""What a person writes to a family: no automatic answer (RFC 3834), and its message is done once it has left."""


class DispatchState(StrEnum):
    """Life of one outgoing message to one recipient."""

    PENDING = "pending"
    SUBMITTING = "submitting"
    """Committed before SMTP speaks; only what is on the wire is in this state."""
    ACCEPTED = "accepted"
    CANCELLED = "cancelled"
    FAILED = "failed"
    """Permanent refusal, five days of transient ones, or too many unknown outcomes."""
    UNKNOWN = "unknown"
    """DATA ended without a reply, and it will not be sent again (acknowledgements)."""
    RETURNED = "returned"
    """Accepted by the next server, and a report says that it did not arrive."""


class AttemptOutcome(StrEnum):
    """How one try of one dispatch ended."""

    ACCEPTED = "accepted"
    TRANSIENT = "transient"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SubmissionResult:
    """What the SMTP server answered to one dispatch (RFC 5321, RFC 3463).

    ``stage`` is connect, mail, rcpt or data; ``code`` is 0 when no reply came. ``text`` is the
    server's words: stored for staff, never logged.
    """

    outcome: AttemptOutcome
    stage: str
    code: int = 0
    enhanced_status: str = ""
    text: str = ""
