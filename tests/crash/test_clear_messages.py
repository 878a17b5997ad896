"""What an administrator may get wrong, or a machine refuse: one clear message each, and nothing is lost.

Every case runs the worker as a process against real servers, mends what was wrong, runs again, and
finds all mail delivered.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.crash.harness import is_at_rest, let_time_pass, settings_of, write_rules
from tests.crash.inbox import CANARIES, NEW, End, Letter
from tests.crash.invariants import check_invariants
from tests.crash.nursery import ROOT, Nursery
from tests.proof import prove_return_path
from tests.servers.dovecot import TEST_WORD, Dovecot, MailboxUser
from tests.servers.postgres import Postgres
from tests.servers.process import free_ports
from tests.servers.smtp_sink import SmtpSink
from triage.clock import SystemClock
from triage.record import Store
from triage.record.tables import incidents

LETTERS = tuple(letter for letter in NEW if letter.end is not End.CONTESTED)
WRONG = "parola-sbagliata"
RECORD_IS_FULL = ("the record could not complete .*(SQLITE_FULL|SQLITE_IOERR)", "Nothing (was|is) lost", "disk")
"""Each stage that the record fails may say so: reading, deciding, sending."""


class Office:
    """A mailbox with new letters, a sink, and the service's settings, to be spoilt and mended."""

    def __init__(
        self, dovecot: Dovecot, user: MailboxUser, sink: SmtpSink, spool: Path, nursery: Nursery, folder: Path
    ) -> None:
        self.dovecot = dovecot
        self.user = user.name
        self.sink = sink
        self.rules = write_rules(folder)
        self.state = folder / "state"
        self.settings = settings_of(self.rules, self.state, dovecot, user.name, sink.port)
        self.letters: dict[int, Letter] = {}
        self.nursery = nursery
        self._spool = spool
        self.said = folder / "said"
        self._heard = 0

    def open(self) -> None:
        """The service sees the empty mailbox for the first time; then the letters come."""
        assert self.run() == 0, self.hear()
        prove_return_path(self.settings)
        self.deliver(*LETTERS)
        self.hear()

    def deliver(self, *letters: Letter) -> None:
        for letter in letters:
            self.letters[self.dovecot.deliver(self.user, letter.octets)] = letter

    def run(self, changed: Mapping[str, str] | None = None, *arguments: str, largest_file: int | None = None) -> int:
        """One ``triage worker --once``; its exit status."""
        settings = {**self.settings, **(changed or {})}
        return self.nursery.run(["worker", "--once", *arguments], settings, self.said, largest_file=largest_file)

    def start(self) -> int:
        """Start ``triage worker``; its process id."""
        return self.nursery.start(["worker"], self.settings, self.said)

    def hear(self) -> str:
        """What was said since the last time."""
        words = self.said.read_text("utf-8")
        new, self._heard = words[self._heard :], len(words)
        return new

    def store(self) -> Store:
        return Store(self.settings.get("TRIAGE_DATABASE_URL", f"sqlite:///{self.state / 'triage.db'}"), SystemClock())

    def open_incidents(self) -> list[str]:
        store = self.store()
        with store.read("incidents") as tx:
            kinds = list(tx.execute(sa.select(incidents.c.kind).where(incidents.c.closed_at.is_(None))).scalars())
        store.close()
        return kinds

    def must_be_untouched(self) -> None:
        """Nothing has left, and every letter lies in the inbox."""
        assert self.sink.messages == ()
        assert self.dovecot.uids(self.user) == tuple(self.letters)

    def must_deliver_all(self) -> None:
        """Now that all is well, everything reaches its end and no trouble stays open."""
        store = self.store()
        for _ in range(4):
            let_time_pass(store)
            assert self.run() == 0, self.hear()
            if is_at_rest(store):
                break
        found = check_invariants(store, self.dovecot, self._spool, user=self.user, letters=self.letters, said=self.said)
        store.close()
        assert found.violations == []
        assert self.open_incidents() == []


@pytest.fixture
def office(
    nursery: Nursery,
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    start_smtp_sink: Callable[..., SmtpSink],
    tmp_path: Path,
) -> Office:
    spool = tmp_path / "spool"
    spool.mkdir()
    return Office(dovecot, mailbox_user, start_smtp_sink(spool=spool), spool, nursery, tmp_path)


