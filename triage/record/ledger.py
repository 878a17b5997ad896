"""The ledger: equations that must close, computed from rows that could disagree.

``listed = awaiting + baseline + received + vanished + unreadable + oversize + closed`` and
``received = in progress + held + quarantined + filed + matched + erased``. What makes them able to
fail: *listed* counts audit rows and message rows, *received* counts rows with a time of reception
against states, every forwarded message must own an accepted attempt, every received one its octets
(whole), every change of state its audit row (each going on from the one before), every generation
and every dispatch its decision. What people did is held against the audit and the sealed record of acts
(``settled_checks``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import sqlalchemy as sa

from triage.flow import TRANSITIONS
from triage.record.encrypted import MARK, OVERHEAD
from triage.record.settled_checks import checks_of_settlements
from triage.record.store import Transaction
from triage.record.tables import attempts, audit, decisions, dispatches, mailboxes, messages, octet_chunks, octets
from triage.vocabulary import WRITTEN_BY_STAFF, AttemptOutcome, DispatchKind, DispatchState, MessageState

BEFORE_RECEPTION = {
    "awaiting": MessageState.LISTED,
    "baseline": MessageState.BASELINE,
    "vanished": MessageState.VANISHED,
    "unreadable": MessageState.UNREADABLE,
    "oversize": MessageState.OVERSIZE,
    "closed": MessageState.CLOSED,
}
AFTER_RECEPTION: dict[str, tuple[MessageState, ...]] = {
    "in_progress": (MessageState.RECEIVED, MessageState.DECIDED, MessageState.FORWARDED),
    "held": (MessageState.HELD,),
    "quarantined": (MessageState.QUARANTINED,),
    "filed": (MessageState.FILED,),
    "matched": (MessageState.MATCHED,),
    "erased": (MessageState.ERASED,),
}


@dataclass(frozen=True, slots=True)
class Ledger:
    """Counts over all mailboxes and every equation that does not close."""

    counts: dict[str, int]
    differences: tuple[str, ...]

    @property
    def closes(self) -> bool:
        """Whether nothing is unaccounted for."""
        return not self.differences


def compute_ledger(tx: Transaction) -> Ledger:
    """Count everything and compare; passes over all rows, so it runs when somebody asks or ``--once`` has ended."""
    states = {
        (state, received): count
        for state, received, count in tx.execute(
            sa.select(messages.c.state, messages.c.received_at.is_not(None), sa.func.count()).group_by(
                messages.c.state, messages.c.received_at.is_not(None)
            )
        )
    }
    counts = {"listed": sum(states.values()), "received": sum(n for (_, got), n in states.items() if got)}
    counts |= {name: states.get((state, False), 0) for name, state in BEFORE_RECEPTION.items()}
    counts |= {name: sum(states.get((state, True), 0) for state in group) for name, group in AFTER_RECEPTION.items()}
    counts |= _dispatch_counts(tx)
    return Ledger(counts, tuple(_differences(tx, counts)))


def _dispatch_counts(tx: Transaction) -> dict[str, int]:
    query = sa.select(dispatches.c.kind, dispatches.c.state, sa.func.count()).group_by(
        dispatches.c.kind, dispatches.c.state
    )
    return {f"{kind}_{state}": count for kind, state, count in tx.execute(query)}


def _differences(tx: Transaction, counts: dict[str, int]) -> list[str]:
    before = sum(counts[name] for name in BEFORE_RECEPTION)
    after = sum(counts[name] for name in AFTER_RECEPTION)
    found = []
    if counts["listed"] != before + counts["received"]:
        found.append(f"listed {counts['listed']} != before reception {before} + received {counts['received']}")
    if counts["received"] != after:
        found.append(f"received {counts['received']} != accounted for {after}")
    for name, query in _checks().items():
        wrong = tx.execute(query).scalar_one()
        if wrong:
            found.append(f"{name}: {wrong}")
    return found + _unknown_steps(tx)


def _unknown_steps(tx: Transaction) -> list[str]:
    """Changes of a message's state that the flow does not know (``triage.flow``)."""
    query = (
        sa.select(audit.c.from_state, audit.c.to_state, sa.func.count())
        .where(audit.c.subject == "message", audit.c.from_state != "", audit.c.to_state != audit.c.from_state)
        .group_by(audit.c.from_state, audit.c.to_state)
    )
    return [
        f"changes from {before} to {after}, which the flow does not know: {count}"
        for before, after, count in tx.execute(query)
        if after not in TRANSITIONS[MessageState(before)]
    ]


