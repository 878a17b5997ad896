"""A batch costs one transaction a step, and no more statements for a hundred messages than for ten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pytest
import sqlalchemy as sa

from tests.record.builders import (
    LEASE,
    PLENTY,
    a_mailbox,
    forward_of,
    message,
    reception,
    rows_of,
)
from triage.record import Store, Transaction
from triage.record.attempts import Ending, begin_attempts, end_attempts
from triage.record.claims import claim_received
from triage.record.decisions import record_decisions
from triage.record.dispatches import DispatchRow, lease_dispatches, mark_forwarded
from triage.record.filing import record_filed
from triage.record.messages import list_messages, record_receptions
from triage.vocabulary import AttemptOutcome, DispatchState, ListedMessage, MessageState, SubmissionResult

Result = TypeVar("Result")


@dataclass
class Tally:
    """Transactions and statements since the last look."""

    commits: int = 0
    statements: int = 0

    def take(self) -> tuple[int, int]:
        found = self.commits, self.statements
        self.commits = self.statements = 0
        return found


@pytest.fixture
def tally() -> Iterator[Tally]:
    counted = Tally()

    def committed(_connection: sa.Connection) -> None:
        counted.commits += 1

    def executed(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        # SQLite gives new cases their numbers one by one (it promises no order for several rows).
        if not statement.startswith("INSERT INTO cases"):
            counted.statements += 1

    sa.event.listen(sa.Engine, "commit", committed)
    sa.event.listen(sa.Engine, "before_cursor_execute", executed)
    yield counted
    sa.event.remove(sa.Engine, "commit", committed)
    sa.event.remove(sa.Engine, "before_cursor_execute", executed)


def _end(tx: Transaction, rows: list[DispatchRow]) -> None:
    accepted = SubmissionResult(AttemptOutcome.ACCEPTED, "data", 250)
    mark_forwarded(tx, [item.row for item in end_attempts(tx, _endings(tx, rows, accepted))])


def _endings(tx: Transaction, rows: list[DispatchRow], result: SubmissionResult) -> list[Ending]:
    return [Ending(row, result, DispatchState.ACCEPTED, tx.now) for row in rows]


def _whole_flow(store: Store, first: int, count: int, tally: Tally) -> dict[str, tuple[int, int]]:
    """Take ``count`` messages from listing to filing; (transactions, statements) of each step."""
    mailbox = a_mailbox(store)
    uids = range(first, first + count)
    costs: dict[str, tuple[int, int]] = {}

    def step(name: str, work: Callable[[Transaction], Result]) -> Result:
        tally.take()
        with store.write(name) as tx:
            result = work(tx)
        costs[name] = tally.take()
        return result

    listed = [ListedMessage(uid, 10, None) for uid in uids]
    step("list", lambda tx: list_messages(tx, mailbox, listed, state=MessageState.LISTED, last_uid=uids[-1]))
    keys = [row.id for row in rows_of(store) if row.uid in uids]
    receptions = [reception(key, b"Message %d" % key) for key in keys]
    step("receive", lambda tx: record_receptions(tx, mailbox, receptions))
    claimed = step("claim", lambda tx: claim_received(tx, "decider-1", count, LEASE, PLENTY))
    settlements = [forward_of(row) for row in claimed]
    step("decide", lambda tx: record_decisions(tx, settlements))
    leased = step("lease", lambda tx: lease_dispatches(tx, "sender-1", count, LEASE))
    begun = step("begin", lambda tx: begin_attempts(tx, leased, "sender-1", LEASE))
    step("end", lambda tx: _end(tx, begun))
    forwarded = [message(store, key) for key in keys]
    step("file", lambda tx: record_filed(tx, forwarded, "Smistati", "filed"))
    assert {message(store, key).state for key in keys} == {MessageState.FILED}
    return costs


def test_a_hundred_messages_cost_one_transaction_for_each_step(store: Store, tally: Tally) -> None:
    costs = _whole_flow(store, 1, 100, tally)
    assert {name: commits for name, (commits, _) in costs.items()} == dict.fromkeys(
        ("list", "receive", "claim", "decide", "lease", "begin", "end", "file"), 1
    )


def test_a_hundred_messages_cost_no_more_statements_than_ten(store: Store, tally: Tally) -> None:
    few = _whole_flow(store, 1, 10, tally)
    many = _whole_flow(store, 1001, 100, tally)
    assert many == few
    assert sum(statements for _, statements in many.values()) < 60
