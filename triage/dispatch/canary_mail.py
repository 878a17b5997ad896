"""Composes the service's test message to one of its own mailboxes. Pure; nothing of any family is in it."""

from __future__ import annotations

from triage.dispatch.compose import Outgoing, Stamp
from triage.dispatch.fields import address_field, date_field, recipient_field, text_field, token_field
from triage.dispatch.mime import text_part
from triage.rules.types import Rules
from triage.seals import OWN_FIELD

SUBJECT = "Prova automatica del servizio di smistamento"
_TEXT = (
    "Il servizio di smistamento della posta scrive a se stesso per provare che la posta arriva.\n"
    "Questo messaggio si cancella da solo appena è stato letto dal servizio: non serve fare nulla.\n"
)


def compose_canary(forward_path: str, rules: Rules, stamp: Stamp) -> Outgoing:
    """From the general address to a watched mailbox's, marked as a machine's (RFC 3834), so that nothing answers it."""
    service = rules.service
    head = [
        address_field("From", service.sender_name, service.address),
        recipient_field(forward_path),
        date_field(stamp.now),
        token_field("Message-ID", stamp.rfc_message_id),
        text_field("Subject", SUBJECT),
        token_field("Auto-Submitted", "auto-generated"),
        token_field("X-Auto-Response-Suppress", "All"),
        token_field(OWN_FIELD, stamp.seal),
        b"MIME-Version: 1.0\r\n",
    ]
    # A report of failure would only lie in the same mailbox: that it is missed says the same.
    return Outgoing(service.address, forward_path, b"".join(head) + text_part(_TEXT), notify_never=True)
