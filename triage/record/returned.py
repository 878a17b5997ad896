"""What came back about what was sent: reports, absences, hand-backs, and what they do to the message sent.

A row says that it came, about which dispatch, and what it said in codes; never in words. A forward that
came back opens its message again, in the same transaction in which the report itself is settled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from triage.ids import findable
from triage.record.audit import Change, Param, write_changes
from triage.record.beside import is_shared, is_wrong
from triage.record.breaker import KINDS as BRAKED
from triage.record.breaker import note_acknowledgement_returned
from triage.record.charge import note_refused_call, note_taken_in_charge
from triage.record.destinations import note_destination_failure, note_destination_moved
from triage.record.incidents import NOTICE, open_incident
from triage.record.messages import MessageRow
from triage.record.misroutes import ANSWERED, DELETED, UNDELIVERED, misrouted, note_recall
from triage.record.store import Transaction
from triage.record.tables import dispatches, messages, returns
from triage.vocabulary import DispatchKind, DispatchState, MessageState


class ReturnKind(StrEnum):
    """What came back."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    DISPLAYED = "displayed"
    ABSENT = "absent"
    """A project's mail program answers for somebody who is away."""
    MOVED = "moved"
    """A project's mail program says that the address is no longer used."""
    COMPLAINT = "complaint"
    HANDED_BACK = "handed_back"
    """A person at a project says that the case is not theirs."""
    LATE_HAND_BACK = "late_hand_back"
    """The same of a project from which the case was taken away before: nothing follows."""
    TAKEN = "taken"
    """A person at a project says, by the link in the forward, that they have the case in hand."""
    DELETED = "deleted"
    """A person at a project says, by the link in a recall, that they have deleted what was sent by mistake."""
    RECALL_ANSWERED = "recall_answered"
    """A person at a project answers a recall in words of their own."""


@dataclass(frozen=True, slots=True)
class SentDispatch:
    """A dispatch of ours that something refers to."""

    id: int
    message_id: int
    case_id: int
    kind: str
    project: str
    forward_path: str
    recipient_key: str
    state: str
    rfc_message_id: str


@dataclass(frozen=True, slots=True)
class Returned:
    """What one received message says about one dispatch. ``status`` as in RFC 3463, or empty.

    ``reopens``: why the message that was sent must be held again; empty: it need not.
    """

    kind: ReturnKind
    dispatch: SentDispatch
    status: str = ""
    reopens: str = ""
    nothing_to_read: bool = False
    """It is the mail that our own link makes, and holds nothing beside."""
    unclear: bool = False
    """Something of its case failed, and which of its mails it was cannot be told: ``dispatch`` is the latest."""
    by_code: bool = False
    """Only the case's code names it, which its family knows, too: nothing follows for the project's address."""


OPENABLE = (MessageState.DECIDED, MessageState.FORWARDED, MessageState.FILED)
_OF_RECALLS = {ReturnKind.DELETED: DELETED, ReturnKind.RECALL_ANSWERED: ANSWERED}
RETURNED_FORWARD = "forward_returned"
"""Incident: a forward came back; the subject is the message. Over when it is sent through the flow again.

Where it cannot be told which, the subject is the report."""


def dispatches_named(tx: Transaction, message_ids: Sequence[str]) -> dict[str, SentDispatch]:
    """Our dispatches by the Message-ID that we, or the server that took them, gave them."""
    if not message_ids:
        return {}
    forms = {item: findable(item) for item in message_ids}
    own, given = dispatches.c.rfc_message_id, dispatches.c.given_message_id
    query = sa.select(own, given, *(dispatches.c[name] for name in SentDispatch.__slots__)).where(
        sa.or_(own.in_(list(forms)), given.in_(list(forms.values())))
    )
    named: dict[str, SentDispatch] = {}
    for ours, theirs, *rest in tx.execute(query):
        for name in {ours, theirs} - {None}:
            named.setdefault(name, SentDispatch(*rest))
    return {item: named.get(item) or named[form] for item, form in forms.items() if item in named or form in named}


