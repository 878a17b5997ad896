"""A mailbox that gets another name in the rules is the same mailbox: nothing is set aside, nothing left behind."""

from __future__ import annotations

from datetime import timedelta

from tests.intake.builders import FOLDER, Intake
from tests.servers.dovecot import Dovecot
from tests.servers.mail import make_mail

NOW = frozenset({"sportello"})
"""The names in the rules after the change."""


def test_mail_that_comes_while_a_mailbox_is_renamed_is_received(intake: Intake, dovecot: Dovecot) -> None:
    """It would count as lying there before the service, and nobody would answer."""
    intake.reader("generale").work()
    dovecot.deliver(intake.user.name, make_mail())
    intake.close()

    intake.reader("sportello", configured=NOW).work()

    assert [row.state for row in intake.rows("sportello")] == ["received"]
    assert intake.incidents() == []
    intake.reader("sportello", configured=NOW).work()  # the marker goes on as well


def test_what_was_forwarded_under_the_old_name_is_filed(intake: Intake, dovecot: Dovecot) -> None:
    intake.reader("generale").work()
    dovecot.deliver(intake.user.name, make_mail())
    intake.reader("generale").work()
    intake.decide_to_forward()
    intake.forward_all()
    intake.close()

    intake.reader("sportello", configured=NOW).work()

    assert [(row.state, row.filed_folder) for row in intake.rows("sportello")] == [("filed", f"Smistati.{FOLDER}")]


def test_mailbox_still_read_under_its_old_name_is_waited_for(intake: Intake, dovecot: Dovecot) -> None:
    old = intake.reader("generale", worker="lettore-1")
    old.work()
    dovecot.deliver(intake.user.name, make_mail())

    new = intake.reader("sportello", worker="lettore-2", configured=NOW)
    assert new.work() == 0
    assert intake.rows() == []
    old.close()
    new.work()
    assert [row.state for row in intake.rows("sportello")] == ["received"]


def test_mailbox_of_another_folder_is_another_mailbox_and_its_first_look_is_told(
    intake: Intake, dovecot: Dovecot
) -> None:
    """Perhaps it is the old one, moved: then its mail must not be set aside in silence."""
    intake.reader("generale").work()
    intake.close()
    dovecot.client(intake.user.name).create_folder("Sportello")
    dovecot.deliver(intake.user.name, make_mail(), folder="Sportello")

    intake.reader("sportello", folder="Sportello", configured=NOW).work()

    assert intake.states() == ["baseline"]
    ((kind, subject, detail),) = intake.incidents()
    assert (kind, subject) == ("first_look", "sportello")
    assert "generale" in detail
    intake.close()
    since = intake.clock.now() - timedelta(days=1)
    intake.reader("sportello", folder="Sportello", configured=NOW, backlog_since=since).work()
    assert (intake.states(), intake.incidents()) == (["received"], [])


def test_first_look_at_the_only_mailbox_is_no_incident(intake: Intake, dovecot: Dovecot) -> None:
    dovecot.deliver(intake.user.name, make_mail())
    intake.reader("generale", configured=frozenset({"generale"})).work()
    assert (intake.states(), intake.incidents()) == (["baseline"], [])
