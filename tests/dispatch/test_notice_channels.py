"""No channel waits for another: each sends behind the stage's back what its server takes long over."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.dispatch.builders import Desk, submission
from tests.dispatch.notices import ADMIN, Caller, second_channel, told
from tests.servers.authority import Authority
from tests.servers.process import LOOPBACK
from tests.servers.smtp_sink import SmtpSink
from triage.dispatch import notice_stage, webhook
from triage.dispatch.notice_stage import NoticeStage
from triage.record import StoreError
from triage.record.incidents import open_incident
from triage.record.staff_notices import Channel, NoticeKind, PlannedNotice, plan_notices
from triage.settings import SecondChannel, Webhook
from triage.vocabulary import AttemptOutcome, SubmissionResult

PATIENCE = 0.3


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice_stage, "PATIENCE", PATIENCE)


def plan(desk: Desk, channel: Channel, count: int = 1) -> None:
    """So many reports of one incident that are due by this channel."""
    to = "" if channel == Channel.WEBHOOK else ADMIN
    with desk.store.write("planned") as tx:
        open_incident(tx, "mailbox", "generale", "the mailbox generale cannot be read")
        names = [f"{channel}-{number}" for number in range(count)]
        plan_notices(
            tx, [PlannedNotice(NoticeKind.INCIDENTS, f"1-1.{name}", 1, channel, to, f"<{name}@x>") for name in names]
        )


def stage_of(desk: Desk, sink: SmtpSink, second: SecondChannel | None = None, data_timeout: float = 30.0) -> Caller:
    caller = Caller(desk, sink.port, second)
    caller.stage = NoticeStage(
        desk.store,
        desk.knowledge.as_knowledge(),
        submission(sink.port, data_timeout=data_timeout),
        second or SecondChannel(),
        "teller",
    )
    return caller


def states(caller: Caller, channel: Channel) -> list[str]:
    return [row[3] for row in caller.rows() if row[2] == channel]


def seconds_of(action: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


# --------------------------------------------------------------------------- a mail account falls silent


def test_f32_a_main_server_silent_after_the_dot_does_not_keep_the_second_accounts_alarms(
    desk: Desk, smtp_sink: SmtpSink, start_smtp_sink: Callable[..., SmtpSink]
) -> None:
    other = start_smtp_sink()
    smtp_sink.stall("data_dot", 20)
    caller = stage_of(desk, smtp_sink, second_channel(other))
    plan(desk, Channel.MAIL, 8)
    plan(desk, Channel.ALARM)
    assert seconds_of(caller.stage.work) < PATIENCE + 3
    other.wait_for(1)
    with desk.store.write("another") as tx:
        plan_notices(tx, [PlannedNotice(NoticeKind.INCIDENTS, "1-1.later", 1, Channel.ALARM, ADMIN, "<later@x>")])
    assert seconds_of(caller.stage.work) < PATIENCE + 3
    other.wait_for(2)
    assert told(other) == [ADMIN, ADMIN], "while the first round's mail still waits for its answer"
    assert seconds_of(caller.stage.work) < PATIENCE + 3
    assert states(caller, Channel.MAIL) == ["submitting"] + ["pending"] * 7, "one batch at a time"
    assert len([line for line in smtp_sink.commands if line.startswith("MAIL")]) == 1
    smtp_sink.stop()
    assert caller.stage.settle()
    caller.stage.work()


def test_nobody_else_waits_for_a_server_that_has_fallen_silent(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.stall("data_dot", 20)
    caller = stage_of(desk, smtp_sink, data_timeout=1.0)
    plan(desk, Channel.MAIL, 8)
    caller.stage.work()
    assert caller.stage.settle()
    assert states(caller, Channel.MAIL) == ["pending"] * 8
    assert len([line for line in smtp_sink.commands if line.startswith("MAIL")]) == 1
    assert "notice_channel" in dict(desk.incidents())
    smtp_sink.clear_script()
    caller.pass_minutes(2)
    caller.stage.settle()
    assert states(caller, Channel.MAIL)[:8] == ["accepted"] * 8
    assert "notice_channel" not in dict(desk.incidents())


# --------------------------------------------------------------------------- what goes on behind


class Crash(BaseException):
    """As a test that simulates a death raises it."""


@pytest.mark.parametrize("error", [StoreError("notice answered", "OperationalError", ""), Crash()])
def test_what_ends_a_batch_behind_is_raised_by_the_next_round(
    desk: Desk, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    go = threading.Event()

    def post(_webhook: Webhook, _body: object) -> SubmissionResult:
        go.wait(30)
        raise error

    monkeypatch.setattr(notice_stage, "post", post)
    caller = stage_of(desk, smtp_sink, SecondChannel(webhook=Webhook("http://127.0.0.1:9/")))
    plan(desk, Channel.WEBHOOK)
    assert caller.stage.work() == 1
    assert caller.stage.work() == 0
    go.set()
    assert caller.stage.settle()
    with pytest.raises(type(error)):
        caller.stage.work()
    assert caller.stage.work() == 0
    assert not caller.stage.settle()


def test_what_ends_a_batch_keeps_none_of_its_other_rows_waiting(
    desk: Desk, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record refuses what became of the first; the others need not wait for its lease of ten minutes."""
    posted: list[object] = []

    def post(_webhook: Webhook, body: object) -> SubmissionResult:
        posted.append(body)
        if len(posted) == 1:
            raise StoreError("notice answered", "OperationalError", "")
        return SubmissionResult(AttemptOutcome.ACCEPTED, "data", 204)

    monkeypatch.setattr(notice_stage, "post", post)
    caller = stage_of(desk, smtp_sink, SecondChannel(webhook=Webhook("http://127.0.0.1:9/")))
    plan(desk, Channel.WEBHOOK, 4)
    with pytest.raises(StoreError):
        caller.stage.work()
    assert states(caller, Channel.WEBHOOK) == ["submitting", "pending", "pending", "pending"]
    other = stage_of(desk, smtp_sink, SecondChannel(webhook=Webhook("http://127.0.0.1:9/")))
    assert other.stage.work() == 3
    assert states(caller, Channel.WEBHOOK) == ["submitting", "accepted", "accepted", "accepted"]
    desk.advance(minutes=11)
    assert other.stage.work() == 1
    assert states(caller, Channel.WEBHOOK) == ["accepted"] * 4


