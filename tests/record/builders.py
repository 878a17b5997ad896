"""Builds a record step by step with its public functions: what each test starts from.

All persons and addresses are invented. The clock stands still until a test moves it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from triage.record import Store, Transaction
from triage.record.attempts import Ending, begin_attempts, end_attempts
from triage.record.claims import claim_received
from triage.record.decisions import Settlement, record_decisions
from triage.record.dispatches import DispatchRow, dispatches_of, lease_dispatches, mark_forwarded
from triage.record.mailboxes import MailboxRow, begin_numbering, lease_mailbox, mailbox_row
from triage.record.messages import (
    COLUMNS,
    MessageRow,
    Reception,
    get_message,
    list_messages,
    record_receptions,
    row_of,
)
from triage.record.octets import digest
from triage.record.planned import PlannedDispatch
from triage.record.tables import messages
from triage.vocabulary import (
    Action,
    AttemptOutcome,
    Decision,
    DispatchKind,
    DispatchState,
    ListedMessage,
    MessageState,
    Reason,
    RuleTried,
    SubmissionResult,
)

START = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
LEASE = timedelta(minutes=5)
PLENTY = 1 << 40
OGLIO_PO = "oglio-po@example.org"
CREMA = "crema@example.org"
FAMILY = "anna.rossi@example.com"

_numbers = itertools.count(1)


class MovedClock:
    """Tells the time that the test says."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def forward(self, by: timedelta) -> None:
        """Let time pass."""
        self._now += by


# --------------------------------------------------------------------------- intake


def a_mailbox(store: Store, name: str = "ufficio", worker: str = "reader-1") -> MailboxRow:
    """A mailbox that ``worker`` reads, under UIDVALIDITY 7."""
    with store.write("mailbox") as tx:
        mailbox = lease_mailbox(tx, name, worker, timedelta(days=365))
        assert mailbox is not None
        if mailbox.uid_validity is None:
            begin_numbering(tx, mailbox, 7, 1)
        return mailbox_row(tx, name)


def list_uids(
    store: Store, mailbox: MailboxRow, uids: Sequence[int], state: MessageState = MessageState.LISTED, size: int = 10
) -> list[int]:
    """List these UIDs; the ids of their rows."""
    with store.write("list") as tx:
        listed = [ListedMessage(uid, size, START - timedelta(hours=1)) for uid in uids]
        list_messages(tx, mailbox, listed, state=state, last_uid=max(uids))
    return [row.id for row in rows_of(store) if row.mailbox_id == mailbox.id and row.uid in set(uids)]


def receive(store: Store, mailbox: MailboxRow, contents: Sequence[bytes]) -> list[int]:
    """List and receive messages with these octets; their ids."""
    known = [row.uid for row in rows_of(store) if row.mailbox_id == mailbox.id]
    first = max(known, default=0) + 1
    keys = list_uids(store, mailbox, range(first, first + len(contents)))
    with store.write("receive") as tx:
        record_receptions(tx, mailbox, [reception(key, data) for key, data in zip(keys, contents, strict=True)])
    return keys


def reception(message_id: int, octets: bytes, state: MessageState = MessageState.RECEIVED) -> Reception:
    """A message whose octets the server gave."""
    return Reception(message_id, state, octets, digest(octets))


def received(store: Store, count: int, mailbox: str = "ufficio") -> list[int]:
    """That many different messages, received."""
    return receive(store, a_mailbox(store, mailbox), [b"Message %d\r\n" % next(_numbers) for _ in range(count)])


# --------------------------------------------------------------------------- decide


def claim(
    store: Store, worker: str = "decider-1", limit: int = 100, lease: timedelta = LEASE, max_octets: int = PLENTY
) -> list[MessageRow]:
    """Lease received messages in a transaction of their own."""
    with store.write("claim") as tx:
        return claim_received(tx, worker, limit, lease, max_octets)


def a_decision(action: Action = Action.FORWARD, **changes: object) -> Decision:
    """A decision with every field filled."""
    values: dict[str, object] = {
        "action": action,
        "destination": "oglio_po",
        "territory": "oglio_po",
        "topic": "orientamento",
        "urgent": False,
        "language": "it",
        "automatic": False,
        "acknowledge": True,
        "confidence": 0.97,
        "project": "oglio_po",
        "address_key": "default",
        "forward_path": OGLIO_PO,
        "rules_tried": (RuleTried("urgenze", 12, False), RuleTried("famiglie", 20, True)),
        "reasons": (Reason("luogo", {"comune": "Viadana", "start": 3, "end": 10, "peso": 0.9}),),
        "rules_version": "rules-1",
        "model_version": "model-1",
    }
    return Decision(**(values | changes))  # type: ignore[arg-type]


