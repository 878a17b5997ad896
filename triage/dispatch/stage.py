"""The dispatch stage: due dispatches are leased, checked, composed, submitted, and recorded.

One transaction a cycle does four things: it records the answers that have come, commits the intent
for what is composed (``submitting``), and leases the next ones. So what is ``submitting`` is what is
on the wire, at most :data:`ON_THE_WIRE`, and a hundred messages cost a dozen commits.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from triage.crashpoints import reach
from triage.dispatch.compose import Outgoing
from triage.dispatch.pool import Pool
from triage.dispatch.prepare import Cancelled, Later, Prepared, Preparer
from triage.dispatch.submit import AccountTroubleError
from triage.dispatch.taken import record_answers, record_unsent
from triage.record import Store, StoreError, Transaction
from triage.record.attempts import begin_attempts
from triage.record.dispatches import DispatchRow, lease_dispatches, put_back, renew_leases, take_abandoned
from triage.record.identity import is_stopped
from triage.record.incidents import close_incident, open_incident
from triage.settings import Submission
from triage.vocabulary import AttemptOutcome, SubmissionResult

log = logging.getLogger("triage.dispatch")

ON_THE_WIRE = 16
"""Dispatches submitting at once: what a crash can leave with an unknown outcome."""
OCTETS = 32 << 20
"""Octets of originals composed or on the wire at once (always at least one message)."""
GATHER = 0.05
"""Seconds in which further answers are waited for after the first: fewer commits."""
ACCOUNT_PAUSES = (5.0, 15.0, 60.0, 120.0, 300.0)
"""Seconds before an account in trouble is tried again."""


@dataclass(frozen=True, slots=True)
class _Answer:
    row: DispatchRow
    result: SubmissionResult


class DispatchStage:
    """Submits through one account with its own event loop; used by one thread."""

    def __init__(
        self,
        store: Store,
        preparer: Preparer,
        submission: Submission,
        worker: str,
        lease: timedelta,
        on_forwarded: Callable[[], None],
        on_requeued: Callable[[], None],
    ) -> None:
        self._store = store
        self._preparer = preparer
        self._pool = Pool(submission)
        self._account = f"{submission.account.host}:{submission.account.port}"
        self._worker = worker
        self._lease = lease
        self._on_forwarded = on_forwarded
        self._on_requeued = on_requeued
        self._loop = asyncio.new_event_loop()
        self._paused_until = 0.0
        self._failures = 0

    def work(self, stopping: threading.Event | None = None) -> int:
        """Submit what is due until nothing is left (or ``stopping``); how many attempts were made."""
        self._take_over()
        if time.monotonic() < self._paused_until:
            return 0
        return self._loop.run_until_complete(self._work(stopping or threading.Event()))

    def close(self) -> None:
        """Close every connection."""
        self._loop.run_until_complete(self._pool.close())
        self._loop.close()

    # ---------------------------------------------------------------- one run

    async def _work(self, stopping: threading.Event) -> int:
        made = 0
        leased = self._cycle([], [], lease=True)[1]
        if not leased:
            await self._pool.close_idle()
            return 0
        try:
            await self._pool.ensure()
        except AccountTroubleError as trouble:
            self._account_trouble(trouble, leased)
            return 0
        self._account_recovered()
        wire: dict[asyncio.Task[_Answer], DispatchRow] = {}
        answers: list[_Answer] = []
        while leased or wire or answers:
            taken = _that_fit(leased, list(wire.values()))
            prepared = self._prepare(leased[:taken])
            waiting = leased[taken:]
            more = not stopping.is_set()
            begun, leased = self._cycle(answers, prepared, lease=more and len(waiting) < ON_THE_WIRE)
            leased = [*waiting, *leased]
            if stopping.is_set() and leased:
                self._give_back(leased)
                leased = []
            made += len(begun)
            for row, outgoing in begun:
                wire[asyncio.create_task(self._send(row, outgoing))] = row
            answers = await self._gather(wire)
        return made

    def _cycle(
        self, answers: Sequence[_Answer], prepared: Sequence[Prepared], *, lease: bool
    ) -> tuple[list[tuple[DispatchRow, Outgoing]], list[DispatchRow]]:
        """The one transaction: answers in, intent committed, next ones leased."""
        if not answers and not prepared and not self._anything_due():
            return [], []
        outgoing = {item.row.id: item.outgoing for item in prepared}
        with self._store.write("dispatch") as tx:
            forwarded = record_answers(tx, [(item.row, item.result) for item in answers])
            stopped = is_stopped(tx)
            begun = [] if stopped else begin_attempts(tx, [i.row for i in prepared], self._worker, self._lease)
            if stopped and prepared:
                put_back(tx, [item.row for item in prepared], tx.now)
            leased = self._next(tx) if lease and not stopped else []
        if forwarded:
            self._on_forwarded()
        return [(row, outgoing[row.id]) for row in begun], leased

    def _next(self, tx: Transaction) -> list[DispatchRow]:
        return lease_dispatches(tx, self._worker, ON_THE_WIRE, self._lease)

    def _anything_due(self) -> bool:
        with self._store.read("anything due") as tx:
            return not is_stopped(tx) and self._preparer.anything_due(tx)

    def _prepare(self, rows: Sequence[DispatchRow]) -> list[Prepared]:
        """Check and compose; what must not go is ended or put back in a transaction of its own."""
        if not rows:
            return []
        found = self._preparer.prepare(rows, self._pool.offers("8BITMIME"), self._pool.offers("SMTPUTF8"))
        later = [item for item in found if isinstance(item, Later)]
        cancelled = [item for item in found if isinstance(item, Cancelled)]
        if later or cancelled:
            with self._store.write("not sent") as tx:
                for item in later:
                    put_back(tx, [item.row], tx.now + item.wait)
                record_unsent(tx, [(item.row, item.reason, item.consequence) for item in cancelled])
            self._on_requeued()
        return [item for item in found if isinstance(item, Prepared)]

    # ---------------------------------------------------------------- the wire

    async def _send(self, row: DispatchRow, outgoing: Outgoing) -> _Answer:
        try:
            async with self._pool.connection() as connection:
                return _Answer(row, await connection.submit(outgoing))
        except AccountTroubleError as trouble:
            return _Answer(row, SubmissionResult(AttemptOutcome.TRANSIENT, "connect", text=trouble.kind))

    async def _gather(self, wire: dict[asyncio.Task[_Answer], DispatchRow]) -> list[_Answer]:
        """Wait for answers; several that come together are recorded together."""
        if not wire:
            return []
        renew = self._lease.total_seconds() / 3
        done: set[asyncio.Task[_Answer]] = set()
        while not done:
            done, _ = await asyncio.wait(wire, timeout=renew, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                self._renew(list(wire.values()))
        if len(wire) > len(done):
            # What else comes within a moment is recorded in the same commit.
            late, _ = await asyncio.wait(
                [task for task in wire if task not in done],
                timeout=GATHER,
                return_when=asyncio.ALL_COMPLETED,
            )
            done |= late
        for task in done:
            del wire[task]
        reach("smtp answers")
        return [task.result() for task in done]

    def _renew(self, rows: Sequence[DispatchRow]) -> None:
        with self._store.write("leases renewed") as tx:
            renew_leases(tx, [row.id for row in rows], self._worker, self._lease)

    def _give_back(self, rows: Sequence[DispatchRow]) -> None:
        with self._store.write("given back") as tx:
            put_back(tx, rows, tx.now)

    # ---------------------------------------------------------------- trouble

    def _take_over(self) -> None:
        """What another (or an earlier) process left ``submitting``: its outcome is unknown."""
        with self._store.read("abandoned") as tx:
            if not self._preparer.anything_abandoned(tx):
                return
        with self._store.write("taken over") as tx:
            rows = take_abandoned(tx, self._worker, ON_THE_WIRE, self._lease)
            unknown = SubmissionResult(AttemptOutcome.UNKNOWN, "data", text="interrupted")
            record_answers(tx, [(row, unknown) for row in rows])

    def _account_trouble(self, trouble: AccountTroubleError, rows: Sequence[DispatchRow]) -> None:
        self._failures += 1
        pause = ACCOUNT_PAUSES[min(self._failures, len(ACCOUNT_PAUSES)) - 1]
        self._paused_until = time.monotonic() + pause
        log.warning("account trouble", extra={"action": "account_trouble", "kind": trouble.kind, "pause": pause})
        try:
            with self._store.write("account trouble") as tx:
                put_back(tx, rows, tx.now)
                open_incident(tx, "submission", self._account, f"{trouble.kind}: {trouble}")
        except StoreError as error:
            log.error("record trouble", extra={"action": "record_trouble", "kind": error.kind})

    def _account_recovered(self) -> None:
        if self._failures:
            self._failures = 0
            with self._store.write("account recovered") as tx:
                close_incident(tx, "submission", self._account)


def _that_fit(leased: Sequence[DispatchRow], wire: Sequence[DispatchRow]) -> int:
    """How many of the leased dispatches may join those on the wire."""
    room = ON_THE_WIRE - len(wire)
    octets = sum(row.size for row in wire)
    taken = 0
    for row in leased[:room]:
        octets += row.size
        if octets > OCTETS and (taken or wire):
            break
        taken += 1
    return taken
