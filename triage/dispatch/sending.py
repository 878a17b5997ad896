"""One dispatch over one of the account's connections, and what came of it.

A row and its composed message enter, an :class:`Answer` leaves, always.
"""

from __future__ import annotations

from dataclasses import dataclass

from triage.dispatch.compose import Outgoing
from triage.dispatch.pool import Pool
from triage.dispatch.trouble import AccountTroubleError, trouble_of_account
from triage.record.dispatches import DispatchRow
from triage.settings import Submission
from triage.vocabulary import AttemptOutcome, DispatchKind, SubmissionResult


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said, what had been left out of the message, and trouble of the account."""

    row: DispatchRow
    result: SubmissionResult
    left_out: int = 0
    trouble: AccountTroubleError | None = None


async def send(pool: Pool, submission: Submission, row: DispatchRow, outgoing: Outgoing) -> Answer:
    """Submit one message."""
    try:
        async with pool.connection(urgent=row.kind == DispatchKind.NOTICE) as connection:
            result = await connection.submit(outgoing)
            return Answer(row, result, outgoing.left_out, trouble_of_account(submission.account, row, result))
    except AccountTroubleError as trouble:
        unsent = SubmissionResult(AttemptOutcome.TRANSIENT, "connect", text=trouble.kind)
        return Answer(row, unsent, row.left_out, trouble)
