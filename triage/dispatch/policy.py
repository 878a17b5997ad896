"""What follows from an SMTP server's answer. Pure; every number has its reason here.

Forwards at least once, what families get at most once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate

from triage.dispatch.compose import ORIGINAL
from triage.record.dispatches import DispatchRow
from triage.throttling import denies_send_as, denies_sender, throttles_sending
from triage.vocabulary import (
    TO_FAMILIES,
    WRITTEN_BY_STAFF,
    AttemptOutcome,
    DispatchKind,
    DispatchState,
    SubmissionResult,
)

BACK_OFF = tuple(timedelta(minutes=m) for m in (1, 5, 15, 30, 60, 120, 240, 360))
"""Between tries of a transient refusal. The first is short because of greylisting; RFC 5321 section
4.5.4.1 asks for 30 minutes on average."""
GIVE_UP = timedelta(days=5)
"""RFC 5321 section 4.5.4.1: four to five days."""
MOST_UNKNOWN = 2
"""A forward is sent again after an unknown outcome at most this often, with the same Message-ID."""

OCTETS = 32 << 20
"""Octets of originals composed or on the wire at once (always at least one message)."""
SMALL = 1 << 20
"""A message of at most so many octets does not wait for a large one that a server is slow to take."""
NOT_LOGGED_IN = frozenset({530, 534, 535, 538})
"""RFC 4954 section 6; 530 also from RFC 3207 section 4, where TLS is asked for first."""
BAD_SENDER = frozenset({"5.1.7", "5.1.8"})
"""RFC 3463 section 3.2: bad sender's mailbox or system address."""

TOO_LARGE = frozenset({"5.2.3", "5.3.4"})
"""RFC 3463 sections 3.3 and 3.4: longer than an administrative limit, too big for the system."""


_FROM_OURSELVES = WRITTEN_BY_STAFF | {DispatchKind.FORWARD, DispatchKind.RECALL}
"""What leaves under our own address, and not under the null path."""
NOT_SENT = "risposta_non_partita"
"""What a person wrote to a family did not arrive."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """The dispatch's next state, when it is due again, and why its message is held (if it is)."""

    state: DispatchState
    due_at: datetime
    hold_reason: str = ""
    left_out: int = 0
    """How much of the message this attempt left out, or the next one has to."""


def consequence(row: DispatchRow, result: SubmissionResult, now: datetime, left_out: int = 0) -> Consequence:
    """What to do after one attempt of ``row``, which held no more than ``left_out`` says."""
    if result.outcome is AttemptOutcome.ACCEPTED:
        return Consequence(DispatchState.ACCEPTED, now, left_out=left_out)
    if row.kind == DispatchKind.FORWARD and left_out < ORIGINAL and was_too_large(result):
        return Consequence(DispatchState.PENDING, now, left_out=left_out + 1)
    return replace(_of_other_answers(row, result, now), left_out=row.left_out)


def was_too_large(result: SubmissionResult) -> bool:
    """Whether a server refused a message for its size (RFC 1870 section 6.1, RFC 3463 section 3.4)."""
    if result.outcome is not AttemptOutcome.PERMANENT:
        return False
    # At RCPT, and with another status, 552 speaks of a mailbox that is full.
    bare = result.code == 552 and not result.enhanced_status and result.stage in ("mail", "data")
    return bare or result.enhanced_status in TOO_LARGE


def _of_other_answers(row: DispatchRow, result: SubmissionResult, now: datetime) -> Consequence:
    held, expired, unsure = _holds(row)
    pause = throttles_sending(result.code, result.enhanced_status, result.text)
    alone = concerns_account(row, result) or denies_send_as(result.code, result.enhanced_status, result.text)
    if (alone or pause is not None) and now - row.created_at <= GIVE_UP:
        # The account may be let send again; a message that is refused alone waits five days for a person.
        return Consequence(DispatchState.PENDING, now + max(BACK_OFF[0], timedelta(seconds=pause or 0)))
    if result.outcome is AttemptOutcome.PERMANENT:
        return Consequence(DispatchState.FAILED, now, held)
    if result.outcome is AttemptOutcome.UNKNOWN:
        if row.kind in TO_FAMILIES or row.kind in WRITTEN_BY_STAFF:
            # A family gets nothing twice; what a person wrote, a person finds out about.
            return Consequence(DispatchState.UNKNOWN, now, unsure)
        if row.unknowns >= MOST_UNKNOWN:
            return Consequence(DispatchState.FAILED, now, unsure)
        return Consequence(DispatchState.PENDING, now + BACK_OFF[0])
    if result.stage == "connect":
        # Our own account failed, not this recipient: neither its pauses grow nor its days end.
        return Consequence(DispatchState.PENDING, now + BACK_OFF[0])
    if now - row.created_at > GIVE_UP:
        return Consequence(DispatchState.FAILED, now, expired)
    return Consequence(DispatchState.PENDING, now + _pause(row, now))


def _holds(row: DispatchRow) -> tuple[str, str, str]:
    """Why a message is held whose dispatch was refused, or waited five days, or has an unknown outcome."""
    if row.kind == DispatchKind.FORWARD:
        return "inoltro_rifiutato", "inoltro_scaduto", "esito_ignoto"
    if row.kind in WRITTEN_BY_STAFF:
        return NOT_SENT, NOT_SENT, "risposta_incerta"
    return "", "", ""


def concerns_account(row: DispatchRow, result: SubmissionResult) -> bool:
    """Whether a permanent refusal says that we may not send at all, and nothing about this message.

    MAIL names no recipient: what is refused there for reasons of policy is our own address or login
    (RFC 3463 section 3.8, RFC 4954 section 6). The null path of the others is refused for itself.
    """
    if result.outcome is not AttemptOutcome.PERMANENT:
        return False
    if result.code in NOT_LOGGED_IN:
        return True
    if row.kind not in _FROM_OURSELVES:
        return False
    status = result.enhanced_status
    if result.stage == "rcpt":
        return status in BAD_SENDER or denies_sender(result.text)
    if result.stage == "data":
        # Exchange reads From only after the whole message (failures F79).
        return status in BAD_SENDER or denies_send_as(result.code, status, result.text)
    return status.startswith("5.7.") or status in BAD_SENDER or (not status and result.code in (550, 553, 554))


def that_fit(
    leased: Sequence[DispatchRow], wire: Sequence[DispatchRow], room: int, places: int, for_notices: int
) -> list[DispatchRow]:
    """Those of the leased dispatches that may join those on the wire; notices have places of their own."""
    octets = sum(row.size for row in wire)
    chosen: list[DispatchRow] = []
    for row in leased:
        notice = row.kind == DispatchKind.NOTICE
        used = len(wire) + len(chosen)
        too_large = row.size > SMALL and octets + row.size > OCTETS and used
        if len(chosen) == room or used >= places - (0 if notice else for_notices):
            break
        if notice or not too_large:
            chosen.append(row)
            octets += 0 if notice else row.size
    return chosen


def _pause(row: DispatchRow, now: datetime) -> timedelta:
    """The next pause. Counted by attempts, but a message that a person sends again begins anew with short ones."""
    ends = accumulate(BACK_OFF)
    by_time = sum(end <= now - row.created_at for end in ends)
    return BACK_OFF[min(row.attempts, by_time, len(BACK_OFF) - 1)]
