"""Random walks of valid operations: whatever happens in whatever order, the record adds up.

After every step each changed state has its audit rows, nothing else has any, and the ledger closes.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.faults_model.snapshot import Snapshot, assert_explained, take_snapshot
from tests.record.builders import (
    ACCEPTED,
    CREMA,
    LEASE,
    OGLIO_PO,
    PERMANENT,
    TRANSIENT,
    UNKNOWN,
    MovedClock,
    a_decision,
    a_mailbox,
    acknowledgement,
    filed_unsent,
    forward_of,
    held,
    planned,
    reception,
)
from triage.acts.people import Person, Role
from triage.record import LostLeaseError, Store, Transaction
from triage.record.attempts import Ending, begin_attempts, end_attempts
from triage.record.claims import claim_received, release_claims
from triage.record.corrections import open_for_correction
from triage.record.decisions import Settlement, record_decisions
from triage.record.dispatches import (
    DispatchRow,
    end_unsent,
    lease_dispatches,
    mark_forwarded,
    put_back,
    renew_leases,
    take_abandoned,
)
from triage.record.filing import (
    due_for_filing,
    postpone_filing,
    record_filed,
    record_presence,
    record_step,
)
from triage.record.ledger import compute_ledger
from triage.record.let_in import release_baseline
from triage.record.mailboxes import mailbox_row
from triage.record.messages import (
    MessageRow,
    Reception,
    change_state,
    get_message,
    list_messages,
    listed_messages,
    messages_in,
    postpone_fetch,
    record_receptions,
)
from triage.record.returned import Returned, ReturnKind, dispatches_named, record_returns
from triage.record.settlements import Exit, add_settlement
from triage.record.tables import dispatches
from triage.vocabulary import Action, AttemptOutcome, DispatchKind, DispatchState, ListedMessage, MessageState

WORKERS = ("one", "two", "three")


CARLA = Person(None, "carla", "Carla", Role.OPERATOR)


class Walk:
    """Two workers and a person doing valid things at random; stale claims are kept and used too."""

    def __init__(self, store: Store, clock: MovedClock, seed: int) -> None:
        self._store = store
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self._claims: list[MessageRow] = []
        self._leased: list[tuple[str, DispatchRow]] = []
        self._begun: list[DispatchRow] = []
        self._looked: list[MessageRow] = []
        a_mailbox(store)
        self._steps: tuple[tuple[int, Callable[[Transaction], None]], ...] = (
            (2, self._list),
            (4, self._receive),
            (1, self._postpone_fetch),
            (1, self._gone),
            (1, self._backlog),
            (4, self._claim),
            (5, self._settle),
            (1, self._release),
            (2, self._quarantine),
            (6, self._lease),
            (6, self._begin),
            (6, self._end),
            (1, self._put_back),
            (1, self._cancel),
            (1, self._renew),
            (1, self._abandoned),
            (2, self._look_at_done),
            (2, self._file),
            (2, self._settled_by_a_person),
            (1, self._corrected_by_a_person),
            (1, self._ended_by_a_person),
            (1, self._closed_where_it_lies),
            (1, self._comes_back),
        )

    def step(self) -> str:
        """Do one thing; its name."""
        if self._random.random() < 0.15:
            self._clock.forward(self._random.choice((timedelta(seconds=20), LEASE, timedelta(hours=5))))
        weights = [weight for weight, _ in self._steps]
        work = self._random.choices([work for _, work in self._steps], weights)[0]
        with self._store.write(work.__name__, self._random.choice(WORKERS)) as tx:
            work(tx)
        return work.__name__

    # ------------------------------------------------------------------- intake

    def _list(self, tx: Transaction) -> None:
        mailbox = mailbox_row(tx, "ufficio")
        first = max(1, mailbox.last_uid - 1)
        uids = range(first, mailbox.last_uid + self._random.randint(1, 4) + 1)
        state = MessageState.BASELINE if self._random.random() < 0.2 else MessageState.LISTED
        list_messages(tx, mailbox, [ListedMessage(uid, 10, None) for uid in uids], state=state, last_uid=uids[-1])

    def _receive(self, tx: Transaction) -> None:
        mailbox = mailbox_row(tx, "ufficio")
        rows = listed_messages(tx, mailbox, self._random.randint(1, 5))
        record_receptions(tx, mailbox, [self._reception(row) for row in rows])

    def _reception(self, row: MessageRow) -> Reception:
        data = b"Message %d" % self._random.randint(1, 40)
        states = [MessageState.RECEIVED] * 8 + [MessageState.HELD, MessageState.MATCHED, MessageState.OVERSIZE]
        state = self._random.choice([*states, MessageState.VANISHED, MessageState.UNREADABLE])
        if state in (MessageState.VANISHED, MessageState.UNREADABLE):
            return Reception(row.id, state)
        return reception(row.id, data, state)

    def _postpone_fetch(self, tx: Transaction) -> None:
        mailbox = mailbox_row(tx, "ufficio")
        rows = listed_messages(tx, mailbox, 1)
        postpone_fetch(tx, mailbox, [row.id for row in rows], tx.now + timedelta(seconds=10))

    def _gone(self, tx: Transaction) -> None:
        rows = messages_in(tx, (MessageState.LISTED, MessageState.RECEIVED, MessageState.HELD))
        record_presence(tx, [row.id for row in rows[1:3]], rows[:1])

    def _backlog(self, tx: Transaction) -> None:
        rows = messages_in(tx, (MessageState.BASELINE,), 2)
        release_baseline(tx, mailbox_row(tx, "ufficio"), [row.uid for row in rows])

    # ------------------------------------------------------------------- decide

    def _claim(self, tx: Transaction) -> None:
        self._claims += claim_received(tx, self._random.choice(WORKERS), self._random.randint(1, 4), LEASE, 1 << 20)

    def _take_claims(self) -> list[MessageRow]:
        """Some of the claims ever made; the same one may come up again when it is long lost."""
        taken = self._claims[:3]
        self._claims = self._claims[3:] + (taken[:1] if self._random.random() < 0.3 else [])
        return list({row.id: row for row in taken}.values())

    def _settle(self, tx: Transaction) -> None:
        record_decisions(tx, [self._settlement(row) for row in self._take_claims()])

    def _settlement(self, row: MessageRow) -> Settlement:
        makers = (self._forward, self._forward, self._forward, held, filed_unsent)
        return replace(self._random.choice(makers)(row), case_id=row.case_id)

    def _forward(self, row: MessageRow) -> Settlement:
        due_at = self._clock.now()
        addresses = self._random.choice(((OGLIO_PO,), (CREMA,), (OGLIO_PO, CREMA)))
        plans = (*(planned(to=to, due_at=due_at) for to in addresses), acknowledgement(due_at + timedelta(hours=4)))
        return replace(forward_of(row), dispatches=plans)

    def _release(self, tx: Transaction) -> None:
        release_claims(tx, self._take_claims())

    def _quarantine(self, tx: Transaction) -> None:
        for row in self._take_claims()[:1]:
            self._move(tx, row, MessageState.QUARANTINED, "quarantined")

    # ------------------------------------------------------------------- dispatch

    def _lease(self, tx: Transaction) -> None:
        worker = self._random.choice(WORKERS)
        self._leased += [(worker, row) for row in lease_dispatches(tx, worker, self._random.randint(1, 8), LEASE)]

    def _take_leased(self) -> tuple[str, list[DispatchRow]]:
        if not self._leased:
            return WORKERS[0], []
        worker = self._leased[0][0]
        taken = [row for owner, row in self._leased[:8] if owner == worker]
        self._leased = [(owner, row) for owner, row in self._leased if row not in taken]
        return worker, list({row.id: row for row in taken}.values())

    def _begin(self, tx: Transaction) -> None:
        worker, rows = self._take_leased()
        self._begun += begin_attempts(tx, rows, worker, LEASE)

    def _end(self, tx: Transaction) -> None:
        rows = self._begun[:6]
        self._begun = self._begun[6:] + (rows[:1] if self._random.random() < 0.2 else [])
        self._answer(tx, rows)

    def _answer(self, tx: Transaction, rows: list[DispatchRow]) -> None:
        endings = []
        for row in {row.id: row for row in rows}.values():
            often = ACCEPTED if row.kind == DispatchKind.FORWARD else UNKNOWN
            result = self._random.choice((ACCEPTED, often, often, TRANSIENT, PERMANENT, UNKNOWN))
            states = {
                AttemptOutcome.ACCEPTED: DispatchState.ACCEPTED,
                AttemptOutcome.TRANSIENT: DispatchState.PENDING,
                AttemptOutcome.PERMANENT: DispatchState.FAILED,
                AttemptOutcome.UNKNOWN: DispatchState.PENDING,
            }
            state = states[result.outcome]
            if result is UNKNOWN and row.kind == DispatchKind.ACKNOWLEDGEMENT:
                state = DispatchState.UNKNOWN
            endings.append(Ending(row, result, state, tx.now + timedelta(seconds=15)))
        kept = [item for item in end_attempts(tx, endings) if item.row.kind == DispatchKind.FORWARD]
        mark_forwarded(tx, [item.row for item in kept if item.state == DispatchState.ACCEPTED])
        for item in kept:
            if item.state == DispatchState.FAILED:
                self._hold(tx, item.row)

    def _hold(self, tx: Transaction, row: DispatchRow) -> None:
        found = get_message(tx, row.message_id)
        if found is not None and found.state == MessageState.DECIDED and found.generation == row.generation:
            change_state(tx, found, MessageState.HELD, "held", hold_reason="rifiutato")

    def _put_back(self, tx: Transaction) -> None:
        put_back(tx, self._take_leased()[1], tx.now + timedelta(seconds=10))

    def _cancel(self, tx: Transaction) -> None:
        for row in end_unsent(tx, self._take_leased()[1][:1], DispatchState.CANCELLED, "indirizzo"):
            if row.kind == DispatchKind.FORWARD:
                self._hold(tx, row)

    def _renew(self, tx: Transaction) -> None:
        renew_leases(tx, [row.id for row in self._begun], self._random.choice(WORKERS), LEASE)

    def _abandoned(self, tx: Transaction) -> None:
        self._answer(tx, take_abandoned(tx, self._random.choice(WORKERS), 3, LEASE))

    # ------------------------------------------------------------------- file, review

    def _look_at_done(self, tx: Transaction) -> None:
        self._looked = due_for_filing(tx, mailbox_row(tx, "ufficio"), 4)

    def _file(self, tx: Transaction) -> None:
        what = self._random.choice(("copied", "filed", "found_moved", "later"))
        if what == "copied":
            record_step(tx, self._looked, what, "Smistati")
        elif what == "later":
            postpone_filing(tx, self._looked, tx.now + timedelta(seconds=10))
        else:
            record_filed(tx, self._looked, "Smistati" if what == "filed" else None, what)

    def _settled_by_a_person(self, tx: Transaction) -> None:
        for row in messages_in(tx, (MessageState.HELD, MessageState.QUARANTINED), 2):
            self._move(tx, row, MessageState.RECEIVED, "retried")

    def _ended_by_a_person(self, tx: Transaction) -> None:
        for row in messages_in(tx, (MessageState.HELD, MessageState.QUARANTINED), 1):
            fresh = open_for_correction(tx, row, {})
            decision = a_decision(Action.FILE, destination="operatore")
            settlement = Settlement(fresh, decision, MessageState.DECIDED, case_id=row.case_id, file=True)
            assert record_decisions(tx, [settlement]) == 1
            add_settlement(tx, CARLA, row.id, Exit.CLOSED, row.generation + 1, {})

    def _closed_where_it_lies(self, tx: Transaction) -> None:
        for row in messages_in(tx, (MessageState.OVERSIZE, MessageState.UNREADABLE), 1):
            change_state(tx, row, MessageState.CLOSED, "closed", hold_reason="")
            add_settlement(tx, CARLA, row.id, Exit.CLOSED, row.generation, {})

    def _corrected_by_a_person(self, tx: Transaction) -> None:
        for row in messages_in(tx, (MessageState.FORWARDED, MessageState.FILED), 1):
            try:
                change_state(tx, row, MessageState.HELD, "corrected", hold_reason="corretto", file_step="")
            except LostLeaseError:
                assert get_message(tx, row.id) != row

    def _comes_back(self, tx: Transaction) -> None:
        """Something says of what was sent that it did not arrive, or is not wanted."""
        over = (DispatchState.ACCEPTED, DispatchState.UNKNOWN, DispatchState.RETURNED)
        query = sa.select(dispatches.c.rfc_message_id).where(dispatches.c.state.in_(over))
        named = dispatches_named(tx, list(tx.execute(query).scalars()))
        about = [(row, one) for one in named.values() if (row := get_message(tx, one.message_id)) is not None]
        if about:
            row, sent = self._random.choice(about)
            kind = self._random.choice((ReturnKind.FAILED, ReturnKind.HANDED_BACK, ReturnKind.DELAYED))
            reopens = "" if kind is ReturnKind.DELAYED or sent.kind != DispatchKind.FORWARD else "restituito"
            record_returns(tx, [(row, Returned(kind, sent, "5.1.1", reopens))])

    def _move(self, tx: Transaction, row: MessageRow, to_state: MessageState, event: str) -> None:
        try:
            change_state(tx, row, to_state, event, tries=0, due_at=tx.now)
        except LostLeaseError:
            assert get_message(tx, row.id) != row


def _look(store: Store) -> Snapshot:
    with store.read("look") as tx:
        return take_snapshot(tx)


@pytest.mark.parametrize("seed", range(4))
def test_in_any_order_of_valid_steps_every_change_is_audited_and_the_ledger_closes(
    store: Store, clock: MovedClock, seed: int
) -> None:
    walk = Walk(store, clock, seed)
    before = _look(store)
    for number in range(120):
        name = walk.step()
        after = _look(store)
        with store.read("ledger") as tx:
            assert_explained(tx, before, after)
            differences = compute_ledger(tx).differences
        assert differences == (), f"after step {number}, {name}"
        before = after


def test_the_walks_reach_every_state_of_messages_and_dispatches(sqlite_url: str, clock: MovedClock) -> None:
    """Else a walk that never gets anywhere would prove nothing."""
    store = Store(sqlite_url, clock)
    walk = Walk(store, clock, 7)
    seen: set[tuple[str, str]] = set()
    for _ in range(700):
        walk.step()
        seen |= {(kind, state) for (kind, _), state in _look(store).states.items()}
    store.close()
    expected = {("message", str(state)) for state in MessageState if state is not MessageState.ERASED}
    assert seen == expected | {("dispatch", str(state)) for state in DispatchState}
