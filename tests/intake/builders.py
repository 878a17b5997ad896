"""Readers on a test's own record and mail server, and looks at what they have recorded.

``Intake`` builds as ``bootstrap`` does, with a clock and a plan that the test chooses. All persons
and addresses are invented.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import sqlalchemy as sa

from tests.fakes import FakeClock, WatchedStore
from tests.record.builders import claim, filed_unsent, forward_of, held, rows_of, send_all, settle
from tests.servers.dovecot import Dovecot, MailboxUser
from triage.intake.connection import connect
from triage.intake.mailbox import ImapMailbox
from triage.intake.plan import MailboxPlan
from triage.intake.reader import MailboxReader
from triage.record import Store
from triage.record.audit import history
from triage.record.incidents import open_incidents
from triage.record.mailboxes import MailboxRow, mailbox_row_if_known
from triage.record.messages import MessageRow
from triage.record.octets import read_octets
from triage.record.tables import incidents
from triage.settings import Account, Login, Security
from triage.signals import Heartbeats

LEASE = timedelta(minutes=2)
FOLDER = "Famiglie In&Out - Crema"
"""Where the tests' readers file done mail: a name with characters that IMAP must encode."""


def account_of(user: MailboxUser, port: int, **changes: object) -> Account:
    """A plain account on loopback, unless changed."""
    account = Account(
        host="127.0.0.1",
        port=port,
        user=user.name,
        secret=user.password,
        security=Security.PLAIN,
        login=Login.PASSWORD,
        ca_file="",
        timeout=10.0,
    )
    return replace(account, **changes)  # type: ignore[arg-type]


def plan_of(name: str = "generale", **changes: object) -> MailboxPlan:
    """An inbox polled once a minute, with a limit of 4 MB, unless changed."""
    plan = MailboxPlan(name=name, folder="INBOX", root="Smistati", max_octets=4 << 20, poll_seconds=60.0)
    return replace(plan, **changes)  # type: ignore[arg-type]


@dataclass(slots=True)
class Intake:
    """One record and the readers made on it; :meth:`close` ends them."""

    store: WatchedStore
    clock: FakeClock
    user: MailboxUser
    port: int
    received: threading.Event = field(default_factory=threading.Event)
    heartbeats: Heartbeats = field(default_factory=Heartbeats)
    _readers: list[MailboxReader] = field(default_factory=list)

    def reader(
        self,
        name: str = "generale",
        *,
        user: MailboxUser | None = None,
        port: int = 0,
        account: Account | None = None,
        worker: str = "lettore-1",
        store: Store | None = None,
        timeout: float = 10.0,
        idle_seconds: float = 60.0,
        lease: timedelta = LEASE,
        **plan: object,
    ) -> MailboxReader:
        """A reader as ``bootstrap`` makes one; further keywords change its :class:`MailboxPlan`."""
        made = MailboxReader(
            store or self.store,
            name,
            lambda: plan_of(name, **plan),
            lambda: account or account_of(user or self.user, port or self.port, timeout=timeout),
            worker,
            lease,
            lambda _decision: FOLDER,
            idle_seconds,
            self.heartbeats,
            self.received.set,
        )
        self._readers.append(made)
        return made

    def close(self) -> None:
        """Log every reader out."""
        for reader in self._readers:
            reader.close()

    # ---------------------------------------------------------------- looking

    def rows(self, mailbox: str = "") -> list[MessageRow]:
        """Every message (of one mailbox), oldest row first."""
        rows = rows_of(self.store)
        if mailbox:
            key = self.mailbox(mailbox).id
            rows = [row for row in rows if row.mailbox_id == key]
        return rows

    def states(self) -> list[str]:
        """The states of all messages, oldest row first."""
        return [row.state for row in self.rows()]

    def octets(self, row: MessageRow) -> bytes:
        """What the record keeps of a message."""
        assert row.sha256 is not None
        with self.store.read("look") as tx:
            return read_octets(tx, [row.sha256])[row.sha256]

    def mailbox(self, name: str = "generale") -> MailboxRow:
        """The mailbox's own row."""
        with self.store.read("look") as tx:
            row = mailbox_row_if_known(tx, name)
        assert row is not None
        return row

    def events(self, row: MessageRow) -> list[str]:
        """What happened to a message, oldest first."""
        with self.store.read("look") as tx:
            return [change["event"] for change in history(tx, "message", row.id)]

    def incidents(self) -> list[tuple[str, str, str]]:
        """Kind, subject and detail of what is wrong now."""
        with self.store.read("look") as tx:
            return [(row["kind"], row["subject"], row["detail"]) for row in open_incidents(tx)]

    def incidents_ever(self) -> int:
        """How many incidents were ever opened."""
        with self.store.read("look") as tx:
            return int(tx.execute(sa.select(sa.func.count()).select_from(incidents)).scalar_one())

    # ---------------------------------------------------------------- the stages after intake

    def decide_as_done(self) -> int:
        """Decide everything received as proven automatic mail: nothing is sent, it may be filed."""
        return settle(self.store, [filed_unsent(row) for row in claim(self.store)])

    def decide_as_held(self) -> int:
        """Decide everything received as a person's."""
        return settle(self.store, [held(row) for row in claim(self.store)])

    def decide_to_forward(self) -> int:
        """Decide everything received as to be forwarded; nothing is sent yet."""
        return settle(self.store, [forward_of(row, acknowledged=False) for row in claim(self.store)])

    def forward_all(self) -> int:
        """Send every pending forward, with success."""
        return send_all(self.store)

    @contextmanager
    def imap(self, folder: str = "INBOX", port: int = 0) -> Iterator[ImapMailbox]:
        """A connection for the smaller functions, selected."""
        client = connect(account_of(self.user, port or self.port))
        try:
            mailbox = ImapMailbox(client, folder)
            mailbox.select()
            yield mailbox
        finally:
            client.shutdown()


@contextmanager
def running(reader: MailboxReader) -> Iterator[threading.Thread]:
    """The reader's loop in a thread; asked to stop and awaited at the end."""
    thread = threading.Thread(target=reader.run, name="reader under test")
    thread.start()
    try:
        yield thread
    finally:
        reader.stop()
        thread.join(15)
        assert not thread.is_alive(), "the reader did not end when asked to"


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Return as soon as ``condition`` holds; fails after so long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was awaited did not happen"
        time.sleep(0.01)


def deliver(server: Dovecot, user: MailboxUser, contents: Sequence[bytes]) -> list[int]:
    """Deliver in this order; the UIDs."""
    return [server.deliver(user.name, octets) for octets in contents]
