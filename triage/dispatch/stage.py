"""The dispatch stage: due dispatches are leased, checked, composed, submitted, and recorded.

One transaction a cycle records the answers that have come, commits the intent for what is composed
(``submitting``) and leases the next ones: what is ``submitting`` is on the wire, at most :data:`ON_THE_WIRE`,
and a hundred messages cost a dozen commits. A server that hangs holds up only what it was given.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Any

from triage.crashpoints import reach
from triage.dispatch.account import AccountWatch
from triage.dispatch.braking import let_through
from triage.dispatch.compose import Outgoing
from triage.dispatch.policy import that_fit
from triage.dispatch.pool import Pool
from triage.dispatch.preparation import Cancelled, Later, Prepared
from triage.dispatch.prepare import Preparer
from triage.dispatch.scanning import NoScanning, Scanning
from triage.dispatch.sending import INTERRUPTED, Answer, Held, send
from triage.dispatch.taken import record_answers, record_unsent
from triage.dispatch.trouble import AccountTroubleError
from triage.record import Store
from triage.record.attempts import begin_attempts
from triage.record.dispatches import DispatchRow, lease_dispatches, put_back, renew_leases, take_abandoned
from triage.record.identity import is_stopped
from triage.record.usage import UNLIMITED, Limits, count_begun, room_for
from triage.settings import Submission
from triage.tokens import FIXED, Secrets
from triage.vocabulary import DispatchKind

ON_THE_WIRE = 16
"""Dispatches submitting at once: what a crash can leave with an unknown outcome."""
FOR_NOTICES = 2
"""Of these, places that only urgent notices may take: none waits for a server that hangs."""
GATHER = 0.1
"""Seconds in which further answers are waited for after the first: fewer commits."""
LOOK = 1.0
"""Seconds after which new work is looked for while servers are waited for."""
NO_SCANNING = NoScanning()
TAKE_OVER = 5.0
"""Seconds after which a long run looks again for what other workers left behind."""


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
        beat: Callable[[], None] = lambda: None,
        scanning: Scanning | NoScanning = NO_SCANNING,
        secrets: Secrets = FIXED,
        pool: Pool | None = None,
    ) -> None:
        self._store = store
        self._preparer = preparer
        self._scanning = scanning
        self._submission = submission
        self._pool = pool or Pool(submission, secrets)
        name = f"{submission.account.user} {submission.account.host}:{submission.account.port}"
        self._limits = Limits(name, submission.per_minute, submission.per_day)
        self._worker = worker
        self._lease = lease
        self._held = Held(store.clock, lease)
        self._on_forwarded = on_forwarded
        self._on_requeued = on_requeued
        self._beat = beat
        self._loop = asyncio.new_event_loop()
        # Kept over a run that the record ended: what was answered is recorded by the next one.
        self._wire: dict[asyncio.Task[Answer], DispatchRow] = {}
        self._answers: list[Answer] = []
        self._renewed_at = 0.0
        self.account = AccountWatch(store)

    @property
    def trouble(self) -> str:
        """Why the account could not be used when it was last tried, with the remedy; empty: it could."""
        return self.account.trouble

    def work(self, stopping: threading.Event | None = None) -> int:
        """Submit what is due until nothing is left (or ``stopping``); how many were tried or ended."""
        return self._loop.run_until_complete(self._work(stopping or threading.Event()))

    def close(self) -> None:
        """Close every connection."""
        self._loop.run_until_complete(self._close())
        self._loop.close()

    async def _close(self) -> None:
        await self._scanning.close()
        for task in self._wire:
            task.cancel()
        await asyncio.gather(*self._wire, return_exceptions=True)
        await self._pool.close()
        # A transport closes its socket one turn of the loop later.
        await asyncio.sleep(0.01)

    # ---------------------------------------------------------------- one run

    async def _work(self, stopping: threading.Event) -> int:
        leased: list[DispatchRow] = []
        made, usable, hangs, look_at = 0, False, False, 0.0
        while True:
            self._beat()
            if time.monotonic() >= look_at:
                self._take_over()
                look_at = time.monotonic() + TAKE_OVER
            more = not (stopping.is_set() or self.account.rests)
            if leased and more and not (usable or self._wire):
                usable = await self._is_usable(stopping)
                continue
            room = self._room() if more else 0
            if leased and not room:
                self._give_back(leased)
                leased = []
            ready = self._scanning.ready(leased)
            taken = that_fit(ready, [*self._wire.values()], room, ON_THE_WIRE, FOR_NOTICES)
            waiting = [row for row in leased if row not in taken]
            lease = min(room, ON_THE_WIRE) if len(waiting) < ON_THE_WIRE else 0
            prepared, cancelled = self._prepare(taken)
            begun, fresh = self._cycle(prepared, lease, notices_only=hangs and not taken)
            # An urgent notice goes before whatever was leased earlier.
            leased = sorted([*waiting, *fresh], key=lambda row: row.kind != DispatchKind.NOTICE)
            made += len(begun) + cancelled
            self._put_on_the_wire(begun)
            if not (leased or self._wire or self._answers):
                if not (more and not room and await self._wait_for_room(stopping)):
                    break
                continue
            if fresh and room > 1 and that_fit(leased, [*self._wire.values()], room, ON_THE_WIRE, FOR_NOTICES):
                continue
            hangs = not await self._gather() and bool(self._wire)
            if hangs and leased:
                # What waits behind a server that hangs is kept from no other worker.
                self._give_back(leased)
                leased = []
            usable = usable and not self.account.rests
        await self._pool.close_idle()
        return made

    def _cycle(
        self, prepared: Sequence[Prepared], lease: int, *, notices_only: bool
    ) -> tuple[list[tuple[DispatchRow, Outgoing]], list[DispatchRow]]:
        """The one transaction: answers in, intent committed, next ones leased."""
        notices_only = notices_only and len(self._wire) >= ON_THE_WIRE - FOR_NOTICES
        if not self._answers and not prepared and not (lease and self._anything_due(notices_only=notices_only)):
            return [], []
        outgoing = {item.row.id: item.outgoing for item in prepared}
        rows, rules = [item.row for item in prepared], self._preparer.knowledge.in_force().rules
        with self._store.write("dispatch") as tx:
            forwarded = record_answers(tx, [(item.row, item.result, item.left_out) for item in self._answers])
            stopped, rows = is_stopped(tx), let_through(tx, rows, rules)
            room = 0 if stopped or not rows else room_for(tx, self._limits, lock=True).messages
            begun = begin_attempts(tx, rows[:room], self._worker, self._lease)
            self._held.note(begun, tx.now)
            count_begun(tx, self._limits, len(begun))
            put_back(tx, rows[room:], tx.now)
            lease = 0 if stopped else lease
            leased = lease_dispatches(tx, self._worker, lease, self._lease, notices_only=notices_only) if lease else []
        self._answers = []
        if forwarded:
            self._on_forwarded()
        return [(row, outgoing[row.id]) for row in begun], leased

    def _anything_due(self, *, notices_only: bool = False) -> bool:
        with self._store.read("anything due") as tx:
            return not is_stopped(tx) and self._preparer.anything_due(tx, notices_only=notices_only)

    def _prepare(self, rows: Sequence[DispatchRow]) -> tuple[list[Prepared], int]:
        """Check and compose; what must not go is ended (how many) or put back in a transaction of its own."""
        if not rows:
            return [], 0
        found = self._preparer.prepare(rows, self._pool.offer, self._scanning.take(rows))
        later = [item for item in found if isinstance(item, Later)]
        cancelled = [item for item in found if isinstance(item, Cancelled)]
        if later or cancelled:
            with self._store.write("not sent") as tx:
                for item in later:
                    put_back(tx, [item.row], tx.now + item.wait)
                record_unsent(tx, cancelled)
            self._on_requeued()
        return [item for item in found if isinstance(item, Prepared)], len(cancelled)

    # ---------------------------------------------------------------- the wire

    def _put_on_the_wire(self, begun: Sequence[tuple[DispatchRow, Outgoing]]) -> None:
        if not self._wire:
            self._renewed_at = time.monotonic()
        for row, outgoing in begun:
            self._wire[asyncio.create_task(send(self._pool, self._submission, self._held, row, outgoing))] = row

    async def _gather(self) -> bool:
        """Wait a moment for answers, which are recorded together, or for a scan. Whether any came."""
        scans = self._scanning.tasks
        if not self._wire:
            if scans:
                await _some(scans, LOOK)
            return False
        due = self._renewed_at + self._lease.total_seconds() / 3 - time.monotonic()
        if due <= 0:
            # Also while others are answered all the time: one slow server must not lose its lease.
            self._renew(list(self._wire.values()))
            due = self._lease.total_seconds() / 3
        ended = await _some([*self._wire, *scans], min(due, LOOK))
        done = [task for task in self._wire if task in ended]
        self._wire = {task: row for task, row in self._wire.items() if task not in ended}
        answers = [task.result() for task in done]
        self._answers += answers
        if answers:
            reach("smtp answers")
            self._judge_account(answers)
        return bool(ended)

    def _renew(self, rows: Sequence[DispatchRow]) -> None:
        with self._store.write("leases renewed") as tx:
            kept = renew_leases(tx, [row.id for row in rows], self._worker, self._lease)
            self._held.note([row for row in rows if row.id in kept], tx.now)
        self._renewed_at = time.monotonic()

    def _give_back(self, rows: Sequence[DispatchRow]) -> None:
        with self._store.write("given back") as tx:
            put_back(tx, rows, tx.now)

    def _take_over(self) -> None:
        """What another (or an earlier) process left ``submitting``: its outcome is unknown."""
        with self._store.read("abandoned") as tx:
            if not self._preparer.anything_abandoned(tx):
                return
        mine = [*(row.id for row in self._wire.values()), *(answer.row.id for answer in self._answers)]
        with self._store.write("taken over") as tx:
            rows = take_abandoned(tx, self._worker, ON_THE_WIRE, self._lease, still_mine=mine)
            record_answers(tx, [(row, INTERRUPTED, row.left_out) for row in rows])

    # ---------------------------------------------------------------- the account

    async def _is_usable(self, stopping: threading.Event) -> bool:
        """Whether the account can be used at all, before any attempt is begun."""
        probe = asyncio.create_task(self._pool.ensure())
        while not probe.done() and not stopping.is_set():
            await asyncio.wait([probe], timeout=LOOK)
            self._beat()
        if not probe.done():
            probe.cancel()
        try:
            await probe
        except AccountTroubleError as trouble:
            self.account.failed(trouble)
            return False
        except asyncio.CancelledError:
            return False
        self.account.connected()
        return True

    def _judge_account(self, answers: Sequence[Answer]) -> None:
        trouble = next((answer.trouble for answer in answers if answer.trouble), None)
        if trouble is not None:
            self.account.failed(trouble)
        elif any(answer.result.stage in ("rcpt", "data") for answer in answers):
            self.account.let_send()

    def _room(self) -> int:
        """How many messages the account takes now."""
        most = 1 if self.account.careful else UNLIMITED
        if not self._limits.any:
            return most
        with self._store.read("room") as tx:
            room = room_for(tx, self._limits)
        self.account.limited(self._limits.per_day if not room.today else 0)
        return min(most, room.messages)

    async def _wait_for_room(self, stopping: threading.Event) -> bool:
        """Wait a moment when something is due that the account takes within the minute; whether to go on."""
        if self.account.is_limited or not self._anything_due():
            return False
        for _ in range(5):
            if not stopping.is_set():
                await asyncio.sleep(LOOK / 5)
        return not stopping.is_set()


async def _some(tasks: Collection[asyncio.Task[Any]], timeout: float) -> set[asyncio.Task[Any]]:
    """Those that end first; what else ends within a moment is recorded in the same commit."""
    done, rest = await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    if done and rest:
        late, _ = await asyncio.wait(rest, timeout=GATHER, return_when=asyncio.ALL_COMPLETED)
        done |= late
    return done
