"""A desk for the tests of decider and dispatch: a record, chosen rules, and the two real stages.

Octets enter by :meth:`Desk.receive`; decisions and what the SMTP sink got leave. The clock stands
still; moving it by :meth:`Desk.advance` lets the mailbox be looked at, as its reader would.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from tests.decide.builders import classification
from tests.fakes import ChosenClassifier, ChosenKnowledge, FakeClock, WatchedStore
from tests.rules.builders import build_rules
from tests.servers.mail import make_mail
from tests.servers.smtp_sink import SmtpSink
from triage.decider import Decider
from triage.dispatch.prepare import Preparer
from triage.dispatch.scanning import NoScanning, Scanning
from triage.dispatch.stage import DispatchStage
from triage.parse.isolated import parse_isolated
from triage.reading import ParsedMessages
from triage.record import Transaction
from triage.record.attempts import begin_attempts
from triage.record.audit import history
from triage.record.decisions import decision_of
from triage.record.dispatches import DispatchRow, attempts_of, dispatches_of, lease_dispatches
from triage.record.filing import record_presence
from triage.record.identity import set_stopped
from triage.record.incidents import open_incidents
from triage.record.ledger import compute_ledger
from triage.record.let_in import send_again
from triage.record.mailboxes import begin_numbering, known_mailboxes, lease_mailbox, mailbox_row, note_probe
from triage.record.messages import MessageRow, Reception, get_message, list_messages, record_receptions
from triage.record.octets import digest
from triage.record.tables import mailboxes, messages, returns
from triage.rules.types import Rules
from triage.settings import Account, Login, Scanner, Security, Submission
from triage.vocabulary import (
    Classification,
    Decision,
    DispatchKind,
    DispatchState,
    InboundMessage,
    ListedMessage,
    MessageState,
)

OURS = "famiglie@agency.example"
NORD = "nord@nord.example"
SUD = "sud@sud.example"
ON_CALL = "reperibile@oncall.example"
ANNA = "anna.rossi@family.example"
START = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
"""A Wednesday morning, ten o'clock in Italy."""
LEASE = timedelta(seconds=120)
RULES = build_rules()


def a_mail(body: str = "Buongiorno,\nche orari fate?\n", **options: Any) -> bytes:
    """A message from Anna Rossi to the agency, with her Return-Path."""
    values: dict[str, Any] = {
        "subject": "Orari",
        "author": f"Anna Rossi <{ANNA}>",
        "to": OURS,
        "return_path": ANNA,
    }
    return make_mail(body, **(values | options))


def from_family(number: int, **options: Any) -> bytes:
    """A message from one of many families."""
    address = f"famiglia{number}@family.example"
    return a_mail(f"Buongiorno, siamo la famiglia {number}.\n", author=address, return_path=address, **options)


def classify_by_subject(message: InboundMessage) -> Classification:
    """Altavilla and ``orientamento`` unless the subject asks for something else."""
    subject = message.subject.casefold()
    if "veleno" in subject:
        raise RuntimeError("poison")
    changes: dict[str, Any] = {}
    if "sud" in subject:
        changes["comune_scores"] = {"Dossobuono": 0.97}
    if "reclamo" in subject:
        changes["topic"] = "reclamo"
    if "pericolo" in subject:
        changes |= {"urgent": True, "alert": True}
    if "oggi" in subject:
        changes["urgent"] = True
    if "nessun luogo" in subject:
        changes |= {"comune_scores": {}, "unstated": 1.0}
    if "senza luogo" in subject:
        changes |= {"comune_scores": {"Altavilla": 0.2}, "unstated": 0.8}
    if "english" in subject:
        changes |= {"language": "en"}
    if "undelivered" in subject or "notiziario" in subject:
        changes |= {"topic": "non_pertinente", "topic_scores": {"non_pertinente": 1.0}}
        changes |= {"automatic": True, "automatic_proved": True}
    return classification(**changes)


def change_project(rules: Rules, code: str, **changes: Any) -> Rules:
    """The same rules with one project changed."""
    projects = dict(rules.projects) | {code: replace(rules.projects[code], **changes)}
    return replace(rules, projects=projects)


