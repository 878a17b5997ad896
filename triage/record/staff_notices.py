"""What staff and projects are told, one row each: planned once, leased, begun, ended.

The key is kind, subject and step: however many workers plan the same thing, its row is there once. A notice whose
outcome is unknown (the worker died while it spoke) is sent again: to be told twice harms less than not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa

from triage.record.audit import Change, Param, write_changes
from triage.record.charge import note_refused_call
from triage.record.identity import secret_of
from triage.record.incidents import NOTICE, open_incident
from triage.record.store import Transaction
from triage.record.tables import dispatches, staff_notices
from triage.vocabulary import DispatchKind, DispatchState


class NoticeKind(StrEnum):
    """What a notice is about."""

    URGENT = "urgent"
    """A step of an alert: somebody must look now."""
    INCIDENTS = "incidents"
    """The service's own troubles, several in one."""
    OVER = "incidents_over"
    """Troubles that were told and are over, several in one."""
    REMINDER = "reminder"
    """A project that takes cases in charge is silent about one."""
    DIGEST = "digest"
    """What a project has not taken in charge, once a week."""
    ADDRESS_TEST = "address_test"
    """Asks whoever reads one of a project's addresses to answer (``triage.record.address_tests``)."""
    WAITING = "waiting"
    """How much waits for a person, once a working day; to staff."""
    CANARY = "canary"
    """A test message to one of our own mailboxes (``triage.record.canaries``)."""


class Channel(StrEnum):
    """By which way a notice leaves."""

    MAIL = "mail"
    """The submission account of everything else."""
    ALARM = "alarm"
    """Another mail account (``TRIAGE_ALARM_SMTP_...``)."""
    WEBHOOK = "webhook"
    """An HTTPS POST (``TRIAGE_ALARM_WEBHOOK``)."""


