"""Runs the worker over a copy of one prepared mailbox and record, ends it where told, and goes on.

Outside the worker live Dovecot, an SMTP sink with a spool on disk, and a colleague. A
:class:`Setting` is prepared once (a mailbox with its letters, a record that knows it); a
:class:`Case` is a copy of both in which one run happens.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import threading
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from imapclient.exceptions import IMAPClientError

from tests.crash.inbox import NEW, OLD, End
from tests.crash.notices import any_notice_left, begin_troubles, bring_notices_forward, let_an_hour_pass
from tests.crash.nursery import ROOT, Nursery
from tests.proof import prove_return_path
from tests.servers.dovecot import TEST_WORD, Dovecot, MailboxUser
from tests.servers.smtp_sink import SmtpSink
from tests.servers.webhook import WebhookServer
from triage.clock import SystemClock
from triage.record import Store
from triage.record.tables import dispatches, mailboxes, messages
from triage.vocabulary import DispatchKind, DispatchState, MessageState

RULES = ROOT / "triage" / "demo" / "routing_rules.yaml"
MODEL = ROOT / "models" / "model.skops"
COLLEAGUES = "Presi da Giulia"
"""Folder to which the colleague moves what is hers."""
MOST_RESTARTS = 6

DOUBTS = "min_confidence: 0.90"
PROMISE = "max_wrong: 0.20"


def _sure(text: str) -> str:
    """The same rules where nearly every guess is sure enough, whatever model is shipped today."""
    assert DOUBTS in text
    assert PROMISE in text
    return text.replace(DOUBTS, "min_confidence: 0.50").replace(PROMISE, "max_wrong: 0.50")


def let_time_pass(store: Store) -> None:
    """What an operator's clock would do: every lease has run out, every pause is over.

    Acknowledgements that nobody has tried yet keep their time: that of the neutral one is four hours,
    and all must wait for the forward's 250 on their own. For notices and incidents an hour passes.
    """
    let_an_hour_pass(store)
    with store.write("time passes") as tx:
        past = tx.now - timedelta(seconds=1)
        for table in (mailboxes, messages, dispatches):
            tx.execute(sa.update(table).where(table.c.lease_until > past).values(lease_until=past))
        tx.execute(sa.update(messages).where(messages.c.due_at > past).values(due_at=past))
    bring_forward(store)


def bring_forward(store: Store) -> None:
    """Every pause before another try is over; leases stay."""
    with store.write("pauses pass") as tx:
        tx.execute(
            sa.update(dispatches)
            .where(dispatches.c.state == DispatchState.PENDING, dispatches.c.due_at > tx.now)
            .where(sa.or_(dispatches.c.kind != DispatchKind.ACKNOWLEDGEMENT, dispatches.c.attempts > 0))
            .values(due_at=tx.now)
        )
        bring_notices_forward(tx)


def is_at_rest(store: Store) -> bool:
    """Whether nothing more will happen by itself within four hours."""
    moving = sa.select(messages.c.id).where(
        messages.c.state.in_((MessageState.LISTED, MessageState.RECEIVED, MessageState.DECIDED, MessageState.FORWARDED))
    )
    leaving = (
        sa.select(dispatches.c.id)
        .join_from(dispatches, messages, dispatches.c.message_id == messages.c.id)
        .where(
            sa.or_(
                dispatches.c.state == DispatchState.SUBMITTING,
                sa.and_(
                    dispatches.c.state == DispatchState.PENDING,
                    sa.or_(
                        dispatches.c.kind != DispatchKind.ACKNOWLEDGEMENT,
                        messages.c.state == MessageState.FILED,
                    ),
                ),
            )
        )
    )
    with store.read("at rest") as tx:
        resting = tx.execute(moving).first() is None and tx.execute(leaving).first() is None
        return resting and not any_notice_left(tx)


class CopyingDovecot(Dovecot):
    """A mailbox server whose accounts can be copied with UIDs, flags and folders as they are."""

    def copy_account(self, name: str, copy: str) -> MailboxUser:
        """A new account with all the mail of another one, which must be at rest (maildir)."""
        user = self.add_user(copy)
        source, target = self._plan.mail_path / name, self._plan.mail_path / copy
        shutil.copytree(source, target)
        for path in (source, *source.rglob("*")):
            status = path.stat()
            os.chown(target / path.relative_to(source), status.st_uid, status.st_gid)
        return user

    def remove_account(self, name: str) -> None:
        """Forget an account's mail."""
        shutil.rmtree(self._plan.mail_path / name, ignore_errors=True)