def must_be_one_clear_message(words: str, *parts: str, most: int = 1) -> None:
    """One line (or up to ``most``) says all ``parts`` (regular expressions); none is a traceback, a secret or mail."""
    lines = words.splitlines()
    telling = [line for line in lines if all(re.search(part, line) for part in parts)]
    assert 1 <= len(telling) <= most, words
    for forbidden in (*CANARIES, "Traceback", WRONG, TEST_WORD):
        assert forbidden not in words
    # Beside it only the self-test's sentence, what went well, and the end of a message of two lines.
    rest = [line for line in lines if line not in telling and " info " not in line and "Self-test" not in line]
    assert rest in ([], ["No usable routing rules: neither in the file nor in the record."]), words


# --------------------------------------------------------------------------- routing rules


def test_wrong_rules_at_the_start_are_named_with_file_line_and_remedy(office: Office) -> None:
    good = office.rules.read_text(encoding="utf-8")
    office.deliver(*LETTERS)
    broken = good.replace("mode: automatico", "mode: automatica", 1)
    line = broken[: broken.index("automatica")].count("\n") + 1
    office.rules.write_text(broken, encoding="utf-8")
    assert office.run() == 2
    must_be_one_clear_message(office.hear(), rf"{re.escape(str(office.rules))}:{line}:", "automatico")
    office.must_be_untouched()

    # Mended, a new service leaves what it finds alone: the letters of before need --backlog.
    office.rules.write_text(good, encoding="utf-8")
    prove_return_path(office.settings)
    assert office.run({}, "--backlog", "2020-01-01") == 0
    office.must_deliver_all()


def test_rules_broken_while_running_leave_the_last_good_ones_at_work_until_they_are_mended(office: Office) -> None:
    office.open()
    good = office.rules.read_text(encoding="utf-8")
    pid = office.start()
    try:
        office.rules.write_text(good + "nonsense: true\n", encoding="utf-8")
        _until(lambda: office.open_incidents() == ["rules"], "the trouble is noted")
        office.deliver(*(letter for letter in NEW if letter.end is End.CONTESTED))
        _until(lambda: len(office.sink.messages) >= 2 * 4 + 1, "the last good rules work on")
        must_be_one_clear_message(office.hear(), rf"{re.escape(str(office.rules))}:\d+:", "nonsense")
        office.rules.write_text(good, encoding="utf-8")
        _until(lambda: office.open_incidents() == [], "the trouble is over")
    finally:
        os.kill(pid, signal.SIGTERM)
        code = office.nursery.wait(pid)
    assert code == 0, office.hear()
    office.must_deliver_all()


# --------------------------------------------------------------------------- accounts


def test_a_wrong_password_of_the_mailbox_is_told_and_the_mail_waits(office: Office) -> None:
    office.open()
    assert office.run({"TRIAGE_IMAP_PASSWORD": WRONG}) == 1
    must_be_one_clear_message(office.hear(), "IMAP server .* refused the login", "Check TRIAGE_IMAP_USER")
    office.must_be_untouched()
    assert office.open_incidents() == ["mailbox"]
    office.must_deliver_all()


def test_a_mailbox_server_that_does_not_answer_is_told_and_the_mail_waits(office: Office) -> None:
    office.open()
    assert office.run({"TRIAGE_IMAP_PORT": str(free_ports(1)[0])}) == 1
    must_be_one_clear_message(office.hear(), "IMAP server .* cannot be reached", "Check TRIAGE_IMAP_HOST")
    office.must_be_untouched()
    assert office.open_incidents() == ["mailbox"]
    office.must_deliver_all()


def test_a_wrong_password_of_the_submission_account_is_told_and_the_mail_waits(
    office: Office, start_smtp_sink: Callable[..., SmtpSink]
) -> None:
    guarded = start_smtp_sink(passwords={"servizio": TEST_WORD})
    office.open()
    account = {"TRIAGE_SMTP_LOGIN": "password", "TRIAGE_SMTP_USER": "servizio", "TRIAGE_SMTP_PASSWORD": WRONG}
    assert office.run({**account, "TRIAGE_SMTP_PORT": str(guarded.port)}) == 1
    must_be_one_clear_message(office.hear(), "SMTP server .* refused the login", "Check TRIAGE_SMTP_USER")
    _must_wait(office)
    assert guarded.messages == ()
    # The incident is the account's: it closes when that account works, and the other one is none.
    office.settings |= {**account, "TRIAGE_SMTP_PASSWORD": TEST_WORD, "TRIAGE_SMTP_PORT": str(guarded.port)}
    assert office.run() == 0
    assert office.open_incidents() == []
    assert len(guarded.messages) == 7


