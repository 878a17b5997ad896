"""The instance marker: one record a mailbox, whatever was restored, forgotten or deleted."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from imapclient.exceptions import IMAPClientError

from tests.fakes import FakeClock, WatchedStore
from tests.intake.builders import Intake, plan_of
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail
from tests.servers.proxy import ImapProxy
from triage.intake.connection import MailboxTroubleError
from triage.intake.marker import check_marker, claim_marker
from triage.intake.reader import MailboxReader
from triage.record import LostLeaseError


@pytest.fixture
def other_record(tmp_path: Path, clock: FakeClock, intake: Intake) -> Iterator[Callable[[Path | None], Intake]]:
    """A second record (a copy of a file, if given) that knows the same mailbox."""
    with ExitStack() as opened:

        def make(copy_of: Path | None = None) -> Intake:
            path = tmp_path / "second.sqlite3"
            if copy_of is not None:
                shutil.copy(copy_of, path)
            store = WatchedStore(f"sqlite:///{path}", clock)
            opened.callback(store.close)
            store.migrate()
            made = replace(intake, store=store, _readers=[])
            opened.callback(made.close)
            return made

        yield make


def markers(server: Dovecot, user: MailboxUser) -> list[str]:
    """The marker folders of the account."""
    return [name for name in server.folders(user.name) if "Istanza" in name]


def test_second_record_is_refused_and_reads_nothing(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, other_record: Callable[..., Intake]
) -> None:
    intake.reader().work()
    before = markers(dovecot, mailbox_user)
    dovecot.deliver(mailbox_user.name, make_mail())
    stranger = other_record()

    reader = stranger.reader()
    for _ in range(2):
        with pytest.raises(MailboxTroubleError) as caught:
            reader.work()
        assert caught.value.kind == "instance"
        assert "--take-over" in reader.fail(caught.value)

    assert stranger.rows() == []
    assert [kind for kind, _, _ in stranger.incidents()] == ["mailbox"]
    assert markers(dovecot, mailbox_user) == before, "a refused instance leaves no trace"
    intake.reader().work()
    assert intake.states() == ["received"]


def test_restored_older_record_is_refused(
    intake: Intake, sqlite_url: str, tmp_path: Path, other_record: Callable[..., Intake]
) -> None:
    """It would forward everything again that was forwarded since the backup."""
    intake.reader().work()
    copy = tmp_path / "backup"
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as now, closing(sqlite3.connect(copy)) as old:
        now.backup(old)
    intake.reader().work()  # a restart: the marker goes on

    reader = other_record(copy).reader()
    with pytest.raises(MailboxTroubleError) as caught:
        reader.work()
    assert caught.value.kind == "instance"
    reader.fail(caught.value)


def test_restart_of_the_same_record_is_welcome(intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    seen = set()
    for number in range(3):
        intake.reader(worker=f"lettore-{number}").work()
        intake.close()
        (name,) = markers(dovecot, mailbox_user)
        seen.add(name)
    assert len(seen) == 3, "each start has a token of its own"


def test_take_over_works_and_the_other_notices(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, other_record: Callable[..., Intake]
) -> None:
    first = intake.reader()
    first.work()
    dovecot.deliver(mailbox_user.name, make_mail())
    second = other_record()

    second.reader(take_over=True).work()
    assert second.states() == ["baseline"]
    assert len(markers(dovecot, mailbox_user)) == 1

    with intake.imap() as imap, pytest.raises(MailboxTroubleError) as caught:
        check_marker(intake.store, imap, plan_of(), intake.mailbox())
    assert caught.value.kind == "instance"
    with pytest.raises(MailboxTroubleError):
        intake.reader().work()
    second.close()
    second.reader().work()  # without the option from now on


def test_a_reader_that_slept_past_its_lease_refuses_nothing_and_does_nothing(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, clock: FakeClock
) -> None:
    """The marker that it does not know is that of the worker which reads the mailbox by now."""
    intake.reader(worker="lettore-1").work()
    before = intake.mailbox()
    clock.forward(timedelta(hours=1))
    intake.reader(worker="lettore-2").work()
    theirs = markers(dovecot, mailbox_user)

    with intake.imap() as imap:
        with pytest.raises(LostLeaseError):
            claim_marker(intake.store, imap, plan_of(), before)
        for renew in (False, True):
            with pytest.raises(LostLeaseError):
                check_marker(intake.store, imap, plan_of(), before, renew=renew)
    assert intake.mailbox().refused_at is None, "what is decided of its mail goes on leaving"
    assert markers(dovecot, mailbox_user) == theirs


def test_two_instances_told_to_take_over_do_not_take_from_each_other_for_ever(
    intake: Intake, other_record: Callable[..., Intake]
) -> None:
    """Taking over is for the start; a reader whose connection broke must ask a person again."""
    first = intake.reader(take_over=True)
    first.work()
    other_record().reader(take_over=True).work()
    first.fail(OSError())

    with pytest.raises(MailboxTroubleError) as caught:
        first.work()
    assert caught.value.kind == "instance"
    first.fail(caught.value)


def test_deleted_marker_is_made_anew(intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    intake.reader().work()
    before = markers(dovecot, mailbox_user)
    colleague = dovecot.client(mailbox_user.name)
    colleague.delete_folder(before[0])

    with intake.imap() as imap:
        check_marker(intake.store, imap, plan_of(), intake.mailbox())
    assert markers(dovecot, mailbox_user) == before

    colleague.delete_folder(before[0])
    intake.reader().work()  # and at a start
    assert len(markers(dovecot, mailbox_user)) == 1


def test_renaming_whose_answer_is_lost_twice_needs_no_person(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    """Carried out, answer lost; then planned again, and cut before it was carried out."""
    intake.reader().work()
    reader = intake.reader(port=imap_proxy.port)
    imap_proxy.cut(rb"RENAME", where="after")
    imap_proxy.cut(rb"RENAME", where="before")
    for _ in range(2):
        with pytest.raises((IMAPClientError, OSError)) as caught:
            reader.work()
        reader.fail(caught.value)

    reader.work()
    assert len(markers(dovecot, mailbox_user)) == 1


def test_mailboxes_of_one_account_have_a_marker_each(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    dovecot.client(mailbox_user.name).create_folder("Posta indesiderata")
    for _ in range(2):
        intake.reader("generale").work()
        intake.reader("indesiderata", folder="Posta indesiderata").work()
        intake.close()

    names = markers(dovecot, mailbox_user)
    assert [name.split()[1] for name in names] == ["INBOX", "Posta"]


def backup_of(sqlite_url: str, path: Path) -> Path:
    """A copy made while the service runs."""
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as now, closing(sqlite3.connect(path)) as old:
        now.backup(old)
    return path


def refused(reader: MailboxReader) -> None:
    with pytest.raises(MailboxTroubleError) as caught:
        reader.work()
    assert caught.value.kind == "instance"
    reader.fail(caught.value)


def test_copy_made_while_the_service_runs_lacks_what_was_listed_since_and_is_refused(
    intake: Intake, dovecot: Dovecot, sqlite_url: str, tmp_path: Path, other_record: Callable[..., Intake]
) -> None:
    """The nightly backup, restored after the machine died: it would forward the day's mail again."""
    reader = intake.reader()
    reader.work()
    copy = backup_of(sqlite_url, tmp_path / "backup")
    dovecot.deliver(intake.user.name, make_mail())
    reader.work()
    assert intake.states() == ["received"]

    restored = other_record(copy)
    refused(restored.reader())
    assert restored.mailbox().refused_at is not None
    reader.work()
    restored.reader(take_over=True).work()
    assert restored.mailbox().refused_at is None


