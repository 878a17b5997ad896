"""Times go in aware and come back as aware UTC, whatever the engine and its session think."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from tests.record.builders import START, MovedClock, a_mailbox, claim, decided, message, received, rows_of
from triage.record import Store, StoreError
from triage.record.messages import list_messages
from triage.record.tables import mailboxes, messages, metadata
from triage.vocabulary import ListedMessage, MessageState

ROME = ZoneInfo("Europe/Rome")


def test_a_naive_time_is_refused(store: Store) -> None:
    mailbox = a_mailbox(store)
    naive = datetime(2026, 3, 2, 8, 30)  # noqa: DTZ001 - what is to be refused
    with pytest.raises(StoreError, match="ValueError"), store.write("list") as tx:
        list_messages(tx, mailbox, [ListedMessage(1, 10, naive)], state=MessageState.LISTED, last_uid=1)
    assert rows_of(store) == []


def test_a_naive_time_is_refused_in_a_condition_too(store: Store) -> None:
    naive = datetime(2026, 3, 2, 8, 30)  # noqa: DTZ001 - what is to be refused
    with pytest.raises(StoreError, match="ValueError"), store.read("look") as tx:
        tx.execute(sa.select(messages.c.id).where(messages.c.due_at <= naive))


@pytest.mark.parametrize(
    "given",
    [
        START,
        datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=ROME),
        datetime(2026, 3, 2, 3, 0, tzinfo=timezone(timedelta(hours=-5, minutes=-30))),
        datetime(2026, 10, 25, 2, 30, tzinfo=ROME, fold=0),
        datetime(2026, 10, 25, 2, 30, tzinfo=ROME, fold=1),
        datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
    ids=["utc", "rome", "odd-offset", "first-half-past-two", "second-half-past-two", "last-microsecond"],
)
def test_an_aware_time_comes_back_as_the_same_instant_in_utc(store: Store, given: datetime) -> None:
    mailbox = a_mailbox(store)
    with store.write("list") as tx:
        list_messages(tx, mailbox, [ListedMessage(1, 10, given)], state=MessageState.LISTED, last_uid=1)
    (row,) = rows_of(store)
    assert row.internal_date == given.astimezone(UTC)
    assert row.internal_date is not None
    assert row.internal_date.utcoffset() == timedelta(0)
    assert row.internal_date.tzinfo is UTC


def test_every_time_of_every_row_is_aware_utc(store: Store) -> None:
    decided(store, 1)
    seen = 0
    with store.read("look") as tx:
        for table in metadata.sorted_tables:
            for row in tx.execute(sa.select(table)).mappings():
                stamps = [value for value in row.values() if isinstance(value, datetime)]
                assert all(stamp.tzinfo is UTC for stamp in stamps), table.name
                seen += len(stamps)
    assert seen > 15


def test_times_are_compared_as_instants_across_offsets(store: Store, clock: MovedClock) -> None:
    (key,) = received(store, 1)
    due = (START + timedelta(minutes=1)).astimezone(ROME)
    with store.write("later") as tx:
        tx.execute(sa.update(messages).where(messages.c.id == key).values(due_at=due))
    assert claim(store) == []
    clock.forward(timedelta(minutes=1))
    assert [row.id for row in claim(store)] == [key]


def test_a_postgresql_session_in_another_time_zone_changes_nothing(postgres_url: str, clock: MovedClock) -> None:
    store = Store(f"{postgres_url}?options=-c%20timezone%3DAmerica/New_York", clock)
    store.migrate()
    (key,) = received(store, 1)
    with store.read("look") as tx:
        assert tx.execute(sa.text("SHOW timezone")).scalar_one() == "America/New_York"
    row = message(store, key)
    store.close()
    assert (row.received_at, row.received_at and row.received_at.tzinfo) == (START, UTC)


def test_no_time_is_given_by_the_database(store: Store) -> None:
    """Two machines' clocks are enough: the database's would be a third."""
    a_mailbox(store)
    with store.read("look") as tx:
        for table in metadata.sorted_tables:
            assert [column.name for column in table.c if column.server_default is not None] == []
        assert tx.execute(sa.select(mailboxes.c.lease_until)).scalar_one() == START + timedelta(days=365)
