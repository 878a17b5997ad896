"""What the benchmarks measure with: a wrong ruler would be believed for years."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from benchmarks.__main__ import told_commits, told_ratio
from benchmarks.growth import fill_years
from benchmarks.latency import STAGES, Times, by_stage, percentile, table
from benchmarks.pipelined import PipelinedClient
from benchmarks.relay import ACCEPTED, ANNOUNCED, Relay
from benchmarks.sizes import line
from benchmarks.whole import READING, _timed, counted
from tests.laid import lay_sqlite
from tests.servers.smtp_sink import SmtpSink
from triage.clock import SystemClock
from triage.record import Store
from triage.record.mailboxes import mailbox_row_if_known
from triage.record.tables import dispatches, messages

# --------------------------------------------------------------------------- the relay


def test_a_relay_passes_everything_on_and_hears_what_comes_in_pieces() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        Relay(server.getsockname()[1], ANNOUNCED) as relay,
        socket.create_connection(("127.0.0.1", relay.port)) as client,
        server.accept()[0] as behind,
    ):
        client.sendall(b"a1 IDLE\r\n")
        assert behind.recv(100) == b"a1 IDLE\r\n"
        before = time.time()
        for piece in (b"+ idling\r\n* 3 EX", b"ISTS\r\n", b"* 1 RECENT\r\n"):
            behind.sendall(piece)
            assert client.recv(100) == piece

        assert before <= relay.first_since(before, 5) <= time.time()
        assert len(relay.heard) == 1
        with pytest.raises(TimeoutError):
            relay.first_since(time.time(), 0.01)


def test_only_the_reply_to_the_last_dot_is_an_acceptance() -> None:
    said = b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 End data\r\n"
    assert ACCEPTED.search(said) is None
    assert ACCEPTED.search(said + b"550 5.7.1 no\r\n") is None
    assert ACCEPTED.search(said + b"250 2.0.0 queued\r\n")


# --------------------------------------------------------------------------- figures


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(number) for number in range(1, 201)]
    assert [percentile(values, percent) for percent in (50, 95, 99, 100)] == [100.0, 190.0, 198.0, 200.0]
    assert percentile([7.0], 99) == 7.0


def test_the_stages_of_a_message_add_up_to_its_whole_time() -> None:
    found = by_stage([Times((10.0, 10.01, 10.03, 10.06, 10.1))])
    whole, *parts = found.values()
    assert len(parts) == len(STAGES) - 1
    assert sum(one for [one] in parts) == pytest.approx(whole[0]) == pytest.approx(0.1)
    assert "100.0" in table(found).splitlines()[1]


# --------------------------------------------------------------------------- the bare pipe's own client


def test_the_pipelining_client_hands_every_message_over_as_it_is(smtp_sink: SmtpSink) -> None:
    mail = deque(
        [("uno@example.org", b"Subject: 1\r\n\r\n.\r\n..due\r\n"), ("due@example.org", b"Subject: 2\r\n\r\nfine")]
    )

    async def hand_over() -> None:
        client = PipelinedClient(smtp_sink.port)
        await client.connect()
        await client.drain(mail)
        await client.quit()

    asyncio.run(hand_over())

    assert [(one.forward_paths, one.octets) for one in smtp_sink.messages] == [
        (("uno@example.org",), b"Subject: 1\r\n\r\n.\r\n..due\r\n"),
        (("due@example.org",), b"Subject: 2\r\n\r\nfine\r\n"),
    ]


def test_a_refusal_ends_the_pipelining_client(smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("rcpt", 550)

    async def hand_over() -> None:
        client = PipelinedClient(smtp_sink.port)
        await client.connect()
        try:
            await client.drain(deque([("uno@example.org", b"x\r\n")]))
        finally:
            await asyncio.sleep(0.01)  # a transport closes its socket one turn of the loop later

    with pytest.raises(ConnectionError):
        asyncio.run(hand_over())
    assert not smtp_sink.messages


# --------------------------------------------------------------------------- whole runs


def test_ratios_and_commits_are_told_against_their_targets() -> None:
    rounds = [{"bare pipelined": {"seconds": 1.0}, "whole": {"seconds": whole}} for whole in (2.0, 4.0, 5.0)]
    assert told_ratio(rounds, "pipelined") == "median 0.25 [0.20-0.50]"
    told = told_commits({"intake": 4, "decide": 4, "file": 2, "dispatch": 30, "beside": 1}, 200)
    assert "together 5.0 (target 6)" in told
    assert "dispatch 15.0 (target 15)" in told


def test_commits_belong_to_the_stage_in_whose_thread_they_are(store: Store) -> None:
    commits: Counter[str] = Counter()
    write = counted(commits, Store.write)

    def work(step: str) -> None:
        with write(store, step):
            pass

    timed = {name: _timed(Counter(), name, work) for name in ("decide", READING)}
    timed["decide"]("decided")
    timed[READING]("listed")
    timed[READING]("filed")
    work("heartbeats")
    assert commits == {"decide": 1, "intake": 1, "file": 1, "beside": 1}


def test_a_size_s_line_compares_with_the_bare_pipe() -> None:
    told = line(2000, 0.2, {"messages": 100, "seconds": 4.0, "rss_mb": 300.4}, {"messages": 100, "seconds": 1.0})
    assert told == "2000 | 100 | 25.0 0.05 300 | 100.0 0.20 | 0.25"


def test_a_record_of_years_is_filled_beside_the_mailbox_that_is_read(store: Store) -> None:
    fill_years(store, 60)
    with store.read("filled") as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(messages)).scalar_one() == 60
        assert mailbox_row_if_known(tx, "generale") is None
        assert tx.execute(sa.select(sa.func.count()).select_from(dispatches)).scalar_one() == 60


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    path = tmp_path / "record.db"
    lay_sqlite(path)
    store = Store(f"sqlite:///{path}", SystemClock())
    yield store
    store.close()
