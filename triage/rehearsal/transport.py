"""The transport of a rehearsal: takes every mail, says 250, and sends nothing. No socket is ever opened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from triage.dispatch.compose import Outgoing
from triage.dispatch.forwards import Offer
from triage.dispatch.pool import Pool
from triage.dispatch.submit import Connection
from triage.settings import Account, Login, Security, Submission
from triage.vocabulary import AttemptOutcome, SubmissionResult

NOWHERE = Submission(
    Account("rehearsal.invalid", 25, "", "", Security.PLAIN, Login.NONE, "", 60.0), 16, 0, 1_000_000, 0, 60.0
)
"""An account at a name that can never be looked up (RFC 6761 section 6.4)."""


class NotingPool(Pool):
    """Hands out the one connection that leads nowhere; ``taken`` counts what would have left."""

    def __init__(self) -> None:
        super().__init__(NOWHERE)
        # What a usual server offers (RFC 6152, RFC 6531); no limit of size.
        self.offer = Offer(True, True, 0)
        self.taken = 0

    async def ensure(self) -> None:
        """There is always room."""

    @asynccontextmanager
    async def connection(self, *, urgent: bool = False) -> AsyncIterator[Connection]:  # noqa: ARG002 - none waits
        """The connection that only notes."""
        yield _Noting(self)


class _Noting(Connection):
    """Takes one mail after another."""

    def __init__(self, pool: NotingPool) -> None:
        super().__init__(NOWHERE)
        self._pool = pool

    async def submit(self, outgoing: Outgoing) -> SubmissionResult:  # noqa: ARG002 - it goes nowhere
        """As a server would that takes everything."""
        self._pool.taken += 1
        return SubmissionResult(AttemptOutcome.ACCEPTED, "data", 250, "2.0.0", "rehearsed")
