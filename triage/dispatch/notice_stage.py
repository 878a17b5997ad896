"""The notice stage: plans what staff and projects are to be told, and tells them, by three channels.

It has a thread, connections and rows of its own, and each channel sends in another thread: a queue that is stuck, a
server that hangs or an account that is locked does not keep an alarm from leaving by the other channels (failure F32).
One notice at a time by each channel: there are few.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from triage.canaries import watch_canaries
from triage.crashpoints import reach
from triage.dispatch.braking import limits_of
from triage.dispatch.compose import Outgoing
from triage.dispatch.notice_batches import Batches, wait_together
from triage.dispatch.notice_content import Content, NoticeWriter
from triage.dispatch.submit import Connection
from triage.dispatch.trouble import AccountTroubleError
from triage.dispatch.webhook import post
from triage.knowledge import Knowledge
from triage.notices import SecondChannels, plan_calls, plan_daily_digest, plan_ends, plan_for_projects, plan_incidents
from triage.record import Store, StoreError, Transaction
from triage.record.address_tests import note_test_ended
from triage.record.breaker import judge, ready_to_close, too_many
from triage.record.charge import any_alert_due, note_refused_call
from triage.record.destinations import any_recovered, cure_recovered
from triage.record.identity import is_stopped
from triage.record.incidents import NOTICE, close_incident, open_incident
from triage.record.staff_notices import (
    Channel,
    NoticeKind,
    NoticeRow,
    any_notice_due,
    begin_notice,
    end_notice,
    lease_notices,
    put_back_notice,
    renew_notice,
    span_of,
)
from triage.record.told_incidents import note_told
from triage.record.usage import Limits, count_begun, room_for
from triage.settings import SecondChannel, Submission, Webhook
from triage.signals import Heartbeats, kept
from triage.tokens import FIXED, Secrets
from triage.vocabulary import AttemptOutcome, DispatchState, SubmissionResult

log = logging.getLogger("triage.notices")

BATCH = 8
LEASE = timedelta(minutes=10)
"""Renewed while a server takes its time: whoever has died meanwhile renews nothing, and another worker goes on."""
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 30, 60))
"""Between tries; after the last one the notice has failed, and that is an incident where it was an urgent one. A
channel that cannot be reached has refused nothing: it is tried every hour."""
BETWEEN_LOOKS = timedelta(minutes=5)
"""How often incidents, reminders and digests are thought of."""
CHANNEL_INCIDENT = "notice_channel"
PATIENCE = 5.0
"""Seconds that a round waits for the batches it has begun. What takes longer goes on behind, with its lease kept."""
GRACE = 30.0
"""Seconds that the end waits for what is on the wire. What was not answered by then is sent again after its lease."""


@dataclass(frozen=True, slots=True)
class _Way:
    submission: Submission
    limits: Limits | None


class NoticeStage:
    """Plans and sends notices; used by one thread, one of several workers.

    The channels' threads share the record, the writer and the secrets, which are safe from any thread.
    """

    def __init__(
        self,
        store: Store,
        knowledge: Knowledge,
        submission: Submission,
        second: SecondChannel,
        worker: str,
        heartbeats: Heartbeats | None = None,
        secrets: Secrets = FIXED,
        page: str = "",
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._knowledge = knowledge
        account = submission.account
        limits = Limits(f"{account.user} {account.host}:{account.port}", submission.per_minute, submission.per_day)
        self._ways = {Channel.MAIL: _Way(submission, limits)}
        if second.submission is not None:
            self._ways[Channel.ALARM] = _Way(second.submission, None)
        self._second = second
        self._channels = SecondChannels(second.submission is not None, second.webhook is not None)
        self._worker = worker
        self._heartbeats = heartbeats or Heartbeats()
        self._batches = Batches()
        self._closing = threading.Event()
        self._writer = NoticeWriter(knowledge, second.sender, store.clock.now(), page)
        self._looked_at: datetime | None = None

    def work(self) -> int:
        """Plan what is due and send what is planned, by the channels that are free; how many rows were dealt with.

        Raises what ended a batch early, of this round or of one before.
        """
        self._batches.reap()
        planned = self._plan()
        free = self._batches.free()
        with self._store.read("notices due") as tx:
            if not any_notice_due(tx, free) or is_stopped(tx):
                return planned
        with self._store.write("notices leased") as tx:
            # A batch for each: many that are due by one channel leave room for the others'.
            taken = {} if is_stopped(tx) else {one: lease_notices(tx, self._worker, one, BATCH, LEASE) for one in free}
        begun = [self._batches.start(one, partial(self._send_batch, one, rows)) for one, rows in taken.items() if rows]
        wait_together(begun, PATIENCE)
        self._batches.reap()
        return planned + sum(map(len, taken.values()))

    def settle(self) -> bool:
        """Wait for what goes on behind; whether anything did. How it ended the next ``work`` says."""
        return self._batches.settle()

    def close(self) -> None:
        """Give back what has not begun, and wait a little for what has."""
        self._closing.set()
        self._batches.close(GRACE)

    def _send_batch(self, channel: Channel, rows: Sequence[NoticeRow]) -> None:
        """One channel's rows, in the channel's thread."""
        loop, works = f"notices {channel}", True
        left = deque(rows)
        try:
            while left:
                self._heartbeats.beat(loop)
                if self._closing.is_set():
                    self._put_back(left, timedelta())
                    return
                if not works:
                    # What is wrong with the channel holds for the others, too: none of them waits for it anew.
                    self._put_back(left, PAUSES[0])
                    return
                works = self._tell(left.popleft())
        except Exception:
            # The one in hand keeps its lease: nobody knows how far it came, and it shall not be the next one at once.
            with suppress(StoreError):
                self._put_back(left, timedelta())
            raise
        finally:
            self._heartbeats.end(loop)

    # ---------------------------------------------------------------- planning

    def _plan(self) -> int:
        rules = self._knowledge.in_force().rules
        breaker = limits_of(rules)
        with self._store.read("anything to tell") as tx:
            alerts, recovered = any_alert_due(tx), any_recovered(tx)
            trips = too_many(tx, breaker) or ready_to_close(tx)
            looks = self._looked_at is None or tx.now >= self._looked_at
        done = 0
        if alerts:
            with self._store.write("calls planned") as tx:
                done += plan_calls(tx, rules, self._channels)
        if recovered:
            with self._store.write("destinations cured") as tx:
                done += cure_recovered(tx)
        if trips:
            with self._store.write("breaker judged") as tx:
                judge(tx, breaker, 1)
        if looks:
            with self._store.write("notices planned") as tx:
                done += plan_incidents(tx, rules, self._channels) + plan_ends(tx, rules, self._channels)
                done += plan_for_projects(tx, rules) + plan_daily_digest(tx, rules) + watch_canaries(tx, rules)
                self._looked_at = tx.now + BETWEEN_LOOKS
        return done

    # ---------------------------------------------------------------- telling

    def _tell(self, row: NoticeRow) -> bool:
        """Send one notice, if it may still be sent; whether its channel works."""
        way = self._ways.get(Channel(row.channel))
        with self._store.read("notice composed") as tx:
            content = self._writer.write(tx, row)
        if content.wait is not None:
            self._put_back([row], content.wait)
            return True
        if content.refusal or not self._has_channel(row):
            with self._store.write("notice cancelled") as tx:
                self._end(tx, row, DispatchState.CANCELLED, content.refusal or "canale_assente")
            return True
        if not self._begin(row, way):
            return True
        reach("notice speaks")
        with kept(LEASE, lambda: self._renew(row)):
            result = self._send(way, content)
        reach("notice answered")
        with self._store.write("notice answered") as tx:
            self._record(tx, row, result)
            if result.outcome is AttemptOutcome.ACCEPTED and content.at is not None:
                note_told(tx, *span_of(row.subject), content.at)
        return not _is_of_channel(result)

    def _has_channel(self, row: NoticeRow) -> bool:
        return row.channel in self._ways or (row.channel == Channel.WEBHOOK and self._second.webhook is not None)

    def _begin(self, row: NoticeRow, way: _Way | None) -> bool:
        """Commit the intent; asked again here: the stop switch, and what the account still takes."""
        with self._store.write("notice begun") as tx:
            limits = way.limits if way is not None else None
            if is_stopped(tx) or (limits is not None and not room_for(tx, limits, lock=True).messages):
                put_back_notice(tx, row, tx.now + PAUSES[0])
                return False
            if limits is not None:
                count_begun(tx, limits, 1)
            return begin_notice(tx, row, LEASE)

    def _renew(self, row: NoticeRow) -> None:
        # What the record refuses now it may take at the next third.
        with suppress(StoreError), self._store.write("notice lease renewed") as tx:
            renew_notice(tx, row, LEASE)

    def _send(self, way: _Way | None, content: Content) -> SubmissionResult:
        if way is not None and content.outgoing is not None:
            return asyncio.run(_submit(way.submission, self._secrets, content.outgoing))
        return post(self._second.webhook or Webhook(""), content.body)

    def _record(self, tx: Transaction, row: NoticeRow, result: SubmissionResult) -> None:
        accepted = result.outcome is AttemptOutcome.ACCEPTED
        if _is_of_channel(result):
            text = f"notices cannot leave by the channel '{row.channel}' ({result.text}); they are tried again"
            open_incident(tx, CHANNEL_INCIDENT, row.channel, text)
        else:
            close_incident(tx, CHANNEL_INCIDENT, row.channel)
        if accepted:
            self._end(tx, row, DispatchState.ACCEPTED, code=result.code)
            if row.message_id is not None:
                close_incident(tx, NOTICE, str(row.message_id))
        elif result.outcome is AttemptOutcome.PERMANENT or (result.stage != "connect" and row.attempts >= len(PAUSES)):
            self._end(tx, row, DispatchState.FAILED, "rifiutato", result.code)
            self._tell_of_failure(tx, row)
        else:
            put_back_notice(tx, row, tx.now + PAUSES[min(row.attempts, len(PAUSES) - 1)])
        log.info(
            "notice",
            extra={"action": "notice", "kind": row.kind, "row": row.id, "by": row.channel, "code": result.code},
        )

    def _end(self, tx: Transaction, row: NoticeRow, state: DispatchState, reason: str = "", code: int = 0) -> None:
        if end_notice(tx, row, state, reason, code) and row.kind == NoticeKind.ADDRESS_TEST:
            note_test_ended(tx, row.rfc_message_id, state)

    def _tell_of_failure(self, tx: Transaction, row: NoticeRow) -> None:
        if row.kind == NoticeKind.URGENT and row.message_id is not None:
            text = f"an urgent notice about message {row.message_id} was refused ({row.channel})"
            open_incident(tx, NOTICE, str(row.message_id), text)
            if row.channel == Channel.MAIL:
                note_refused_call(tx, row.message_id)

    def _put_back(self, rows: Iterable[NoticeRow], wait: timedelta) -> None:
        with self._store.write("notice put back") as tx:
            for row in rows:
                put_back_notice(tx, row, tx.now + wait)


def _is_of_channel(result: SubmissionResult) -> bool:
    """Whether the channel is to blame and not the notice: it cannot be reached, or it has fallen silent."""
    silent = not result.code and result.text.endswith("TimeoutError")
    return result.outcome is not AttemptOutcome.ACCEPTED and (result.stage == "connect" or silent)


async def _submit(submission: Submission, secrets: Secrets, outgoing: Outgoing) -> SubmissionResult:
    connection = Connection(submission, secrets)
    try:
        await connection.open()
        return await connection.submit(outgoing)
    except AccountTroubleError as trouble:
        return SubmissionResult(AttemptOutcome.TRANSIENT, "connect", text=trouble.kind)
    finally:
        await connection.close()
        # A transport closes its socket one turn of the loop later.
        await asyncio.sleep(0.01)
