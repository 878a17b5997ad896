"""Incidents: something is wrong with a mailbox, an account or the ledger; one open row each.

A subject names a role (a mailbox, a message, "the account"), never a setting: else mending the
setting would leave the incident open for ever.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from triage.record.store import Transaction
from triage.record.tables import incidents

NOTICE = "notice"
"""An urgent notice was refused; the subject is the message. Over when somebody has the message in hand."""


PEC_FAILURE = "pec_failure"
"""A PEC receipt says that mail did not arrive; the subject is the receipt. Over when somebody has it in hand."""


def open_incident(tx: Transaction, kind: str, subject: str, detail: str = "") -> bool:
    """Note trouble; whether this opened a new incident (else the open one counts one more time)."""
    statement = (
        tx.insert(incidents)
        .values(kind=kind, subject=subject, opened_at=tx.now, last_seen_at=tx.now, times=1, detail=detail[:255])
        .on_conflict_do_update(
            index_elements=["kind", "subject"],
            index_where=sa.text("closed_at IS NULL"),
            set_={"last_seen_at": tx.now, "times": incidents.c.times + 1, "detail": detail[:255]},
        )
        .returning(incidents.c.times)
    )
    return bool(tx.execute(statement).scalar_one() == 1)


def note_altered_octets(tx: Transaction, message_id: int) -> None:
    """Stored octets are not what was received: the disk, or a hand. Nothing is sent of them."""
    text = f"The stored octets of message {message_id} were altered: check the disk. The original is in the mailbox."
    open_incident(tx, "octets_altered", str(message_id), text)


def close_incident(tx: Transaction, kind: str, subject: str) -> bool:
    """The trouble is over; whether an incident was open."""
    statement = (
        sa.update(incidents)
        .where(incidents.c.kind == kind, incidents.c.subject == subject, incidents.c.closed_at.is_(None))
        .values(closed_at=tx.now)
    )
    return tx.execute(statement).rowcount > 0


def close_incidents(tx: Transaction, kind: str, *, but: Collection[str] = ()) -> int:
    """The trouble of a whole kind is over, but for these subjects; how many incidents were open."""
    statement = (
        sa.update(incidents)
        .where(incidents.c.kind == kind, incidents.c.subject.not_in(list(but)), incidents.c.closed_at.is_(None))
        .values(closed_at=tx.now)
    )
    return int(tx.execute(statement).rowcount)


def open_incidents(tx: Transaction) -> list[sa.RowMapping]:
    """What is wrong now, oldest first."""
    query = sa.select(incidents).where(incidents.c.closed_at.is_(None)).order_by(incidents.c.opened_at, incidents.c.id)
    return list(tx.execute(query).mappings())
