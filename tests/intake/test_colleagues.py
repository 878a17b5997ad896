"""People work in the same mailbox meanwhile: they expunge, move, flag, rename; nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from tests.intake.builders import Intake, running, until
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail
from tests.servers.proxy import ImapProxy
from triage.intake.connection import MailboxTroubleError
from triage.intake.mailbox import ImapMailbox


@pytest.fixture
def colleague(dovecot: Dovecot, mailbox_user: MailboxUser) -> IMAPClient:
    """Somebody else in the same inbox."""
    client = dovecot.client(mailbox_user.name)
    client.select_folder("INBOX")
    return client


def expunge(client: IMAPClient, uids: list[int]) -> None:
    client.noop()  # else it does not know what came since
    client.delete_messages(uids)
    client.uid_expunge(uids)


def at_line(pattern: bytes, act: Callable[[], None]) -> Callable[[bytes], None]:
    """A rewriting that changes nothing, but acts once when the server says such a line."""
    waiting = [act]

    def change(line: bytes) -> None:
        if waiting and pattern in line:
            waiting.pop()()

    return change


def test_message_expunged_between_list_and_fetch_has_vanished(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy, colleague: IMAPClient
) -> None:
    reader = intake.reader(port=imap_proxy.port)
    reader.work()
    uids = [dovecot.deliver(mailbox_user.name, make_mail()) for _ in range(3)]
    # "OK Fetch completed" ends the answer with the sizes: the rows come next, then the octets.
    imap_proxy.rewrite(at_line(b"OK Fetch completed", lambda: expunge(colleague, [uids[1]])))
    reader.work()
    intake.clock.forward(timedelta(minutes=1))
    reader.work()

    assert intake.states() == ["received", "vanished", "received"]
    assert intake.incidents() == []


def test_message_expunged_between_search_and_sizes_still_has_its_row(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy, colleague: IMAPClient
) -> None:
    reader = intake.reader(port=imap_proxy.port)
    reader.work()
    uids = [dovecot.deliver(mailbox_user.name, make_mail()) for _ in range(2)]
    imap_proxy.rewrite(at_line(b"* SEARCH 1 2", lambda: expunge(colleague, [uids[0]])))
    reader.work()
    intake.clock.forward(timedelta(minutes=1))
    reader.work()

    assert [(row.uid, row.state) for row in intake.rows()] == [(1, "vanished"), (2, "received")]


def test_message_moved_between_decision_and_filing_is_done(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, colleague: IMAPClient
) -> None:
    reader = intake.reader()
    reader.work()
    uids = [dovecot.deliver(mailbox_user.name, make_mail()) for _ in range(2)]
    reader.work()
    intake.decide_to_forward()
    colleague.noop()
    colleague.create_folder("Di Anna")
    colleague.move([uids[0]], "Di Anna")
    intake.forward_all()
    reader.work()

    rows = intake.rows()
    assert [row.state for row in rows] == ["filed"] * 2
    assert (rows[0].filed_folder, intake.events(rows[0])[-1]) == (None, "found_moved")
    assert intake.events(rows[1])[-1] == "filed"
    assert len(dovecot.uids(mailbox_user.name, "Di Anna")) == 1


def test_message_in_progress_that_a_colleague_takes_is_noticed_before_it_is_sent(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, colleague: IMAPClient
) -> None:
    reader = intake.reader()
    reader.work()
    uids = [dovecot.deliver(mailbox_user.name, make_mail()) for _ in range(2)]
    reader.work()
    intake.decide_to_forward()
    expunge(colleague, [uids[0]])
    intake.clock.forward(timedelta(minutes=2))
    reader.work()

    first, second = intake.rows()
    assert first.gone_at == intake.clock.now()
    assert (second.gone_at, second.present_at) == (None, intake.clock.now())
    assert intake.events(first)[-1] == "gone"


def test_message_that_a_colleague_takes_is_noticed_as_soon_as_the_server_says_so(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, colleague: IMAPClient
) -> None:
    """The last look was a moment ago and would count for a minute."""
    reader = intake.reader()
    reader.work()
    uids = [dovecot.deliver(mailbox_user.name, make_mail()) for _ in range(3)]
    reader.work()
    intake.decide_to_forward()
    intake.clock.forward(timedelta(seconds=1))
    with running(reader):
        until(lambda: intake.heartbeats._last)
        expunge(colleague, [uids[0]])
        until(lambda: intake.rows()[0].gone_at is not None)
    assert [row.gone_at for row in intake.rows()[1:]] == [None, None]


def test_flags_of_colleagues_change_nothing(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy, colleague: IMAPClient
) -> None:
    """Unasked FETCH lines with flags stand between those that were asked for."""
    reader = intake.reader(port=imap_proxy.port)
    reader.work()
    contents = [make_mail() for _ in range(3)]
    uids = [dovecot.deliver(mailbox_user.name, octets) for octets in contents]
    colleague.noop()

    def flag() -> None:
        colleague.add_flags(uids, ["\\Seen", "\\Flagged", "DiAnna"])

    imap_proxy.rewrite(at_line(b"OK Fetch completed", flag))
    reader.work()
    intake.decide_as_done()
    colleague.add_flags([uids[0]], ["\\Deleted"])
    reader.work()

    assert intake.states() == ["filed"] * 3
    assert [intake.octets(row) for row in intake.rows()] == contents


def test_flags_told_in_the_middle_of_an_answer_spoil_neither_sizes_nor_octets(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, imap_proxy: ImapProxy
) -> None:
    reader = intake.reader(port=imap_proxy.port)
    reader.work()
    contents = [make_mail(f"{n}\n") for n in range(3)]
    for octets in contents:
        dovecot.deliver(mailbox_user.name, octets)
    unasked = b"* 2 FETCH (FLAGS (\\Seen))\r\n* 3 FETCH (UID 3 FLAGS (\\Seen))\r\n"
    imap_proxy.rewrite(lambda line: unasked + line if line.startswith(b"* 1 FETCH") else None)
    reader.work()

    assert [(row.state, row.size) for row in intake.rows()] == [("received", len(octets)) for octets in contents]
    assert [intake.octets(row) for row in intake.rows()] == contents


# --------------------------------------------------------------------------- the folder itself


def test_renamed_folder_is_one_clear_incident_and_recovers(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    dovecot.client(mailbox_user.name).create_folder("Sportello")
    other, reader = intake.reader("altra"), intake.reader("sportello", folder="Sportello")
    other.work()
    reader.work()
    reader.close()
    dovecot.rename_folder(mailbox_user.name, "Sportello", "Sportello vecchio")
    dovecot.deliver(mailbox_user.name, make_mail(), folder="Sportello vecchio")
    for _ in range(3):
        with pytest.raises(MailboxTroubleError) as caught:
            reader.work()
        assert caught.value.kind == "folder"
        reader.fail(caught.value)
        dovecot.deliver(mailbox_user.name, make_mail())
        other.work()
    ((kind, subject, detail),) = intake.incidents()
    assert (kind, subject) == ("mailbox", "sportello")
    assert "routing_rules.yaml" in detail
    assert intake.incidents_ever() == 1
    assert [row.state for row in intake.rows("altra")] == ["received"] * 3

    dovecot.rename_folder(mailbox_user.name, "Sportello vecchio", "Sportello")
    reader.work()

    assert intake.incidents() == []
    assert [row.state for row in intake.rows("sportello")] == ["received"]


@pytest.mark.parametrize("deleted", [False, True], ids=["renamed", "deleted"])
def test_folder_that_goes_while_it_is_being_read(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, deleted: bool
) -> None:
    """The connection has it selected; whatever the server says then, it comes to one incident and recovers."""
    colleague = dovecot.client(mailbox_user.name)
    colleague.create_folder("Sportello")
    reader = intake.reader("sportello", folder="Sportello")
    reader.work()
    if deleted:
        colleague.delete_folder("Sportello")
    else:
        colleague.rename_folder("Sportello", "Altrove")
    kinds: list[str] = []
    for _ in range(5):
        try:
            reader.work()
        except (IMAPClientError, MailboxTroubleError) as error:
            reader.fail(error)
            kinds += [detail.split(":")[0] for _, _, detail in intake.incidents()]
    assert kinds[-3:] == ["folder"] * 3
    assert intake.incidents_ever() == 1

    colleague.create_folder("Sportello")
    dovecot.deliver(mailbox_user.name, make_mail(), folder="Sportello")
    reader.work()
    assert intake.states() == ["received"]
    assert intake.incidents() == []


def test_folder_that_may_only_be_read_is_one_clear_incident(
    intake: Intake, imap_proxy: ImapProxy, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    imap_proxy.rewrite(lambda line: line.replace(b"[READ-WRITE]", b"[READ-ONLY]"))
    dovecot.deliver(mailbox_user.name, make_mail())
    reader = intake.reader(port=imap_proxy.port)
    for _ in range(2):
        with pytest.raises(Exception) as caught:  # noqa: PT011 - what matters is what it is told as
            reader.work()
        text = reader.fail(caught.value)
    assert "right to write" in text
    ((_, _, detail),) = intake.incidents()
    assert detail.startswith("read_only: ")
    assert intake.rows() == []

    imap_proxy.behave()
    reader.work()
    assert (intake.states(), intake.incidents()) == (["baseline"], [])


# --------------------------------------------------------------------------- reconciliation


def test_message_without_a_row_is_listed_and_is_an_incident(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, delete_row: Callable[[int], None]
) -> None:
    reader = intake.reader()
    reader.work()
    uids = [dovecot.deliver(mailbox_user.name, make_mail()) for _ in range(3)]
    reader.work()
    delete_row(uids[1])
    reader.request_reconciliation()
    reader.work()
    assert [(kind, subject) for kind, subject, _ in intake.incidents()] == [("unlisted", "generale")]
    reader.work()
    assert sorted(row.uid for row in intake.rows()) == uids

    reader.request_reconciliation()
    reader.work()
    assert intake.incidents() == []


def test_message_that_a_colleague_removed_is_noted_by_the_comparison(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, colleague: IMAPClient
) -> None:
    reader = intake.reader()
    reader.work()
    uids = [dovecot.deliver(mailbox_user.name, make_mail()) for _ in range(2)]
    reader.work()
    intake.decide_as_held()
    expunge(colleague, [uids[0]])
    intake.clock.forward(timedelta(days=1, minutes=1))
    reader.work()

    first, second = intake.rows()
    assert (first.state, first.gone_at) == ("held", intake.clock.now()), "still a person's to answer"
    assert second.gone_at is None
    assert intake.incidents() == []


def test_server_with_a_bad_moment_loses_no_message(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gives no octets and lists nothing: once is no proof that somebody took the message away."""
    reader = intake.reader()
    reader.work()
    dovecot.deliver(mailbox_user.name, make_mail())
    with monkeypatch.context() as bad:
        bad.setattr(ImapMailbox, "octets", lambda *_: {})
        bad.setattr(ImapMailbox, "present", lambda *_: set())
        reader.work()
    assert intake.states() == ["listed"]
    intake.clock.forward(timedelta(minutes=1))
    reader.work()
    assert intake.states() == ["received"]