@dataclass(frozen=True, slots=True)
class PlannedNotice:
    """One notice to one recipient, as yet unsent; ``recipient`` is empty for the webhook."""

    kind: NoticeKind
    subject: str
    step: int
    channel: Channel
    recipient: str
    rfc_message_id: str
    message_id: int | None = None
    case_id: int | None = None
    project: str = ""
    due_at: datetime | None = None
    """When it may leave; ``None``: at once."""


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notice on record."""

    id: int
    kind: str
    subject: str
    step: int
    channel: str
    recipient: str
    message_id: int | None
    case_id: int | None
    project: str
    rfc_message_id: str
    state: str
    created_at: datetime
    attempts: int
    lease_epoch: int


_COLUMNS = [staff_notices.c[name] for name in NoticeRow.__slots__]


def plan_notices(tx: Transaction, plans: Sequence[PlannedNotice]) -> int:
    """Write rows for what is not on record yet; how many were new."""
    fresh = 0
    if plans:
        secret_of(tx)  # what is written next needs it, and the record may have seen no mail yet
    for plan in plans:
        values = {name: getattr(plan, name) for name in PlannedNotice.__slots__} | {"due_at": plan.due_at or tx.now}
        statement = tx.insert(staff_notices).values(
            **values, state=DispatchState.PENDING, created_at=tx.now, attempts=0, lease_epoch=0
        )
        statement = statement.values(code=0, reason="")
        fresh += tx.execute(statement.on_conflict_do_nothing(index_elements=["kind", "subject", "step"])).rowcount
    return fresh


def any_notice_due(tx: Transaction, channels: Sequence[Channel]) -> bool:
    """Whether a notice by one of these channels may be leased now; a look that costs no write."""
    return tx.execute(sa.select(staff_notices.c.id).where(_due(tx, channels)).limit(1)).first() is not None


def lease_notices(tx: Transaction, worker: str, channel: Channel, limit: int, lease: timedelta) -> list[NoticeRow]:
    """Take the next notices that are due by this channel: urgent ones first."""
    query = (
        sa.select(staff_notices.c.id)
        .where(_due(tx, [channel]))
        .order_by(staff_notices.c.kind != NoticeKind.URGENT, staff_notices.c.due_at, staff_notices.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    keys = list(tx.execute(query).scalars())
    if not keys:
        return []
    tx.execute(
        sa.update(staff_notices)
        .where(staff_notices.c.id.in_(keys))
        .values(lease_owner=worker, lease_until=tx.now + lease, lease_epoch=staff_notices.c.lease_epoch + 1)
    )
    rows = (
        sa.select(*_COLUMNS)
        .where(staff_notices.c.id.in_(keys))
        .order_by(staff_notices.c.kind != NoticeKind.URGENT, staff_notices.c.id)
    )
    return [NoticeRow(**row) for row in tx.execute(rows).mappings()]


def _due(tx: Transaction, channels: Sequence[Channel]) -> sa.ColumnElement[bool]:
    return sa.and_(
        staff_notices.c.channel.in_(list(channels)),
        staff_notices.c.state.in_((DispatchState.PENDING, DispatchState.SUBMITTING)),
        staff_notices.c.due_at <= tx.now,
        sa.or_(staff_notices.c.lease_until.is_(None), staff_notices.c.lease_until <= tx.now),
    )


def begin_notice(tx: Transaction, row: NoticeRow, lease: timedelta) -> bool:
    """Commit the intent to send; whether it may go on the wire (the lease is still ours)."""
    return _change(
        tx,
        row,
        state=DispatchState.SUBMITTING,
        attempts=staff_notices.c.attempts + 1,
        lease_until=tx.now + lease,
    )


def renew_notice(tx: Transaction, row: NoticeRow, lease: timedelta) -> None:
    """Keep it, as long as it is still ours, while the other side takes its time."""
    _change(tx, row, lease_until=tx.now + lease)


def put_back_notice(tx: Transaction, row: NoticeRow, due_at: datetime) -> None:
    """Not now."""
    _change(tx, row, state=DispatchState.PENDING, due_at=due_at, lease_owner=None, lease_until=None)


def end_notice(tx: Transaction, row: NoticeRow, state: DispatchState, reason: str = "", code: int = 0) -> bool:
    """Accepted, failed or cancelled; whether it was ours to end."""
    ended = _change(
        tx, row, state=state, ended_at=tx.now, reason=reason[:40], code=code, lease_owner=None, lease_until=None
    )
    if ended:
        change = Change("notice", row.id, "ended", row.state, state, {"reason": reason[:40], "code": code})
        write_changes(tx, [change])
        if row.message_id is not None:
            # Shown with the message: whoever asks "was anybody called?" looks there.
            params: dict[str, Param] = {"step": row.step, "channel": row.channel, "state": str(state)}
            write_changes(tx, [Change("message", row.message_id, f"notice_{row.kind}", params=params)])
    return ended


def _change(tx: Transaction, row: NoticeRow, **values: object) -> bool:
    statement = (
        sa.update(staff_notices)
        .where(staff_notices.c.id == row.id, staff_notices.c.lease_epoch == row.lease_epoch)
        .where(staff_notices.c.state.in_((DispatchState.PENDING, DispatchState.SUBMITTING)))
        .values(**values)
    )
    return tx.execute(statement).rowcount > 0


# --------------------------------------------------------------------------- looking back


def notices_of(tx: Transaction, message_id: int) -> list[NoticeRow]:
    """Everything that staff were told because of one message beside the first notice, in order."""
    query = sa.select(*_COLUMNS).where(staff_notices.c.message_id == message_id).order_by(staff_notices.c.id)
    return [NoticeRow(**row) for row in tx.execute(query).mappings()]


def newest_notice(tx: Transaction, kind: NoticeKind) -> NoticeRow | None:
    """The last one of a kind that was planned."""
    query = sa.select(*_COLUMNS).where(staff_notices.c.kind == kind).order_by(staff_notices.c.id.desc()).limit(1)
    row = tx.execute(query).mappings().first()
    return NoticeRow(**row) if row else None


def span_of(subject: str) -> tuple[int, int]:
    """The numbers of the first and the last incident that a report is about."""
    low, _, high = subject.partition("-")
    return int(low), int(high.partition(".")[0])


def reaches_nobody(tx: Transaction, row: NoticeRow) -> bool:
    """Whether this notice and those beside it, to other recipients and by other ways, have all ended untold."""
    query = sa.select(staff_notices.c.id).where(
        staff_notices.c.kind == row.kind,
        staff_notices.c.subject == row.subject,
        staff_notices.c.state.not_in((DispatchState.FAILED, DispatchState.CANCELLED)),
    )
    return tx.execute(query.limit(1)).first() is None


def known_subjects(tx: Transaction, kind: NoticeKind, subjects: Sequence[str]) -> set[str]:
    """Which of these have a notice of this kind already."""
    query = sa.select(staff_notices.c.subject).where(
        staff_notices.c.kind == kind, staff_notices.c.subject.in_(list(subjects))
    )
    return set(tx.execute(query).scalars()) if subjects else set()


def about_notices(tx: Transaction, own_ids: Mapping[int, Sequence[str]]) -> frozenset[int]:
    """Which messages speak of notices, first ones and repeated ones, by the Message-IDs that stand in them.

    About what comes back of a notice nobody is told anew (failures F2, F4).
    """
    wanted = sorted({item for group in own_ids.values() for item in group})
    if not wanted:
        return frozenset()
    first = sa.select(dispatches.c.rfc_message_id).where(
        dispatches.c.rfc_message_id.in_(wanted), dispatches.c.kind == DispatchKind.NOTICE
    )
    later = sa.select(staff_notices.c.rfc_message_id).where(staff_notices.c.rfc_message_id.in_(wanted))
    told = {*tx.execute(first).scalars(), *tx.execute(later).scalars()}
    return frozenset(key for key, group in own_ids.items() if told.intersection(group))


def note_returned_notices(tx: Transaction, own_ids: Sequence[str]) -> None:
    """A delivery report names these: an urgent notice that did not arrive, so whoever comes next is called at once."""
    query = sa.select(staff_notices.c.message_id).where(
        staff_notices.c.rfc_message_id.in_(list(own_ids)),
        staff_notices.c.kind == NoticeKind.URGENT,
        staff_notices.c.state == DispatchState.ACCEPTED,
    )
    for message_id in set(tx.execute(query).scalars()):
        open_incident(tx, NOTICE, str(message_id), f"an urgent notice about message {message_id} came back")
        note_refused_call(tx, message_id)
