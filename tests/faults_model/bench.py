"""What all rules of the machine share: the office, the books, the last look, and how something is picked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from tests.faults_model.books import Books
from tests.faults_model.comparing import Comparison
from tests.faults_model.letters import Letter
from tests.faults_model.office import INBOX, JUNK, Office
from tests.faults_model.snapshot import NOTHING, Row, Snapshot, assert_closes, assert_explained, take_snapshot
from triage.record.identity import is_stopped
from triage.record.tables import dispatches, mailboxes, messages
from triage.vocabulary import DispatchKind, DispatchState, MessageState

Thing = TypeVar("Thing")

PICKS = st.integers(0, 11)
BOXES = st.sampled_from((INBOX, INBOX, INBOX, JUNK))
SLOTS = st.sampled_from(("one", "two"))
LETTERS_AT_MOST = 40
"""In one example: what is looked at after every step must stay small."""


class Coverage:
    """Which states and changes were seen, and how often each rule was used, over all examples of a run."""

    def __init__(self) -> None:
        self.changes: Counter[tuple[str, tuple[str, str]]] = Counter()
        self.steps: Counter[str] = Counter()
        self.examples = 0
        self.deaths = 0
        self.copies = 0


class Bench(RuleBasedStateMachine):
    """The machine without its rules. ``lay`` makes an empty record and says its URL."""

    lay: Callable[[], str]
    coverage: Coverage

    def __init__(self) -> None:
        super().__init__()
        self.office: Office
        self.books = Books()
        self.now: Snapshot = NOTHING
        self._compared: Snapshot = NOTHING
        self.since_rest = 0
        self.letters: list[Letter] = []
        self.stopped = False
        self.calm = True
        self.findings: list[str] = []

    def prepare(self, start: datetime, *, moves: bool) -> None:
        """Open the office."""
        self.office = Office(type(self).lay(), start.astimezone(UTC), moves=moves)
        self.office.smtp.before = self._about_to_send
        for name, account in self.office.accounts.items():
            account.before_move = partial(self._about_to_move, name)
        self.coverage.examples += 1

    # ---------------------------------------------------------------- picking

    def pick(self, things: Sequence[Thing], number: int) -> Thing:
        """One of them."""
        return things[number % len(things)]

    def messages(self, *states: MessageState) -> list[Row]:
        """Rows in these states, as of the last look."""
        return [row for row in self.now.messages.values() if row["state"] in states]

    def letter(self, row: Row) -> Letter:
        return Comparison(self.office, self.books, self.now).letter_of(row)

    def lying(self) -> list[tuple[str, int]]:
        """Mailbox and UID of what lies in the inboxes."""
        return [(name, uid) for name, account in self.office.accounts.items() for uid in account.inbox.items]

    @property
    def time(self) -> datetime:
        return self.office.clock.now()

    def forward(self, by: timedelta) -> None:
        self.office.clock.forward(by)

    # ---------------------------------------------------------------- looking

    def used(self, name: str, *, beside: bool = False) -> None:
        """Count a rule. ``beside``: it only changes what the others meet; two such in a row are not worth a step."""
        self.coverage.steps[name] += 1
        self.calm = not beside
        self.since_rest += 1

    def compare(self) -> None:
        """Hold the record against itself and against the books."""
        assert self.findings == []
        with self.office.look() as tx:
            now = take_snapshot(tx)
            changes = assert_explained(tx, self._compared, now)
            assert_closes(tx)
        self.coverage.changes.update(changes)
        self.now = self._compared = now
        Comparison(self.office, self.books, now).assert_holds()

    def look(self) -> None:
        """See what is, without judging it yet."""
        with self.office.look() as tx:
            self.now = take_snapshot(tx)

    def compare_at_rest(self) -> None:
        """The same when nothing is left to do."""
        self.compare()
        Comparison(self.office, self.books, self.now).assert_at_rest()

    # ---------------------------------------------------------------- what must hold at the edges

    def _about_to_send(self, worker: str, rfc_message_id: str, _to: str) -> None:
        """7: only who holds the lease begins a send, after its intent was committed; nothing while all is stopped."""
        query = (
            sa.select(dispatches, messages.c.generation.label("current"))
            .join_from(dispatches, messages, messages.c.id == dispatches.c.message_id)
            .where(dispatches.c.rfc_message_id == rfc_message_id)
        )
        with self.office.look() as tx:
            row = tx.execute(query).mappings().one()
            stopped = is_stopped(tx)
        self._find(row["state"] == DispatchState.SUBMITTING, f"dispatch {row['id']} leaves as {row['state']}")
        self._find(row["lease_owner"] == worker, f"dispatch {row['id']}: {worker} begins what {row['lease_owner']} has")
        self._find(row["lease_until"] is not None and row["lease_until"] > self.time, "a send begins without a lease")
        if row["kind"] == DispatchKind.FORWARD:
            self._find(row["generation"] == row["current"], f"dispatch {row['id']} is of an older decision")
        self._find(not stopped, "something leaves although all is stopped")

    def _about_to_move(self, mailbox: str, uids: Sequence[int]) -> None:
        """3: the source is not moved before a 250 and its commit."""
        account = self.office.accounts[mailbox]
        query = (
            sa.select(messages.c.id, messages.c.state, messages.c.file_step)
            .join_from(messages, mailboxes, mailboxes.c.id == messages.c.mailbox_id)
            .where(mailboxes.c.name == mailbox, messages.c.location_uid.in_(list(uids)))
            .where(messages.c.location_uid_validity == account.inbox.uid_validity)
        )
        accepted = sa.select(dispatches.c.message_id).where(
            dispatches.c.kind == DispatchKind.FORWARD, dispatches.c.state == DispatchState.ACCEPTED
        )
        with self.office.look() as tx:
            rows = tx.execute(query.where(messages.c.state != MessageState.MATCHED)).all()
            sent = set(tx.execute(accepted).scalars())
        self._find(len(rows) == len(uids), f"{len(uids)} are moved, {len(rows)} are known")
        for row in rows:
            done = row.state in (MessageState.DECIDED, MessageState.FORWARDED) and row.file_step != ""
            self._find(done, f"message {row.id} is moved as {row.state}")
            self._find(row.state == MessageState.DECIDED or row.id in sent, f"message {row.id} is moved unsent")

    def _find(self, holds: bool, text: str) -> None:
        """What the service's own loops would only note is kept, and fails the step."""
        if not holds:
            self.findings.append(text)
