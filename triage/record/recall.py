"""Looks back: what is known of a content, of a thread, of an address, from what was decided and sent before."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from triage.ids import findable
from triage.record.messages import COLUMNS, MessageRow, row_of
from triage.record.store import Transaction
from triage.record.tables import dispatches, messages, returns
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
    if not pairs:
        return {}
    query = sa.select(messages.c.message_id_key, messages.c.author_key, messages.c.case_id).where(
        messages.c.message_id_key.in_([reference for reference, _ in pairs]),
        messages.c.case_id.is_not(None),
        ~_came_back(),
    )
    wanted = set(pairs)
    return {(ref, author): case for ref, author, case in tx.execute(query) if (ref, author) in wanted}


def cases_answered(tx: Transaction, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Cases whose own dispatch is answered by the person whom it was sent to.

    ``pairs`` are (Message-ID referred to, ``recipient_key`` of the author).
    """
    known = _dispatches_called(tx, [reference for reference, _ in pairs])
    return {(ref, key): case for ref, key in pairs for recipient, case in known.get(ref, ()) if recipient == key}


def cases_with_author(tx: Transaction, pairs: Sequence[tuple[int, str]]) -> set[tuple[int, str]]:
    """Of (case, ``author_key``) those in which this author wrote a message: known participants."""
    if not pairs:
        return set()
    query = sa.select(messages.c.case_id, messages.c.author_key).where(
        messages.c.case_id.in_([case for case, _ in pairs]),
        messages.c.author_key.in_([author for _, author in pairs]),
        ~_came_back(),
    )
    wanted = set(pairs)
    return {(case, author) for case, author in tx.execute(query) if (case, author) in wanted}


def _came_back() -> sa.Exists:
    """Whether a message is in its case for what it reports of our mail, and for nothing that its author wrote.

    Anybody may send a report, or write to a return address; that gives no part in the case (failures F86, F87).
    """
    about = messages.alias("about")
    return (
        sa.exists()
        .select_from(returns.join(about, returns.c.about_message_id == about.c.id))
        .where(about.c.case_id == messages.c.case_id, returns.c.message_id == messages.c.id)
        .correlate(messages)
    )


def sent_by_us(tx: Transaction, message_ids: Sequence[str]) -> set[str]:
    """Which of these Message-IDs are of dispatches of this record."""
    return set(_dispatches_called(tx, message_ids))


def _dispatches_called(tx: Transaction, message_ids: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
    """(``recipient_key``, case) of the dispatches that we, or the server that took them, called so."""
    if not message_ids:
        return {}
    forms = {item: findable(item) for item in message_ids}
    own, given = dispatches.c.rfc_message_id, dispatches.c.given_message_id
    query = sa.select(own, given, dispatches.c.recipient_key, dispatches.c.case_id).where(
        sa.or_(own.in_(list(forms)), given.in_(list(forms.values())))
    )
    named: dict[str, list[tuple[str, int]]] = {}
    for ours, theirs, recipient, case in tx.execute(query):
        for name in {ours, theirs} - {None}:
            named.setdefault(name, []).append((recipient, case))
    return {item: named.get(item) or named[form] for item, form in forms.items() if item in named or form in named}


def messages_of_case(tx: Transaction, case_id: int) -> list[MessageRow]:
    """Every message that belongs to one case, oldest first."""
    query = sa.select(*COLUMNS).where(messages.c.case_id == case_id).order_by(messages.c.id)
    return [row_of(row) for row in tx.execute(query).mappings()]


def ids_of_case(tx: Transaction, case_id: int, most: int = 200) -> list[str]:
    """Message-IDs of what was to leave because of one case, whether or not it has, the newest first."""
    query = (
        sa.select(dispatches.c.rfc_message_id)
        .join_from(messages, dispatches, dispatches.c.message_id == messages.c.id)
        .where(messages.c.case_id == case_id)
    )
    return list(tx.execute(query.order_by(dispatches.c.id.desc()).limit(most)).scalars())
