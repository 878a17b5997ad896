"""The start-up self-test: a hostile message must not add a header field to what we send.

Some Python releases turn an encoded line break in a parsed subject into a real header field when
the message is written again (CVE-2024-6923). We never write received mail again; this proves it on
the runtime at hand, and says whether that runtime would be vulnerable.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.parser import BytesHeaderParser

from triage.dispatch.fields import address_field, date_field, text_field, token_field
from triage.dispatch.mime import mixed, original_part, text_part
from triage.parse import parse

_HOSTILE = (
    b"From: =?utf-8?q?Anna=0D=0ABcc=3A_evil=40example=2Einvalid?= <anna@example.org>\r\n"
    b"Subject: =?utf-8?q?" + b"a" * 90 + b"=0D=0ABcc=3A_evil=40example=2Einvalid?=\r\n"
    b"\r\nciao\r\n"
)
_EXPECTED = ["From", "Date", "Message-ID", "Subject", "MIME-Version", "Content-Type"]


class UnsafeRuntimeError(Exception):
    """What we compose could carry injected header fields here; nothing may be sent."""


def verify_composition() -> str:
    """One sentence on this runtime; raises :class:`UnsafeRuntimeError` if composing is not safe."""
    parsed = parse(_HOSTILE)
    octets = (
        address_field("From", parsed.author.display_name, "servizio@example.org")
        + date_field(datetime(2026, 1, 1, tzinfo=UTC))
        + token_field("Message-ID", "<self-test@example.org>")
        + text_field("Subject", parsed.subject)
        + mixed([text_part(parsed.new_text), original_part(_HOSTILE, eight_bit=False)])
    )
    names = list(BytesHeaderParser(policy=policy.compat32).parsebytes(octets).keys())
    if names != _EXPECTED or _HOSTILE not in octets:
        raise UnsafeRuntimeError("The self-test of composed header sections failed; nothing is sent by this runtime.")
    if _library_is_vulnerable():
        return (
            "Self-test passed: this Python's email library would let a subject add header fields "
            "(CVE-2024-6923); it is not used for sending."
        )
    return "Self-test passed: composed header sections are safe."


def _library_is_vulnerable() -> bool:
    message = message_from_bytes(_HOSTILE, policy=policy.SMTP)
    message["X-Test"] = "1"
    try:
        written = message.as_bytes()
    except Exception:  # noqa: BLE001 - a patched library refuses to write it
        return False
    return b"\nBcc:" in written