def dispatches_numbered(tx: Transaction, ids: Sequence[int]) -> dict[int, SentDispatch]:
    """Our dispatches by their rows' ids."""
    query = sa.select(*(dispatches.c[name] for name in SentDispatch.__slots__)).where(dispatches.c.id.in_(list(ids)))
    return {one.id: one for one in (SentDispatch(*row) for row in tx.execute(query))} if ids else {}


def forwards_of_cases(
    tx: Transaction, case_ids: Sequence[int], *, by_mistake: bool = False
) -> dict[int, list[SentDispatch]]:
    """Accepted forwards of these cases that neither came back nor were handed back, oldest first.

    ``by_mistake``: those to projects that got them wrongly (the register of misroutes), which are left out otherwise.
    """
    wrong = dispatches.c.id.in_(misrouted())
    handed_back = sa.select(returns.c.dispatch_id).where(returns.c.kind == ReturnKind.HANDED_BACK)
    query = (
        sa.select(*(dispatches.c[name] for name in SentDispatch.__slots__))
        .where(dispatches.c.case_id.in_(list(case_ids)), dispatches.c.kind == DispatchKind.FORWARD)
        .where(dispatches.c.state == DispatchState.ACCEPTED, dispatches.c.id.not_in(handed_back))
        .where(wrong if by_mistake else ~wrong)
        .order_by(dispatches.c.id)
    )
    found: dict[int, list[SentDispatch]] = {}
    for row in tx.execute(query) if case_ids else ():
        one = SentDispatch(*row)
        found.setdefault(one.case_id, []).append(one)
    return found


def sent_of_cases(tx: Transaction, case_ids: Sequence[int]) -> dict[int, list[SentDispatch]]:
    """All that left because of these cases and may come back, oldest first."""
    left = (DispatchState.ACCEPTED, DispatchState.UNKNOWN, DispatchState.RETURNED)
    query = (
        sa.select(*(dispatches.c[name] for name in SentDispatch.__slots__))
        .where(dispatches.c.case_id.in_(list(case_ids)), dispatches.c.state.in_(left))
        .order_by(dispatches.c.id)
    )
    found: dict[int, list[SentDispatch]] = {}
    for row in tx.execute(query) if case_ids else ():
        one = SentDispatch(*row)
        found.setdefault(one.case_id, []).append(one)
    return found


def recalls_of_cases(tx: Transaction, case_ids: Sequence[int]) -> dict[int, list[SentDispatch]]:
    """Recalls of these cases that left, oldest first."""
    query = (
        sa.select(*(dispatches.c[name] for name in SentDispatch.__slots__))
        .where(dispatches.c.case_id.in_(list(case_ids)), dispatches.c.kind == DispatchKind.RECALL)
        .where(dispatches.c.state.in_((DispatchState.ACCEPTED, DispatchState.UNKNOWN)))
        .order_by(dispatches.c.id)
    )
    found: dict[int, list[SentDispatch]] = {}
    for row in tx.execute(query) if case_ids else ():
        one = SentDispatch(*row)
        found.setdefault(one.case_id, []).append(one)
    return found


def record_returns(tx: Transaction, items: Iterable[tuple[MessageRow, Returned]]) -> None:
    """Write what came with these received messages, and open again what must be."""
    rows = []
    for row, item in items:
        sent = item.dispatch
        rows.append(
            {
                "message_id": row.id,
                "dispatch_id": sent.id,
                "about_message_id": sent.message_id,
                "case_id": sent.case_id,
                "kind": item.kind,
                "status": item.status,
                "recorded_at": tx.now,
            }
        )
        if item.kind is ReturnKind.FAILED:
            _note_failure(tx, item)
        elif item.kind is ReturnKind.MOVED:
            note_destination_moved(tx, sent.project, sent.forward_path)
        elif item.kind is ReturnKind.LATE_HAND_BACK:
            params: dict[str, Param] = {"project": sent.project, "by": row.id}
            write_changes(tx, [Change("case", sent.case_id, "handed_back_late", params=params)])
        elif item.kind is ReturnKind.TAKEN:
            note_taken_in_charge(tx, sent.case_id, sent.project)
        elif item.kind in _OF_RECALLS:
            note_recall(tx, sent.id, _OF_RECALLS[item.kind])
        if item.unclear:
            detail = f"something sent in the case of message {sent.message_id} came back; the report names none of it"
            open_incident(tx, RETURNED_FORWARD, str(row.id), detail)
        if item.reopens and not (item.kind is ReturnKind.FAILED and another_has_it(tx, sent)):
            _open_again(tx, row, item)
    if rows:
        tx.execute(sa.insert(returns), rows)


