"""A relay on loopback that notes when a server said what is waited for: neither side knows of it.

Octets of a client enter and leave to the server, and back; lines of the server are looked at on their way, after
they were passed on. Plain connections only.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

ANNOUNCED = re.compile(rb"^\* \d+ EXISTS\r\n", re.MULTILINE)
"""A server's word of new mail (RFC 3501 section 7.3.1)."""
ACCEPTED = re.compile(rb"^354[^\n]*\n2\d\d [^\n]*\n", re.MULTILINE)
"""The reply to a message's last dot (RFC 5321 section 4.1.1.4): only then another reply follows on 354."""
_KEPT = 4096
"""Octets of a server's words that are remembered: what is looked for may come in pieces."""


class Relay:
    """Takes connections to :attr:`port` and passes them on; ``wanted`` is looked for in what the server says.

    ``heard`` grows by the instant (:func:`time.time`) of every match.
    """

    def __init__(self, port: int, wanted: re.Pattern[bytes]) -> None:
        self.heard: list[float] = []
        self._target = port
        self._wanted = wanted
        self._changed = threading.Condition()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._take, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in (self._listener, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def first_since(self, instant: float, seconds: float) -> float:
        """When it was first heard after ``instant``; waits for it ``seconds`` at most, then raises TimeoutError."""
        until = time.time() + seconds
        with self._changed:
            while True:
                found = next((at for at in self.heard if at > instant), None)
                if found is not None:
                    return found
                if not self._changed.wait(until - time.time()):
                    raise TimeoutError("what was waited for did not come")

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._sockets.append(one)
                threading.Thread(target=self._pump, args=(client, server, _deaf), daemon=True).start()
                threading.Thread(target=self._pump, args=(server, client, self._listening()), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, hear: Callable[[bytes], None]) -> None:
        with suppress(OSError):
            while octets := source.recv(1 << 16):
                target.sendall(octets)
                hear(octets)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def _listening(self) -> Callable[[bytes], None]:
        said = b""

        def hear(octets: bytes) -> None:
            nonlocal said
            now = time.time()
            said += octets
            end = 0
            with self._changed:
                for found in self._wanted.finditer(said):
                    end = found.end()
                    self.heard.append(now)
                self._changed.notify_all()
            said = said[end:][-_KEPT:]

        return hear


def _deaf(_octets: bytes) -> None:
    """Nobody listens to what a client says."""