@cache
def _checks() -> dict[str, sa.Select[int]]:
    return _message_checks() | _octet_checks() | _dispatch_checks() | _audit_checks() | checks_of_settlements()


def _message_checks() -> dict[str, sa.Select[int]]:
    count = sa.func.count()
    accepted = (
        sa.select(dispatches.c.message_id)
        .join_from(dispatches, attempts, attempts.c.dispatch_id == dispatches.c.id)
        .where(dispatches.c.kind == DispatchKind.FORWARD, dispatches.c.state == DispatchState.ACCEPTED)
        .where(attempts.c.outcome == AttemptOutcome.ACCEPTED)
    )
    filed_unsent = (
        sa.select(decisions.c.message_id)
        .where(decisions.c.message_id == messages.c.id, decisions.c.generation == messages.c.generation)
        .where(decisions.c.action == "archivia")
    )
    decided = sa.select(decisions.c.message_id).where(
        decisions.c.message_id == messages.c.id, decisions.c.generation == messages.c.generation
    )
    on_its_way = (
        sa.select(dispatches.c.message_id)
        .where(dispatches.c.kind.in_((DispatchKind.FORWARD, *sorted(WRITTEN_BY_STAFF))))
        .where(dispatches.c.generation == messages.c.generation)
        .where(dispatches.c.state.in_((DispatchState.PENDING, DispatchState.SUBMITTING)))
        .correlate(messages)
    )
    return {
        "messages without a row of their listing": sa.select(count)
        .select_from(messages)
        .where(messages.c.id.not_in(_listings())),
        "listings whose message is gone": sa.select(count)
        .select_from(_listings().subquery())
        .where(sa.column("subject_id").not_in(sa.select(messages.c.id))),
        "forwarded or filed messages without an accepted forward": sa.select(count)
        .select_from(messages)
        .where(messages.c.state.in_((MessageState.FORWARDED, MessageState.FILED)))
        .where(messages.c.id.not_in(accepted), ~filed_unsent.exists()),
        "decided messages with nothing on its way": sa.select(count)
        .select_from(messages)
        .where(messages.c.state == MessageState.DECIDED, messages.c.file_step == "")
        .where(messages.c.id.not_in(on_its_way)),
        "messages of a generation that has no decision": sa.select(count)
        .select_from(messages)
        .where(messages.c.generation > 0, ~decided.exists()),
        "rows of mailboxes that do not exist": sa.select(count)
        .select_from(messages)
        .where(messages.c.mailbox_id.not_in(sa.select(mailboxes.c.id))),
    }


def _listings() -> sa.Select[int]:
    return sa.select(audit.c.subject_id).where(audit.c.subject == "message", audit.c.event == "listed")


