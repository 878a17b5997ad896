"""What the benchmarks measure with: a wrong ruler would be believed for years."""

from __future__ import annotations

import socket
import time

import pytest

from benchmarks.latency import STAGES, Times, by_stage, percentile, table
from benchmarks.relay import ACCEPTED, ANNOUNCED, Relay

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