def test_copy_of_a_record_at_work_is_refused_a_minute_later(
    intake: Intake,
    dovecot: Dovecot,
    sqlite_url: str,
    tmp_path: Path,
    other_record: Callable[..., Intake],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was listed before the copy may be forwarded after it."""
    monkeypatch.setattr("triage.intake.reader.MARKER_EVERY", 0.0)
    reader = intake.reader()
    reader.work()
    dovecot.deliver(intake.user.name, make_mail())
    reader.work()
    copy = backup_of(sqlite_url, tmp_path / "backup")
    reader.work()

    refused(other_record(copy).reader())


def test_marker_of_a_mailbox_at_rest_stays_as_it_is(
    intake: Intake, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Staff do not see a folder change its name every minute."""
    monkeypatch.setattr("triage.intake.reader.MARKER_EVERY", 0.0)
    reader = intake.reader()
    reader.work()
    reader.work()
    before = markers(dovecot, intake.user)
    reader.work()
    assert markers(dovecot, intake.user) == before


@pytest.mark.parametrize(
    ("name", "plan"),
    [("altra", {}), ("generale", {"root": "Altrove"}), ("generale", {"folder": "Inbox"})],
    ids=["another name", "another root", "another spelling"],
)
def test_no_setting_leads_past_another_instances_marker(
    intake: Intake, other_record: Callable[..., Intake], name: str, plan: dict[str, Any]
) -> None:
    intake.reader().work()
    refused(other_record().reader(name, **plan))


def test_two_names_for_one_mailbox_are_refused(intake: Intake) -> None:
    intake.reader().work()
    refused(intake.reader("copia", configured=frozenset({"generale", "copia"})))
