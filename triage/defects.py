"""Which defects of a message make what was read of it doubtful."""

from __future__ import annotations

GRAVE_DEFECTS = frozenset(
    {
        "parser_failed",
        "from_missing",
        "encrypted_or_signed_unread",
        "pec_message_absent",
        "boundary_not_found",
        "base64_absent",
        "message_partial",
        "message_external_body",
        "tnef_text_only_rtf",
        "limit_depth",
        "limit_parts",
        "limit_decoded_octets",
        "limit_header_octets",
        "limit_seconds",
    }
)
"""Defects after which what was read may not be what was written."""
