"""One POST to the address that the administrator gave; the second channel that is no mail. HTTPS, but on this machine.

A JSON object enters, a result as of SMTP leaves. The address may hold a secret: it is never logged. No proxy is
used, no redirection followed, nothing of the answer is kept but its code.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from triage.settings import Webhook
from triage.vocabulary import AttemptOutcome, SubmissionResult

DEADLINE = 30.0
"""Seconds that all of it may take, and so any single step: a server may give one octet a second for ever."""


def post(webhook: Webhook, body: Mapping[str, object]) -> SubmissionResult:
    """Send it; accepted when the server answers with a code of 200 to 299."""
    octets = json.dumps(body, ensure_ascii=False, sort_keys=True).encode()
    try:
        code = _post(webhook, octets)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return SubmissionResult(AttemptOutcome.TRANSIENT, "connect", text=type(error).__name__)
    if 200 <= code < 300:
        return SubmissionResult(AttemptOutcome.ACCEPTED, "data", code)
    # An address that is gone or forbidden does not mend itself; everything else may.
    wrong = 400 <= code < 500 and code not in (408, 409, 425, 429)
    return SubmissionResult(AttemptOutcome.PERMANENT if wrong else AttemptOutcome.TRANSIENT, "data", code)


def _post(webhook: Webhook, octets: bytes) -> int:
    parts = urlsplit(webhook.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with _Deadline(DEADLINE) as deadline:
        connection = _connection(parts.scheme, parts.hostname or "", parts.port, webhook.ca_file)
        connection.deadline = deadline
        try:
            connection.request("POST", path, octets, {"Content-Type": "application/json", "User-Agent": "triage"})
            code = connection.getresponse().status
        finally:
            connection.close()
            # However the library took it that the connection was cut, and whatever it read of half an answer.
            deadline.check()
    return code


def _connection(scheme: str, host: str, port: int | None, ca_file: str) -> _Connection:
    if scheme == "http":  # the settings allow it on this machine only
        return _Connection(host, port or 80, timeout=DEADLINE)
    context = ssl.create_default_context(cafile=ca_file or None)
    return _SecureConnection(host, port or 443, timeout=DEADLINE, context=context)


class _Deadline:
    """Cuts a connection when the time for all of it is over: the library's time-out is that of one read alone."""

    def __init__(self, seconds: float) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._over = False
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def watch(self, connected: socket.socket) -> None:
        """Cut this one; a descriptor of its own, since TLS takes the other from its object before it greets."""
        with self._lock:
            self.check()
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


class _Connection(http.client.HTTPConnection):
    deadline: _Deadline

    def connect(self) -> None:
        super().connect()
        self.deadline.watch(self.sock)


class _SecureConnection(http.client.HTTPSConnection, _Connection):
    """Over TLS; in this order what is connected is watched before TLS greets."""
