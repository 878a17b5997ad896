"""Known octets under a new UID are another appearance: shown to staff, never sent again."""

from __future__ import annotations

from tests.intake.builders import Intake
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail


def test_message_that_a_colleague_moved_out_and_back_is_held(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    reader = intake.reader()
    reader.work()
    uid = dovecot.deliver(mailbox_user.name, make_mail())
    reader.work()
    colleague = dovecot.client(mailbox_user.name)
    colleague.create_folder("Da vedere")
    colleague.select_folder("INBOX")
    colleague.move([uid], "Da vedere")
    reader.work()
    colleague.select_folder("Da vedere")
    colleague.move(colleague.search(), "INBOX")
    reader.work()

    first, again = intake.rows()
    assert (first.state, again.state) == ("received", "held")
    assert (again.hold_reason, again.same_as) == ("ricomparso", first.id)
    assert again.sha256 == first.sha256


def test_message_that_was_filed_and_put_back_is_held(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    reader = intake.reader()
    reader.work()
    dovecot.deliver(mailbox_user.name, make_mail())
    reader.work()
    intake.decide_to_forward()
    intake.forward_all()
    reader.work()
    (row,) = intake.rows()
    assert row.state == "filed"
    assert row.filed_folder is not None
    colleague = dovecot.client(mailbox_user.name)
    colleague.select_folder(row.filed_folder)
    colleague.move(colleague.search(), "INBOX")

    reader.work()

    assert [(r.state, r.hold_reason, r.same_as) for r in intake.rows()] == [
        ("filed", "", None),
        ("held", "ricomparso", row.id),
    ]
    assert intake.forward_all() == 0


def test_same_octets_twice_in_one_batch_are_one_message_and_one_appearance(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    reader = intake.reader()
    reader.work()
    octets = make_mail()
    for _ in range(3):
        dovecot.deliver(mailbox_user.name, octets)
    reader.work()

    first, *others = intake.rows()
    assert intake.states() == ["received", "held", "held"]
    assert [(row.hold_reason, row.same_as) for row in others] == [("ricomparso", first.id)] * 2


def test_same_octets_in_another_mailbox_are_told_apart_when_they_are_decided(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    """Whether the one in the junk folder counts depends on what became of it there (``triage.twins``)."""
    dovecot.client(mailbox_user.name).create_folder("Junk")
    inbox, junk = intake.reader(), intake.reader("indesiderata", folder="Junk")
    inbox.work()
    junk.work()
    octets = make_mail()
    dovecot.deliver(mailbox_user.name, octets, folder="Junk")
    junk.work()
    dovecot.deliver(mailbox_user.name, octets)
    inbox.work()

    assert [(row.state, row.same_as) for row in intake.rows()] == [("received", None)] * 2


def test_message_that_was_in_the_baseline_is_a_persons_when_it_comes_again(
    intake: Intake, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    """It was never read, but its Message-ID and size are known; who puts it back wants it looked at."""
    octets = make_mail()
    dovecot.deliver(mailbox_user.name, octets)
    reader = intake.reader()
    reader.work()
    dovecot.deliver(mailbox_user.name, octets)
    reader.work()

    assert [(row.state, row.hold_reason) for row in intake.rows()] == [
        ("baseline", ""),
        ("held", "precedente_al_servizio"),
    ]
