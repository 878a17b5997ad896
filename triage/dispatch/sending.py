"""One dispatch over one of the account's connections, and what came of it.

A row and its composed message enter, an :class:`Answer` leaves, always. Nothing begins without its lease.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from triage.clock import Clock
from triage.dispatch.compose import Outgoing
from triage.dispatch.pool import Pool
from triage.dispatch.trouble import AccountTroubleError, trouble_of_account
from triage.record.dispatches import DispatchRow
from triage.settings import Submission
from triage.vocabulary import AttemptOutcome, DispatchKind, SubmissionResult

INTERRUPTED = SubmissionResult(AttemptOutcome.UNKNOWN, "data", text="interrupted")
"""What is known of a dispatch that a worker began and never ended."""
NOT_BEGUN = SubmissionResult(AttemptOutcome.TRANSIENT, "connect", text="lease")
"""The lease had run out before the first word: another worker may have it by now."""


class Held:
    """Until when this worker may begin what it has leased; used by the dispatch thread only.

    Whoever takes a lease over waits until it has run out. A process that stood still between its commit and its
    first command, or waited long for a connection, must therefore look once more.
    """

    def __init__(self, clock: Clock, lease: timedelta) -> None:
        self._clock = clock
        self._lease = lease
        self._until: dict[tuple[int, int], datetime] = {}

    def note(self, rows: Iterable[DispatchRow], now: datetime) -> None:
        """Their leases run from ``now``, the instant of the transaction."""
        known = {key: until for key, until in self._until.items() if until > now}
        self._until = known | {(row.id, row.lease_epoch): now + self._lease for row in rows}

    def take(self, row: DispatchRow) -> bool:
        """Whether a send may begin now; asked once for each attempt."""
        until = self._until.pop((row.id, row.lease_epoch), None)
        return until is not None and self._clock.now() < until


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said, what had been left out of the message, and trouble of the account."""

    row: DispatchRow
    result: SubmissionResult
    left_out: int = 0
    trouble: AccountTroubleError | None = None


async def send(pool: Pool, submission: Submission, held: Held, row: DispatchRow, outgoing: Outgoing) -> Answer:
    """Submit one message."""
    try:
        async with pool.connection(urgent=row.kind == DispatchKind.NOTICE) as connection:
            if not held.take(row):
                return Answer(row, NOT_BEGUN, row.left_out)
            result = await connection.submit(outgoing)
            return Answer(row, result, outgoing.left_out, trouble_of_account(submission.account, row, result))
    except AccountTroubleError as trouble:
        unsent = SubmissionResult(AttemptOutcome.TRANSIENT, "connect", text=trouble.kind)
        return Answer(row, unsent, row.left_out, trouble)
