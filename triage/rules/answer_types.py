"""What the rules say of messages to families, as plain frozen objects; a part of ``types``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Envelope(StrEnum):
    """The reverse path of what families get from the service (RFC 3834 section 3.3)."""

    NONE = "none"
    """The null path: nothing comes back, nothing can be answered."""
    DEDICATED = "dedicated"
    """An address of ours that never answers."""
    PLUS = "plus"
    """Our address with a tag that nobody else can make, so that a failure finds its message."""


class WithoutReturnPath(StrEnum):
    """Where an acknowledgement goes while nobody has proved that the server writes Return-Path."""

    NONE = "none"
    FROM_IF_DMARC_PASS = "from_if_dmarc_pass"  # noqa: S105 - no password


@dataclass(frozen=True, slots=True)
class WebForm:
    """A form on somebody's site: its mail is answered at Reply-To, once it is proved to be the form's."""

    author: str
    line: int
    requires: str
    """``dkim`` or ``dmarc``."""


@dataclass(frozen=True, slots=True)
class AcknowledgementRules:
    """What families get by themselves, where to, from which envelope, and the limits."""

    enabled: bool
    neutral_after_hours: int
    per_address_per_day: int
    per_domain_per_hour: int
    per_hour_total: int
    per_mailbox_per_hour: int = 120
    breaker_sent_per_hour: int = 120
    """So many in an hour stop all that families get until all was quiet for an hour."""
    breaker_returned_per_hour: int = 20
    envelope: Envelope = Envelope.NONE
    dedicated_address: str = ""
    return_path: WithoutReturnPath = WithoutReturnPath.NONE
    web_forms: tuple[WebForm, ...] = ()
    ask_comune: bool = False
    """The acknowledgement asks for the comune where only the place is missing."""
    pec: bool = False
    """Also to certified mail, and by a certified mail account: each makes two receipts come back."""
    undo_minutes: int = 0
    """How long it waits after the forward, so that a person can still change the destination."""
