"""Erasing what a person wrote and what we know of the person, by steps: each a short transaction over a bounded part.

In: messages of one case. Out: how much was erased. A message's row, its hash, its decisions and what happened to it
stay, so that the ledger closes and the same octets are known again; whose they were does not (decision 0025).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.messages import MessageRow
from triage.record.of_person import NO_LABELS, Labels, labels_on, octets_kept
from triage.record.retention import ERASABLE, erase_messages, erase_unneeded
from triage.record.store import Transaction
from triage.record.tables import attempts, cases, dispatches, exceptions, messages, settlements, staff_texts
from triage.vocabulary import DispatchState, MessageState

MOST = 100
"""Messages that one step erases."""
MOST_OCTETS = 4 << 20
"""Octets that one step erases, unless a single message is larger."""
_UNDER_WAY = (DispatchState.PENDING, DispatchState.SUBMITTING)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What one step did: messages whose content or author went, octets, sendings whose recipient went."""

    messages: int = 0
    octets: int = 0
    sendings: int = 0
    labels: Labels = NO_LABELS


def forget_messages(tx: Transaction, key: str, rows: Sequence[MessageRow]) -> Forgotten:
    """Erase these, and that the person wrote them; those that came alive again meanwhile stay as they are."""
    numbers = [row.id for row in rows]
    labels = labels_on(tx, numbers)
    kept = octets_kept(tx, rows)
    erased = set(erase_messages(tx, [row.id for row in rows if row.state in ERASABLE]))
    at_rest = {row.id for row in rows if row.state not in ERASABLE}
    done = erased | at_rest
    # Of mail that was too large only the header section is here, and its row says so for ever.
    closed = [row for row in rows if row.state == MessageState.CLOSED and row.sha256 in kept]
    tx.execute(sa.update(messages).where(messages.c.id.in_([row.id for row in closed])).values(sha256=None))
    erase_unneeded(tx, {row.sha256 for row in closed if row.sha256})
    tx.execute(sa.delete(staff_texts).where(staff_texts.c.message_id.in_(at_rest)))
    noted = sa.and_(settlements.c.message_id.in_(at_rest), settlements.c.note != "")
    tx.execute(sa.update(settlements).where(noted).values(note=""))
    own = sa.and_(messages.c.id.in_(done), messages.c.author_key == key)
    tx.execute(sa.update(messages).where(own).values(author_key=None))
    write_changes(tx, [Change("message", number, "forgotten") for number in sorted(done)])
    _end_taught(tx, exceptions.c.message_id.in_(done))
    sendings = _forget_recipient(tx, key, dispatches.c.message_id.in_(done))
    gone = {row.sha256 for row in rows if row.id in erased} | {row.sha256 for row in closed}
    size = sum(kept[digest] for digest in gone if digest in kept)
    return Forgotten(len(done), size, sendings, labels)


def forget_case(tx: Transaction, key: str, case_id: int) -> Forgotten:
    """What is left of the person in a case when the messages are done: to whom we wrote, for whom it was opened."""
    opened = sa.and_(cases.c.id == case_id, cases.c.author_key == key)
    tx.execute(sa.update(cases).where(opened).values(author_key=None))
    return Forgotten(sendings=_forget_recipient(tx, key, dispatches.c.case_id == case_id))


def forget_taught(tx: Transaction, key: str) -> int:
    """End what was taught about this sender, and forget the sender; how many rules that were."""
    return _end_taught(tx, exceptions.c.sender_key == key)


def parts(rows: Sequence[MessageRow]) -> list[list[MessageRow]]:
    """The same rows in the order given, cut into what one step may take."""
    found: list[list[MessageRow]] = []
    size = 0
    for row in rows:
        if not found or len(found[-1]) == MOST or size + row.size > MOST_OCTETS:
            found.append([])
            size = 0
        found[-1].append(row)
        size += row.size
    return found


def _end_taught(tx: Transaction, which: sa.ColumnElement[bool]) -> int:
    ended = sa.func.coalesce(exceptions.c.ended_at, sa.literal(tx.now, exceptions.c.ended_at.type))
    told = sa.or_(exceptions.c.sender_key != "", exceptions.c.phrase != "")
    statement = sa.update(exceptions).where(which, told).values(sender_key="", phrase="", ended_at=ended)
    return tx.execute(statement).rowcount


def _forget_recipient(tx: Transaction, key: str, which: sa.ColumnElement[bool]) -> int:
    """What was sent to the person names nobody any more; the servers' words about it may, and go as well."""
    query = sa.select(dispatches.c.id).where(which, dispatches.c.recipient_key == key)
    numbers: Collection[int] = tx.execute(query.where(dispatches.c.state.not_in(_UNDER_WAY))).scalars().all()
    blank = {"recipient_key": "", "domain_key": "", "forward_path": ""}
    tx.execute(sa.update(dispatches).where(dispatches.c.id.in_(numbers)).values(**blank))
    tx.execute(sa.update(attempts).where(attempts.c.dispatch_id.in_(numbers)).values(reply="", worker=""))
    return len(numbers)