def write_rules(folder: Path) -> Path:
    """Rules in automatico under which every guess of a project is sure enough."""
    text = RULES.read_text(encoding="utf-8")
    assert DOUBTS in text
    path = folder / "routing_rules.yaml"
    path.write_text(_sure(text), encoding="utf-8")
    return path


def settings_of(
    rules: Path, state: Path, dovecot: Dovecot, user: str, sink_port: int, *, lease: float = 2
) -> dict[str, str]:
    """The environment of a worker."""
    return {
        "TRIAGE_RULES": str(rules),
        "TRIAGE_MODEL": str(MODEL),
        "TRIAGE_STATE_DIR": str(state),
        "TRIAGE_LEASE_SECONDS": str(lease),
        "TRIAGE_IMAP_HOST": dovecot.host,
        "TRIAGE_IMAP_PORT": str(dovecot.port),
        "TRIAGE_IMAP_TLS": "plain",
        "TRIAGE_IMAP_USER": user,
        "TRIAGE_IMAP_PASSWORD": TEST_WORD,
        "TRIAGE_SMTP_HOST": SmtpSink.host,
        "TRIAGE_SMTP_PORT": str(sink_port),
        "TRIAGE_SMTP_TLS": "plain",
        "TRIAGE_SMTP_LOGIN": "none",
    }


@dataclass(frozen=True, slots=True)
class Setting:
    """A prepared start: ``known`` (the service has been here before) or ``first`` (nothing is known yet)."""

    dovecot: CopyingDovecot
    template: str
    record: Path | None
    rules: Path
    arguments: tuple[str, ...]


