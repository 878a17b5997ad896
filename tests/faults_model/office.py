"""The office: two mailboxes, an SMTP server, a record, two workers who may die, two people, and one clock.

Every stage is the service's own: reader, decider, dispatch stage, and the acts of the staff page. Only what stands
beyond the two network edges is a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from tests.dispatch.builders import account, classify_by_subject, submission
from tests.fakes import ChosenClassifier, ChosenKnowledge, FakeClock
from tests.faults_model.fate import Died, Fate, MortalStore
from tests.faults_model.letters import LARGEST
from tests.faults_model.mailbox import ModelAccount
from tests.faults_model.wire import ModelPool, ModelSmtp
from tests.rules.builders import build_rules
from triage.acts.people import Person, Role
from triage.bootstrap import folder_of
from triage.decider import Decider
from triage.dispatch.prepare import Preparer
from triage.dispatch.stage import DispatchStage
from triage.intake.plan import MailboxPlan
from triage.intake.reader import MailboxReader
from triage.parse import parse
from triage.reading import ParsedMessages
from triage.record import Store, Transaction
from triage.record.destinations import any_recovered, cure_recovered
from triage.record.mailboxes import note_probe
from triage.record.people import add_person
from triage.record.tables import identity
from triage.rules import MailboxRole
from triage.rules.types import Rules
from triage.signals import Heartbeats

INBOX, JUNK = "generale", "indesiderata"
LEASE = timedelta(seconds=120)
SECRET = "5e" * 32
"""The record's secret: what is drawn with it must be the same whenever an example is played again."""


def rules_of_office() -> Rules:
    """Both projects forward by themselves; a junk folder is watched too; nobody writes too often to be answered."""
    rules = build_rules()
    inbox = rules.mailboxes[INBOX]
    junk = replace(inbox, name=JUNK, role=MailboxRole.JUNK)
    limits = replace(
        rules.acknowledgements,
        per_domain_per_hour=10_000,
        per_hour_total=10_000,
        per_mailbox_per_hour=10_000,
        breaker_sent_per_hour=10_000,
        breaker_returned_per_hour=10_000,
    )
    return replace(rules, mailboxes={INBOX: inbox, JUNK: junk}, acknowledgements=limits)


class Worker:
    """One process: a reader a mailbox, a decider, a dispatch stage; all of it ends at once."""

    def __init__(self, office: Office, name: str, backlog_since: datetime | None = None) -> None:
        self.name = name
        self.fate = Fate()
        self.store = MortalStore(office.url, office.clock, self.fate)
        self._office = office
        self._backlog_since = backlog_since
        self._parsed = ParsedMessages()
        self._readers: dict[str, MailboxReader] = {}
        knowledge = office.knowledge.as_knowledge()
        self._decider = Decider(self.store, knowledge, self._parsed, name, LEASE, _nothing, parse)
        to = submission(25)
        self._stage = DispatchStage(
            self.store,
            Preparer(self.store, knowledge, self._parsed, read_since=office.clock.now()),
            to,
            name,
            LEASE,
            _nothing,
            _nothing,
            pool=ModelPool(to, office.smtp, name, self.fate),
        )

    def read(self, mailbox: str, *, reconcile: bool = False) -> int:
        """One pass over a mailbox; whatever goes wrong is the reader's own to note."""
        reader = self._reader(mailbox)
        if reconcile:
            reader.request_reconciliation()
        try:
            return reader.work()
        except Exception as error:  # noqa: BLE001 - as the reader's own loop does
            reader.fail(error)
            return 0

    def decide(self) -> int:
        """Decide one batch."""
        return self._decider.work()

    def send(self) -> int:
        """Submit what is due; addresses that work again are used again."""
        with self.store.read("anything recovered") as tx:
            recovered = any_recovered(tx)
        if recovered:
            with self.store.write("destinations cured") as tx:
                cure_recovered(tx)
        return self._stage.work()

    def turn(self, *, reconcile: bool = False) -> int:
        """One round of everything; how much was done."""
        done = sum(self.read(name, reconcile=reconcile) for name in (INBOX, JUNK))
        return done + self.decide() + self.send() + sum(self.read(name) for name in (INBOX, JUNK))

    def end(self, *, politely: bool) -> None:
        """The process ends; ``politely``: it logs out and gives back what it had."""
        self.fate.spare()
        for name in list(self._readers):
            self._drop(name, politely=politely)
        self._stage.close()
        self.store.close()

    def _reader(self, mailbox: str) -> MailboxReader:
        if mailbox not in self._readers:
            office = self._office
            self._readers[mailbox] = MailboxReader(
                self.store,
                mailbox,
                lambda: office.plan(mailbox, self._backlog_since),
                lambda: account(143, user=mailbox),
                self.name,
                LEASE,
                lambda decision: folder_of(office.rules, decision),
                60.0,
                Heartbeats(),
                _nothing,
                connect=lambda _account, _secrets: office.accounts[mailbox].connect(self.fate),
            )
        return self._readers[mailbox]

    def _drop(self, mailbox: str, *, politely: bool) -> None:
        reader = self._readers.pop(mailbox)
        if politely:
            reader.close()
        reader.wake.close()


