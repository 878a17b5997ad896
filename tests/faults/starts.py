"""The prepared starts of the matrix, each made when it is first asked for."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

from tests.conftest import require_installed
from tests.crash.harness import CopyingDovecot, Setting, prepare
from tests.crash.nursery import Nursery
from tests.servers.authority import Authority

Kind = Literal["known", "first", "without MOVE"]


class Starts:
    """A mailbox known before, one never seen, one on a server without MOVE. Servers end with ``running``."""

    def __init__(self, authority: Authority, nursery: Nursery, folder: Path, running: ExitStack) -> None:
        self._authority = authority
        self._nursery = nursery
        self._folder = folder
        self._running = running
        self._lock = threading.Lock()
        self._made: dict[Kind, Setting] = {}
        self._servers: dict[tuple[str, ...], CopyingDovecot] = {}

    def get(self, kind: Kind) -> Setting:
        """One of them; from any thread."""
        with self._lock:
            if kind not in self._made:
                server = self._server(("MOVE",) if kind == "without MOVE" else ())
                how: Literal["known", "first"] = "first" if kind == "first" else "known"
                self._made[kind] = prepare(how, server, self._nursery, self._folder / kind.replace(" ", "_"))
            return self._made[kind]

    def _server(self, without: tuple[str, ...]) -> CopyingDovecot:
        if without not in self._servers:
            self._servers[without] = self._running.enter_context(
                require_installed(lambda: CopyingDovecot(authority=self._authority, capability_without=without))
            )
        return self._servers[without]
