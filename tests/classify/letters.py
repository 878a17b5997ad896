"""Builds the messages of these tests, as ``parse`` would have left them."""

from __future__ import annotations

from typing import Any

from triage.vocabulary import Address, InboundMessage


def letter(text: str = "", *fields: tuple[str, str], subject: str = "", **changes: Any) -> InboundMessage:
    """A message from an invented mother; ``fields`` are its header section."""
    author = changes.pop("author", Address("Una Madre", "madre@example.org"))
    values: dict[str, Any] = {
        "message_id": "<1@example.org>",
        "in_reply_to": (),
        "references": (),
        "date": None,
        "author": author,
        "authors": (author,),
        "sender": None,
        "reply_to": (),
        "recipients": (Address("", "famiglie@example.org"),),
        "reverse_path": author.addr_spec,
        "subject": subject,
        "new_text": text,
        "quoted_text": "",
        "signature": "",
        "is_forward": False,
        "attachments": (),
        "header_fields": fields,
        "content_type": "text/plain",
        "content_type_params": {},
        "size": len(text),
    }
    return InboundMessage(**{**values, **changes})
