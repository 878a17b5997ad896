"""Old mail is never taken for new: whoever moves it, and whatever date its new place gives it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.intake.builders import Intake
from tests.servers.dovecot import Dovecot
from tests.servers.mail import make_mail
from triage.record.let_in import send_again
from triage.record.messages import get_message
from triage.vocabulary import MessageState

YEAR = timedelta(days=400)
ASIDE = ("held", "precedente_al_servizio")


def outcomes(intake: Intake) -> list[tuple[str, str]]:
    return [(row.state, row.hold_reason) for row in intake.rows()]


@pytest.mark.parametrize("message_id", ["", None])
def test_old_mail_that_a_colleague_moves_out_and_back_is_held(
    intake: Intake, dovecot: Dovecot, message_id: str | None
) -> None:
    old = intake.clock.now() - YEAR
    dovecot.deliver(intake.user.name, make_mail(date=old, message_id=message_id), when=old)
    reader = intake.reader()
    reader.work()
    colleague = dovecot.client(intake.user.name)
    colleague.create_folder("Altro")
    for here, there in (("INBOX", "Altro"), ("Altro", "INBOX")):
        colleague.select_folder(here)
        colleague.move(colleague.search(), there)
    reader.work()
    assert outcomes(intake) == [("baseline", ""), ASIDE]


@pytest.mark.parametrize("said_by", ["Date", "Received"])
def test_letter_of_last_year_that_is_put_into_the_inbox_is_held(intake: Intake, dovecot: Dovecot, said_by: str) -> None:
    """By APPEND, with the date of today."""
    intake.reader().work()
    intake.close()
    old = intake.clock.now() - YEAR
    octets = (
        make_mail(date=old)
        if said_by == "Date"
        else make_mail(headers=[("Received", f"from a.example by b.example; {format_datetime(old)}")])
    )
    dovecot.client(intake.user.name).append("INBOX", octets)
    reader = intake.reader()
    reader.work()
    assert outcomes(intake) == [ASIDE]

    with intake.store.write("retry", "cli:anna") as tx:
        row = get_message(tx, intake.rows()[0].id)
        assert row is not None
        send_again(tx, row, MessageState.RECEIVED)
    reader.work()
    assert outcomes(intake) == [("received", "")]


def test_clock_that_is_wrong_makes_no_letter_old(intake: Intake, dovecot: Dovecot) -> None:
    reader = intake.reader()
    reader.work()
    for date in (datetime(1980, 1, 4, tzinfo=UTC), intake.clock.now() + YEAR):
        dovecot.deliver(intake.user.name, make_mail(date=date))
    reader.work()
    assert outcomes(intake) == [("received", "")] * 2


def test_backlog_is_let_in_however_old(intake: Intake, dovecot: Dovecot) -> None:
    old = intake.clock.now() - YEAR
    dovecot.deliver(intake.user.name, make_mail(date=old), when=old)
    intake.reader(backlog_since=old - timedelta(days=1)).work()
    assert outcomes(intake) == [("received", "")]


@pytest.mark.parametrize("dates_of_letters", [timedelta(0), YEAR])
def test_migration_that_gives_old_mail_new_dates_sends_none_of_it(
    intake: Intake, dovecot: Dovecot, dates_of_letters: timedelta
) -> None:
    """Known again by Message-ID and size, as many as there were; one copy more is a person's."""
    now = intake.clock.now()
    letters = [make_mail(f"Lettera {n}\n", date=now - dates_of_letters) for n in range(3)]
    for octets in letters:
        dovecot.deliver(intake.user.name, octets, when=now - YEAR)
    reader = intake.reader()
    reader.work()
    reader.close()
    client = dovecot.client(intake.user.name)
    client.select_folder("INBOX")
    client.delete_messages(client.search())
    client.expunge()
    for octets in [*letters, letters[0]]:
        client.append("INBOX", octets)
    dovecot.rebuild(intake.user.name)
    intake.reader().work()

    before, after = outcomes(intake)[:3], sorted(outcomes(intake)[3:])
    assert (before, after[:3]) == ([("baseline", "")] * 3,) * 2
    assert [state for state, _ in after[3:]] == ["held"]


def test_form_that_gives_all_letters_one_message_id_is_read(intake: Intake, dovecot: Dovecot) -> None:
    identity = "<modulo@example.org>"
    dovecot.deliver(intake.user.name, make_mail("Prima lettera\n", message_id=identity))
    reader = intake.reader()
    reader.work()
    dovecot.deliver(intake.user.name, make_mail("Una seconda, d'altri\n", message_id=identity))
    reader.work()
    assert outcomes(intake) == [("baseline", ""), ("received", "")]
