"""What follows from an SMTP server's answer. Pure; every number has its reason here.

Forwards at least once, acknowledgements at most once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from triage.record.dispatches import DispatchRow
from triage.vocabulary import AttemptOutcome, DispatchKind, DispatchState, SubmissionResult

BACK_OFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 30, 60, 120, 240, 360))
"""Between tries of a transient refusal. The first is short because of greylisting; RFC 5321 section
4.5.4.1 asks for 30 minutes on average."""
GIVE_UP = timedelta(days=5)
"""RFC 5321 section 4.5.4.1: four to five days."""
MOST_UNKNOWN = 2
"""A forward is sent again after an unknown outcome at most this often, with the same Message-ID."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """The dispatch's next state, when it is due again, and why its message is held (if it is)."""

    state: DispatchState
    due_at: datetime
    hold_reason: str = ""


def consequence(row: DispatchRow, result: SubmissionResult, now: datetime) -> Consequence:
    """What to do after one attempt of ``row``."""
    held = "inoltro_rifiutato" if row.kind == DispatchKind.FORWARD else ""
    if result.outcome is AttemptOutcome.ACCEPTED:
        return Consequence(DispatchState.ACCEPTED, now)
    if result.outcome is AttemptOutcome.PERMANENT:
        return Consequence(DispatchState.FAILED, now, held)
    if result.outcome is AttemptOutcome.UNKNOWN:
        if row.kind == DispatchKind.ACKNOWLEDGEMENT:
            return Consequence(DispatchState.UNKNOWN, now)
        if row.unknowns >= MOST_UNKNOWN:
            return Consequence(DispatchState.FAILED, now, "esito_ignoto" if held else "")
        return Consequence(DispatchState.PENDING, now + BACK_OFF[0])
    if result.stage == "connect":
        # Our own account failed, not this recipient: neither its pauses grow nor its days end.
        return Consequence(DispatchState.PENDING, now + BACK_OFF[0])
    if now - row.created_at > GIVE_UP:
        return Consequence(DispatchState.FAILED, now, "inoltro_scaduto" if held else "")
    return Consequence(DispatchState.PENDING, now + _pause(row, now))


def _pause(row: DispatchRow, now: datetime) -> timedelta:
    """The next pause. Counted by attempts, but a message that a person sends again begins anew with short ones."""
    ends = accumulate(BACK_OFF)
    by_time = sum(end <= now - row.created_at for end in ends)
    return BACK_OFF[min(row.attempts, by_time, len(BACK_OFF) - 1)]
