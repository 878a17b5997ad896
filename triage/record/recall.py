"""Looks back: what is known of a content, of a thread, of an address, from what was decided and sent before."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from triage.record.messages import COLUMNS, MessageRow, row_of
from triage.record.store import Transaction
from triage.record.tables import dispatches, messages
from triage.vocabulary import DispatchKind, DispatchState


def known_contents(tx: Transaction, keys: Sequence[str]) -> dict[str, MessageRow]:
    """The first decided message for each ``content_key`` (author, Message-ID and body)."""
    query = (
        sa.select(*COLUMNS)
        .where(messages.c.content_key.in_(list(keys)), messages.c.case_id.is_not(None), messages.c.same_as.is_(None))
        .order_by(messages.c.id.desc())
    )
    return {row.content_key: row for row in map(row_of, tx.execute(query).mappings()) if row.content_key}


def forward_paths_left(tx: Transaction, message_ids: Sequence[int]) -> dict[int, set[str]]:
    """Addresses that these were forwarded to, may have been, or are about to be, by message."""
    query = sa.select(dispatches.c.message_id, dispatches.c.forward_path).where(
        dispatches.c.message_id.in_(list(message_ids)),
        dispatches.c.kind == DispatchKind.FORWARD,
        sa.or_(
            dispatches.c.state.in_((DispatchState.PENDING, DispatchState.SUBMITTING, DispatchState.ACCEPTED)),
            dispatches.c.unknowns > 0,
        ),
    )
    found: dict[int, set[str]] = {}
    for key, path in tx.execute(query) if message_ids else ():
        found.setdefault(key, set()).add(path)
    return found


def cases_of_thread(tx: Transaction, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Cases in which this author already wrote the message that is answered.

    ``pairs`` are (``message_id_key`` of a reference, ``author_key``); a stranger who quotes a
    Message-ID finds nothing (failures F86, F87).
    """
    query = sa.select(messages.c.message_id_key, messages.c.author_key, messages.c.case_id).where(
        messages.c.message_id_key.in_([reference for reference, _ in pairs]), messages.c.case_id.is_not(None)
    )
    wanted = set(pairs)
    return {(ref, author): case for ref, author, case in tx.execute(query) if (ref, author) in wanted}


def cases_answered(tx: Transaction, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Cases whose own dispatch is answered by the person whom it was sent to.

    ``pairs`` are (Message-ID referred to, ``recipient_key`` of the author).
    """
    query = sa.select(dispatches.c.rfc_message_id, dispatches.c.recipient_key, dispatches.c.case_id).where(
        dispatches.c.rfc_message_id.in_([reference for reference, _ in pairs])
    )
    wanted = set(pairs)
    return {(ref, key): case for ref, key, case in tx.execute(query) if (ref, key) in wanted}


def cases_with_author(tx: Transaction, pairs: Sequence[tuple[int, str]]) -> set[tuple[int, str]]:
    """Of (case, ``author_key``) those in which this author wrote a message: known participants."""
    query = sa.select(messages.c.case_id, messages.c.author_key).where(
        messages.c.case_id.in_([case for case, _ in pairs]), messages.c.author_key.in_([author for _, author in pairs])
    )
    wanted = set(pairs)
    return {(case, author) for case, author in tx.execute(query) if (case, author) in wanted} if pairs else set()


def sent_by_us(tx: Transaction, message_ids: Sequence[str]) -> set[str]:
    """Which of these Message-IDs are of dispatches of this record."""
    query = sa.select(dispatches.c.rfc_message_id).where(dispatches.c.rfc_message_id.in_(list(message_ids)))
    return set(tx.execute(query).scalars()) if message_ids else set()
