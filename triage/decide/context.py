"""What is known of a message beside its octets: the decision and the gate are told so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from triage.rules.types import MailboxRole
from triage.vocabulary import Defect


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """What is known of a message beside its octets.

    ``internal_date`` is when the mailbox got it, ``is_old`` whether it is older than the mailbox's
    ``old_mail_days`` by whatever says so (``triage.ages``); both bind the acknowledgement only.
    ``defects`` are those that make what was read doubtful, of ``InboundMessage.defects``.
    ``return_path_proved``: a probe has shown that the mailbox's server writes Return-Path itself.
    ``forged_seal`` is shown, ``brakes`` stop what families get for now (``triage.loops``).
    """

    mailbox: str
    role: MailboxRole
    internal_date: datetime | None
    is_old: bool
    received_count: int
    is_own_loop: bool
    defects: tuple[Defect, ...] = ()
    return_path_proved: bool = False
    forged_seal: bool = False
    brakes: tuple[str, ...] = ()