def readdress(rules: Rules, code: str, **changes: Any) -> Rules:
    """The same rules with a project's ordinary address changed."""
    address = replace(rules.projects[code].addresses["default"], **changes)
    return change_project(rules, code, addresses={**rules.projects[code].addresses, "default": address})


def acknowledging(rules: Rules, **changes: Any) -> Rules:
    """The same rules with other limits of acknowledgements."""
    return replace(rules, acknowledgements=replace(rules.acknowledgements, **changes))


def account(port: int, **changes: Any) -> Account:
    """A plain account on loopback that needs no login."""
    plain = Account("127.0.0.1", port, "", "", Security.PLAIN, Login.NONE, "", 5.0)
    return replace(plain, **changes)


def submission(port: int, **changes: Any) -> Submission:
    """That account with four connections and no other limit."""
    made = Submission(account(port), connections=4, per_minute=0, per_connection=100, per_day=0, data_timeout=5.0)
    return replace(made, **changes)


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt as a test compares it."""

    outcome: str | None
    stage: str
    code: int


class Desk:
    """Record, rules and stages of one test. ``rules`` may be changed at any time."""

    def __init__(
        self,
        url: str,
        port: int,
        *,
        rules: Rules = RULES,
        choose: Callable[[InboundMessage], Classification] = classify_by_subject,
        clock: FakeClock | None = None,
        lease: timedelta = LEASE,
        scanner: Scanner | None = None,
        **limits: Any,
    ) -> None:
        self.clock = clock or FakeClock(START)
        self.url = url
        self.store = WatchedStore(url, self.clock)
        self.lease = lease
        self.scanner = scanner
        self.knowledge = ChosenKnowledge(rules, ChosenClassifier(choose))
        self.return_path = True
        self.plus = False
        self.forwarded = 0
        self.requeued = 0
        self.decided = 0
        self.parsed = ParsedMessages()
        self.use_decider()
        self.stage = self.make_stage(submission(port, **limits))
        self._connected = True
        self._uid = 0

    def use_decider(self, parse_apart: Callable[[bytes], InboundMessage] = parse_isolated) -> None:
        """Decide from now on with this parser for messages that were there when a worker died."""
        knowledge = self.knowledge.as_knowledge()
        self.decider = Decider(
            self.store, knowledge, self.parsed, "decider", self.lease, self._count_decided, parse_apart
        )

    def make_stage(self, to: Submission, worker: str = "sender", read_since: datetime | None = None) -> DispatchStage:
        """One more dispatch stage on the same record."""
        knowledge = self.knowledge.as_knowledge()
        scanning = Scanning(self.store, knowledge, self.parsed, self.scanner) if self.scanner else NoScanning()
        return DispatchStage(
            self.store,
            Preparer(self.store, knowledge, self.parsed, read_since),
            to,
            worker,
            self.lease,
            self._count_forwarded,
            self._count_requeued,
            scanning=scanning,
        )

    def restage(self, to: Submission, worker: str = "sender") -> None:
        """Go on with a new stage, as after a restart."""
        self.hang_up()
        self.stage, self._connected = self.make_stage(to, worker), True

    def hang_up(self) -> None:
        """Close the stage's connections for good."""
        if self._connected:
            self._connected = False
            self.stage.close()

    def close(self) -> None:
        """Shut connections and record."""
        self.hang_up()
        self.store.close()

    def _count_decided(self) -> None:
        self.decided += 1

    def _count_forwarded(self) -> None:
        self.forwarded += 1

    def _count_requeued(self) -> None:
        self.requeued += 1

    @property
    def rules(self) -> Rules:
        return self.knowledge.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self.knowledge.rules = rules

    # ---------------------------------------------------------------- doing

    def receive(
        self,
        *contents: bytes,
        mailbox: str = "generale",
        arrived: datetime | None = None,
        too_large: bool = False,
    ) -> list[int]:
        """Put messages into the record as the reader does; their ids in order. ``too_large``: their heads only."""
        first = self._uid + 1
        self._uid += len(contents)
        with self.store.write("list") as tx:
            row = lease_mailbox(tx, mailbox, "reader", timedelta(days=365))
            assert row is not None
            if row.uid_validity is None:
                begin_numbering(tx, row, 7, 1)
                note_probe(tx, mailbox, "", "", return_path=self.return_path, plus=self.plus)
                row = mailbox_row(tx, mailbox)
            listed = [
                ListedMessage(first + number, len(octets), arrived or self.clock.now())
                for number, octets in enumerate(contents)
            ]
            list_messages(tx, row, listed, state=MessageState.LISTED, last_uid=self._uid)
            query = sa.select(messages.c.id).where(messages.c.uid >= first, messages.c.mailbox_id == row.id)
            keys = list(tx.execute(query.order_by(messages.c.uid)).scalars())
        with self.store.write("receive") as tx:
            receptions = [
                self._too_large(key, octets)
                if too_large
                else Reception(key, MessageState.RECEIVED, octets, digest(octets))
                for key, octets in zip(keys, contents, strict=True)
            ]
            record_receptions(tx, mailbox_row(tx, mailbox), receptions)
        return keys

    def _too_large(self, key: int, octets: bytes) -> Reception:
        head = octets.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        return Reception(key, MessageState.OVERSIZE, head, digest(head), "troppo_grande", size=99_000_000)

    def decide(self) -> None:
        """Run the decider until nothing is due."""
        for _ in range(200):
            if not self.decider.work():
                return
        raise AssertionError("the decider finds no end")

    def send(self) -> int:
        """Run the dispatch stage until nothing is due; how many attempts were made."""
        made = 0
        for _ in range(200):
            count = self.stage.work()
            made += count
            if not count:
                return made
        raise AssertionError("the dispatch stage finds no end")

    def take_in(self, *contents: bytes, **options: Any) -> list[int]:
        """Receive and decide."""
        keys = self.receive(*contents, **options)
        self.decide()
        return keys

    def advance(self, by: timedelta | None = None, *, looked: bool = True, **parts: float) -> None:
        """Let time pass; the mailboxes are looked at afterwards unless ``looked`` is false."""
        self.clock.forward(by if by is not None else timedelta(**parts))
        if looked:
            with self.store.write("look") as tx:
                tx.execute(sa.update(messages).where(messages.c.gone_at.is_(None)).values(present_at=tx.now))
                tx.execute(sa.update(mailboxes).values(last_read_at=tx.now))

    def read_mailbox(self) -> None:
        """The reader was there just now, but has not asked whether messages are still there."""
        with self.store.write("read") as tx:
            tx.execute(sa.update(mailboxes).values(last_read_at=tx.now))

    def take_away(self, message_id: int) -> None:
        """A colleague has taken the message out of the inbox, and the reader has seen it."""
        with self.store.write("gone") as tx:
            row = get_message(tx, message_id)
            assert row is not None
            record_presence(tx, [], [row])

    def retry(self, message_id: int) -> None:
        """What ``triage retry`` does."""
        row = self.message(message_id)
        with self.store.write("retry", "cli:test") as tx:
            send_again(tx, row, MessageState.RECEIVED)

    def stop(self, stopped: bool = True) -> None:
        """Turn the stop switch."""
        with self.store.write("stop") as tx:
            set_stopped(tx, stopped)

    def abandon(self, worker: str = "dead worker") -> list[DispatchRow]:
        """Another worker begins everything that is due, and is never heard of again."""
        with self.store.write("lease") as tx:
            rows = lease_dispatches(tx, worker, 16, self.lease)
        with self.store.write("begin") as tx:
            return begin_attempts(tx, rows, worker, self.lease)

    # ---------------------------------------------------------------- looking

    def message(self, message_id: int) -> MessageRow:
        with self.store.read("look") as tx:
            row = get_message(tx, message_id)
        assert row is not None
        return row

    def outcome(self, message_id: int) -> tuple[str, str]:
        """State and reason of holding."""
        row = self.message(message_id)
        return row.state, row.hold_reason

    def decision(self, message_id: int) -> Decision:
        row = self.message(message_id)
        with self.store.read("look") as tx:
            found = decision_of(tx, row.id, row.generation)
        assert found is not None
        return found

    def dispatches(self, message_id: int, kind: DispatchKind | None = None) -> list[DispatchRow]:
        with self.store.read("look") as tx:
            return [row for row in dispatches_of(tx, message_id) if kind in (None, row.kind)]

    def dispatch(self, message_id: int, kind: DispatchKind = DispatchKind.FORWARD) -> DispatchRow:
        """The newest dispatch of a kind."""
        return self.dispatches(message_id, kind)[-1]

    def states(self, message_id: int) -> list[tuple[str, str]]:
        """Kind and state of every dispatch, in order."""
        return [(row.kind, row.state) for row in self.dispatches(message_id)]

    def attempts(self, dispatch_id: int) -> list[Mapping[str, Any]]:
        with self.store.read("look") as tx:
            return [dict(row) for row in attempts_of(tx, dispatch_id)]

    def tried(self, message_id: int, kind: DispatchKind = DispatchKind.FORWARD) -> list[Tried]:
        """Every attempt of the newest dispatch of a kind."""
        return [
            Tried(row["outcome"], row["stage"], row["code"])
            for row in self.attempts(self.dispatch(message_id, kind).id)
        ]

    def incidents(self) -> list[tuple[str, int]]:
        """Kind and number of times of every open incident."""
        with self.store.read("look") as tx:
            return [(row["kind"], row["times"]) for row in open_incidents(tx)]

    def events(self, message_id: int) -> list[str]:
        """What the audit says of a message."""
        with self.store.read("look") as tx:
            return [row["event"] for row in history(tx, "message", message_id)]

    def assert_ledger_closes(self) -> None:
        with self.store.read("ledger") as tx:
            assert compute_ledger(tx).differences == ()

    def count(self, state: DispatchState) -> int:
        """How many dispatches of all messages are in a state."""
        with self.store.read("look") as tx:
            keys = list(tx.execute(sa.select(messages.c.id)).scalars())
            return sum(row.state == state for key in keys for row in dispatches_of(tx, key))

    def mailbox_names(self) -> list[str]:
        with self.store.read("look") as tx:
            return [box.name for box in known_mailboxes(tx)]


