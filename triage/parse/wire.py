"""``InboundMessage`` <-> JSON, for the subprocess that parses apart (see ``isolated``).

JSON and not pickle: what comes back from a process that read hostile octets must not run code.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from triage.vocabulary import (
    Address,
    Attachment,
    CertifiedMail,
    Defect,
    InboundMessage,
    PecData,
    PecKind,
    Report,
    ReportedRecipient,
    ReportKind,
    SignatureState,
)


def to_json(message: InboundMessage) -> str:
    """ASCII JSON; times in ISO 8601."""
    return json.dumps(asdict(message), default=_moment)


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


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
            "certified": _certified(document["certified"]) if document.get("certified") else None,
            "forwarded_authors": _addresses(document.get("forwarded_authors", [])),
            "forwarded_to": tuple(tuple(item) for item in document.get("forwarded_to", [])),
        }
    )


def _certified(document: dict[str, Any]) -> CertifiedMail:
    data = document["data"]
    if data is not None:
        data = PecData(**{**data, "time": datetime.fromisoformat(data["time"]) if data["time"] else None})
    return CertifiedMail(
        **{
            **document,
            "kind": PecKind(document["kind"]),
            "signature": SignatureState(document["signature"]),
            "certificates": tuple(document["certificates"]),
            "data": data,
            "inner": _message(document["inner"]) if document["inner"] is not None else None,
            "message_ids": tuple(document["message_ids"]),
        }
    )


def _report(item: dict[str, Any] | None) -> Report | None:
    if item is None:
        return None
    recipients = tuple(ReportedRecipient(**recipient) for recipient in item["recipients"])
    kind = ReportKind(item["kind"])
    fields = tuple((name, value) for name, value in item.get("returned_fields", ()))
    return Report(kind, recipients, tuple(item["message_ids"]), bool(item["structured"]), fields)


def _addresses(items: list[dict[str, str]]) -> tuple[Address, ...]:
    return tuple(Address(**item) for item in items)
