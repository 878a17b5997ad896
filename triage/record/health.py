"""What a monitor asks: does every stage go round, does anything wait too long, what is wrong, is it stopped.

A transaction enters, findings leave. Each question reads a few rows by an index; no server is asked, no word of any
message read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from triage.record.heartbeats import READER, all_beats
from triage.record.identity import is_stopped
from triage.record.incidents import open_incidents
from triage.record.store import Transaction
from triage.record.tables import dispatches, messages, staff_notices
from triage.vocabulary import DispatchState, MessageState

LATE = timedelta(minutes=15)
"""So long may a loop be silent, as within the process, and a message wait to be fetched or decided."""
SENDS_LATE = timedelta(hours=1)
"""So long may waiting mail be due before it leaves, or a finished message before it is filed."""
STAGES = ("decide", "dispatch", "notices")
"""The loops that every worker has."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not well: a stable code, what it is about, since when, and the same in one line."""

    code: str
    subject: str
    since: datetime | None
    text: str


def findings(tx: Transaction) -> list[Finding]:
    """Everything that is not well now; empty: the service works."""
    stopped = is_stopped(tx)
    return [*_stopped(stopped), *_silent(tx), *_waiting(tx, stopped), *_incidents(tx)]


def _stopped(stopped: bool) -> Iterator[Finding]:
    if stopped:
        yield Finding("stopped", "service", None, "somebody has stopped everything that leaves ('triage start')")


def _silent(tx: Transaction) -> Iterator[Finding]:
    beats = all_beats(tx)
    if not beats:
        yield Finding("no_worker", "service", None, "no worker runs")
        return
    limit = tx.now - LATE
    if any(beat.at > tx.now + LATE for beat in beats):
        text = "signs of life are dated to come: the clock was put back, and a worker that lives dates them anew"
        yield Finding("clock", "signs of life", None, f"{text} within a minute")
    for stage in STAGES:
        newest = max((beat.at for beat in beats if beat.loop == stage), default=None)
        if newest is None or newest < limit:
            when = f" since {_time(newest)}" if newest is not None else ""
            yield Finding("stage_silent", stage, newest, f"the stage {stage} has not finished a round{when}")
    places = {place: max(b.at for b in beats if b.place == place) for place in sorted({b.place for b in beats})}
    for place, at in places.items():
        if at < limit:
            yield Finding("worker_silent", place, at, f"the worker {place} has been silent since {_time(at)}")
    # A worker that only stands by for a mailbox is never the newest: it does not count as reading it.
    for loop in sorted({beat.loop for beat in beats if beat.loop.startswith(READER)}):
        newest = max(beat.at for beat in beats if beat.loop == loop)
        if newest < limit:
            name = loop.removeprefix(READER)
            text = f"the mailbox {name} has not been read since {_time(newest)}"
            yield Finding("mailbox_silent", name, newest, text)


def _waiting(tx: Transaction, stopped: bool) -> Iterator[Finding]:
    free = sa.or_(messages.c.lease_until.is_(None), messages.c.lease_until < tx.now)
    to_file = messages.c.file_step != ""
    looked = [
        ("fetch", LATE, messages, (messages.c.state == MessageState.LISTED,)),
        ("decide", LATE, messages, (messages.c.state == MessageState.RECEIVED, free)),
        ("file", SENDS_LATE, messages, (messages.c.state == MessageState.DECIDED, to_file)),
        ("file", SENDS_LATE, messages, (messages.c.state == MessageState.FORWARDED, to_file)),
    ]
    if not stopped:
        looked.append(("dispatch", SENDS_LATE, dispatches, (dispatches.c.state == DispatchState.PENDING,)))
        looked.append(("notices", SENDS_LATE, staff_notices, (staff_notices.c.state == DispatchState.PENDING,)))
    for stage, late, table, conditions in looked:
        query = sa.select(table.c.due_at).where(*conditions, table.c.due_at < tx.now - late)
        oldest = tx.execute(query.order_by(table.c.due_at).limit(1)).scalar()
        if oldest is not None:
            text = f"something has waited for the stage {stage} since {_time(oldest)}"
            yield Finding("waits_too_long", stage, oldest, text)


def _incidents(tx: Transaction) -> Iterator[Finding]:
    for row in open_incidents(tx):
        since: datetime = row["opened_at"]
        yield Finding(row["kind"], row["subject"], since, f"since {_time(since)}: {row['detail'] or row['kind']}")


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