def forwards_in(sink: SmtpSink) -> list[str]:
    """To which projects the sink accepted something, in order; recalls apart."""
    mails = [sent for sent in sink.messages if b"\r\nSubject: Da cancellare" not in sent.octets]
    return [path for sent in mails for path in sent.forward_paths if path in (NORD, SUD)]


def acknowledgements_in(sink: SmtpSink) -> list[str]:
    """To which families the sink accepted something, in order."""
    return [path for sent in sink.messages for path in sent.forward_paths if path.endswith("@family.example")]


def answered_in(sink: SmtpSink) -> list[str]:
    """To whom the sink accepted anything that is neither a project's nor the on-call contact's, in order."""
    return [path for sent in sink.messages for path in sent.forward_paths if path not in (NORD, SUD, ON_CALL)]


def attached_original(sent: bytes) -> bytes:
    """The original octets in a forward, by whichever carrier, cut out without a library's rewriting."""
    head, _, body = sent.partition(b"\r\n\r\n")
    found = re.search(rb'boundary="([^"]+)"', head)
    assert found is not None
    part = body.split(b"\r\n--" + found[1])[-2]
    fields, _, content = part.lstrip(b"\r\n").partition(b"\r\n\r\n")
    return base64.b64decode(content) if b"base64" in fields else content


def with_account(made: Submission, **changes: Any) -> Submission:
    """The same submission through an account that differs."""
    return replace(made, account=replace(made.account, **changes))


def returns_about(tx: Transaction, message_id: int) -> list[sa.RowMapping]:
    """Everything that came back about what was sent of a message, oldest first."""
    query = sa.select(returns).where(returns.c.about_message_id == message_id).order_by(returns.c.id)
    return list(tx.execute(query).mappings())
