"""The machine: everything outside, everybody inside, and the service's stages, a step at a time in any order.

After every step the record is held against itself and against the model's books. At rest, and at the end of every
example, all that can be worked off has been, and every letter is where the books have it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tests.faults_model import letters
from tests.faults_model.bench import BOXES, SLOTS
from tests.faults_model.letters import End, Kind
from tests.faults_model.office import INBOX, JUNK, LEASE, Worker
from tests.faults_model.outside import FIRST, Outside
from tests.faults_model.people import People
from triage.record.destinations import cure_destination
from triage.record.identity import set_stopped
from triage.vocabulary import DispatchState, MessageState

STARTS = (
    datetime(2026, 11, 25, 9, 0, tzinfo=UTC),
    datetime(2026, 3, 28, 22, 30, tzinfo=UTC),
    datetime(2026, 10, 24, 23, 30, tzinfo=UTC),
    datetime(2028, 2, 29, 11, 0, tzinfo=UTC),
)
"""A Wednesday morning; the nights of both changes of the clocks; a leap day."""
MOVING = (MessageState.LISTED, MessageState.RECEIVED, MessageState.DECIDED, MessageState.FORWARDED)
PAUSES = (
    *[timedelta(minutes=2, seconds=5)] * 4,
    *[timedelta(minutes=20)] * 4,
    *[timedelta(hours=5)] * 6,
    *[timedelta(days=1)] * 12,
)
"""Within these everything that waits for a time has had its time: undo, leases, back-off, five days, seven days."""
OFTEN = 10
"""Steps between two rests: each takes as long as many steps."""
WORKS = st.sampled_from(("read", "decide", "send", "turn"))


class Machine(Outside, People):
    """All rules together."""

    @initialize(
        start=st.sampled_from(STARTS),
        moves=st.booleans(),
        kinds=st.lists(st.sampled_from(FIRST), min_size=3, max_size=8),
    )
    def the_service_starts(self, start: datetime, moves: bool, kinds: list[Kind]) -> None:
        self.prepare(start - timedelta(days=20), moves=moves)
        for kind in (Kind.NORTH, Kind.COMPLAINT):
            old = letters.write(len(self.letters), kind, self.time)
            self._deliver(old, INBOX)
            self.books.entries[old].ends = frozenset({End.BASELINE})
            self.books.entries[old].touched = True
        self.forward(timedelta(days=20))
        for mailbox in (INBOX, JUNK):
            self.office.worker("one").read(mailbox)
        for kind in kinds:
            self.mail_arrives(kind, INBOX)

    # ---------------------------------------------------------------- the service works

    @rule(slot=SLOTS, mailbox=BOXES, cut=st.none() | st.integers(0, 14), reconcile=st.booleans())
    def read(self, slot: str, mailbox: str, cut: int | None, reconcile: bool) -> None:
        """List, fetch, look, file; the connection may break between any two commands."""
        self.used("read")
        self.office.accounts[mailbox].cut = cut
        self.office.let(slot, lambda worker: worker.read(mailbox, reconcile=reconcile))
        self.office.accounts[mailbox].cut = None

    @rule(slot=SLOTS)
    def decide(self, slot: str) -> None:
        self.used("decide")
        self.office.let(slot, Worker.decide)

    @rule(slot=SLOTS)
    def send(self, slot: str) -> None:
        self.used("send")
        self._watch_answers(lambda: self.office.let(slot, Worker.send))

    @rule(slot=SLOTS)
    def take_a_turn(self, slot: str) -> None:
        self.used("turn")
        self._watch_answers(lambda: self.office.let(slot, Worker.turn))

    @rule(slot=SLOTS, work=WORKS, at=st.integers(0, 30))
    def die_between_two_steps(self, slot: str, work: str, at: int) -> None:
        self.used("die")
        self._watch_answers(lambda: self._strike(slot, work, lambda worker: worker.fate.die(at)))

    @rule(slot=SLOTS, work=WORKS, at=st.integers(0, 30))
    def stand_still_while_others_go_on(self, slot: str, work: str, at: int) -> None:
        """Past its lease, so that the other takes over; then it is woken."""
        self.used("pause")
        other = "two" if slot == "one" else "one"

        def meanwhile() -> None:
            self.forward(LEASE + timedelta(seconds=1))
            self.office.let(other, Worker.turn)

        self._watch_answers(lambda: self._strike(slot, work, lambda worker: worker.fate.pause(at, meanwhile)))

    def _strike(self, slot: str, work: str, befall: Callable[[Worker], None]) -> None:
        works: dict[str, Callable[[Worker], object]] = {
            "read": lambda worker: worker.read(INBOX),
            "decide": Worker.decide,
            "send": Worker.send,
            "turn": Worker.turn,
        }
        befall(self.office.worker(slot))
        self.office.let(slot, works[work])
        # Whoever was reading when it happened has counted a try: after three of them nobody tries again.
        self.books.widen_all({End.QUARANTINED} if self.office.deaths > 1 else set())

    @precondition(lambda self: self.calm)
    @rule(slot=SLOTS)
    def a_worker_starts_anew(self, slot: str) -> None:
        self.used("restart", beside=True)
        self.office.dismiss(slot)
        self.office.worker(slot)

    @precondition(lambda self: self.messages(MessageState.BASELINE))
    @rule(slot=SLOTS)
    def the_backlog_is_let_in(self, slot: str) -> None:
        """``triage worker --backlog``."""
        self.used("backlog")
        self.office.dismiss(slot)
        for letter in self.letters:
            if End.BASELINE in self.books.entries[letter].ends:
                self.books.widen(letter, End.WAITS, End.FORWARDED, End.MATCHED)
        worker = self.office.worker(slot, backlog_since=self.time - timedelta(days=400))
        self._watch_answers(lambda: [worker.read(name) for name in (INBOX, JUNK)])
        self.office.dismiss(slot)

    def _watch_answers(self, work: Callable[[], object]) -> None:
        """Enter into the books what the SMTP server said other than yes."""
        before = len(self.office.smtp.handed)
        work()
        handed = [one for one in self.office.smtp.handed[before:] if one.answer.value.result.code != 250]
        if not handed:
            return
        self.compare()
        for one in handed:
            letter, project = self._about(one), self.books.project_at(one.to)
            self.books.entries[letter].touched = True
            if project:
                refused = one.answer.value.result.code >= 500
                self.books.answered(letter, project, refused=refused)
            else:
                self.books.widen(letter, End.WAITS)

    # ---------------------------------------------------------------- at rest

    @precondition(lambda self: self.since_rest >= OFTEN)
    @rule()
    def everything_is_worked_off(self) -> None:
        self.used("worked off")
        self.since_rest = 0
        self._work_off()
        self.compare_at_rest()

    def _work_off(self) -> None:
        """Every fault is over, nothing is stopped, and time goes by until nothing is left to do."""
        self.office.smtp.told.clear()
        for account in self.office.accounts.values():
            account.cut, account.full = None, False
            for item in account.inbox.items.values():
                item.hidden = item.refused = False
        if self.stopped:
            self.stopped = False
            with self.office.act() as tx:
                set_stopped(tx, False)
        with self.office.act() as tx:
            for known in self.books.addresses.values():
                for address in sorted(known):
                    cure_destination(tx, address)
        for number, pause in enumerate(PAUSES):
            for slot in ("one", "two"):
                self.office.let(slot, lambda worker, first=number == 0: worker.turn(reconcile=first))  # type: ignore[misc]
            self.look()
            if self._is_at_rest():
                return
            self.forward(pause)

    def _is_at_rest(self) -> bool:
        on_its_way = (DispatchState.PENDING, DispatchState.SUBMITTING)
        for box in self.now.boxes.values():
            inbox = self.office.accounts[box["name"]].inbox
            if (box["uid_validity"], box["last_uid"]) != (
                inbox.uid_validity,
                max(inbox.items, default=box["last_uid"]),
            ):
                return False  # nobody has looked, as while a dead worker's lease runs
        return not self.messages(*MOVING) and all(row["state"] not in on_its_way for row in self.now.sends.values())

    # ---------------------------------------------------------------- after every step

    @invariant()
    def both_ledgers_agree(self) -> None:
        self.compare()

    def teardown(self) -> None:
        """At the end of every example: rest, unless something has been found already."""
        if not hasattr(self, "office"):
            return
        try:
            if sys.exc_info()[1] is None:
                self._work_off()
                self.compare_at_rest()
        finally:
            self.coverage.deaths += self.office.deaths
            self.office.close()
