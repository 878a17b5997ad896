"""A TCP proxy on loopback that breaks TLS: at its beginning, in its midst, at its end, and around STARTTLS.

It knows no TLS: octets pass as they are, and what a client says is kept, so that a test sees what left in clear.
"""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from enum import StrEnum
from types import TracebackType
from typing import Self

from tests.servers.process import LOOPBACK


class TlsFault(StrEnum):
    """Where a handshake goes wrong."""

    NONE = "none"
    CUT_BEFORE = "cut before"
    """The connection ends in place of the handshake, or of the answer to STARTTLS."""
    CUT_AT_HELLO = "cut at the client's hello"
    CUT_WITHIN = "cut within"
    """In the midst of the server's hello."""
    CUT_AFTER = "cut after"
    """When the client has all it needs."""
    SILENT = "silent"
    GARBAGE = "garbage"
    REFUSED = "STARTTLS refused"
    INJECTED = "injected after the answer"
    """Plain words right behind the answer to STARTTLS, as if the server had said them (RFC 3207 section 6)."""
    INJECTED_BEFORE = "injected before the answer"


GARBAGE = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


class TlsProxy:
    """A running proxy to a port of loopback; use it in a ``with`` statement. ``fault`` may be changed while it runs."""

    def __init__(self, port: int, fault: TlsFault, *, starttls: bool) -> None:
        self.fault = fault
        self.heard = b""
        """All that clients have said."""
        self.met = 0
        self._target, self._starttls = port, starttls
        self._ended = threading.Event()
        self._listening = socket.create_server((LOOPBACK, 0))
        self.port = int(self._listening.getsockname()[1])
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(10)

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                taken, _ = self._listening.accept()
                thread = threading.Thread(target=self._serve, args=(taken,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection((LOOPBACK, self._target)) as server:
            begun = not self._starttls
            if begun and self.fault is TlsFault.CUT_BEFORE:
                self.met += 1
                return
            flights = 0
            while not self._ended.is_set():
                ready, _, _ = select.select([client, server], [], [], 0.1)
                for side in ready:
                    said = side.recv(65_536)
                    if not said:
                        return
                    if side is client:
                        self.heard += said
                    if not begun and side is client and b"STARTTLS" in said.upper():
                        begun = self._begin(client, server, said)
                        if not begun and self.fault is not TlsFault.REFUSED:
                            return
                        continue
                    flights += begun and side is client
                    if begun and not self._passes(client, server, side, said, flights):
                        return
                    if not begun:
                        (server if side is client else client).sendall(said)

    def _begin(self, client: socket.socket, server: socket.socket, said: bytes) -> bool:
        """STARTTLS was said; whether TLS follows."""
        tag = said.split()[0] if said.split()[0].upper() != b"STARTTLS" else b""
        if self.fault in (TlsFault.CUT_BEFORE, TlsFault.REFUSED):
            self.met += 1
            if self.fault is TlsFault.REFUSED:
                client.sendall((tag + b" NO" if tag else b"454 4.7.0") + b" not now\r\n")
            return False
        server.sendall(said)
        answer = server.recv(65_536)
        if self.fault is TlsFault.INJECTED:
            self.met += 1
            answer += _next(tag) + b" NO [AUTHENTICATIONFAILED] no\r\n" if tag else b"535 5.7.8 no\r\n"
        if self.fault is TlsFault.INJECTED_BEFORE:
            self.met += 1
            answer = (b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n" if tag else b"") + answer
        client.sendall(answer)
        return True

    def _passes(
        self, client: socket.socket, server: socket.socket, side: socket.socket, said: bytes, flights: int
    ) -> bool:
        """Hand on octets of TLS, or not; whether the connection goes on."""
        fault = self.fault
        if side is client:
            if fault is TlsFault.CUT_AT_HELLO or (fault is TlsFault.CUT_AFTER and flights > 1):
                self.met += 1
                return False
            server.sendall(said)
            return True
        if fault in (TlsFault.SILENT, TlsFault.GARBAGE, TlsFault.CUT_WITHIN):
            self.met += 1
        if fault is TlsFault.SILENT:
            return True
        client.sendall({TlsFault.GARBAGE: GARBAGE, TlsFault.CUT_WITHIN: said[:60]}.get(fault, said))
        return fault is not TlsFault.CUT_WITHIN


def _next(tag: bytes) -> bytes:
    """The tag that a client will give to its next command: everybody on the way can tell."""
    letters = tag.rstrip(b"0123456789")
    return letters + b"%d" % (int(tag[len(letters) :]) + 1)
