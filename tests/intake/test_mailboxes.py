"""Several mailboxes, one record: leases, one that fails, one that is junk; and what may stand in a log."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import FakeClock, WatchedStore
from tests.intake.builders import LEASE, Intake, account_of, running, until
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail
from tests.servers.proxy import ImapProxy
from triage.decider import Decider
from triage.demo.load import demo_messages
from triage.intake.connection import MailboxTroubleError
from triage.knowledge import Knowledge
from triage.reading import ParsedMessages
from triage.record import LostLeaseError, Transaction
from triage.record.decisions import decision_of
from triage.record.ledger import compute_ledger
from triage.record.mailboxes import update_mailbox
from triage.record.messages import list_messages
from triage.vocabulary import ListedMessage, MessageState

ROOT = Path(__file__).parents[2]


def test_one_failing_mailbox_leaves_the_others_alone(intake: Intake, dovecot: Dovecot) -> None:
    users = [dovecot.add_user(f"{intake.user.name}-{number}") for number in range(3)]
    users[1] = MailboxUser(users[1].name, "sbagliata-segreta")
    readers = [intake.reader(f"casella{number}", user=user) for number, user in enumerate(users)]
    with running(readers[0]), running(readers[1]), running(readers[2]):
        until(lambda: intake.store.steps.count("mailbox read") >= 2 and intake.incidents())
        for user in users:
            dovecot.deliver(user.name, make_mail())
        until(lambda: intake.states() == ["received"] * 2, 5)

    ((kind, subject, detail),) = intake.incidents()
    assert (kind, subject, detail.split(":")[0]) == ("mailbox", "casella1", "credentials")
    assert {row.mailbox_id for row in intake.rows()} == {intake.mailbox(f"casella{n}").id for n in (0, 2)}


def test_corrected_password_closes_the_incident(intake: Intake, mailbox_user: MailboxUser) -> None:
    wrong = intake.reader(user=MailboxUser(mailbox_user.name, "sbagliata-segreta"))
    with pytest.raises(MailboxTroubleError) as caught:
        wrong.work()
    wrong.fail(caught.value)
    assert len(intake.incidents()) == 1

    intake.reader().work()
    assert intake.incidents() == []


def test_one_mailbox_has_one_reader(intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    first, second = intake.reader(worker="lettore-1"), intake.reader(worker="lettore-2")
    first.work()
    dovecot.deliver(mailbox_user.name, make_mail())

    assert second.work() == 0
    assert intake.rows() == []

    intake.clock.forward(LEASE + timedelta(seconds=1))  # the first one died
    second.work()
    assert intake.states() == ["received"]


def test_reader_that_lost_its_lease_records_nothing_more(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    """It hung, another took over; what it does when it wakes up must not be kept."""
    first = intake.reader(worker="lettore-1")
    first.work()
    stale = intake.mailbox()
    intake.clock.forward(LEASE + timedelta(seconds=1))
    intake.reader(worker="lettore-2").work()
    dovecot.deliver(mailbox_user.name, make_mail())

    with pytest.raises(LostLeaseError), intake.store.write("too late") as tx:
        list_messages(tx, stale, [ListedMessage(1, 10, None)], state=MessageState.LISTED, last_uid=1)
    assert intake.rows() == []
    assert first.work() == 0


def test_lease_under_the_same_name_but_of_another_epoch_is_another(intake: Intake) -> None:
    """A worker that was begun anew under its old name does not go on with what it had before it slept."""
    first = intake.reader(worker="lettore-1")
    first.work()
    stale = intake.mailbox()
    intake.clock.forward(LEASE + timedelta(seconds=1))
    intake.reader(worker="lettore-2").work()
    intake.clock.forward(LEASE + timedelta(seconds=1))
    intake.reader(worker="lettore-1").work()
    now = intake.mailbox()
    assert (now.lease_owner, now.lease_epoch) == (stale.lease_owner, stale.lease_epoch + 2)

    with pytest.raises(LostLeaseError), intake.store.write("too late") as tx:
        update_mailbox(tx, stale, last_uid=9)
    with intake.store.write("in time") as tx:
        update_mailbox(tx, now, last_uid=9)
    assert intake.mailbox().last_uid == 9


class SlowStore(WatchedStore):
    """A record on which each look for what is to be fetched takes as long as the test says."""

    def __init__(self, url: str, clock: FakeClock, wait: Callable[[], None]) -> None:
        super().__init__(url, clock)
        self._wait = wait

    @contextmanager
    def read(self, step: str, *, long: bool = False) -> Iterator[Transaction]:
        """As the record does, later."""
        if step == "listed messages":
            self._wait()
        with super().read(step, long=long) as tx:
            yield tx


def test_reader_keeps_its_mailbox_through_a_pass_that_is_slow(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, sqlite_url: str
) -> None:
    """A message whose octets take longer than a lease would else be begun by one worker after the other, for ever."""
    lease = timedelta(seconds=0.6)
    second, taken = intake.reader(worker="lettore-2", lease=lease), list[int]()

    def let_time_pass() -> None:
        for _ in range(4):
            before, until_then = slow.steps.count("mailbox kept"), time.monotonic() + 3
            while slow.steps.count("mailbox kept") == before and time.monotonic() < until_then:
                time.sleep(0.01)
            intake.clock.forward(0.7 * lease)
            taken.append(second.work())

    slow = SlowStore(sqlite_url, intake.clock, let_time_pass)
    first = intake.reader(worker="lettore-1", lease=lease, store=slow)
    first.work()
    dovecot.deliver(mailbox_user.name, make_mail())
    first.work()
    assert intake.states() == ["received"]
    assert intake.mailbox().lease_owner == "lettore-1"
    assert set(taken) == {0}
    first.close()
    slow.close()


def test_junk_mail_is_read_and_held_never_routed(intake: Intake, dovecot: Dovecot, tmp_path: Path) -> None:
    """The same letters: forwarded from the inbox, shown to staff from the junk folder."""
    rules = (ROOT / "triage/demo/routing_rules.yaml").read_text("utf-8")
    entry = rules[rules.index("  generale:\n") : rules.index("projects:\n")]
    junk = entry.replace("  generale:\n", "  indesiderata:\n").replace("role: inbox", "role: junk")
    path = tmp_path / "routing_rules.yaml"
    path.write_text(
        rules.replace(entry, entry.rstrip() + "\n" + junk.replace("folder: INBOX", "folder: Junk")), "utf-8"
    )
    knowledge = Knowledge(intake.store, path, ROOT / "models/model.skops")
    assert knowledge.import_files() == ()
    decider = Decider(intake.store, knowledge, ParsedMessages(), "decisore-1", LEASE, lambda: None)
    dovecot.client(intake.user.name).create_folder("Junk")
    inbox, spam = intake.reader("generale"), intake.reader("indesiderata", folder="Junk")
    letters = [octets for name, octets, _ in demo_messages(intake.clock.now()) if "-mantova-" in name]
    for reader, folder in ((inbox, "INBOX"), (spam, "Junk")):
        reader.work()
        for letter in letters:
            own_id = re.sub(rb"(?im)^(Message-ID: <)", b"\\1" + folder.encode(), letter)
            dovecot.deliver(intake.user.name, own_id, folder=folder)
        reader.work()
    while decider.work():
        pass

    assert "decided" in {row.state for row in intake.rows("generale")}, "else these letters prove nothing"
    from_junk = intake.rows("indesiderata")
    assert [row.state for row in from_junk] == ["held"] * len(letters)
    with intake.store.read("look") as tx:
        decisions = [decision_of(tx, row.id, row.generation) for row in from_junk]
        assert compute_ledger(tx).closes
    for decision in decisions:
        assert decision is not None
        assert decision.action == "trattieni"
        assert "posta_indesiderata" in {reason.code for reason in decision.reasons}
    spam.work()
    assert len(dovecot.uids(intake.user.name, "Junk")) == len(letters)


# --------------------------------------------------------------------------- privacy


def test_no_log_record_and_no_incident_holds_mail_or_secrets(
    intake: Intake,
    dovecot: Dovecot,
    imap_proxy: ImapProxy,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With every logger at DEBUG, through success, refusals with the server's words, and cuts."""
    caplog.set_level(logging.DEBUG)
    intake.user = dovecot.add_user(f"riservata-{intake.user.name}", "parola-riservatissima")
    reader = intake.reader(port=imap_proxy.port)
    reader.work()
    dovecot.deliver(
        intake.user.name,
        make_mail("testo-riservatissimo\n", subject="oggetto-riservatissimo", author="x@riservatissimo.example"),
    )
    imap_proxy.cut(rb"UID FETCH \S+ \(BODY")
    imap_proxy.answer(rb"UID FETCH \S+ \(BODY", b"NO [SERVERBUG] oggetto-riservatissimo")
    imap_proxy.answer(rb"UID MOVE", b"* BYE oggetto-riservatissimo\r\nNO [SERVERBUG] oggetto-riservatissimo")
    details = []
    for _ in range(6):
        try:
            reader.work()
        except Exception as error:  # noqa: BLE001 - each trouble is told as the loop tells it
            details.append(reader.fail(error))
            details += [str(incident) for incident in intake.incidents()]
        intake.decide_as_done()
        intake.clock.forward(timedelta(minutes=6))
    assert intake.states() == ["filed"]
    assert len(details) >= 4

    assert any(record.name.startswith("triage") for record in caplog.records)
    told = "\n".join([*details, *(str(vars(record)) + record.getMessage() for record in caplog.records)])
    for secret in ("riservatissim", intake.user.name, intake.user.password):
        assert secret not in told


def test_account_hides_its_secret_when_it_is_printed(mailbox_user: MailboxUser) -> None:
    account = account_of(mailbox_user, 143)
    shown = f"{account} {account!r} {replace(account, port=1)!r}"

    assert account.secret not in shown
    assert account.user not in shown