def _note_failure(tx: Transaction, item: Returned) -> None:
    """The dispatch was accepted by the next server, and came back all the same."""
    sent = item.dispatch
    ended = tx.execute(
        sa.update(dispatches)
        .where(dispatches.c.id == sent.id, dispatches.c.state == sent.state)
        .where(dispatches.c.state.in_((DispatchState.ACCEPTED, DispatchState.UNKNOWN)))
        .values(state=DispatchState.RETURNED)
    )
    params: dict[str, Param] = {"status": item.status}
    if ended.rowcount:
        write_changes(tx, [Change("dispatch", sent.id, "returned", sent.state, DispatchState.RETURNED, params)])
    code = f" ({item.status})" if item.status else ""
    if sent.kind == DispatchKind.FORWARD:
        if not another_has_it(tx, sent):
            detail = f"the forward of message {sent.message_id} to {sent.project} came back{code}"
            open_incident(tx, RETURNED_FORWARD, str(sent.message_id), detail)
        if not item.by_code:
            note_destination_failure(tx, sent.project, sent.forward_path, item.status)
    elif sent.kind == DispatchKind.RECALL:
        note_recall(tx, sent.id, UNDELIVERED)
    elif sent.kind in BRAKED:
        note_acknowledgement_returned(tx)
    elif sent.kind == DispatchKind.NOTICE:
        # Said once on another way: no further notice is made of it (failures F2, F4).
        detail = f"the urgent notice about message {sent.message_id} came back{code}"
        open_incident(tx, NOTICE, str(sent.message_id), detail)
        note_refused_call(tx, sent.message_id)


def another_has_it(tx: Transaction, sent: SentDispatch) -> bool:
    """Whether the message went to another project instead of this one, or is about to: what comes late is only noted.

    Of a message that a person sent to several centres only a correction takes one's place: each answers for itself.
    """
    if sent.kind == DispatchKind.FORWARD and is_shared(tx, sent.message_id):
        return is_wrong(tx, sent.id)
    handed_back = sa.select(returns.c.dispatch_id).where(returns.c.kind == ReturnKind.HANDED_BACK)
    under_way = sa.and_(
        dispatches.c.state.in_((DispatchState.PENDING, DispatchState.SUBMITTING)),
        dispatches.c.generation == messages.c.generation,
        messages.c.state == MessageState.DECIDED,
    )
    query = (
        sa.select(dispatches.c.id)
        .join_from(dispatches, messages, dispatches.c.message_id == messages.c.id)
        .where(dispatches.c.message_id == sent.message_id, dispatches.c.kind == DispatchKind.FORWARD)
        .where(dispatches.c.project != sent.project, dispatches.c.id > sent.id)
        .where(sa.or_(dispatches.c.state == DispatchState.ACCEPTED, under_way))
        .where(dispatches.c.id.not_in(handed_back))
    )
    return sent.kind == DispatchKind.FORWARD and tx.execute(query.limit(1)).first() is not None


def _open_again(tx: Transaction, row: MessageRow, item: Returned) -> None:
    about = item.dispatch.message_id
    state = tx.execute(
        sa.select(messages.c.state).where(messages.c.id == about, messages.c.state.in_(OPENABLE)).with_for_update()
    ).scalar_one_or_none()
    if state is None:
        return  # a person has it already, or will
    tx.execute(
        sa.update(messages)
        .where(messages.c.id == about)
        .values(
            state=MessageState.HELD,
            hold_reason=item.reopens,
            file_step="",
            lease_owner=None,
            lease_until=None,
            lease_epoch=messages.c.lease_epoch + 1,
        )
    )
    params: dict[str, Param] = {"reason": item.reopens, "by": row.id}
    write_changes(tx, [Change("message", about, "opened_again", state, MessageState.HELD, params)])
