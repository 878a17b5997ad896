"""Messages, classifications and contexts with ordinary values, each changed by keyword."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.rules.builders import build_rules
from triage.decide import AckHistory, DecisionContext
from triage.rules import MailboxRole, Rules
from triage.vocabulary import Address, Classification, InboundMessage

RULES: Rules = build_rules()
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
AUTHOR = "anna.rossi@family.example"
OUR_ADDRESS = "famiglie@agency.example"

_MESSAGE = InboundMessage(
    message_id="<1@family.example>",
    in_reply_to=(),
    references=(),
    date=NOW,
    author=Address("Anna Rossi", AUTHOR),
    authors=(Address("Anna Rossi", AUTHOR),),
    sender=None,
    reply_to=(),
    recipients=(Address("", OUR_ADDRESS),),
    reverse_path=AUTHOR,
    subject="Orari",
    new_text="Che orari fate?",
    quoted_text="",
    signature="",
    is_forward=False,
    attachments=(),
    header_fields=(),
    content_type="text/plain",
    content_type_params={},
    size=400,
)

_CLASSIFICATION = Classification(
    comune_scores={"Altavilla": 0.97, "Dossobuono": 0.01},
    outside=0.01,
    unstated=0.01,
    several=0.0,
    places=(),
    topic="orientamento",
    topic_scores={"orientamento": 0.99, "altro_servizio": 0.01},
    urgent=False,
    alert=False,
    language="it",
    language_confidence=1.0,
    automatic=False,
    automatic_proved=False,
    reasons=(),
    model_version="m1",
)

_CONTEXT = DecisionContext(
    mailbox="generale",
    role=MailboxRole.INBOX,
    internal_date=NOW - timedelta(minutes=5),
    is_old=False,
    received_count=3,
    is_own_loop=False,
    return_path_proved=True,
)

_HISTORY = AckHistory(
    forward_accepted=True,
    case_acknowledged=False,
    last_in_thread=None,
    to_address_last_day=0,
    to_domain_last_hour=0,
    total_last_hour=0,
)


def message(*fields: tuple[str, str], author: str | None = None, **changes: Any) -> InboundMessage:
    """A message from a family; its header section holds its Return-Path and ``fields``."""
    if author is not None:
        changes |= {"author": Address("", author), "authors": (Address("", author),)}
    built = replace(_MESSAGE, **changes)
    path = () if built.reverse_path is None else (("Return-Path", f"<{built.reverse_path}>"),)
    return replace(built, header_fields=(*path, *fields))


def classification(**changes: Any) -> Classification:
    """A classification that is sure of Altavilla (project nord) and ``orientamento``."""
    if "topic" in changes and "topic_scores" not in changes:
        changes["topic_scores"] = {changes["topic"]: 1.0}
    return replace(_CLASSIFICATION, **changes)


def context(**changes: Any) -> DecisionContext:
    """A fresh message in the inbox."""
    return replace(_CONTEXT, **changes)


def history(**changes: Any) -> AckHistory:
    """The forward was accepted and nobody was acknowledged before."""
    return replace(_HISTORY, **changes)


def close_to(value: float) -> Any:
    """A number that equals ``value`` within rounding, wherever a float is compared."""
    return pytest.approx(value)
