"""The reader of one mailbox: a thread, a connection, and the order of work in one pass.

Whatever fails ends the connection; the next one is made from scratch after a jittered, growing
pause. Trouble is one incident of this mailbox and touches no other.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

from triage.intake.connection import Connect, connect, disconnect
from triage.intake.fetching import fetch_listed
from triage.intake.filing import FolderOf, file_done
from triage.intake.listing import adopt_numbering, enter_backlog, list_new, note_identity
from triage.intake.mailbox import ImapMailbox
from triage.intake.marker import check_marker, claim_marker
from triage.intake.plan import MailboxPlan
from triage.intake.presence import reconcile, refresh_presence
from triage.intake.restored import compare_folders
from triage.intake.trouble import asked_pause, describe, pause_after
from triage.record import LostLeaseError, Store, StoreError
from triage.record.audit import Change, write_changes
from triage.record.heartbeats import READER
from triage.record.incidents import close_incident, open_incident
from triage.record.mailboxes import (
    MailboxRow,
    adopt_mailbox,
    lease_mailbox,
    leased_row,
    mailbox_row,
    mailbox_row_if_known,
    release_mailbox,
    update_mailbox,
)
from triage.settings import Account
from triage.signals import Heartbeats, Wakeup, kept
from triage.tokens import FIXED, Secrets

log = logging.getLogger("triage.intake")

RECONCILE_EVERY = timedelta(hours=24)
MARKER_EVERY = 60.0
"""Seconds between two looks at the instance marker."""
READ_NOTED = timedelta(seconds=30)
"""How old the note of our last look may grow while all is well."""


class MailboxReader:
    """Reads one mailbox for as long as it holds the mailbox's lease."""

    def __init__(
        self,
        store: Store,
        name: str,
        plan_of: Callable[[], MailboxPlan],
        account_of: Callable[[], Account],
        worker: str,
        lease: timedelta,
        folder_of: FolderOf,
        idle_seconds: float,
        heartbeats: Heartbeats,
        on_received: Callable[[], None],
        secrets: Secrets = FIXED,
        connect: Connect = connect,
    ) -> None:
        self.name = name
        self._loop_name = f"{READER}{name}"
        self.wake = Wakeup()
        self._store = store
        self._plan_of = plan_of
        self._account_of = account_of
        self._worker = worker
        self._lease = lease
        self._folder_of = folder_of
        self._idle_seconds = idle_seconds
        self._heartbeats = heartbeats
        self._on_received = on_received
        self._secrets = secrets
        self._connect = connect
        self._good_until = 0.0
        self._imap: ImapMailbox | None = None
        self._uid_next = 0
        self._marker_at = 0.0
        self._leased_at = 0.0
        self._in_trouble = True
        self._reconcile_now = False
        self._claimed = False
        self._worked = False
        self._stopping = threading.Event()

    # ---------------------------------------------------------------- the loop

    def run(self) -> None:
        """Read until :meth:`stop`; never raises."""
        failures = 0
        self._heartbeats.judge(self._loop_name, failed=True)  # until it has been read once
        while not self._stopping.is_set():
            self._heartbeats.beat(self._loop_name)
            try:
                if self._lease_now() is None:
                    self._heartbeats.judge(self._loop_name, failed=True)  # another worker's sign of life counts
                    self.wake.wait(self._lease.total_seconds() / 4)
                    continue
                self.work()
                failures = 0
                self._heartbeats.judge(self._loop_name, failed=False)
                self._wait()
            except Exception as error:  # noqa: BLE001 - whatever it is, this mailbox pauses and goes on
                failures += 1
                self._heartbeats.judge(self._loop_name, failed=True)
                self.fail(error)
                self._wait_apart(max(pause_after(failures), asked_pause(error)))
        self.close()
        self._heartbeats.end(self._loop_name)

    def stop(self) -> None:
        """Ask the loop to end after the command it is in."""
        self._stopping.set()
        self.wake.set()

    def request_reconciliation(self) -> None:
        """Compare the whole list at the next pass."""
        self._reconcile_now = True
        self.wake.set()

    def _wait(self) -> None:
        plan = self._plan_of()
        seconds = min(plan.poll_seconds, self._idle_seconds, self._lease.total_seconds() / 3)
        if self._imap is not None and not self._stopping.is_set():
            self._imap.wait(seconds * random.uniform(0.9, 1.0), self.wake.fileno())  # noqa: S311
        self.wake.clear()

    def _wait_apart(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stopping.is_set() and time.monotonic() < until:
            self._heartbeats.beat(self._loop_name)
            self._stopping.wait(min(1.0, max(0.0, until - time.monotonic())))

    def _lease_now(self) -> MailboxRow | None:
        """The mailbox's row while it is ours; the lease is renewed when a third of it has passed."""
        if time.monotonic() - self._leased_at < self._lease.total_seconds() / 3:
            with self._store.read("mailbox") as tx:
                row = mailbox_row_if_known(tx, self.name)
            if row is not None and row.lease_owner == self._worker:
                return row
        with self._store.write("mailbox lease") as tx:
            row = None
            if self._claimed or adopt_mailbox(tx, self.name, *self._identity(), self._plan_of().configured):
                row = lease_mailbox(tx, self.name, self._worker, self._lease)
        self._leased_at = time.monotonic() if row is not None else 0.0
        return row

    def _identity(self) -> tuple[str, str]:
        """Whose the mailbox is and what is watched, by which it is known under any name."""
        account, folder = self._account_of(), self._plan_of().folder
        return account.identity, "INBOX" if folder.upper() == "INBOX" else folder

    # ---------------------------------------------------------------- one pass

    def work(self) -> int:
        """One pass: list, fetch, look after presence, file; how much was done.

        Raises whatever went wrong; the caller gives it to :meth:`fail`.
        """
        plan = self._plan_of()
        mailbox = self._lease_now()
        if mailbox is None:
            return 0
        with kept(self._lease, partial(self._renew, mailbox)):
            return self._pass(plan, mailbox)

    def _renew(self, mailbox: MailboxRow) -> None:
        # What the record refuses now it may take at the next third.
        with suppress(StoreError, LostLeaseError), self._store.write("mailbox kept") as tx:
            update_mailbox(tx, mailbox, lease_until=tx.now + self._lease)

    def _pass(self, plan: MailboxPlan, mailbox: MailboxRow) -> int:
        imap = self._connected(plan, mailbox)
        if time.monotonic() - self._marker_at > MARKER_EVERY:
            self._look_at_marker(plan, imap, mailbox, renew=self._worked)
        mailbox = self._still_ours(mailbox)
        done = self._intake(plan, imap, mailbox)
        mailbox = self._still_ours(mailbox)
        refresh_presence(self._store, imap, mailbox)
        while count := file_done(self._store, imap, plan, mailbox, self._folder_of):
            done += count
        self._worked = self._worked or done > 0
        due = mailbox.reconciled_at is None or self._store.clock.now() - mailbox.reconciled_at > RECONCILE_EVERY
        if due or self._reconcile_now or mailbox.is_to_be_compared:
            self._reconcile_now = False
            found = reconcile(self._store, imap, plan, mailbox, mailbox.last_uid + 1)
            done += found.unlisted + found.found.listed_again
        self._recovered(mailbox)
        return done

    def _intake(self, plan: MailboxPlan, imap: ImapMailbox, mailbox: MailboxRow) -> int:
        if not self._uid_next:
            # A server may tell of new mail only when asked; after SELECT it just has.
            imap.refresh()
        claimed_now = bool(self._uid_next)
        before = None if claimed_now else partial(self._look_at_marker, plan, imap, mailbox, renew=True)
        done = list_new(self._store, imap, mailbox, self._uid_next, before)
        self._uid_next = 0
        mailbox = self._still_ours(mailbox)
        while count := fetch_listed(self._store, imap, plan, mailbox):
            done += count
            self._on_received()
            self._heartbeats.beat(self._loop_name)
            if self._lease_now() is None or self._stopping.is_set():
                break
        return done

    def _still_ours(self, mailbox: MailboxRow) -> MailboxRow:
        with self._store.read("mailbox") as tx:
            return leased_row(tx, mailbox)

    def _look_at_marker(self, plan: MailboxPlan, imap: ImapMailbox, mailbox: MailboxRow, *, renew: bool) -> None:
        check_marker(self._store, imap, plan, mailbox, renew=renew)
        self._marker_at = time.monotonic()
        self._worked = self._worked and not renew

    def _connected(self, plan: MailboxPlan, mailbox: MailboxRow) -> ImapMailbox:
        if self._imap is not None and time.monotonic() < self._good_until:
            return self._imap
        if self._imap is not None:
            # Left politely before the token ends: some servers cut the connection then, amid a command.
            client, self._imap = self._imap.client, None
            disconnect(client)
        account = self._account_of()
        client = self._connect(account, self._secrets)
        self._good_until = time.monotonic() + self._secrets.good_for(account)
        try:
            imap = ImapMailbox(client, plan.folder)
            selected = imap.select()
            # Taking over is for the start alone: else two instances would take from each other for ever.
            claim_marker(self._store, imap, replace(plan, take_over=plan.take_over and not self._claimed), mailbox)
            self._claimed = True
            self._marker_at = time.monotonic()
            note_identity(self._store, mailbox, *self._identity())
            mailbox = adopt_numbering(self._store, plan, mailbox, selected)
            mailbox = compare_folders(self._store, imap, plan, mailbox, selected, self._heartbeats, self._loop_name)
            self._uid_next = selected.uid_next
            if plan.backlog_since is not None:
                list_new(self._store, imap, mailbox, selected.uid_next)
                mailbox = self._still_ours(mailbox)
                enter_backlog(self._store, imap, plan, mailbox)
        except BaseException:
            disconnect(client)
            raise
        self._imap = imap
        log.info("mailbox connected", extra={"action": "mailbox_connected", "mailbox": self.name})
        return imap

    # ---------------------------------------------------------------- trouble

    def _recovered(self, mailbox: MailboxRow) -> None:
        """Note that the mailbox was read: when it was in trouble, and now and then otherwise."""
        lately = mailbox.last_read_at is not None and self._store.clock.now() - mailbox.last_read_at < READ_NOTED
        if lately and not self._in_trouble:
            return
        self._in_trouble = False
        with self._store.write("mailbox read") as tx:
            update_mailbox(tx, mailbox, last_read_at=tx.now)
            if close_incident(tx, "mailbox", self.name):
                write_changes(tx, [Change("mailbox", mailbox.id, "recovered")])

    def fail(self, error: Exception) -> str:
        """Drop the connection, note the trouble and log it; the sentence for people.

        The text holds no server words, since they may quote mail.
        """
        if self._imap is not None:
            client, self._imap = self._imap.client, None
            with suppress(Exception):
                client.shutdown()
        self._in_trouble = True
        self._leased_at = 0.0
        kind, text = describe(error)
        log.warning(text, extra={"action": "mailbox_trouble", "mailbox": self.name, "kind": kind})
        with suppress(StoreError), self._store.write("mailbox trouble") as tx:
            open_incident(tx, "mailbox", self.name, f"{kind}: {text}")
        return text

    def close(self) -> None:
        """Log out and let another worker read."""
        if self._imap is not None:
            disconnect(self._imap.client)
            self._imap = None
        with suppress(StoreError, LostLeaseError), self._store.write("mailbox released") as tx:
            mailbox = mailbox_row(tx, self.name)
            if mailbox.lease_owner == self._worker:
                release_mailbox(tx, mailbox)
