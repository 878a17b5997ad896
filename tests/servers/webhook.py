"""A real HTTPS server on loopback that keeps what is posted to it and answers with the code that the test says."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.servers.authority import Authority
from tests.servers.process import LOOPBACK


class WebhookServer:
    """A running server; use it in a ``with`` statement. ``code`` may be changed while it runs."""

    def __init__(self, authority: Authority | None, *, trusted: bool = True) -> None:
        """Without an authority it speaks plain HTTP."""
        self.code = 204
        self.location = ""
        self._bodies: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                outer._bodies.append(json.loads(self.rfile.read(size)) | {"path": self.path})
                self.send_response(outer.code)
                if outer.location:
                    self.send_header("Location", outer.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        names = ("localhost", LOOPBACK) if trusted else ("elsewhere.example",)
        self._scheme = "http" if authority is None else "https"
        if authority is not None:
            context = authority.issue(names).server_context()
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://{LOOPBACK}:{self._server.server_address[1]}/avvisi?chiave=segreta"

    @property
    def bodies(self) -> tuple[dict[str, Any], ...]:
        """What was posted, with the path that it was posted to, in order."""
        return tuple(self._bodies)

    def keep(self, body: dict[str, Any]) -> None:
        """As if this had been posted, too."""
        self._bodies.append(body)

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
