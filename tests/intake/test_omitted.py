"""A server whose SEARCH leaves mail out, or names mail that is not there: nothing is passed over, no mailbox stops."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.intake.builders import Intake
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail
from tests.servers.proxy import ImapProxy
from triage.intake.reader import MailboxReader
from triage.record.mailboxes import update_mailbox

SEARCH = rb"UID SEARCH UID \d+:\*"


@pytest.fixture
def reader(intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy) -> MailboxReader:
    """A reader behind the proxy that has had its first look, at one message."""
    dovecot.deliver(mailbox_user.name, make_mail())
    made = intake.reader(port=imap_proxy.port)
    made.work()
    return made


def say(proxy: ImapProxy, uids: str, times: int | None = 1) -> None:
    """Let a search for new mail name these."""
    proxy.answer(SEARCH, f"* SEARCH {uids}\r\nOK done".encode(), times=times)


@pytest.mark.parametrize("named", ["2 3 9", "9", "2 9", "2 4 6 8 9", "2 3", "3", "8", "6 7"])
def test_mail_that_one_search_leaves_out_is_read_within_two_looks(
    intake: Intake,
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    reader: MailboxReader,
    imap_proxy: ImapProxy,
    named: str,
) -> None:
    dovecot.deliver_fast(mailbox_user.name, [make_mail(f"Domanda numero {n}\n") for n in range(8)])
    say(imap_proxy, named)
    for _ in range(2):
        reader.work()

    assert sorted((row.uid, row.state) for row in intake.rows()) == [
        (1, "baseline"),
        *((uid, "received") for uid in range(2, 10)),
    ]
    assert intake.incidents() == []


def test_more_may_be_left_out_than_one_command_can_name(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy
) -> None:
    dovecot.deliver_fast(mailbox_user.name, [b"Subject: x\r\n\r\n%d\r\n" % n for n in range(1100)])
    say(imap_proxy, "1101")
    reader.work()

    assert sorted(row.uid for row in intake.rows()) == list(range(1, 1102))


def test_holes_where_mail_was_taken_out_are_no_omission(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy
) -> None:
    dovecot.deliver_fast(mailbox_user.name, [make_mail(f"{n}\n") for n in range(4)])
    with dovecot.client(mailbox_user.name) as colleague:
        colleague.select_folder("INBOX")
        colleague.delete_messages([1, 3])
        colleague.uid_expunge([1, 3])
    imap_proxy.reset_counts()
    reader.work()

    assert [row.uid for row in intake.rows() if row.state == "received"] == [2, 4, 5]
    assert imap_proxy.count(rb"^FETCH") == 0, "the lowest is the mailbox's first"


@pytest.mark.parametrize("uid", [5000, (1 << 32) - 1])
def test_uid_that_was_made_up_passes_over_nothing(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy, uid: int
) -> None:
    for named in (f"{uid}", f"2 {uid}"):
        dovecot.deliver(mailbox_user.name, make_mail(f"{named}\n"))
        say(imap_proxy, named)
        reader.work()
        assert intake.mailbox().last_uid < 4
    reader.work()

    assert [(row.uid, row.state) for row in intake.rows()] == [(1, "baseline"), (2, "received"), (3, "received")]
    assert (intake.mailbox().last_uid, intake.incidents()) == (3, [])


def test_uid_that_is_always_made_up_is_shown_and_stops_nothing(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy
) -> None:
    imap_proxy.answer(rb"UID SEARCH UID (\d+,)*5000\b", b"* SEARCH 5000\r\nOK done", times=None)
    imap_proxy.rewrite(lambda line: line + b" 5000" if line.startswith(b"* SEARCH") and b"5000" not in line else None)
    for number in range(6):
        dovecot.deliver(mailbox_user.name, make_mail(f"Lettera {number}\n"))
        reader.work()
        intake.clock.forward(timedelta(minutes=20))
    reader.work()

    assert {row.uid: row.state for row in intake.rows()} == {
        1: "baseline",
        **dict.fromkeys(range(2, 8), "received"),
        5000: "unreadable",
    }
    assert intake.mailbox().last_uid == 7


@pytest.mark.parametrize("mark", [5000, (1 << 32) - 1])
def test_mark_that_no_uid_can_have_is_mended_at_the_next_connection(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, mark: int
) -> None:
    mailbox = intake.mailbox()
    with intake.store.write("as an older version left it") as tx:
        update_mailbox(tx, mailbox, last_uid=mark)
    uids = [dovecot.deliver(mailbox_user.name, make_mail(f"{n}\n")) for n in range(2)]
    reader.close()
    intake.reader().work()

    assert [row.uid for row in intake.rows() if row.state == "received"] == uids
    assert intake.mailbox().last_uid == uids[-1]


def test_server_that_hides_a_message_it_counts_is_compared_once_an_hour(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, reader: MailboxReader, imap_proxy: ImapProxy
) -> None:
    """It names the message in no list, for ever: the mailbox goes on."""
    imap_proxy.rewrite(
        lambda line: (
            b"* SEARCH 3 4"[: 10 + 2 * line.count(b" 3") + 2 * line.count(b" 4")]
            if line.startswith(b"* SEARCH 2")
            else None
        )
    )
    imap_proxy.answer(rb"^\S* ?FETCH \d", b"OK nothing", times=None)
    intake.clock.forward(timedelta(hours=2))
    dovecot.deliver_fast(mailbox_user.name, [make_mail(f"{n}\n") for n in range(2)])
    reader.work()
    first = intake.mailbox().reconciled_at
    assert first == intake.clock.now()
    intake.clock.forward(timedelta(minutes=5))
    dovecot.deliver(mailbox_user.name, make_mail())
    for _ in range(3):
        reader.work()

    assert intake.mailbox().reconciled_at == first
    assert {3, 4} <= {row.uid for row in intake.rows() if row.state == "received"}