def _octet_checks() -> dict[str, sa.Select[int]]:
    count = sa.func.count()
    kept = [
        MessageState.RECEIVED,
        MessageState.DECIDED,
        MessageState.FORWARDED,
        MessageState.HELD,
        MessageState.QUARANTINED,
        MessageState.FILED,
    ]
    raw = sa.type_coerce(octet_chunks.c.data, sa.LargeBinary)
    length = sa.func.length(raw)
    # Locked octets are longer by a fixed number. Most records lie all in clear or all locked: only where neither
    # holds are the beginnings of a message's rows looked at.
    exact = length - sa.case((sa.func.substr(raw, 1, len(MARK)) == MARK, OVERHEAD), else_=0)
    clear, locked, mixed = (_octets_stored(one) for one in (length, length - OVERHEAD, exact))
    not_whole = sa.and_(clear != octets.c.size, locked != octets.c.size, mixed != octets.c.size)
    return {
        "received messages without octets": sa.select(count)
        .select_from(messages)
        .where(messages.c.state.in_(kept))
        .where(messages.c.sha256.is_(None) | messages.c.sha256.not_in(sa.select(octets.c.sha256))),
        # Both engines tell a chunk's length without reading it.
        "octets that are not whole": sa.select(count).select_from(octets).where(not_whole),
    }


def _octets_stored(of_a_row: sa.ColumnElement[int]) -> sa.ScalarSelect[int]:
    total = sa.select(sa.func.coalesce(sa.func.sum(of_a_row), 0))
    return total.where(octet_chunks.c.sha256 == octets.c.sha256).scalar_subquery()


def _dispatch_checks() -> dict[str, sa.Select[int]]:
    count = sa.func.count()
    accepted = sa.select(attempts.c.dispatch_id).where(attempts.c.outcome == AttemptOutcome.ACCEPTED)
    decided = sa.select(decisions.c.message_id).where(
        decisions.c.message_id == dispatches.c.message_id, decisions.c.generation == dispatches.c.generation
    )
    return {
        "accepted dispatches without an accepted attempt": sa.select(count)
        .select_from(dispatches)
        .where(dispatches.c.state == DispatchState.ACCEPTED, dispatches.c.id.not_in(accepted)),
        "changes of dispatches that are gone": sa.select(sa.func.count(sa.distinct(audit.c.subject_id)))
        .select_from(audit)
        .where(audit.c.subject == "dispatch", audit.c.subject_id.not_in(sa.select(dispatches.c.id))),
        "dispatches of a generation that has no decision": sa.select(count)
        .select_from(dispatches)
        .where(~decided.exists()),
    }


def _audit_checks() -> dict[str, sa.Select[int]]:
    count = sa.func.count()
    found = {}
    for subject, table, first in (("message", messages, ""), ("dispatch", dispatches, DispatchState.PENDING)):
        changes = sa.select(audit).where(audit.c.subject == subject, audit.c.to_state != "").subquery()
        before = sa.func.lag(changes.c.to_state).over(partition_by=changes.c.subject_id, order_by=changes.c.id)
        steps = sa.select(changes.c.from_state, sa.func.coalesce(before, first).label("before")).subquery()
        newest = sa.select(sa.func.max(changes.c.id).label("id")).group_by(changes.c.subject_id).subquery()
        last = sa.select(changes).join(newest, newest.c.id == changes.c.id).subquery()
        found[f"{subject} rows whose last audit row names another state"] = (
            sa.select(count)
            .select_from(table.outerjoin(last, last.c.subject_id == table.c.id))
            .where(sa.func.coalesce(last.c.to_state, first) != table.c.state)
        )
        found[f"{subject} changes that do not go on from the one before"] = (
            sa.select(count).select_from(steps).where(steps.c.from_state != steps.c.before)
        )
    return found


def repeated_forwards(tx: Transaction) -> int:
    """Copies of forwards sent after an unknown outcome of DATA: possible duplicates, each counted."""
    handed_over = attempts.c.outcome.in_((AttemptOutcome.ACCEPTED, AttemptOutcome.UNKNOWN))
    times = (
        sa.select((sa.func.count() - 1).label("again"))
        .join_from(attempts, dispatches, attempts.c.dispatch_id == dispatches.c.id)
        .where(dispatches.c.kind == DispatchKind.FORWARD, handed_over | attempts.c.outcome.is_(None))
        .group_by(dispatches.c.message_id, dispatches.c.forward_path)
        .subquery()
    )
    return int(tx.execute(sa.select(sa.func.coalesce(sa.func.sum(times.c.again), 0))).scalar_one())