class Office:
    """Everything that one example happens in. ``url`` is an empty record's; ``moves``: the servers have MOVE."""

    def __init__(self, url: str, start: datetime, *, moves: bool) -> None:
        self.url = url
        self.clock = FakeClock(start)
        self.smtp = ModelSmtp(self.clock)
        self.accounts = {INBOX: ModelAccount(moves=moves), JUNK: ModelAccount(moves=moves)}
        self.knowledge = ChosenKnowledge(rules_of_office(), ChosenClassifier(classify_by_subject))
        self.store = Store(url, self.clock)
        self.parsed = ParsedMessages()
        self._workers: dict[str, Worker] = {}
        self._started = 0
        self.deaths = 0
        with self.store.write("prepared") as tx:
            tx.execute(sa.insert(identity).values(name="secret", value=SECRET))
            for name in self.accounts:
                note_probe(tx, name, account(143, user=name).identity, "INBOX", return_path=True, plus=None)
            number = add_person(tx, "carla", "Carla Neri", Role.RESPONSIBLE, "x", given=False)
        self.carla = Person(number, "carla", "Carla Neri", Role.RESPONSIBLE)

    @property
    def rules(self) -> Rules:
        return self.knowledge.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self.knowledge.rules = rules

    def plan(self, mailbox: str, backlog_since: datetime | None) -> MailboxPlan:
        """One mailbox as intake needs it."""
        return MailboxPlan(
            name=mailbox,
            folder="INBOX",
            root="Smistati",
            max_octets=LARGEST,
            poll_seconds=60.0,
            backlog_since=backlog_since,
            configured=frozenset(self.accounts),
        )

    # ---------------------------------------------------------------- workers

    def worker(self, slot: str, backlog_since: datetime | None = None) -> Worker:
        """Who works in this place now; somebody new after a death."""
        if slot not in self._workers:
            self._started += 1
            self._workers[slot] = Worker(self, f"{slot}-{self._started}", backlog_since)
        return self._workers[slot]

    @property
    def at_work(self) -> Sequence[Worker]:
        return tuple(self._workers.values())

    def let(self, slot: str, work: Callable[[Worker], object]) -> bool:
        """Let somebody do something; whether they lived through it."""
        worker = self.worker(slot)
        try:
            work(worker)
        except Died:
            self.dismiss(slot, politely=False)
            self.deaths += 1
            return False
        worker.fate.spare()
        return True

    def dismiss(self, slot: str, *, politely: bool = True) -> None:
        """The worker of this place ends, if there is one."""
        worker = self._workers.pop(slot, None)
        if worker is not None:
            worker.end(politely=politely)

    def close(self) -> None:
        """Give everything back."""
        for slot in list(self._workers):
            self.dismiss(slot, politely=False)
        self.store.close()

    # ---------------------------------------------------------------- people, and looking

    @contextmanager
    def act(self) -> Iterator[Transaction]:
        """One act of Carla's."""
        with self.store.write("act", self.carla.name) as tx:
            yield tx

    @contextmanager
    def look(self) -> Iterator[Transaction]:
        """A look at the record."""
        with self.store.read("look") as tx:
            yield tx


def _nothing() -> None:
    """Nobody waits to be woken."""
