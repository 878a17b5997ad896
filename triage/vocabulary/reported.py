"""What a message may report about mail that was sent earlier."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReportKind(StrEnum):
    """Delivery (RFC 3464), display (RFC 8098), complaint (RFC 5965)."""

    DELIVERY = "dsn"
    DISPOSITION = "mdn"
    FEEDBACK = "arf"


@dataclass(frozen=True, slots=True)
class ReportedRecipient:
    """``action``: failed, delayed, delivered, relayed, expanded, or a disposition; ``status`` as in RFC 3463."""

    address: str
    action: str
    status: str


@dataclass(frozen=True, slots=True)
class Report:
    """What is claimed of mail sent earlier, named by ``message_ids``; ``structured``: in parts, not in words."""

    kind: ReportKind
    recipients: tuple[ReportedRecipient, ...]
    message_ids: tuple[str, ...]
    structured: bool
    returned_fields: tuple[tuple[str, str], ...] = ()
    """Subject and X- fields of what is returned: they stay where a server has replaced the Message-ID."""
