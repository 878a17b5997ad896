"""A mail server that trickles or floods for ever: given up in time and with bounded octets, and no other waits."""

from __future__ import annotations

import imaplib
import itertools
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.intake.builders import Intake, account_of
from tests.servers.authority import Authority
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail
from tests.servers.process import LOOPBACK
from triage.intake import meter
from triage.intake.connection import MailboxTroubleError, connect, disconnect
from triage.intake.mailbox import ImapMailbox
from triage.intake.trouble import describe
from triage.settings import Security

TIMEOUT = 0.4
"""Seconds of one read; an exchange may take five times as long."""
IN_TIME = TIMEOUT * meter.TIMES + 3
USER = MailboxUser("ufficio@example.org", "segreta")
IN_KERNELS = 16 << 20
"""Octets that may lie in buffers between the two, unread."""
ORDINARY = b"* CAPABILITY IMAP4rev1\r\n"

Says = Iterator[tuple[bytes, float]]
"""Octets, and the seconds before the next ones."""


def slowly(first: bytes, then: bytes) -> Callable[[], Says]:
    return lambda: itertools.chain([(first, 0.0)], itertools.repeat((then, TIMEOUT / 4)))


def fast(first: bytes, then: bytes) -> Callable[[], Says]:
    return lambda: itertools.chain([(first, 0.0)], itertools.repeat((then, 0.0)))


class Server:
    """Speaks enough IMAP to be logged in to; says something without an end as its greeting or to one command."""

    def __init__(self, at: str, says: Callable[[], Says], context: ssl.SSLContext | None) -> None:
        self.said = 0
        self._at, self._says, self._context = at, says, context
        self._ended = threading.Event()
        self._listening = socket.create_server((LOOPBACK, 0))
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                plain, _ = self._listening.accept()
                plain.settimeout(20)
                with suppress(OSError), plain:
                    taken = self._context.wrap_socket(plain, server_side=True) if self._context else plain
                    with taken:
                        self._speak(taken)

    def _speak(self, taken: socket.socket) -> None:
        if self._at == "greeting":
            self._go_on(taken)
            return
        taken.sendall(b"* OK here\r\n")
        for line in taken.makefile("rb"):
            tag, _, command = line.strip().partition(b" ")
            if command.decode().startswith(self._at):
                self._go_on(taken)
                return
            taken.sendall((ORDINARY if command == b"CAPABILITY" else b"") + tag + b" OK done\r\n")

    def _go_on(self, taken: socket.socket) -> None:
        for octets, pause in self._says():
            taken.sendall(octets)
            self.said += len(octets)
            if self._ended.wait(pause):
                return

    def close(self) -> None:
        self._ended.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)


@contextmanager
def serving(at: str, says: Callable[[], Says], authority: Authority | None = None) -> Iterator[Server]:
    context = authority.issue((LOOPBACK,)).server_context() if authority else None
    server = Server(at, says, context)
    try:
        yield server
    finally:
        server.close()


def work(server: Server, authority: Authority | None) -> tuple[Exception, float]:
    """Connect and read one message; what ended it, and after how many seconds."""
    began = time.monotonic()
    account = account_of(
        USER,
        server.port,
        timeout=TIMEOUT,
        security=Security.TLS if authority else Security.PLAIN,
        ca_file=str(authority.ca_path) if authority else "",
    )
    client, error = None, None
    try:
        client = connect(account)
        client.select_folder("INBOX")
        ImapMailbox(client, "INBOX").octets([1], 1000)
    except (MailboxTroubleError, OSError, imaplib.IMAP4.error) as caught:
        error = caught
    disconnect(client)
    assert error is not None
    return error, time.monotonic() - began


FETCH = "UID FETCH"
LITERAL = b"* 1 FETCH (UID 1 BODY[] {%d}\r\n"


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("greeting", slowly(b"* OK ", b"x")),
        ("CAPABILITY", slowly(b"* CAPABILITY IMAP4rev1", b" X")),
        ("LOGIN", slowly(b"", b"* OK still looking\r\n")),
        (FETCH, slowly(b"", b"* 5 RECENT\r\n")),
        (FETCH, slowly(LITERAL % 100_000, b"x")),
    ],
    ids=["greeting", "capability", "login", "untagged", "literal"],
)
def test_a_server_that_trickles_for_ever_is_given_up(
    authority: Authority, at: str, says: Callable[[], Says], secure: bool
) -> None:
    """Each octet meets the time-out of its read."""
    with serving(at, says, authority if secure else None) as server:
        error, took = work(server, authority if secure else None)
    assert describe(error)[0] == ("timeout" if at == FETCH else "unreachable")
    assert took < IN_TIME


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(
    ("at", "says", "most"),
    [
        ("greeting", fast(b"* OK ", b"x" * 65_536), 1 << 20),
        ("LOGIN", fast(b"", b"* 5 RECENT\r\n" * 5000), 12 * meter.LINES),
        (FETCH, fast(b"", b"* 5 RECENT\r\n" * 5000), 12 * meter.LINES),
        (FETCH, fast(LITERAL % 2_000_000_000, b"x" * 65_536), 0),
        (FETCH, fast(b"", (LITERAL % 1_000_000) + b"x" * 1_000_000 + b")\r\n"), meter.OCTETS),
    ],
    ids=["line", "login", "untagged", "literal", "literals"],
)
def test_a_server_that_floods_is_given_up(
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    at: str,
    says: Callable[[], Says],
    most: int,
    secure: bool,
) -> None:
    """However fast it speaks, only so much of it is read and kept."""
    monkeypatch.setattr(meter, "TIMES", 100)
    with serving(at, says, authority if secure else None) as server:
        error, _ = work(server, authority if secure else None)
        assert server.said < most + IN_KERNELS
    assert describe(error)[0] in ("connection", "unreachable")


def test_a_slow_line_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as octets come, a message takes longer than the exchange of a few words may."""
    monkeypatch.setattr(meter, "RATE", 1000)
    count = 4 * meter.TIMES * 2

    def says() -> Says:
        yield LITERAL % (500 * count), 0.0
        for _ in range(count):
            yield b"x" * 500, TIMEOUT / 4
        yield b")\r\n", 0.0
        yield from itertools.repeat((b"", TIMEOUT / 4))

    with serving(FETCH, says) as server:
        _, took = work(server, None)
        assert server.said > 500 * count
    assert took > TIMEOUT * meter.TIMES * 2, "it had the message, and waited for the end of the answer"


def test_a_mailbox_that_trickles_keeps_no_other_waiting(intake: Intake, dovecot: Dovecot) -> None:
    with serving(FETCH, slowly(b"", b"* 5 RECENT\r\n")) as hung, serving("greeting", slowly(b"* OK ", b"x")) as silent:
        readers = [
            intake.reader(name, port=server.port, timeout=2.0) for name, server in (("uno", hung), ("due", silent))
        ]
        threads = [threading.Thread(target=suppressed(reader.work), daemon=True) for reader in readers]
        for thread in threads:
            thread.start()
        healthy = intake.reader("generale")
        healthy.work()
        dovecot.deliver(intake.user.name, make_mail("Buongiorno"))
        healthy.work()
        assert intake.states() != []
        assert threads[1].is_alive(), "the other one still waits"
        for thread in threads:
            thread.join(IN_TIME + 10)
            assert not thread.is_alive()


def suppressed(action: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        with suppress(Exception):
            action()

    return run
