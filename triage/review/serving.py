"""Serves the app: the port is taken first, so that a busy one is told before anything else starts.

Behind a reverse proxy on this machine the visitor's address is the one that the proxy names; nobody else is believed.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from types import TracebackType

import uvicorn
from fastapi import FastAPI

from triage.listening import Listening

log = logging.getLogger("triage.review")

PATIENCE = 5
"""Seconds that requests have to end once the page is to stop."""


class PageServer:
    """Takes the port when it is made; serves between :meth:`start` and :meth:`stop`, in a thread of its own."""

    def __init__(self, listening: Listening) -> None:
        """Raises ``OSError`` when the port cannot be had."""
        family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((listening.host, listening.port))
            self._socket.listen(128)
        except OSError:
            self._socket.close()
            raise
        self.listening = listening
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._app: FastAPI | None = None

    @property
    def address(self) -> str:
        """What people type to open the page."""
        if self.listening.url:
            return self.listening.url
        host = f"[{self.listening.host}]" if ":" in self.listening.host else self.listening.host
        return f"http://{host}:{self.port}"

    @property
    def port(self) -> int:
        """The port that was taken."""
        number: int = self._socket.getsockname()[1]
        return number

    def start(self, app: FastAPI) -> None:
        """Serve until :meth:`stop`; returns at once."""
        self._app = app
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                # Our own log says what happened, without addresses and paths.
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                ws="none",
                proxy_headers=True,
                forwarded_allow_ips="127.0.0.1",
                limit_concurrency=200,
                timeout_graceful_shutdown=PATIENCE,
            )
        )
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="page", daemon=True)
        self._thread.start()
        log.info("page open", extra={"action": "page_open", "address": self.address})

    def wait(self, ended: Callable[[float], bool]) -> None:
        """Until ``ended`` says so, which waits for the seconds given, or the page stops by itself."""
        while self._thread is not None and self._thread.is_alive() and not ended(1.0):
            pass

    def stop(self) -> None:
        """Let running requests end, then give the port back."""
        if self._app is not None:
            self._app.state.lookout.closing = True  # pages that listen for news would keep the server open
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(PATIENCE + 5)
        self._socket.close()

    def __enter__(self) -> PageServer:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.stop()
