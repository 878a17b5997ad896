"""The connections of one submission account: several at once, used again, within its limits."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from triage.dispatch.submit import AccountTroubleError, Connection
from triage.settings import Submission

IDLE = 20.0
"""Seconds after which an unused connection is closed: servers count them."""


class Pool:
    """Hands out open connections, and says how many messages the account still takes this minute."""

    def __init__(self, submission: Submission) -> None:
        self._submission = submission
        self._free: list[Connection] = []
        self._slots = asyncio.Semaphore(submission.connections)
        self._recent: deque[float] = deque()
        self._offers: frozenset[str] = frozenset()

    def offers(self, extension: str) -> bool:
        """Whether the server announced an extension when it was last connected to."""
        return extension in self._offers

    def room(self) -> int:
        """How many messages may begin now under the account's rate."""
        limit = self._submission.per_minute
        if not limit:
            return sys.maxsize
        now = time.monotonic()
        while self._recent and self._recent[0] < now - 60:
            self._recent.popleft()
        return max(0, limit - len(self._recent))

    def begin(self, messages: int) -> None:
        """Count messages that begin now against the rate."""
        if self._submission.per_minute:
            self._recent.extend([time.monotonic()] * messages)

    async def ensure(self) -> None:
        """Have at least one working connection; raises :class:`AccountTroubleError`."""
        # Nobody listened while the loop stood still: kept connections that have ended are noticed now.
        await asyncio.sleep(0.001)
        async with self.connection():
            pass

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """An open connection for one message, after waiting for a free one."""
        async with self._slots:
            connection = self._free.pop() if self._free else Connection(self._submission)
            try:
                await connection.open()
                self._offers = frozenset(name for name in ("8BITMIME", "SMTPUTF8", "DSN") if connection.offers(name))
                yield connection
            finally:
                if connection.is_open:
                    self._free.append(connection)
                else:
                    await connection.close()

    async def close_idle(self) -> None:
        """Close what has not been used for a while."""
        limit = time.monotonic() - IDLE
        for connection in [item for item in self._free if item.last_used < limit]:
            self._free.remove(connection)
            await connection.close()

    async def close(self) -> None:
        """Close everything."""
        while self._free:
            await self._free.pop().close()


__all__ = ["AccountTroubleError", "Pool"]
