"""``InboundMessage`` <-> JSON, for the subprocess that parses apart (see ``isolated``).

JSON and not pickle: what comes back from a process that read hostile octets must not run code.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from triage.vocabulary import Address, Attachment, Defect, InboundMessage, Report, ReportedRecipient, ReportKind


def to_json(message: InboundMessage) -> str:
    """ASCII JSON; times in ISO 8601."""
    document = asdict(message)
    document["date"] = message.date.isoformat() if message.date else None
    return json.dumps(document)


def from_json(text: str | bytes) -> InboundMessage:
    """The message again. Raises ``ValueError`` for anything that ``to_json`` did not write."""
    try:
        document: dict[str, Any] = json.loads(text)
        return _message(document)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("not a message") from error


def _message(document: dict[str, Any]) -> InboundMessage:
    date = document["date"]
    sender = document["sender"]
    return InboundMessage(
        **{
            **document,
            "date": datetime.fromisoformat(date) if date else None,
            "in_reply_to": tuple(document["in_reply_to"]),
            "references": tuple(document["references"]),
            "author": Address(**document["author"]),
            "authors": _addresses(document["authors"]),
            "sender": Address(**sender) if sender else None,
            "reply_to": _addresses(document["reply_to"]),
            "recipients": _addresses(document["recipients"]),
            "attachments": tuple(Attachment(**item) for item in document["attachments"]),
            "header_fields": tuple((name, value) for name, value in document["header_fields"]),
            "defects": tuple(Defect(**item) for item in document["defects"]),
            "report": _report(document.get("report")),
        }
    )


def _report(item: dict[str, Any] | None) -> Report | None:
    if item is None:
        return None
    recipients = tuple(ReportedRecipient(**recipient) for recipient in item["recipients"])
    kind = ReportKind(item["kind"])
    return Report(kind, recipients, tuple(item["message_ids"]), structured=bool(item["structured"]))


def _addresses(items: list[dict[str, str]]) -> tuple[Address, ...]:
    return tuple(Address(**item) for item in items)
