"""A token server on loopback (RFC 6749): it issues, renews, rotates, ends, refuses, throttles, stalls and babbles.

Forms enter; tokens that the given ``make`` makes leave. What it was asked is kept for the test. Speaks
plainly, or TLS with the context that it is given.
"""

from __future__ import annotations

import json
import secrets
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl

from tests.servers.process import LOOPBACK

CLIENT = "applicazione-di-prova"
CLIENT_SECRET = "segreto-di-prova"
SCOPE = "https://mail.example.org/.default"


@dataclass(frozen=True, slots=True)
class Said:
    """An answer to give instead of the ordinary one."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves, or refuses our certificate, is no error of the server's: nothing is printed."""


class TokenEndpoint:
    """A running token server; close it, or use it in a ``with`` statement.

    ``make`` is called with the token's lifetime in seconds. Attributes that may be changed while it
    runs: ``lifetime`` (also what is told, unless ``tells_lifetime`` is false), ``rotates`` (each refresh
    token is good for one use), ``refresh_lifetime`` (told with each answer when set).
    """

    host = LOOPBACK

    def __init__(self, make: Callable[[float], str], *, tls: ssl.SSLContext | None = None) -> None:
        self._make = make
        self.lifetime: float = 3600
        self.tells_lifetime = True
        self.rotates = False
        self.refresh_lifetime: float | None = None
        self.requests: list[dict[str, str]] = []
        """The forms that were posted, oldest first."""
        self.before_answer: Callable[[], None] = lambda: None
        """Called when a request has come, before it is answered: a test can hold it up here."""
        self._refresh_tokens: set[str] = set()
        self._said: list[tuple[Said, int | None]] = []
        self._lock = threading.Lock()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_POST(self) -> None:
                form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                said = endpoint._answer(form)
                self.send_response(said.status)
                for name, value in {"Content-Type": "application/json", **said.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said.body)))
                self.end_headers()
                self.wfile.write(said.body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing is printed."""

        self._server = _Server((LOOPBACK, 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self._server.server_port
        self.url = f"{'https' if tls else 'http'}://{LOOPBACK}:{self.port}/oauth2/token"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---------------------------------------------------------------- what it knows and does

    def consent(self) -> str:
        """A person consents: a refresh token."""
        token = f"rinnovo-{secrets.token_urlsafe(16)}"
        with self._lock:
            self._refresh_tokens.add(token)
        return token

    def revoke(self) -> None:
        """No refresh token that was given holds any more."""
        with self._lock:
            self._refresh_tokens.clear()

    def say(
        self, status: int, body: object, *, times: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer with this (JSON unless it is octets) so many times (None: always)."""
        octets = body if isinstance(body, bytes) else json.dumps(body).encode()
        with self._lock:
            self._said.append((Said(status, octets, headers or {}), times))

    def refuse(self, error: str, *, status: int = 400, description: str = "", times: int | None = None) -> None:
        """Answer with an error (RFC 6749 section 5.2)."""
        self.say(status, {"error": error, "error_description": description}, times=times)

    def behave(self) -> None:
        """Answer as usual again."""
        with self._lock:
            self._said.clear()

    def _answer(self, form: dict[str, str]) -> Said:
        with self._lock:
            self.requests.append(form)
            before = self.before_answer
        before()
        with self._lock:
            while self._said:
                said, left = self._said[0]
                if left == 0:
                    self._said.pop(0)
                    continue
                if left is not None:
                    self._said[0] = (said, left - 1)
                return said
            return self._grant(form)

    def _grant(self, form: dict[str, str]) -> Said:
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, CLIENT_SECRET):
            return _error("invalid_client")
        by_application = form.get("grant_type") == "client_credentials"
        if by_application and form.get("scope") != SCOPE:
            return _error("invalid_scope")
        if not by_application and form.get("refresh_token") not in self._refresh_tokens:
            return _error("invalid_grant")
        answer: dict[str, object] = {"token_type": "Bearer", "access_token": self._make(self.lifetime)}
        if self.tells_lifetime:
            answer["expires_in"] = self.lifetime
        if self.refresh_lifetime is not None:
            answer["refresh_token_expires_in"] = self.refresh_lifetime
        if self.rotates and not by_application:
            self._refresh_tokens.discard(form["refresh_token"])
            answer["refresh_token"] = f"rinnovo-{secrets.token_urlsafe(16)}"
            self._refresh_tokens.add(str(answer["refresh_token"]))
        return Said(200, json.dumps(answer).encode())


def _error(name: str) -> Said:
    return Said(401 if name == "invalid_client" else 400, json.dumps({"error": name}).encode())
