"""Two dispatch stages on one record that begin what families get at the same moment: the limits hold for both."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
import sqlalchemy as sa

from tests.dispatch.builders import ANNA, LEASE, NORD, Desk, a_mail, acknowledgements_in, forwards_in, submission
from tests.dispatch.test_breaker import limited
from tests.fakes import WatchedStore
from tests.servers.smtp_sink import SmtpSink
from triage.clock import Clock
from triage.dispatch.prepare import Preparer
from triage.dispatch.stage import DispatchStage
from triage.record import Transaction
from triage.record.tables import dispatches
from triage.vocabulary import DispatchKind, DispatchState

PATIENCE = 1.0
"""Seconds that a stage waits, before it commits the intent, for another that is as far."""


class MeetingStore(WatchedStore):
    """Begins an acknowledgement only once the other stage is about to begin one too, if it can come so far."""

    def __init__(
        self, url: str, clock: Clock, meeting: threading.Barrier, before_preparing: Callable[[], None]
    ) -> None:
        super().__init__(url, clock)
        self._meeting = meeting
        self._before_preparing = before_preparing

    @contextmanager
    def write(self, step: str, actor: str = "triage") -> Iterator[Transaction]:
        """As the record does."""
        with super().write(step, actor) as tx:
            yield tx
            if step == "dispatch" and self._begins_one(tx):
                with suppress(threading.BrokenBarrierError):
                    self._meeting.wait(PATIENCE)

    @contextmanager
    def read(self, step: str, *, long: bool = False) -> Iterator[Transaction]:
        """As the record does."""
        if step == "prepare":
            self._before_preparing()
        with super().read(step, long=long) as tx:
            yield tx

    def _begins_one(self, tx: Transaction) -> bool:
        query = sa.select(dispatches.c.id).where(
            dispatches.c.kind == DispatchKind.ACKNOWLEDGEMENT, dispatches.c.state == DispatchState.SUBMITTING
        )
        return tx.execute(query.limit(1)).first() is not None


@pytest.mark.parametrize(
    "limit", ["per_address_per_day", "per_domain_per_hour", "per_mailbox_per_hour", "breaker_sent_per_hour"]
)
def test_no_more_leave_than_the_limit_when_two_begin_at_once(
    make_desk: Callable[..., Desk], smtp_sink: SmtpSink, store_url: str, limit: str
) -> None:
    desk = make_desk(smtp_sink.port, url=store_url, rules=limited(**{limit: 1}))
    meeting = threading.Barrier(2)
    [first] = desk.take_in(a_mail(message_id="<uno@family.example>"))

    def stage(worker: str, before_preparing: Callable[[], None]) -> DispatchStage:
        store = MeetingStore(store_url, desk.clock, meeting, before_preparing)
        stores.append(store)
        knowledge = desk.knowledge.as_knowledge()
        preparer = Preparer(store, knowledge, desk.parsed)
        return DispatchStage(store, preparer, submission(smtp_sink.port), worker, LEASE, lambda: None, lambda: None)

    def once_its_acknowledgement_is_leased() -> None:
        if not began.is_set() and desk.dispatch(first, DispatchKind.ACKNOWLEDGEMENT).lease_epoch:
            began.set()
            desk.take_in(a_mail("Altro.\n", message_id="<due@family.example>"))
            other.start()
            until = time.monotonic() + 20
            while other.is_alive() and not meeting.n_waiting and time.monotonic() < until:
                time.sleep(0.01)

    stores: list[MeetingStore] = []
    began = threading.Event()
    one, two = stage("one", once_its_acknowledgement_is_leased), stage("two", lambda: None)
    other = threading.Thread(target=two.work)
    one.work()
    other.join(30)
    for sender in (one, two):
        sender.close()
    for store in stores:
        store.close()
    desk.advance(seconds=5)
    desk.send()
    assert began.is_set()
    assert forwards_in(smtp_sink) == [NORD, NORD]
    assert acknowledgements_in(smtp_sink) == [ANNA]
    desk.assert_ledger_closes()
