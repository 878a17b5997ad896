"""What a certified mail's receipt is about: our dispatches and known mail, by Message-ID; and the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from triage.record.identity import keyed_hash
from triage.record.returned import dispatches_named
from triage.record.store import Transaction
from triage.record.tables import decisions, messages

FILED_BESIDE = ("ricevuta_pec", "ricevuta_pec_errore")
"""Reasons of decisions about receipts; their parameter ``message`` names what the receipt is about."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that a receipt may be about: the message of our record that it belongs to, and its case."""

    message_id: int
    case_id: int


def sent_mail(tx: Transaction, secret: bytes, rfc_message_ids: Sequence[str]) -> dict[str, Sent]:
    """Which of these Message-IDs we know: what we sent ourselves first, then mail that came by here.

    A project that writes from a mailbox that we read has its receipts there, beside a copy of its mail.
    """
    wanted = list(dict.fromkeys(rfc_message_ids))
    if not wanted:
        return {}
    keys = {keyed_hash(secret, "message-id", item): item for item in wanted}
    known = sa.select(messages.c.message_id_key, messages.c.id, messages.c.case_id).where(
        messages.c.message_id_key.in_(list(keys)), messages.c.case_id.is_not(None), messages.c.same_as.is_(None)
    )
    found = {keys[key]: Sent(row, case) for key, row, case in tx.execute(known.order_by(messages.c.id.desc()))}
    own = dispatches_named(tx, wanted)
    return found | {item: Sent(dispatch.message_id, dispatch.case_id) for item, dispatch in own.items()}


def receipts_about(tx: Transaction, message_id: int, case_id: int | None) -> list[tuple[int, dict[str, Any]]]:
    """Receipts that were filed beside a message: the receipt's own number and its reason's parameters."""
    query = (
        sa.select(messages.c.id, decisions.c.reasons)
        .join(
            decisions, sa.and_(decisions.c.message_id == messages.c.id, decisions.c.generation == messages.c.generation)
        )
        .where(messages.c.case_id == case_id, messages.c.id != message_id)
        .order_by(messages.c.id)
    )
    found = []
    for receipt, reasons in tx.execute(query) if case_id is not None else ():
        for reason in reasons:
            if reason["code"] in FILED_BESIDE and reason["params"].get("message") == message_id:
                found.append((receipt, {"code": reason["code"], **reason["params"]}))
    return found