def planned(
    kind: DispatchKind = DispatchKind.FORWARD, to: str = OGLIO_PO, due_at: datetime = START, message_id: str = ""
) -> PlannedDispatch:
    """One dispatch to one recipient, with a Message-ID of its own unless one is given."""
    priorities = {DispatchKind.NOTICE: 0, DispatchKind.FORWARD: 1, DispatchKind.ACKNOWLEDGEMENT: 2}
    return PlannedDispatch(
        kind=kind,
        project="oglio_po",
        address_key="default",
        forward_path=to,
        recipient_key=f"key of {to}",
        domain_key="key of the domain",
        rfc_message_id=message_id or f"<{next(_numbers)}@example.org>",
        priority=priorities[kind],
        due_at=due_at,
    )


def acknowledgement(due_at: datetime = START + timedelta(hours=4), to: str = FAMILY) -> PlannedDispatch:
    """An acknowledgement that waits for the forward."""
    return planned(DispatchKind.ACKNOWLEDGEMENT, to, due_at)


def forward_of(row: MessageRow, *, acknowledged: bool = True, case_id: int | None = None) -> Settlement:
    """A settlement that forwards a claimed message, and acknowledges it."""
    plans = (planned(), acknowledgement()) if acknowledged else (planned(),)
    return Settlement(row, a_decision(), MessageState.DECIDED, case_id=case_id, dispatches=plans)


def held(row: MessageRow, reason: str = "zona_incerta") -> Settlement:
    """A settlement that leaves a claimed message to a person."""
    return Settlement(row, a_decision(Action.HOLD), MessageState.HELD, hold_reason=reason)


def filed_unsent(row: MessageRow) -> Settlement:
    """A settlement that files a claimed message with nothing sent."""
    return Settlement(row, a_decision(Action.FILE, destination="nessuna"), MessageState.DECIDED, file=True)


def settle(store: Store, settlements: Sequence[Settlement]) -> int:
    """Record decisions in a transaction of their own."""
    with store.write("decide") as tx:
        return record_decisions(tx, settlements)


def decided(store: Store, count: int = 1, *, acknowledged: bool = True) -> list[int]:
    """That many messages, each with a pending forward (and a waiting acknowledgement)."""
    keys = received(store, count)
    assert settle(store, [forward_of(row, acknowledged=acknowledged) for row in claim(store)]) == count
    return keys


# --------------------------------------------------------------------------- dispatch


def lease_next(store: Store, worker: str = "sender-1", limit: int = 100, lease: timedelta = LEASE) -> list[DispatchRow]:
    """Lease dispatches that are due in a transaction of their own."""
    with store.write("lease") as tx:
        return lease_dispatches(tx, worker, limit, lease)


def begin(
    store: Store, rows: Sequence[DispatchRow], worker: str = "sender-1", lease: timedelta = LEASE
) -> list[DispatchRow]:
    """Begin attempts in a transaction of their own."""
    with store.write("begin") as tx:
        return begin_attempts(tx, rows, worker, lease)


ACCEPTED = SubmissionResult(AttemptOutcome.ACCEPTED, "data", 250, "2.0.0", "Queued")
TRANSIENT = SubmissionResult(AttemptOutcome.TRANSIENT, "rcpt", 451, "4.7.1", "Try again later")
PERMANENT = SubmissionResult(AttemptOutcome.PERMANENT, "rcpt", 550, "5.1.1", "No such user")
UNKNOWN = SubmissionResult(AttemptOutcome.UNKNOWN, "data")


def end(
    store: Store,
    rows: Sequence[DispatchRow],
    result: SubmissionResult = ACCEPTED,
    state: DispatchState = DispatchState.ACCEPTED,
) -> list[Ending]:
    """Record the same answer for all; accepted forwards move their messages in the same transaction."""
    with store.write("end") as tx:
        kept = end_attempts(tx, [Ending(row, result, state, tx.now) for row in rows])
        done = [item.row for item in kept if item.state is DispatchState.ACCEPTED]
        mark_forwarded(tx, [row for row in done if row.kind == DispatchKind.FORWARD])
        return kept


def send_all(store: Store) -> int:
    """Send everything that is due, with success; how many were sent."""
    rows = begin(store, lease_next(store))
    end(store, rows)
    return len(rows)


# --------------------------------------------------------------------------- looking


def message(store: Store, message_id: int) -> MessageRow:
    """One message's row."""
    with store.read("look") as tx:
        row = get_message(tx, message_id)
    assert row is not None
    return row


def dispatches(store: Store, message_id: int) -> list[DispatchRow]:
    """All dispatches of one message, oldest first."""
    with store.read("look") as tx:
        return dispatches_of(tx, message_id)


def rows_of(store: Store) -> list[MessageRow]:
    """Every message, oldest first."""
    with store.read("look") as tx:
        return [row_of(row) for row in tx.execute(sa.select(*COLUMNS).order_by(messages.c.id)).mappings()]


def count(store: Store, table: sa.Table) -> int:
    """How many rows a table has."""
    with store.read("look") as tx:
        return count_in(tx, table)


def count_in(tx: Transaction, table: sa.Table) -> int:
    """How many rows a table has, as this transaction sees it."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
