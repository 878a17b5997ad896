"""What one exchange with an IMAP server may take of time, octets and lines: a server may trickle or flood for ever.

A time-out is that of one read alone, and the library keeps whatever a server says. A client of this module gives a
connection up within every exchange, its greeting included: with ``TimeoutError`` when it takes too long, with
``IMAP4.abort`` when it says too much. Such a connection says nothing more to anybody, not even LOGOUT.
"""

from __future__ import annotations

import imaplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from imapclient import IMAPClient, SocketTimeout

TIMES = 5
"""An exchange may take so many time-outs of a read, ..."""
RATE = 16 << 10
"""... and a second more for so many octets: a slow line is no fault, ..."""
LONGEST = 780.0
"""... but at most so many seconds: less than a loop may be silent before the process is begun anew."""
OCTETS = 64 << 20
"""Beyond what was asked for: a server may state a wrong size and know no partial fetch, and a mailbox may change."""
LINES = 200_000
"""Each becomes an object; colleagues who mark a whole mailbox make some ten thousand."""


class Meter:
    """One connection's exchanges, one after another; used by one thread. ``timeout``: seconds of one read."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._extra = 0
        self._spent = False
        self._begin()

    def _begin(self) -> None:
        self._began = time.monotonic()
        self._octets = self._lines = 0

    def begin(self) -> None:
        """Something is said to the server."""
        self._check()
        self._begin()

    @contextmanager
    def allow(self, octets: int) -> Iterator[None]:
        """So many octets are asked for within."""
        self._extra = octets
        try:
            yield
        finally:
            self._extra = 0

    def wait(self) -> None:
        """Something is waited for. Raises ``TimeoutError`` when the time of the exchange is over."""
        self._check()
        if time.monotonic() - self._began > min(LONGEST, TIMES * self._timeout + self._octets / RATE):
            self._spent = True
            raise TimeoutError

    def expect(self, octets: int) -> None:
        """So many octets are announced. Raises ``IMAP4.abort`` when they are too many."""
        self._limit(self._octets + octets)

    def hear(self, octets: int) -> None:
        """So many octets have come. Raises ``IMAP4.abort`` when they are too many."""
        self._octets += octets
        self._limit(self._octets)

    def hear_line(self) -> None:
        """A line has come. Raises ``IMAP4.abort`` when there are too many."""
        self._lines += 1
        if self._lines > LINES:
            self._spent = True
            self._check()

    def _limit(self, octets: int) -> None:
        if octets > OCTETS + self._extra:
            self._spent = True
        self._check()

    def _check(self) -> None:
        if self._spent:
            raise imaplib.IMAP4.abort("the server takes too long or says too much")


class MeteredClient(IMAPClient):  # type: ignore[misc]
    """A client whose every exchange ends."""

    def __init__(self, host: str, port: int, *, timeout: SocketTimeout, **given: Any) -> None:
        """Connect and read the greeting."""
        self.meter = Meter(timeout.read)
        super().__init__(host, port, timeout=timeout, **given)

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - the library's own name
        context = self.ssl_context if self.ssl else None
        return _Session(self.meter, self.host, self.port, self._timeout.connect, context)


@contextmanager
def allowing(client: IMAPClient, octets: int) -> Iterator[None]:
    """So many octets are asked for within, beside what is always allowed."""
    if isinstance(client, MeteredClient):
        with client.meter.allow(octets):
            yield
    else:
        yield


# --------------------------------------------------------------------------- the library, bounded


class _Session(imaplib.IMAP4):
    def __init__(self, meter: Meter, host: str, port: int, timeout: float, context: ssl.SSLContext | None) -> None:
        self._meter, self._context = meter, context
        super().__init__(host, port, timeout)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        made = socket.create_connection((self.host, self.port), timeout)
        plain = _PlainSocket(made.family, made.type, made.proto, made.detach())
        plain.settimeout(timeout)
        plain.meter = self._meter
        self._meter.begin()
        return self._secured(self._context).wrap_socket(plain, server_hostname=self.host) if self._context else plain

    def starttls(self, ssl_context: ssl.SSLContext | None = None) -> Any:
        return super().starttls(self._secured(ssl_context or ssl.create_default_context()))

    def _secured(self, context: ssl.SSLContext) -> ssl.SSLContext:
        # A class of its own for one connection: the library speaks over what it has wrapped before anybody sees it.
        context.sslsocket_class = type("SecureSocket", (_Hearing, ssl.SSLSocket), {"meter": self._meter})
        return context

    def send(self, data: Any) -> None:
        self._meter.begin()
        super().send(data)

    def read(self, size: int) -> bytes:
        # Before the library makes room for it.
        self._meter.expect(size)
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._meter.hear_line()
        return line


class _Hearing(socket.socket):
    meter: Meter

    def recv_into(self, *given: Any, **named: Any) -> int:
        self._wait()
        octets = super().recv_into(*given, **named)
        self.meter.hear(octets)
        return octets

    def recv(self, *given: Any, **named: Any) -> bytes:
        self._wait()
        octets = super().recv(*given, **named)
        self.meter.hear(len(octets))
        return octets

    def _wait(self) -> None:
        # Who looks without waiting waits for nothing.
        if self.gettimeout() != 0:
            self.meter.wait()


class _PlainSocket(_Hearing):
    """Not encrypted, or not yet."""
