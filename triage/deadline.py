"""The deadline of a whole exchange over HTTP: the library's time-out is that of one read alone.

A server, or a gateway before it, that gives an octet now and then meets every such time-out, for ever. Connections
of these classes are cut when their deadline is over, also within the greeting of TLS and the words to a proxy.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from http.client import HTTPConnection, HTTPSConnection
from typing import Any, Self


class Deadline:
    """So many seconds from the ``with`` statement on; then what is watched is cut."""

    def __init__(self, seconds: float) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._over = False
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    @property
    def over(self) -> bool:
        """Whether the time is over: what a library makes of a connection that was cut is then not the cause."""
        return self._over

    def watch(self, connected: socket.socket) -> None:
        """Cut this one, if none is watched yet. Raises ``TimeoutError`` when the time is over."""
        with self._lock:
            self.check()
            if self._socket is None:
                # A descriptor of its own, since TLS takes the other from its object before it greets.
                self._socket = connected.dup()

    def check(self) -> None:
        """Raises ``TimeoutError`` when the time is over."""
        if self._over:
            raise TimeoutError

    def _cut(self) -> None:
        with self._lock:
            self._over = True
            if self._socket is not None:
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)


class TimedConnection(HTTPConnection):
    """One connection within a deadline."""

    deadline: Deadline

    @classmethod
    def within(cls, deadline: Deadline, host: str, port: int | None = None, **given: Any) -> Self:
        """A connection, not yet open, that the deadline cuts."""
        made = cls(host, port, **given)
        made.deadline = deadline
        return made

    def connect(self) -> None:
        """Open it."""
        super().connect()
        self.deadline.watch(self.sock)

    def send(self, data: Any) -> None:
        """Say something; to a proxy that makes a tunnel the first words are said before ``connect`` is through."""
        if self.sock is not None:
            self.deadline.watch(self.sock)
        super().send(data)


class TimedSecureConnection(HTTPSConnection, TimedConnection):
    """The same over TLS; in this order of classes what is connected is watched before TLS greets."""
