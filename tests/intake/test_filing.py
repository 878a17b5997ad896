"""Filing: done mail leaves the inbox once, by whatever the server can do, and never takes a colleague's with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from imapclient import DELETED
from imapclient.exceptions import IMAPClientError

from tests.intake.builders import FOLDER, Intake
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail
from tests.servers.proxy import ImapProxy
from triage.intake.reader import MailboxReader

TARGET = f"Smistati.{FOLDER}"


def hide(proxy: ImapProxy, *names: str) -> None:
    """Let the server announce less than it can."""

    def change(line: bytes) -> bytes:
        if b"CAPABILITY" in line:
            for name in names:
                line = line.replace(b" " + name.encode(), b"")
        return line

    proxy.rewrite(change)


def received(intake: Intake, server: Dovecot, reader: MailboxReader, count: int = 2) -> list[int]:
    """That many messages, delivered and received; their UIDs."""
    reader.work()
    uids = [server.deliver(intake.user.name, make_mail()) for _ in range(count)]
    reader.work()
    return uids


def mark_deleted_by_colleague(server: Dovecot, user: MailboxUser) -> int:
    """A message that a colleague has marked and may still take back."""
    uid = server.deliver(user.name, make_mail(subject="di un collega"))
    client = server.client(user.name)
    client.select_folder("INBOX")
    client.add_flags([uid], [DELETED])
    return uid


def test_nothing_is_moved_before_the_forward_was_accepted(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    reader = intake.reader()
    uids = received(intake, dovecot, reader)
    intake.decide_to_forward()
    reader.work()
    assert dovecot.uids(mailbox_user.name) == tuple(uids)

    intake.forward_all()
    reader.work()
    assert dovecot.uids(mailbox_user.name) == ()
    assert intake.states() == ["filed"] * 2


def test_move_is_one_command_and_keeps_octets(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    reader = intake.reader(port=imap_proxy.port)
    received(intake, dovecot, reader, 3)
    contents = [intake.octets(row) for row in intake.rows()]
    intake.decide_as_done()
    reader.work()

    assert imap_proxy.count(rb"UID MOVE") == 1
    assert imap_proxy.count(rb"COPY|STORE|EXPUNGE") == 0
    assert list(dovecot.fetch(mailbox_user.name, TARGET).values()) == contents
    assert [row.filed_folder for row in intake.rows()] == [TARGET] * 3
    assert dovecot.folders(mailbox_user.name).count(TARGET) == 1


def test_without_move_only_our_own_are_expunged(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    hide(imap_proxy, "MOVE")
    reader = intake.reader(port=imap_proxy.port)
    received(intake, dovecot, reader)
    colleagues = mark_deleted_by_colleague(dovecot, mailbox_user)
    intake.decide_as_done()
    reader.work()

    assert dovecot.uids(mailbox_user.name) == (colleagues,)
    assert len(dovecot.uids(mailbox_user.name, TARGET)) == 2
    assert imap_proxy.count(rb"^EXPUNGE") == 0
    assert intake.events(intake.rows()[0])[-2:] == ["copied", "filed"]


def test_without_uidplus_nothing_at_all_is_expunged(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    """UID EXPUNGE is what UIDPLUS brings; a bare EXPUNGE would take the colleague's along."""
    hide(imap_proxy, "MOVE", "UIDPLUS")
    reader = intake.reader(port=imap_proxy.port)
    uids = received(intake, dovecot, reader)
    colleagues = mark_deleted_by_colleague(dovecot, mailbox_user)
    intake.decide_as_done()
    reader.work()
    reader.request_reconciliation()
    reader.work()
    reader.work()

    assert dovecot.uids(mailbox_user.name) == (*uids, colleagues)
    assert [dovecot.flags(mailbox_user.name)[uid] for uid in uids] == [{"\\Deleted"}] * 2
    assert len(dovecot.uids(mailbox_user.name, TARGET)) == 2, "copied once, not at every pass"
    assert imap_proxy.count(rb"EXPUNGE") == 0
    assert intake.states()[:2] == ["filed"] * 2
    assert intake.incidents() == []