def test_the_end_gives_back_what_has_not_begun_and_waits_for_what_has(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.stall("data_dot", 2, times=1)
    caller = stage_of(desk, smtp_sink)
    plan(desk, Channel.MAIL, 3)
    caller.stage.work()
    caller.stage.close()
    assert states(caller, Channel.MAIL) == ["accepted", "pending", "pending"]
    stage_of(desk, smtp_sink).work()
    smtp_sink.wait_for(3)
    assert told(smtp_sink) == [ADMIN] * 3, "another process need not wait for a lease"


def test_the_end_waits_only_so_long(desk: Desk, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice_stage, "GRACE", 0.5)
    smtp_sink.stall("data_dot", 20)
    caller = stage_of(desk, smtp_sink)
    plan(desk, Channel.MAIL)
    caller.stage.work()
    assert seconds_of(caller.stage.close) < 3
    assert states(caller, Channel.MAIL) == ["submitting"], "sent again after its lease"
    smtp_sink.stop()
    assert caller.stage.settle()


# --------------------------------------------------------------------------- a webhook that trickles


@contextmanager
def trickling(first: bytes, then: bytes) -> Iterator[int]:
    """A server that says something at once and then an octet a second, for as long as anybody listens; its port."""
    ended = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            taken, _ = listening.accept()
            with taken:
                taken.recv(65536)
                taken.sendall(first)
                while not ended.wait(1):
                    taken.sendall(then)

    with socket.create_server((LOOPBACK, 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            ended.set()
            thread.join(10)


@pytest.mark.parametrize(
    ("scheme", "first", "then"),
    [
        ("http", b"HTTP/1.1 2", b"0"),
        ("http", b"HTTP/1.1 204 No Content\r\nX-Long: ", b"x"),
        # A record of TLS's greeting, announced in its whole length.
        ("https", b"\x16\x03\x03\x40\x00\x02\x00\x3f\xf0\x03\x03", b"\x00"),
    ],
    ids=["status", "header", "greeting"],
)
def test_a_webhook_that_trickles_is_given_up(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, scheme: str, first: bytes, then: bytes
) -> None:
    monkeypatch.setattr(webhook, "DEADLINE", 2.5)
    with trickling(first, then) as port:
        began = time.monotonic()
        result = webhook.post(Webhook(f"{scheme}://{LOOPBACK}:{port}/", str(authority.ca_path)), {"event": "test"})
        took = time.monotonic() - began
    assert result == SubmissionResult(AttemptOutcome.TRANSIENT, "connect", text="TimeoutError")
    assert 2.4 < took < 5


def test_a_webhook_that_hangs_keeps_no_mail(desk: Desk, smtp_sink: SmtpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "DEADLINE", 3.5)
    with trickling(b"HTTP/1.1 2", b"0") as port:
        caller = stage_of(desk, smtp_sink, SecondChannel(webhook=Webhook(f"http://{LOOPBACK}:{port}/")))
        plan(desk, Channel.WEBHOOK)
        caller.stage.work()
        plan(desk, Channel.MAIL)
        assert seconds_of(caller.stage.work) < PATIENCE + 3
        smtp_sink.wait_for(1)
        assert caller.stage.settle()
    assert states(caller, Channel.WEBHOOK) == ["pending"]
