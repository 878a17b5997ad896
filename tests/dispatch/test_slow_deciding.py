"""Deciding that takes longer than its lease: slow is not dead, and what is healthy is never quarantined for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest

from tests.dispatch.builders import Desk, classify_by_subject, from_family
from tests.dispatch.test_deciding import die_while_deciding
from tests.fakes import WatchedStore
from tests.servers.smtp_sink import SmtpSink
from triage.decider import Decider
from triage.parse.isolated import parse_isolated
from triage.reading import ParsedMessages
from triage.record import StoreError, Transaction
from triage.record.audit import history
from triage.vocabulary import Classification, DispatchKind, InboundMessage, MessageState

Make = Callable[..., Desk]
LEASE = timedelta(seconds=0.6)
STEPS = 4


@pytest.fixture
def desk(make_desk: Make, smtp_sink: SmtpSink, store_url: str) -> Desk:
    """A desk whose leases are short, on each engine."""
    return make_desk(smtp_sink.port, url=store_url, lease=LEASE)


def let_time_pass(desk: Desk, meanwhile: Callable[[], object] = lambda: 0) -> None:
    """Far longer than a lease, in steps that are shorter than one: whoever keeps it has the time to."""
    for _ in range(STEPS):
        before = desk.store.steps.count("claims renewed")
        until = time.monotonic() + 3
        while desk.store.steps.count("claims renewed") == before and time.monotonic() < until:
            time.sleep(0.01)
        desk.clock.forward(0.7 * LEASE)
        meanwhile()


class SlowParsing(ParsedMessages):
    """Takes its time over each message."""

    def __init__(self, wait: Callable[[], None]) -> None:
        super().__init__()
        self._wait = wait

    def parse(self, sha256: str, octets: bytes) -> InboundMessage:
        """As usual, later."""
        self._wait()
        return super().parse(sha256, octets)


def a_decider(
    desk: Desk,
    worker: str,
    parse_apart: Callable[[bytes], InboundMessage] = parse_isolated,
    parsed: ParsedMessages | None = None,
    beat: Callable[[], None] = lambda: None,
) -> Decider:
    knowledge = desk.knowledge.as_knowledge()
    return Decider(
        desk.store, knowledge, parsed or ParsedMessages(), worker, LEASE, lambda: None, parse_apart, beat=beat
    )


def test_what_is_parsed_slowly_by_one_worker_is_not_quarantined_by_the_next(desk: Desk) -> None:
    """Each would take it from the other in the midst of its try, until it had been tried three times."""
    [key] = desk.receive(from_family(1))
    die_while_deciding(desk)
    workers = [a_decider(desk, "last")]

    def slowly(meanwhile: Decider) -> Callable[[bytes], InboundMessage]:
        def parse(octets: bytes) -> InboundMessage:
            let_time_pass(desk, meanwhile.work)
            return parse_isolated(octets)

        return parse

    for number in range(3):
        workers.append(a_decider(desk, f"slow {number}", slowly(workers[-1])))
    workers[-1].work()
    assert desk.outcome(key) == (MessageState.DECIDED, "")
    assert desk.message(key).lease_epoch == 2, "nobody took it from the slow one"
    desk.assert_ledger_closes()


def test_slow_batch_is_kept_and_decided_by_the_worker_that_has_it(desk: Desk) -> None:
    keys = desk.receive(*map(from_family, range(3)))
    other, taken, beats = a_decider(desk, "other"), list[int](), list[float]()
    slow = SlowParsing(lambda: let_time_pass(desk, lambda: taken.append(other.work())))
    a_decider(desk, "slow", parsed=slow, beat=lambda: beats.append(time.monotonic())).work()
    assert set(taken) == {0}
    assert [(desk.message(key).state, desk.message(key).lease_epoch) for key in keys] == [(MessageState.DECIDED, 1)] * 3
    assert len(beats) >= len(keys), "a loop that is slow is not one that hangs"


def test_slow_batch_is_decided_in_pieces(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read long ago is not lost when the process dies over the rest."""
    monkeypatch.setattr("triage.decider.PIECE", 0.0)
    keys = desk.receive(*map(from_family, range(3)))
    seen: list[list[str]] = []
    a_decider(desk, "slow", parsed=SlowParsing(lambda: seen.append([desk.message(key).state for key in keys]))).work()
    received, decided = MessageState.RECEIVED, MessageState.DECIDED
    assert seen == [[received] * 3, [decided, received, received], [decided, decided, received]]
    assert {desk.message(key).state for key in keys} == {decided}


def test_worker_that_stood_still_past_its_lease_notes_nothing_about_what_another_decided(desk: Desk) -> None:
    """A robot's answer to our acknowledgement counts once for the breaker, whoever of the two decides last."""
    [key] = desk.take_in(from_family(1))
    desk.send()
    ours = next(row for row in desk.dispatches(key) if row.kind == DispatchKind.ACKNOWLEDGEMENT).rfc_message_id
    answer = from_family(1, subject="undelivered", headers=[("In-Reply-To", ours)])
    desk.receive(answer)
    other = a_decider(desk, "other")

    def stand_still(message: InboundMessage) -> Classification:
        desk.knowledge.classifier.choose = classify_by_subject
        desk.clock.forward(LEASE)
        other.work()
        return classify_by_subject(message)

    desk.knowledge.classifier.choose = stand_still
    a_decider(desk, "sleeper").work()
    assert returned(desk) == 1
    desk.assert_ledger_closes()


class FailingReads(WatchedStore):
    """A record that cannot be read for a while, although it was written a moment ago."""

    failures = 0

    @contextmanager
    def read(self, step: str, *, long: bool = False) -> Iterator[Transaction]:
        """As the record does, unless it fails."""
        if step == "octets" and self.failures:
            self.failures -= 1
            raise StoreError(step, "OperationalError", "")
        with super().read(step, long=long) as tx:
            yield tx


def test_record_that_cannot_be_read_quarantines_nothing(desk: Desk) -> None:
    keys = desk.receive(*map(from_family, range(2)))
    store = FailingReads(desk.url, desk.clock)
    store.failures = 6
    decider = Decider(
        store, desk.knowledge.as_knowledge(), ParsedMessages(), "decider", LEASE, lambda: None, parse_isolated
    )
    for _ in range(16):
        with suppress(StoreError):
            decider.work()
        desk.advance(seconds=60)
    store.close()
    assert [desk.outcome(key) for key in keys] == [(MessageState.DECIDED, "")] * 2


def returned(desk: Desk) -> int:
    """How many acknowledgements count as come back."""
    with desk.store.read("look") as tx:
        return sum(row["event"] == "returned" for row in history(tx, "breaker", 0))
