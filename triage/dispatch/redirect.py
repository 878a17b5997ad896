"""Redirection: received octets, less two fields, behind a block of Resent-* fields (RFC 5322 section 3.6.6).

A received message enters, an outgoing one leaves, or ``None`` where these octets may not travel so.
Pure. Return-Path is the last server's own to write (RFC 5321 section 4.4), and Bcc is for nobody to see (RFC 5322
section 3.6.3): these two are left out, and no other octet changes. The writer stays in From, so signatures stay
whole (RFC 6376 section 3.4), but the receiver sees our server send for a stranger's domain: see decision 0001 for
what that risks.
"""

from __future__ import annotations

import re

from triage.dispatch.compose import FILES, Outgoing, Stamp, seal_field
from triage.dispatch.fields import address_field, date_field, recipient_field, token_field
from triage.dispatch.mime import travels_as_message
from triage.rules.types import Rules
from triage.vocabulary import Decision, InboundMessage

_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_LEFT_OUT = re.compile(
    rb"^(?:return-path|bcc|resent-bcc)[ \t]*:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", re.IGNORECASE | re.MULTILINE
)
_SIGNATURE = re.compile(rb"^dkim-signature[ \t]*:((?:[^\r\n]|\r\n[ \t])*)", re.IGNORECASE | re.MULTILINE)
_SIGNED = re.compile(rb";h=([^;]*)")


def compose_redirect(
    message: InboundMessage,
    octets: bytes,
    decision: Decision,
    forward_path: str,
    rules: Rules,
    stamp: Stamp,
    eight_bit: bool,
) -> Outgoing | None:
    """The received message sent on as it is, with our own envelope sender; ``None``: it must be wrapped."""
    head, end, body = octets.partition(b"\r\n\r\n")
    kept = _LEFT_OUT.sub(b"", head + b"\r\n")
    if not _may_be_redirected(message, octets, decision, eight_bit) or _breaks_a_signature(head, kept):
        return None
    service = rules.service
    block = (
        # Without "Resent-": a loop back to us must be seen, whoever redirects it next.
        seal_field(stamp),
        b"Resent-" + date_field(stamp.now),
        address_field("Resent-From", service.sender_name, service.address),
        b"Resent-" + recipient_field(forward_path),
        token_field("Resent-Message-ID", stamp.rfc_message_id),
    )
    return Outgoing(service.address, forward_path, b"".join(block) + kept + end[2:] + body, left_out=FILES)


def _may_be_redirected(message: InboundMessage, octets: bytes, decision: Decision, eight_bit: bool) -> bool:
    """Whether servers take these octets as a message, and nobody is answered who must not be.

    A notification has the null path and keeps it (RFC 5321 section 4.5.5); ours would make a loop of
    it, so a machine's mail is wrapped.
    """
    if decision.automatic or message.reverse_path == "" or not message.author.addr_spec:
        return False
    head = octets.partition(b"\r\n\r\n")[0]
    begins = bool(_FIELD.match(octets))
    return begins and head.isascii() and travels_as_message(octets, eight_bit)


def _breaks_a_signature(head: bytes, kept: bytes) -> bool:
    """Whether a signature covers a field that is left out, as no signer should (RFC 6376 section 5.4.1)."""
    if len(kept) == len(head) + 2:
        return False
    tags = [b";" + re.sub(rb"\s", b"", found).lower() for found in _SIGNATURE.findall(head)]
    names = {name for tag in tags for signed in _SIGNED.findall(tag) for name in signed.split(b":")}
    gone = {found[0].partition(b":")[0].strip().lower() for found in _LEFT_OUT.finditer(head + b"\r\n")}
    return bool(names & gone)
