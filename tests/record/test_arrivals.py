"""In which hours mail came, by the dates that the server gives; and the watch over it: one incident, ended by mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.decide.builders import RULES
from tests.record.builders import MovedClock, a_mailbox
from triage.quiet import KIND, watch_silence
from triage.record import Store
from triage.record.arrivals import NEWS, forget_hours, hours_of, note_arrivals
from triage.record.incidents import open_incidents
from triage.record.mailboxes import MailboxRow, update_mailbox
from triage.record.messages import list_messages
from triage.silence import HISTORY
from triage.vocabulary import ListedMessage, MessageState

HOUR = timedelta(hours=1)
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
READER = "reader-1"


def list_at(
    store: Store, mailbox: MailboxRow, uid: int, date: datetime | None, state: MessageState = MessageState.LISTED
) -> None:
    with store.write("listed") as tx:
        list_messages(tx, mailbox, [ListedMessage(uid, 1, date)], state=state, last_uid=uid)


def hours(store: Store, mailbox: MailboxRow, since: datetime = START - HISTORY) -> dict[datetime, int]:
    with store.read("look") as tx:
        return hours_of(tx, mailbox.id, since)


def test_the_hour_is_that_in_which_the_message_reached_the_mailbox(store: Store, clock: MovedClock) -> None:
    """After a night in which we did not read, the night was not silent."""
    mailbox = a_mailbox(store)
    now = clock.now()
    list_at(store, mailbox, 1, now - timedelta(hours=5, minutes=3))
    list_at(store, mailbox, 2, now - timedelta(hours=5, minutes=1))
    list_at(store, mailbox, 3, None)
    list_at(store, mailbox, 4, now + timedelta(hours=3))
    full = now.replace(minute=0)
    night = (now - timedelta(hours=5, minutes=3)).replace(minute=0)
    assert hours(store, mailbox) == {night: 2, full: 2}
    list_at(store, mailbox, 4, now)
    assert hours(store, mailbox) == {night: 2, full: 2}, "listed once more, arrived once"


def test_old_mail_that_is_moved_in_or_was_there_before_is_no_arrival(store: Store, clock: MovedClock) -> None:
    mailbox = a_mailbox(store)
    list_at(store, mailbox, 1, clock.now() - NEWS - HOUR)
    list_at(store, mailbox, 2, clock.now(), MessageState.BASELINE)
    assert hours(store, mailbox) == {}


def test_what_lies_behind_the_history_is_forgotten(store: Store, clock: MovedClock) -> None:
    mailbox, other = a_mailbox(store), a_mailbox(store, "altra")
    list_at(store, mailbox, 1, clock.now())
    clock.forward(2 * HOUR)
    list_at(store, mailbox, 2, clock.now())
    list_at(store, other, 1, clock.now())
    with store.write("forget") as tx:
        forget_hours(tx, clock.now() - HOUR)
    assert len(hours(store, mailbox)) == len(hours(store, other)) == 1


# --------------------------------------------------------------------------- the watch


@pytest.fixture
def usual(store: Store, clock: MovedClock) -> MailboxRow:
    """Six weeks in which something came in every hour of the day, until a Monday at half past eight UTC."""
    mailbox = a_mailbox(store)
    with store.write("history") as tx:
        for _ in range(6 * 7 * 24):
            clock.forward(HOUR)
            note_arrivals(replace(tx, now=clock.now()), mailbox.id, [clock.now()] * 3)
    note_read(store, mailbox)
    return mailbox


def note_read(store: Store, mailbox: MailboxRow) -> None:
    with store.write("read") as tx:
        update_mailbox(tx, mailbox, last_read_at=tx.now)


def silent(store: Store) -> list[tuple[str, int]]:
    """The mailboxes whose silence is an incident, and how often that was noted."""
    with store.read("look") as tx:
        return [(row["subject"], row["times"]) for row in open_incidents(tx) if row["kind"] == KIND]


def watch(store: Store, mailbox: MailboxRow, worker: str = READER) -> None:
    note_read(store, mailbox)
    watch_silence(store, RULES.service, worker)


def test_silence_is_one_incident_until_mail_comes(store: Store, clock: MovedClock, usual: MailboxRow) -> None:
    clock.forward(3 * HOUR)
    watch(store, usual)
    assert silent(store) == [], "three hours may be chance"
    for _ in range(20):
        clock.forward(HOUR)
        watch(store, usual)
    assert silent(store) == [("ufficio", 1)]
    clock.forward(4 * HISTORY)
    watch(store, usual)
    assert silent(store) == [("ufficio", 1)], "and not over because the history has run out"
    list_at(store, usual, 99_999, clock.now())
    clock.forward(timedelta(minutes=5))
    watch(store, usual)
    assert silent(store) == [("ufficio", 1)], "a history of one hour says nothing"


def test_the_first_mail_ends_the_incident(store: Store, clock: MovedClock, usual: MailboxRow) -> None:
    clock.forward(12 * HOUR)
    watch(store, usual)
    assert silent(store) == [("ufficio", 1)]
    list_at(store, usual, 99_999, clock.now())
    watch(store, usual)
    assert silent(store) == []


def test_a_mailbox_that_is_not_read_or_read_by_another_is_not_judged(
    store: Store, clock: MovedClock, usual: MailboxRow
) -> None:
    """That it cannot be read is an incident of its own; its mail may lie there."""
    clock.forward(12 * HOUR)
    watch_silence(store, RULES.service, READER)
    assert silent(store) == []
    watch(store, usual, worker="reader-2")
    assert silent(store) == []


def test_the_days_of_the_rules_on_which_the_office_is_closed_are_not_silent(
    store: Store, clock: MovedClock, usual: MailboxRow
) -> None:
    clock.forward(12 * HOUR)
    note_read(store, usual)
    closed = replace(RULES.service, closed_days=(f"{clock.now():%m-%d}",))
    watch_silence(store, closed, READER)
    assert silent(store) == []
