"""When the service writes to itself, and when it misses what it wrote; on both engines, time moved by the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.decide.builders import RULES
from tests.record.builders import MovedClock, a_mailbox
from triage.canaries import KIND, LATE, watch_canaries
from triage.decide import may_test_mailbox
from triage.record import Store
from triage.record.canaries import KEPT, newest_canaries
from triage.record.identity import set_stopped
from triage.record.incidents import open_incident, open_incidents
from triage.record.mailboxes import MailboxRow
from triage.record.tables import canaries, staff_notices
from triage.rules.types import MailboxRole, Rules
from triage.vocabulary import DispatchState, Mode

EVERY = 60
BOX = "generale"


def ruled(minutes: int = EVERY, mode: Mode = Mode.AUTOMATIC, role: MailboxRole = MailboxRole.INBOX) -> Rules:
    box = replace(RULES.mailboxes[BOX], role=role)
    service = replace(RULES.service, canary_minutes=minutes, mode=mode)
    return replace(RULES, service=service, mailboxes={BOX: box})


ASKED = ruled()


@pytest.fixture
def mailbox(store: Store) -> MailboxRow:
    return a_mailbox(store, BOX)


def watch(store: Store, rules: Rules = ASKED) -> int:
    with store.write("watched") as tx:
        return watch_canaries(tx, rules)


def leave(store: Store) -> None:
    """The notice stage has had its 250 for everything that was planned."""
    with store.write("left") as tx:
        pending = staff_notices.c.state == DispatchState.PENDING
        tx.execute(sa.update(staff_notices).where(pending).values(state=DispatchState.ACCEPTED, ended_at=tx.now))


def missed(store: Store) -> Sequence[str]:
    with store.read("look") as tx:
        return [row["detail"] for row in open_incidents(tx) if row["kind"] == KIND]


def test_one_is_planned_at_once_and_then_at_its_times(store: Store, clock: MovedClock, mailbox: MailboxRow) -> None:
    assert watch(store) == 1
    leave(store)
    assert watch(store) == 0, "the last one is awaited"
    with store.write("seen") as tx:
        tx.execute(sa.update(canaries).values(seen_at=tx.now))
    clock.forward(timedelta(minutes=EVERY - 1))
    assert watch(store) == 0
    clock.forward(timedelta(minutes=1))
    assert watch(store) == 1
    assert missed(store) == []


def test_one_that_does_not_come_back_is_missed_once(store: Store, clock: MovedClock, mailbox: MailboxRow) -> None:
    watch(store)
    leave(store)
    clock.forward(LATE - timedelta(minutes=1))
    watch(store)
    assert missed(store) == []
    clock.forward(timedelta(minutes=1))
    watch(store)
    (words,) = missed(store)
    assert "has not come back for 20 minutes" in words
    assert len(words) <= 255
    clock.forward(timedelta(minutes=EVERY))
    assert watch(store) == 1, "the next one is sent all the same"
    assert missed(store) == [words]


def test_it_says_when_none_has_left(store: Store, clock: MovedClock, mailbox: MailboxRow) -> None:
    watch(store)
    clock.forward(LATE)
    watch(store)
    (words,) = missed(store)
    assert "has not left for 20 minutes" in words


@pytest.mark.parametrize("known", [("mailbox", BOX), ("submission", "x"), ("notice_channel", "mail")])
def test_what_another_incident_explains_is_not_told_twice(
    store: Store, clock: MovedClock, mailbox: MailboxRow, known: tuple[str, str]
) -> None:
    watch(store)
    leave(store)
    with store.write("trouble") as tx:
        open_incident(tx, *known, "the server refuses us")
    clock.forward(LATE)
    watch(store)
    assert missed(store) == []
    with store.read("look") as tx:
        assert newest_canaries(tx)[mailbox.id].given_up_at is not None


@pytest.mark.parametrize("why", ["off", "ombra", "stopped", "junk", "pec"])
def test_none_is_sent_or_missed_where_none_is_wanted(
    store: Store, clock: MovedClock, mailbox: MailboxRow, why: str
) -> None:
    box = ASKED.mailboxes[BOX]
    quiet = {
        "off": ruled(0),
        "ombra": ruled(mode=Mode.SHADOW),
        "junk": ruled(role=MailboxRole.JUNK),
        "pec": replace(ASKED, mailboxes={BOX: replace(box, pec=True)}),
    }.get(why, ASKED)
    watch(store)
    leave(store)
    clock.forward(LATE)
    if why == "stopped":
        with store.write("stop") as tx:
            set_stopped(tx, True)
    assert watch(store, quiet) == 0
    assert missed(store) == []
    if why == "stopped":
        with store.write("start") as tx:
            set_stopped(tx, False)
        clock.forward(timedelta(minutes=EVERY))
        assert watch(store) == 1
        assert missed(store) == []


def test_an_incident_ends_when_they_are_switched_off(store: Store, clock: MovedClock, mailbox: MailboxRow) -> None:
    watch(store)
    leave(store)
    clock.forward(LATE)
    watch(store)
    assert len(missed(store)) == 1
    watch(store, ruled(0))
    assert missed(store) == []


def test_rows_do_not_grow_with_time(store: Store, clock: MovedClock, mailbox: MailboxRow) -> None:
    for _ in range(24 * 9):
        watch(store)
        leave(store)
        with store.write("seen") as tx:
            tx.execute(sa.update(canaries).values(seen_at=tx.now))
        clock.forward(timedelta(minutes=EVERY))
    with store.read("look") as tx:
        for table in (canaries, staff_notices):
            kept = tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            assert kept <= KEPT / timedelta(minutes=EVERY) + 1


@pytest.mark.parametrize("address", ["qualcuno@example.org", "crema@example.org"])
def test_it_is_written_to_a_watched_mailbox_alone(address: str) -> None:
    assert may_test_mailbox(ASKED.mailboxes[BOX].address, ASKED).allowed
    assert not may_test_mailbox(address, ASKED).allowed
    assert not may_test_mailbox(ASKED.mailboxes[BOX].address, ruled(mode=Mode.SHADOW)).allowed
