"""A server on 127.0.0.1 that runs an asyncio protocol in a thread of this process.

Enters: a subclass that makes protocols. Leaves: a free port, chosen by the operating system.
Refused: any other interface.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"
START_TIMEOUT = 10.0
"""Seconds that ``start`` and ``stop`` wait for the server's thread."""


class LoopbackServer(ABC):
    """Start, stop and port of one embedded server; use it as a context manager or by its methods.

    ``start`` raises ``RuntimeError`` when it already runs or does not come up within ten seconds.
    A server may be started again after ``stop``, on another port.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._finish: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: Exception | None = None
        self._port = 0

    @property
    def host(self) -> str:
        """The only interface it listens on."""
        return LOOPBACK

    @property
    def port(self) -> int:
        """Where clients connect; ``RuntimeError`` while it does not run."""
        if not self._port:
            raise RuntimeError(f"{type(self).__name__} is not running.")
        return self._port

    def start(self) -> None:
        """Listen on a free port, and return once clients can connect."""
        if self._thread is not None:
            raise RuntimeError(f"{type(self).__name__} is already running.")
        self._ready.clear()
        self._failure = None
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self._thread.start()
        if not self._ready.wait(START_TIMEOUT):
            raise RuntimeError(f"{type(self).__name__} did not start in time.")
        if self._failure is not None:
            self._thread.join(START_TIMEOUT)
            self._thread = None
            raise RuntimeError(f"{type(self).__name__} did not start.") from self._failure

    def stop(self) -> None:
        """Cut all clients and end the thread; harmless when not running."""
        thread, self._thread = self._thread, None
        if thread is None or self._loop is None or self._finish is None:
            return
        self._loop.call_soon_threadsafe(self._finish.set)
        thread.join(START_TIMEOUT)
        self._port = 0
        if thread.is_alive():
            raise RuntimeError(f"{type(self).__name__} did not stop in time.")

    def drop_connections(self) -> None:
        """Cut every open connection as a failing network would; what is stored stays."""
        if self._loop is None or self._thread is None:
            raise RuntimeError(f"{type(self).__name__} is not running.")
        asyncio.run_coroutine_threadsafe(self._drop_clients(), self._loop).result(START_TIMEOUT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ------------------------------------------------------------------ in the server's thread

    @abstractmethod
    async def _prepare(self) -> None:
        """Build what the protocols share; runs once a start, before the first client."""

    @abstractmethod
    def _protocol(self) -> asyncio.Protocol:
        """One protocol for one client."""

    @abstractmethod
    async def _drop_clients(self) -> None:
        """Abort every connection and wait until its task has ended."""

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - handed to the thread that waits in start()
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._finish = asyncio.Event()
        await self._prepare()
        listener = await self._loop.create_server(self._protocol, LOOPBACK, 0)
        self._port = listener.sockets[0].getsockname()[1]
        self._ready.set()
        try:
            await self._finish.wait()
        finally:
            listener.close()
            await self._drop_clients()
