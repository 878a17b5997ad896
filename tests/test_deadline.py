"""The deadline of a whole exchange over HTTP, against servers that give an octet now and then."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.servers.authority import Authority
from tests.servers.process import LOOPBACK
from triage.deadline import Deadline, TimedConnection, TimedSecureConnection
from triage.oauth import OAuth
from triage.tokens.request import ask
from triage.tokens.trouble import TokenTroubleError

GREETING = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xf0\x03\x03"
"""A record of TLS's greeting, announced in its whole length."""
SECONDS = 1.0


@contextmanager
def trickling(first: bytes, then: bytes) -> Iterator[int]:
    """The port of a server that says the first at once, and every tenth of a second another octet for ever."""
    ended = threading.Event()

    def serve() -> None:
        with suppress(OSError), server.accept()[0] as connection:
            connection.sendall(first)
            while not ended.wait(0.1):
                connection.sendall(then)

    with socket.create_server((LOOPBACK, 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            ended.set()
            thread.join(10)


def oauth_at(url: str, ca_file: Path | None = None) -> OAuth:
    return OAuth("TRIAGE_IMAP_OAUTH", url, "client", "segreto", "scope", "", None, str(ca_file or ""), SECONDS)


def test_a_token_server_that_trickles_its_tls_greeting_is_given_up(authority: Authority) -> None:
    """Every mailbox of the application would wait for it: no read ever takes longer than its time-out."""
    with trickling(GREETING, b"\x00") as port:
        began = time.monotonic()
        with pytest.raises(TokenTroubleError, match="TimeoutError") as caught:
            ask(oauth_at(f"https://{LOOPBACK}:{port}/token", authority.ca_path), "")
        took = time.monotonic() - began
    assert (caught.value.kind, caught.value.passes) == ("token_unreachable", True)
    assert took < SECONDS + 2


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 Connection established\r\nX-Long: "], ids=["status", "header"])
def test_a_proxy_that_trickles_its_answer_is_given_up(monkeypatch: pytest.MonkeyPatch, first: bytes) -> None:
    """What is said to a proxy is said before the library calls the connection open."""
    with trickling(first, b"x") as port:
        monkeypatch.setenv("https_proxy", f"http://{LOOPBACK}:{port}")
        began = time.monotonic()
        with pytest.raises(TokenTroubleError, match="TimeoutError"):
            ask(oauth_at("https://login.example.org/token"), "")
        took = time.monotonic() - began
    assert took < SECONDS + 2


def test_what_is_opened_too_late_is_not_spoken_to() -> None:
    with socket.create_server((LOOPBACK, 0)) as server, Deadline(0.01) as deadline:
        connection = TimedConnection.within(deadline, LOOPBACK, server.getsockname()[1], timeout=5)
        time.sleep(0.1)
        with closing(connection), pytest.raises(TimeoutError):
            connection.request("POST", "/", b"segreto")
        assert deadline.over
        server.settimeout(5)
        with server.accept()[0] as accepted:
            assert accepted.recv(100) == b"", "nothing was said"


def test_an_answer_in_time_is_an_answer_and_no_descriptor_is_kept(authority: Authority) -> None:
    context = authority.issue((LOOPBACK, "localhost")).server_context()

    def serve() -> None:
        with context.wrap_socket(server.accept()[0], server_side=True) as connection:
            while b"\r\n\r\n" not in connection.recv(65_536):
                pass
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            assert connection.recv(1) == b"", "closed by the client, in every copy of its descriptor"
            closed.set()

    closed = threading.Event()
    with socket.create_server((LOOPBACK, 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        trusted = ssl.create_default_context(cafile=str(authority.ca_path))
        with Deadline(20) as deadline:
            made = TimedSecureConnection.within(
                deadline, LOOPBACK, server.getsockname()[1], timeout=20, context=trusted
            )
            with closing(made):
                made.request("GET", "/")
                assert made.getresponse().status == 204
        thread.join(10)
    assert closed.is_set()
    assert not deadline.over