def test_message_that_had_vanished_is_read_when_the_comparison_finds_it(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = intake.reader()
    reader.work()
    dovecot.deliver(mailbox_user.name, make_mail())
    with monkeypatch.context() as bad:
        bad.setattr(ImapMailbox, "octets", lambda *_: {})
        bad.setattr(ImapMailbox, "present", lambda *_: set())
        reader.work()
        intake.clock.forward(timedelta(minutes=1))
        reader.work()
    assert intake.states() == ["vanished"]

    reader.request_reconciliation()
    assert reader.work() == 1
    assert [(kind, subject) for kind, subject, _ in intake.incidents()] == [("not_vanished", "generale")]
    reader.work()
    assert intake.states() == ["received"]
    assert intake.events(intake.rows()[0]) == ["listed", "received", "found_again", "received"]
    reader.request_reconciliation()
    reader.work()
    assert intake.incidents() == []


def test_message_that_only_seemed_gone_is_there_again_after_the_comparison(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = intake.reader()
    reader.work()
    for _ in range(2):
        dovecot.deliver(mailbox_user.name, make_mail())
    reader.work()
    intake.decide_to_forward()
    intake.clock.forward(timedelta(minutes=2))
    with monkeypatch.context() as bad:
        bad.setattr(ImapMailbox, "present", lambda *_: set())
        reader.work()
    assert all(row.gone_at is not None for row in intake.rows())
    reader.request_reconciliation()
    reader.work()
    assert [(row.state, row.gone_at) for row in intake.rows()] == [("decided", None)] * 2
    assert intake.incidents() == []


def test_filed_message_that_still_lies_in_the_inbox_is_shown(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = intake.reader()
    reader.work()
    dovecot.deliver(mailbox_user.name, make_mail())
    reader.work()
    intake.decide_to_forward()
    intake.forward_all()
    with monkeypatch.context() as bad:
        bad.setattr(ImapMailbox, "present", lambda *_: set())
        reader.work()
    assert intake.states() == ["filed"]
    reader.request_reconciliation()
    reader.work()
    assert [(kind, subject) for kind, subject, _ in intake.incidents()] == [("filed_still_there", "generale")]


def test_comparison_happens_daily(intake: Intake) -> None:
    reader = intake.reader()
    reader.work()
    steps = intake.store.steps
    for hours in (0, 23):
        intake.clock.forward(timedelta(hours=hours))
        reader.work()
    assert steps.count("reconciled") == 1
    intake.clock.forward(timedelta(hours=2))
    reader.work()
    assert steps.count("reconciled") == 2


def test_what_we_move_away_is_no_news_and_what_a_colleague_takes_is(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, colleague: IMAPClient
) -> None:
    uids = [dovecot.deliver(mailbox_user.name, make_mail()) for _ in range(6)]
    with intake.imap() as imap:
        imap.ensure_folder("Smistati")
        imap.select()
        imap.move([uids[0], uids[1], uids[3], 999], "Smistati")
        assert not imap.take_removals()
        expunge(colleague, [uids[2]])
        imap.client.noop()
        assert imap.take_removals()
        assert not imap.take_removals(), "said once"
        # Taken while we move others: more has gone than we have moved.
        expunge(colleague, [uids[4]])
        imap.move([uids[5]], "Smistati")
        assert imap.take_removals()
