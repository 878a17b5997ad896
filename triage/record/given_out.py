"""What is on record about messages and cases of one person, as plain rows, for a copy that the person gets. Reads only.

Left out is what is no data about the person: leases, versions of tables, and which employee did something.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from triage.record.store import Transaction
from triage.record.tables import (
    decisions,
    dispatches,
    misroutes,
    returns,
    samples,
    settlements,
    staff_texts,
)

Rows = list[Mapping[str, Any]]

_DECIDED = (
    *("generation", "action", "destination", "territory", "comune", "topic", "urgent", "language", "automatic"),
    *("confidence", "project", "reasons", "rules_version", "model_version", "decided_at"),
)
_SETTLED = ("at", "exit", "territory", "comune", "topic", "project", "note", "teaches", "undone_at")
_SENT = (
    *("id", "message_id", "kind", "project", "forward_path", "recipient_key", "rfc_message_id", "state"),
    *("created_at", "ended_at", "attempts"),
)
_REGISTERED = (
    *("found_at", "wrong_project", "right_project", "categories", "recall_answer", "recall_answered_at"),
    *("family_told", "closed_at", "withdrawn_at"),
)


def decided_about(tx: Transaction, message_id: int) -> Rows:
    """Every generation of what was decided about a message."""
    return _rows(tx, decisions, _DECIDED, decisions.c.message_id == message_id, decisions.c.generation)


def settled_about(tx: Transaction, message_id: int) -> Rows:
    """What people decided about it, with their notes."""
    return _rows(tx, settlements, _SETTLED, settlements.c.message_id == message_id, settlements.c.id)


def texts_about(tx: Transaction, message_id: int) -> Rows:
    """What staff wrote to the family because of it."""
    which = staff_texts.c.message_id == message_id
    return _rows(tx, staff_texts, ("generation", "text", "office"), which, staff_texts.c.generation)


def checked_about(tx: Transaction, message_id: int) -> Rows:
    """What the blind check said of it."""
    names = ("drawn_at", "chosen", "labelled_at", "territory", "comune", "topic", "destination", "right")
    return _rows(tx, samples, names, samples.c.message_id == message_id, samples.c.id)


def sent_about(tx: Transaction, message_id: int) -> Rows:
    """Everything that was to leave because of it."""
    return _rows(tx, dispatches, _SENT, dispatches.c.message_id == message_id, dispatches.c.id)


def sent_in_case(tx: Transaction, case_id: int) -> Rows:
    """Everything that was to leave in a case."""
    return _rows(tx, dispatches, _SENT, dispatches.c.case_id == case_id, dispatches.c.id)


def came_back_about(tx: Transaction, message_id: int) -> Rows:
    """What came back about what we sent of it."""
    which = returns.c.about_message_id == message_id
    return _rows(tx, returns, ("kind", "status", "recorded_at"), which, returns.c.id)


def registered_about(tx: Transaction, case_id: int) -> Rows:
    """The register of misroutes about a case."""
    return _rows(tx, misroutes, _REGISTERED, misroutes.c.case_id == case_id, misroutes.c.id)


def _rows(
    tx: Transaction,
    table: sa.Table,
    names: tuple[str, ...],
    which: sa.ColumnElement[bool],
    order: sa.ColumnElement[int],
) -> Rows:
    query = sa.select(*(table.c[name] for name in names)).where(which).order_by(order)
    return [dict(row) for row in tx.execute(query).mappings()]
