"""The server's own list beside the record, asked while the reader works: what is counted as a difference."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.intake.builders import Intake, account_of
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail
from triage.intake.comparing import GRACE, Comparison, compare_with_server
from triage.intake.connection import MailboxTroubleError
from triage.intake.mailbox import ImapMailbox
from triage.record.mailboxes import ask_for_comparison

LATER = GRACE + timedelta(seconds=30)


@pytest.fixture
def compare(intake: Intake) -> Callable[[], Comparison]:
    """Ask beside whatever reads."""
    return lambda: compare_with_server(intake.store, account_of(intake.user, intake.port), "INBOX", "generale")


def test_a_mailbox_whose_every_message_is_on_record_agrees(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, compare: Callable[[], Comparison]
) -> None:
    """What was there before the service, what waits and what was filed."""
    dovecot.deliver(mailbox_user.name, make_mail())
    reader = intake.reader()
    reader.work()
    for _ in range(3):
        dovecot.deliver(mailbox_user.name, make_mail())
    reader.work()
    intake.decide_as_done()
    reader.work()
    dovecot.deliver(mailbox_user.name, make_mail())
    reader.work()
    intake.clock.forward(LATER)
    assert compare() == Comparison(listed=2)


def test_new_mail_is_arriving_at_first_and_unknown_after_the_grace(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, compare: Callable[[], Comparison]
) -> None:
    intake.reader().work()
    uid = dovecot.deliver(mailbox_user.name, make_mail())
    assert compare() == Comparison(listed=1, arriving=1)
    intake.clock.forward(LATER)
    assert compare() == Comparison(listed=1, unknown=(uid,))


def test_a_message_passed_over_is_unknown_and_the_reader_that_is_asked_takes_it_in(
    intake: Intake,
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    delete_row: Callable[[int], None],
    compare: Callable[[], Comparison],
) -> None:
    reader = intake.reader()
    reader.work()
    uids = [dovecot.deliver(mailbox_user.name, make_mail()) for _ in range(3)]
    reader.work()
    delete_row(uids[1])
    intake.clock.forward(LATER)
    reader.work()
    assert compare() == Comparison(listed=3, unknown=(uids[1],)), "the ordinary pass looks above its mark only"
    with intake.store.write("asked") as tx:
        ask_for_comparison(tx, "generale")
    intake.clock.forward(timedelta(seconds=1))
    reader.work()
    reader.work()
    assert compare() == Comparison(listed=3)
    assert sorted(row.uid for row in intake.rows()) == uids
    assert [kind for kind, _, _ in intake.incidents()] == ["unlisted"]
    assert intake.store.steps.count("reconciled") == 2, "asked once, compared once"


def test_a_message_that_came_back_after_it_was_filed_is_no_longer_accounted_for(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, compare: Callable[[], Comparison]
) -> None:
    reader = intake.reader()
    reader.work()
    dovecot.deliver(mailbox_user.name, make_mail())
    reader.work()
    intake.decide_as_done()
    reader.work()
    (row,) = intake.rows()
    with intake.imap(row.filed_folder or "") as filed:
        filed.move([1], "INBOX")
    intake.clock.forward(LATER)
    assert compare().unknown, "under a new number, until the reader has looked"
    reader.work()
    assert compare().agrees


def test_what_a_colleague_has_taken_out_is_told_and_is_no_difference(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, compare: Callable[[], Comparison]
) -> None:
    reader = intake.reader()
    reader.work()
    uids = [dovecot.deliver(mailbox_user.name, make_mail()) for _ in range(2)]
    reader.work()
    intake.decide_as_held()
    with intake.imap() as colleague:
        colleague.remove([uids[0]])
    found = compare()
    assert (found, found.agrees) == (Comparison(listed=1, gone=1), True)


def test_what_is_filed_and_only_marked_as_deleted_is_no_difference(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, compare: Callable[[], Comparison]
) -> None:
    """Where the server can neither move nor expunge single messages, it goes on lying there."""
    reader = intake.reader()
    reader.work()
    dovecot.deliver(mailbox_user.name, make_mail())
    reader.work()
    intake.decide_as_done()
    assert reader._imap is not None
    reader._imap.has_move = reader._imap.has_uidplus = False
    reader.work()
    intake.clock.forward(LATER)
    assert compare() == Comparison(listed=1)


@pytest.mark.parametrize("answers_first", [True, False], ids=["the server answers first", "the reader files first"])
def test_what_is_filed_while_the_lists_are_compared_is_no_difference(
    answers_first: bool,
    intake: Intake,
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    compare: Callable[[], Comparison],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The reader files and takes something in between the two looks at the record."""
    reader = intake.reader()
    reader.work()
    for _ in range(3):
        dovecot.deliver(mailbox_user.name, make_mail())
    reader.work()
    intake.decide_as_done()
    dovecot.deliver(mailbox_user.name, make_mail())
    ask = ImapMailbox.uids_from
    waits = [reader]

    def while_the_reader_works(self: ImapMailbox, first: int, uid_next: int) -> list[list[int]]:
        found = list(ask(self, first, uid_next)) if answers_first else []
        if waits:
            dovecot.deliver(mailbox_user.name, make_mail())
            waits.pop().work()
        if not answers_first:
            self.refresh()
        return found or list(ask(self, first, uid_next))

    monkeypatch.setattr(ImapMailbox, "uids_from", while_the_reader_works)
    intake.clock.forward(LATER)
    assert compare() == Comparison(listed=4 if answers_first else 2)


def test_a_mailbox_that_nobody_has_read_or_that_was_numbered_anew_is_not_compared(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser, compare: Callable[[], Comparison]
) -> None:
    dovecot.deliver(mailbox_user.name, make_mail())
    assert compare() == Comparison(listed=1, comparable=False)
    reader = intake.reader()
    reader.work()
    assert compare().comparable
    dovecot.rebuild(mailbox_user.name)
    assert not compare().comparable


def test_looking_costs_few_round_trips_whatever_the_size_and_changes_nothing(
    intake: Intake,
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    compare: Callable[[], Comparison],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(40):
        dovecot.deliver(mailbox_user.name, make_mail())
    intake.reader().work()
    said: list[str] = []
    monkeypatch.setattr("triage.intake.mailbox.reach", said.append)
    steps = len(intake.store.steps)
    assert compare().agrees
    assert said == ["imap select", "imap search"]
    assert len(intake.store.steps) == steps


def test_a_server_that_is_not_there_is_told_in_words(intake: Intake) -> None:
    with pytest.raises(MailboxTroubleError) as error:
        compare_with_server(intake.store, account_of(intake.user, 1), "INBOX", "generale")
    assert error.value.kind == "unreachable"