def test_f28_filing_that_never_succeeds_copies_nothing_twice_holds_up_nobody_and_is_told(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    """F28: a system that was stuck for a week copied the whole inbox to "done" each minute, and told nobody."""
    hide(imap_proxy, "MOVE")
    reader = intake.reader(port=imap_proxy.port)
    uids = received(intake, dovecot, reader)
    intake.decide_as_done()
    imap_proxy.answer(rb"UID STORE", b"NO [NOPERM] not allowed", times=None)
    for _ in range(24):
        intake.clock.forward(timedelta(minutes=10))
        reader.work()
    later = dovecot.deliver(mailbox_user.name, make_mail())
    reader.work()

    assert len(dovecot.uids(mailbox_user.name, TARGET)) == 2, "one copy each, over four hours of tries"
    assert imap_proxy.count(rb"UID COPY") == 1
    assert dovecot.uids(mailbox_user.name) == (*uids, later), "nothing is lost from the inbox"
    assert intake.states()[2] == "received", "others are not held up"
    assert [kind for kind, _, _ in intake.incidents()] == ["filing_refused"], "somebody is told, once"
    imap_proxy.behave()
    intake.clock.forward(timedelta(minutes=10))
    reader.work()
    assert intake.states()[:2] == ["filed"] * 2
    assert dovecot.uids(mailbox_user.name) == (later,)
    assert len(dovecot.uids(mailbox_user.name, TARGET)) == 2
    assert intake.incidents() == []


def test_crash_between_copy_and_removal_copies_once(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    hide(imap_proxy, "MOVE")
    reader = intake.reader(port=imap_proxy.port)
    received(intake, dovecot, reader)
    intake.decide_as_done()
    imap_proxy.cut(rb"UID STORE")
    with pytest.raises(IMAPClientError) as caught:
        reader.work()
    reader.fail(caught.value)
    assert [row.file_step for row in intake.rows()] == ["copied"] * 2

    reader.work()
    assert len(dovecot.uids(mailbox_user.name, TARGET)) == 2
    assert dovecot.uids(mailbox_user.name) == ()


@pytest.mark.parametrize("hidden", [(), ("MOVE",)])
def test_answer_to_the_removal_is_lost(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy, hidden: tuple[str, ...]
) -> None:
    """Carried out, not confirmed: the next look finds it done."""
    hide(imap_proxy, *hidden)
    reader = intake.reader(port=imap_proxy.port)
    received(intake, dovecot, reader)
    intake.decide_as_done()
    imap_proxy.cut(rb"UID MOVE|UID EXPUNGE", where="after")
    with pytest.raises((IMAPClientError, OSError)) as caught:
        reader.work()
    assert isinstance(caught.value, Exception)
    reader.fail(caught.value)

    reader.work()
    assert intake.states() == ["filed"] * 2
    assert len(dovecot.uids(mailbox_user.name, TARGET)) == 2
    assert dovecot.uids(mailbox_user.name) == ()


def test_refused_move_is_tried_again_later_and_harms_nothing(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    """Over quota, say: the message is dealt with, only not tidied away."""
    reader = intake.reader(port=imap_proxy.port)
    received(intake, dovecot, reader)
    intake.decide_as_done()
    imap_proxy.answer(rb"UID MOVE", b"NO [OVERQUOTA] full")
    for _ in range(3):
        reader.work()
    assert intake.states() == ["decided"] * 2
    assert imap_proxy.count(rb"UID MOVE") == 1
    dovecot.deliver(mailbox_user.name, make_mail())
    reader.work()
    assert intake.states()[2] == "received", "others are not held up"

    intake.clock.forward(timedelta(minutes=6))
    reader.work()
    assert intake.states()[:2] == ["filed"] * 2


def test_folder_deleted_by_a_colleague_is_made_anew(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    reader = intake.reader()
    received(intake, dovecot, reader, 1)
    intake.decide_as_done()
    reader.work()
    dovecot.client(mailbox_user.name).delete_folder(TARGET)
    dovecot.deliver(mailbox_user.name, make_mail())
    reader.work()
    intake.decide_as_done()
    reader.work()
    intake.clock.forward(timedelta(minutes=6))
    reader.work()

    assert intake.states() == ["filed"] * 2
    assert len(dovecot.uids(mailbox_user.name, TARGET)) == 1


def test_server_with_another_separator_of_folders(intake: Intake, start_dovecot: Callable[..., Dovecot]) -> None:
    server = start_dovecot(storage="mdbox")
    intake.user, intake.port = server.add_user("barra@example.org"), server.port
    reader = intake.reader()
    received(intake, server, reader)
    intake.decide_as_done()
    reader.work()

    assert len(server.uids(intake.user.name, f"Smistati/{FOLDER}")) == 2
