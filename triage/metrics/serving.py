"""A small server on this machine's own address: metrics, and whether the process lives and is ready.

``/metrics`` is for Prometheus, ``/salute/viva`` and ``/salute/pronta`` for supervisors: 200 or 503 and one word. It
listens on 127.0.0.1 alone and has no secrets, so it asks nobody who they are.
"""

from __future__ import annotations

import logging
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from triage.metrics.families import CONTENT_TYPE, gauge, written
from triage.metrics.process import Measures
from triage.metrics.standing import standing
from triage.record import Store, StoreError
from triage.record.state import state_of
from triage.signals import Heartbeats

log = logging.getLogger("triage.metrics")

HOST = "127.0.0.1"
SILENT = 900.0
"""Seconds without a sign of life after which a loop hangs, as the worker itself counts."""


class MetricsServer:
    """Serves until it is closed; a thread a request, each with a short look at the record."""

    def __init__(self, store: Store, heartbeats: Heartbeats, measures: Measures, port: int) -> None:
        """Raises ``OSError`` when the port is taken. ``port`` 0: any that is free."""
        self._server = _server(store, heartbeats, measures, port)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5.0)


def serve_metrics(store: Store, heartbeats: Heartbeats, measures: Measures, port: int) -> MetricsServer | None:
    """The server where a port is set; a port that is taken is told, and mail goes on without metrics."""
    if not port:
        return None
    try:
        return MetricsServer(store, heartbeats, measures, port)
    except OSError as error:
        words = f"Nothing listens on {HOST}:{port} for metrics ({type(error).__name__}): choose another "
        log.error(f"{words}TRIAGE_METRICS_PORT. Mail goes on.", extra={"action": "metrics_port_taken"})
        return None


def _server(store: Store, heartbeats: Heartbeats, measures: Measures, port: int) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "triage", ""
        timeout = 10.0

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._answer(HTTPStatus.OK, metrics(store, measures), CONTENT_TYPE)
            elif path == "/salute/viva":
                self._say(well=not heartbeats.silent(SILENT))
            elif path == "/salute/pronta":
                self._say(well=not heartbeats.silent(SILENT) and answers(store))
            else:
                self._answer(HTTPStatus.NOT_FOUND, "/metrics, /salute/viva, /salute/pronta\n")

        def _say(self, *, well: bool) -> None:
            status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
            self._answer(status, "bene\n" if well else "no\n")

        def _answer(self, status: HTTPStatus, text: str, kind: str = "text/plain; charset=utf-8") -> None:
            octets = text.encode("utf-8")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(octets)))
            self.end_headers()
            self.wfile.write(octets)

        def log_message(self, format: str, *args: object) -> None:
            """Said of every look; nobody needs to read it."""

    return ThreadingHTTPServer((HOST, port), Handler)


def metrics(store: Store, measures: Measures) -> str:
    """Everything; where the record does not answer, only what this process knows by itself."""
    families = measures.families()
    try:
        with store.read("metrics") as tx:
            families += standing(state_of(tx))
    except StoreError:
        return written([*families, gauge("triage_record_answers", "Whether the record can be read.", [({}, 0)])])
    return written([*families, gauge("triage_record_answers", "Whether the record can be read.", [({}, 1)])])


def answers(store: Store) -> bool:
    """Whether the record can be read."""
    try:
        with store.read("ready") as tx:
            state_of(tx)
    except StoreError:
        return False
    return True
