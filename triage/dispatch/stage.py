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
LONGEST_RUN = 60.0
"""Seconds after which a run leases no more: its caller shows a sign of life and comes again."""


@dataclass(frozen=True, slots=True)
class _Answer:
    row: DispatchRow
    result: SubmissionResult
    trouble: AccountTroubleError | None = None


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
        # Kept over a run that the record ended: what was answered is recorded by the next one.
        self._wire: dict[asyncio.Task[_Answer], DispatchRow] = {}
        self._answers: list[_Answer] = []
        self._renewed_at = 0.0
        self._paused_until = 0.0
        self._failures = 0
        self._may_have_incident = True
        self.trouble = ""
        """Why the account could not be used when it was last tried, with the remedy; empty: it could."""

    def work(self, stopping: threading.Event | None = None) -> int:
        """Submit what is due until nothing is left (or ``stopping``); how many were tried or ended."""
        if not (self._wire or self._answers):
            self._take_over()
            if time.monotonic() < self._paused_until:
                return 0
        return self._loop.run_until_complete(self._work(stopping or threading.Event()))

    def close(self) -> None:
        """Close every connection."""
        self._loop.run_until_complete(self._close())
        self._loop.close()

    async def _close(self) -> None:
        for task in self._wire:
            task.cancel()
        await asyncio.gather(*self._wire, return_exceptions=True)
        await self._pool.close()
        # A transport closes its socket one turn of the loop later.
        await asyncio.sleep(0.01)

    # ---------------------------------------------------------------- one run

    async def _work(self, stopping: threading.Event) -> int:
        leased = self._cycle([], lease=True)[1]
        if not (leased or self._wire or self._answers):
            await self._pool.close_idle()
            return 0
        made, until = 0, time.monotonic() + LONGEST_RUN
        trouble = await self._find_trouble() if leased else None
        while leased or self._wire or self._answers:
            more = trouble is None and not stopping.is_set() and time.monotonic() < until
            if leased and not more:
                self._give_back(leased)
                leased = []
            taken = min(_that_fit(leased, list(self._wire.values())), self._pool.room())
            if leased and not (taken or self._wire or self._answers):
                # The account's rate is used up. Nothing is kept from other workers meanwhile.
                self._give_back(leased)
                await self._wait_for_room(stopping)
                leased = self._cycle([], lease=not stopping.is_set())[1]
                continue
            waiting = leased[taken:]
            prepared, cancelled = self._prepare(leased[:taken])
            begun, leased = self._cycle(prepared, lease=more and len(waiting) < ON_THE_WIRE)
            leased = [*waiting, *leased]
            made += len(begun) + cancelled
            self._pool.begin(len(begun))
            if not self._wire:
                self._renewed_at = time.monotonic()
            for row, outgoing in begun:
                self._wire[asyncio.create_task(self._send(row, outgoing))] = row
            await self._gather()
            trouble = next((answer.trouble for answer in self._answers if answer.trouble), trouble)
        if trouble is not None:
            self._note_trouble(trouble)
        return made

    def _cycle(
        self, prepared: Sequence[Prepared], *, lease: bool
    ) -> tuple[list[tuple[DispatchRow, Outgoing]], list[DispatchRow]]:
        """The one transaction: answers in, intent committed, next ones leased."""
        if not self._answers and not prepared and not (lease and self._anything_due()):
            return [], []
        outgoing = {item.row.id: item.outgoing for item in prepared}
        with self._store.write("dispatch") as tx:
            forwarded = record_answers(tx, [(item.row, item.result) for item in self._answers])
            stopped = is_stopped(tx)
            begun = [] if stopped else begin_attempts(tx, [i.row for i in prepared], self._worker, self._lease)
            if stopped and prepared:
                put_back(tx, [item.row for item in prepared], tx.now)
            leased = self._next(tx) if lease and not stopped else []
        self._answers = []
        if forwarded:
            self._on_forwarded()
        return [(row, outgoing[row.id]) for row in begun], leased

    def _next(self, tx: Transaction) -> list[DispatchRow]:
        return lease_dispatches(tx, self._worker, ON_THE_WIRE, self._lease)

    def _anything_due(self) -> bool:
        with self._store.read("anything due") as tx:
            return not is_stopped(tx) and self._preparer.anything_due(tx)

    def _prepare(self, rows: Sequence[DispatchRow]) -> tuple[list[Prepared], int]:
        """Check and compose; what must not go is ended (how many) or put back in a transaction of its own."""
        if not rows:
            return [], 0
        found = self._preparer.prepare(rows, self._pool.offers("8BITMIME"), self._pool.offers("SMTPUTF8"))
        later = [item for item in found if isinstance(item, Later)]
        cancelled = [item for item in found if isinstance(item, Cancelled)]
        if later or cancelled:
            with self._store.write("not sent") as tx:
                for item in later:
                    put_back(tx, [item.row], tx.now + item.wait)
                record_unsent(tx, [(item.row, item.reason, item.consequence) for item in cancelled])
            self._on_requeued()
        return [item for item in found if isinstance(item, Prepared)], len(cancelled)

    # ---------------------------------------------------------------- the wire

    async def _send(self, row: DispatchRow, outgoing: Outgoing) -> _Answer:
        try:
            async with self._pool.connection() as connection:
                return _Answer(row, await connection.submit(outgoing))
        except AccountTroubleError as trouble:
            unsent = SubmissionResult(AttemptOutcome.TRANSIENT, "connect", text=trouble.kind)
            return _Answer(row, unsent, trouble)

    async def _gather(self) -> None:
        """Wait for answers; several that come together are recorded together."""
        if not self._wire:
            return
        done: set[asyncio.Task[_Answer]] = set()
        while not done:
            due = self._renewed_at + self._lease.total_seconds() / 3 - time.monotonic()
            if due <= 0:
                # Also while others are answered all the time: one slow server must not lose its lease.
                self._renew(list(self._wire.values()))
                continue
            done, _ = await asyncio.wait(self._wire, timeout=due, return_when=asyncio.FIRST_COMPLETED)
        if len(self._wire) > len(done):
            # What else comes within a moment is recorded in the same commit.
            late, _ = await asyncio.wait(
                [task for task in self._wire if task not in done],
                timeout=GATHER,
                return_when=asyncio.ALL_COMPLETED,
            )
            done |= late
        for task in done:
            del self._wire[task]
        self._answers += [task.result() for task in done]
        reach("smtp answers")

    async def _wait_for_room(self, stopping: threading.Event) -> None:
        while not (self._pool.room() or stopping.is_set()):
            await asyncio.sleep(0.2)

    def _renew(self, rows: Sequence[DispatchRow]) -> None:
        with self._store.write("leases renewed") as tx:
            renew_leases(tx, [row.id for row in rows], self._worker, self._lease)
        self._renewed_at = time.monotonic()

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

    async def _find_trouble(self) -> AccountTroubleError | None:
        """Whether the account can be used at all, before any attempt is begun."""
        try:
            await self._pool.ensure()
        except AccountTroubleError as trouble:
            return trouble
        if self._may_have_incident:
            with self._store.write("account recovered") as tx:
                close_incident(tx, "submission", self._account)
        self._failures, self._may_have_incident, self.trouble = 0, False, ""
        return None

    def _note_trouble(self, trouble: AccountTroubleError) -> None:
        self._failures += 1
        self._may_have_incident = True
        self.trouble = str(trouble)
        pause = ACCOUNT_PAUSES[min(self._failures, len(ACCOUNT_PAUSES)) - 1]
        self._paused_until = time.monotonic() + pause
        log.warning(self.trouble, extra={"action": "account_trouble", "kind": trouble.kind, "pause": pause})
        try:
            with self._store.write("account trouble") as tx:
                open_incident(tx, "submission", self._account, f"{trouble.kind}: {trouble}")
        except StoreError as error:
            log.error("record trouble", extra={"action": "record_trouble", "kind": error.kind})


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