def test_a_submission_server_that_does_not_answer_is_told_and_the_mail_waits(office: Office) -> None:
    office.open()
    office.sink.stop()
    assert office.run() == 1
    must_be_one_clear_message(office.hear(), "SMTP server .* cannot be used", "Check TRIAGE_SMTP_HOST")
    _must_wait(office)
    assert office.open_incidents() == ["submission"]
    office.sink.start()
    office.must_deliver_all()


def _must_wait(office: Office) -> None:
    """All but what is filed on proof lies in the inbox: a move needs a 250."""
    assert office.sink.messages == ()
    proved = [uid for uid, letter in office.letters.items() if letter.end is End.FILED_ON_PROOF]
    assert set(office.letters) - set(office.dovecot.uids(office.user)) <= set(proved)


# --------------------------------------------------------------------------- disk and database


@pytest.mark.parametrize("kilobytes", [40, 80, 120, 160, 200, 240])
def test_a_file_that_may_not_grow_is_told_and_the_mail_waits(office: Office, kilobytes: int) -> None:
    """The record's log meets its limit at another step each time: while listing, deciding, sending."""
    office.open()
    assert office.run(largest_file=kilobytes << 10) == 1
    must_be_one_clear_message(office.hear(), *RECORD_IS_FULL, most=3)
    office.must_deliver_all()


_ON_A_FULL_DISK = """
mount -t tmpfs -o size=64m tmpfs "$DISK" || exit 77
cp "$RECORD"/* "$DISK"
dd if=/dev/zero of="$DISK/filler" bs=4k 2>/dev/null
truncate -s -120K "$DISK/filler"
"$PYTHON" -m triage worker --once
echo "ended with $?"
rm "$DISK/filler"
"$PYTHON" -m triage worker --once
echo "ended with $?"
cp "$DISK"/* "$RECORD"
"""


def test_a_full_disk_is_told_and_the_mail_waits(office: Office, tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("this kernel lets nobody mount a small disk; the limit on files above stands for it")
    office.open()
    disk = tmp_path / "disk"
    disk.mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
    script = {"DISK": str(disk), "RECORD": str(office.state), "PYTHON": sys.executable}
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", _ON_A_FULL_DISK],
        cwd=ROOT,
        env={**clean, **office.settings, "TRIAGE_STATE_DIR": str(disk), **script},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "ended with 1\nended with 0\n", done.stderr
    must_be_one_clear_message(done.stderr, *RECORD_IS_FULL, most=3)
    office.must_deliver_all()


def test_a_database_that_does_not_answer_is_told_and_the_mail_waits(
    office: Office, start_postgres: Callable[..., Postgres]
) -> None:
    cluster = start_postgres(fsync=True)  # what was committed must outlive the crash
    url = cluster.url(cluster.create_database()).replace("triage@", f"triage:{WRONG}@")
    office.settings["TRIAGE_DATABASE_URL"] = url
    office.open()
    cluster.stop()
    assert office.run() == 1
    must_be_one_clear_message(office.hear(), "the record could not", "Nothing was lost", "TRIAGE_DATABASE_URL")
    office.must_be_untouched()
    cluster.start()

    # It goes away while mail is on the wire: what was said to the sink is unknown to the next one.
    office.sink.stall("data_dot", 1.0, times=4)
    pid = office.nursery.start(["worker", "--once"], office.settings, office.said)
    _until(lambda: any(line == "DATA" for line in office.sink.commands), "mail is on the wire")
    cluster.stop("immediate")
    assert office.nursery.wait(pid) == 1
    must_be_one_clear_message(office.hear(), "the record could not", "Nothing was lost", "TRIAGE_DATABASE_URL")
    cluster.start()
    office.must_deliver_all()


def _until(condition: Callable[[], bool], what: str, seconds: float = 45) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"within {seconds} s: {what}"
        time.sleep(0.05)
