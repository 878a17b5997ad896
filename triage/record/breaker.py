"""The breaker: too many acknowledgements leave, or too many come back, and none leaves any more. Forwards always do.

It is judged in the transaction that begins acknowledgements, so that none slips through between question and
act (failure F10). It closes by itself after an hour in which nothing came back, or by a person's ``triage start``;
what happened before is then forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.audit import Change, write_changes
from triage.record.incidents import close_incident, open_incident
from triage.record.plans import unindexed
from triage.record.store import Transaction
from triage.record.tables import audit, dispatches, messages, switches
from triage.vocabulary import TO_FAMILIES, DispatchState

SWITCH = "breaker"
INCIDENT = "breaker"
SUBJECT = "acknowledgements"
QUIET = timedelta(hours=1)
KINDS = TO_FAMILIES
"""What it stops: everything that families get from the service by itself."""

_OPEN, _CLOSED = "open", "closed"
_LEFT = (DispatchState.SUBMITTING, DispatchState.ACCEPTED, DispatchState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many may leave, and come back, in an hour."""

    sent: int
    returned: int


def note_acknowledgement_returned(tx: Transaction, count: int = 1) -> None:
    """Acknowledgements have come back: refused, reported undelivered, or answered by a robot."""
    write_changes(tx, [Change(SWITCH, 0, "returned")] * count)


def begins_alone(tx: Transaction) -> bool:
    """Whether no other worker is beginning what families get; then none does until this transaction ends.

    Not waited for: forwards are begun, and answers recorded, in the same transaction.
    """
    return not tx.skips_locked or bool(tx.execute(sa.select(sa.func.pg_try_advisory_xact_lock(7217, 0))).scalar_one())


def stands_open(tx: Transaction) -> bool:
    """Whether acknowledgements are stopped now; a look that changes nothing."""
    opened = _opened_at(tx)
    return opened is not None and not _is_quiet(tx, opened)


def judge(tx: Transaction, limits: Limits, wanted: int) -> int:
    """Open or close the breaker by what has happened lately; how many of those that want to leave may leave.

    An hour holds at most the limit: the first one above it opens the breaker.
    """
    opened = _opened_at(tx)
    if opened is not None:
        if not _is_quiet(tx, opened):
            return 0
        close(tx)
    since = max(tx.now - QUIET, _changed_at(tx) or tx.now - QUIET)
    sent, returned = _sent(tx, since), _returned(tx, since)
    if sent + wanted <= limits.sent and returned < limits.returned:
        return wanted
    _turn(tx, _OPEN)
    text = (
        f"acknowledgements are stopped: {sent} left and {returned} came back in an hour{_most_to(tx, since)}. "
        "Forwards go on. They start again after a quiet hour, or by 'triage start'"
    )
    open_incident(tx, INCIDENT, SUBJECT, text)
    return max(0, limits.sent - sent) if returned < limits.returned else 0


def _most_to(tx: Transaction, since: datetime) -> str:
    """Whom most of them went to, by a message that shows the address: an alarm that names nobody helps nobody (F13)."""
    query = (
        sa.select(sa.func.count(), sa.func.max(dispatches.c.message_id))
        .where(_left(since))
        .group_by(dispatches.c.recipient_key)
        .order_by(sa.func.count().desc(), sa.func.max(dispatches.c.message_id).desc())
        .limit(1)
    )
    found = tx.execute(query).first()
    return f", {found[0]} of them to the writer of message {found[1]} ('triage show {found[1]}')" if found else ""


def close(tx: Transaction) -> bool:
    """Acknowledgements may leave again; whether they were stopped."""
    if _opened_at(tx) is None:
        return False
    _turn(tx, _CLOSED)
    close_incident(tx, INCIDENT, SUBJECT)
    return True


def too_many(tx: Transaction, limits: Limits) -> bool:
    """Whether it is shut although so many left or came back that it must open; a look that changes nothing."""
    if _opened_at(tx) is not None:
        return False
    since = max(tx.now - QUIET, _changed_at(tx) or tx.now - QUIET)
    return _sent(tx, since) >= limits.sent or _returned(tx, since) >= limits.returned


def ready_to_close(tx: Transaction) -> bool:
    """Whether it stands open although all has been quiet for an hour."""
    opened = _opened_at(tx)
    return opened is not None and _is_quiet(tx, opened)


def sent_of_mailbox(tx: Transaction, mailbox_id: int) -> int:
    """Acknowledgements for the mail of one mailbox that left, or may have left, in the last hour."""
    query = (
        sa.select(sa.func.count())
        .join_from(dispatches, messages, dispatches.c.message_id == messages.c.id)
        .where(dispatches.c.kind.in_(sorted(KINDS)), unindexed(dispatches.c.state).in_(_LEFT))
        .where(sa.or_(dispatches.c.ended_at > tx.now - QUIET, dispatches.c.state == DispatchState.SUBMITTING))
        .where(unindexed(messages.c.mailbox_id) == mailbox_id)
    )
    return int(tx.execute(query).scalar_one())


def _sent(tx: Transaction, since: datetime) -> int:
    # In one statement: what is answered between two would be in neither.
    return int(tx.execute(sa.select(sa.func.count()).where(_left(since))).scalar_one())


def _left(since: datetime) -> sa.ColumnElement[bool]:
    """What families got, or may have got, since then."""
    return sa.and_(
        dispatches.c.kind.in_(sorted(KINDS)),
        unindexed(dispatches.c.state).in_(_LEFT),
        sa.or_(dispatches.c.ended_at > since, dispatches.c.state == DispatchState.SUBMITTING),
    )


def _returned(tx: Transaction, since: datetime) -> int:
    refused = sa.select(sa.func.count()).where(
        dispatches.c.kind.in_(sorted(KINDS)),
        dispatches.c.state == DispatchState.FAILED,
        dispatches.c.ended_at > since,
    )
    noted = sa.select(sa.func.count()).where(
        audit.c.subject == SWITCH, audit.c.subject_id == 0, audit.c.event == "returned", audit.c.at > since
    )
    return int(tx.execute(refused).scalar_one()) + int(tx.execute(noted).scalar_one())


def _is_quiet(tx: Transaction, opened: datetime) -> bool:
    return tx.now - opened >= QUIET and not _returned(tx, tx.now - QUIET)


def _opened_at(tx: Transaction) -> datetime | None:
    query = sa.select(switches.c.changed_at).where(switches.c.name == SWITCH, switches.c.value == _OPEN)
    return tx.execute(query).scalar()


def _changed_at(tx: Transaction) -> datetime | None:
    return tx.execute(sa.select(switches.c.changed_at).where(switches.c.name == SWITCH)).scalar()


def _turn(tx: Transaction, value: str) -> None:
    statement = tx.insert(switches).values(name=SWITCH, value=value, changed_at=tx.now, changed_by=tx.actor)
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["name"], set_={"value": value, "changed_at": tx.now, "changed_by": tx.actor}
        )
    )
    write_changes(tx, [Change(SWITCH, 0, "opened" if value == _OPEN else "closed")])
