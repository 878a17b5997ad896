"""The connections of one submission account: several at once, used again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from triage.dispatch.forwards import Offer
from triage.dispatch.submit import Connection
from triage.dispatch.trouble import AccountTroubleError
from triage.settings import Submission
from triage.tokens import FIXED, Secrets

IDLE = 20.0
"""Seconds after which an unused connection is closed: servers count them."""


class Pool:
    """Hands out open connections: so many at once as the account takes, and one more for an urgent notice."""

    def __init__(self, submission: Submission, secrets: Secrets = FIXED) -> None:
        self._submission = submission
        self._secrets = secrets
        self._free: list[Connection] = []
        self._slots = asyncio.Semaphore(submission.connections)
        self._spare = asyncio.Semaphore(1)
        self.offer = Offer()
        """What the server announced when it was last connected to."""

    async def ensure(self) -> None:
        """Have at least one working connection; raises :class:`AccountTroubleError`."""
        # Nobody listened while the loop stood still: kept connections that have ended are noticed now.
        await asyncio.sleep(0.001)
        async with self.connection():
            pass

    @asynccontextmanager
    async def connection(self, *, urgent: bool = False) -> AsyncIterator[Connection]:
        """An open connection for one message, after waiting for a free one; ``urgent`` need not wait."""
        spare = await self._open_spare() if urgent and self._slots.locked() else None
        if spare is not None:
            try:
                yield spare
            finally:
                await spare.close()
                self._spare.release()
            return
        async with self._slots:
            connection = self._free.pop() if self._free else Connection(self._submission, self._secrets)
            try:
                await connection.open()
                self.offer = Offer(connection.offers("8BITMIME"), connection.offers("SMTPUTF8"), connection.largest)
                yield connection
            finally:
                if connection.is_open:
                    self._free.append(connection)
                else:
                    await connection.close()

    async def _open_spare(self) -> Connection | None:
        """One connection beyond the account's number; ``None`` when it is in use or the server gives none."""
        if self._spare.locked():
            return None
        await self._spare.acquire()
        connection = Connection(self._submission, self._secrets)
        try:
            await connection.open()
        except AccountTroubleError:
            self._spare.release()
            return None
        except BaseException:
            self._spare.release()
            raise
        return connection

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