def prepare(kind: Literal["known", "first"], dovecot: CopyingDovecot, nursery: Nursery, folder: Path) -> Setting:
    """Make the mailbox and, when it shall be known, let the service see it before the letters arrive.

    At a first start everything is in the backlog, the old letter included.
    """
    folder.mkdir()
    rules = write_rules(folder)
    template = f"modello-{kind}@example.org"
    dovecot.add_user(template)
    with dovecot.client(template) as client:
        client.create_folder(COLLEAGUES)
    dovecot.deliver(template, OLD.octets)
    record = None
    if kind == "known":
        state, said = folder / "state", folder / "said"
        settings = settings_of(rules, state, dovecot, template, 9)
        code = nursery.run(["worker", "--once"], settings, said)
        assert code == 0, said.read_text("utf-8", "replace")
        record = state / "triage.db"
        with closing(Store(f"sqlite:///{record}", SystemClock())) as store:
            begin_troubles(store)
        with closing(sqlite3.connect(record)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for letter in NEW:
        dovecot.deliver(template, letter.octets)
    dovecot.close_clients(template)
    return Setting(
        dovecot, template, record, rules, ("worker", "--once", *(() if record else ("--backlog", "2020-01-01")))
    )


class Case:
    """One copy of a setting in which the worker runs; close it, or use it in a ``with`` statement."""

    def __init__(
        self,
        setting: Setting,
        name: str,
        folder: Path,
        *,
        moves_after: float | None,
        passwords: Mapping[str, str] | None = None,
    ) -> None:
        self._setting = setting
        self.dovecot = setting.dovecot
        self.user = setting.dovecot.copy_account(setting.template, name).name
        self.spool = folder / "spool"
        self.said = folder / "said"
        self._state = folder / "state"
        for path in (self.spool, self._state):
            path.mkdir(parents=True)
        self.record = self._state / "triage.db"
        if setting.record is not None:
            shutil.copyfile(setting.record, self.record)
        self.sink = SmtpSink(spool=self.spool, passwords=passwords)
        self.webhook = WebhookServer(None)
        self.settings = settings_of(setting.rules, self._state, self.dovecot, self.user, self.sink.port)
        self.settings["TRIAGE_ALARM_WEBHOOK"] = self.webhook.url
        prove_return_path(self.settings)
        self._colleague = Colleague(self.dovecot, self.user, moves_after)

    @property
    def is_first(self) -> bool:
        """Whether the service has never seen this mailbox: then the old letter is in the backlog."""
        return self._setting.record is None

    @property
    def arguments(self) -> tuple[str, ...]:
        """The command that works the inbox off."""
        return self._setting.arguments

    def run(self, nursery: Nursery, extra: Mapping[str, str] | None = None) -> int:
        """One ``triage worker --once``; its exit status (negative: the signal that ended it)."""
        return nursery.run(self._setting.arguments, {**self.settings, **(extra or {})}, self.said)

    def last_words(self) -> str:
        """The end of what the workers said on standard error."""
        return self.said.read_text("utf-8", "replace")[-500:] if self.said.exists() else ""

    @staticmethod
    def end(pid: int) -> None:
        """Tell a worker that stays to end."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)

    def open_store(self) -> Store:
        """The record, to be looked at."""
        return Store(self.settings.get("TRIAGE_DATABASE_URL", f"sqlite:///{self.record}"), SystemClock())

    def start_colleague(self) -> None:
        """Let the colleague begin her day."""
        self._colleague.start()

    def stop_colleague(self) -> None:
        """Her day ends; whatever went wrong with her client is raised here."""
        self._colleague.stop()

    def close(self) -> None:
        """End what runs beside the worker."""
        self._colleague.cancel()
        self.sink.close()
        self.webhook.close()
        self.dovecot.close_clients(self.user)
        self.dovecot.remove_account(self.user)


class Colleague:
    """Works in the same mailbox with a client of her own: opens, flags, moves.

    At once she moves the old letter, which is none of the service's business; after ``moves_after``
    seconds (None: never) also the contested one. She opens and flags whatever she sees.
    """

    def __init__(self, dovecot: Dovecot, user: str, moves_after: float | None) -> None:
        self._dovecot = dovecot
        self._user = user
        self._moves_after = moves_after
        self._ending = threading.Event()
        self._trouble: Exception | None = None
        self._thread = threading.Thread(target=self._work, name=f"colleague of {user}")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.cancel()
        if self._trouble is not None:
            raise self._trouble

    def cancel(self) -> None:
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        try:
            with self._dovecot.client(self._user) as client:
                client.select_folder("INBOX")
                self._move(OLD.octets)
                rounds = 0
                waited = 0.0
                while not self._ending.wait(0.1):
                    waited += 0.1
                    if self._moves_after is not None and waited >= self._moves_after:
                        self._move(*(letter.octets for letter in NEW if letter.end is End.CONTESTED))
                        self._moves_after = None
                    # What she looks at may be moved away under her eyes: her client shrugs.
                    with suppress(IMAPClientError):
                        for uid in client.search()[-4:]:
                            client.fetch([uid], ["BODY[]"])
                        if rounds == 0:
                            client.add_flags(client.search()[-2:], [b"\\Flagged"])
                    rounds += 1
        except Exception as error:  # noqa: BLE001 - raised again by stop()
            self._trouble = error

    def _move(self, *wanted: bytes) -> None:
        # Where the service moves the same message in this instant, her client gives up.
        with self._dovecot.client(self._user) as client, suppress(IMAPClientError):
            client.select_folder("INBOX")
            found = client.fetch(client.search(), ["BODY.PEEK[]"])
            uids = [uid for uid, answer in found.items() if answer.get(b"BODY[]") in wanted]
            if uids and client.has_capability("MOVE"):
                client.move(uids, COLLEAGUES)
            elif uids:
                client.copy(uids, COLLEAGUES)
                client.delete_messages(uids)
                client.uid_expunge(uids)
