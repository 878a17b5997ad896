"""Fixtures of intake's tests: a record with a clock that the test moves, and readers on a real Dovecot."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from tests.fakes import FakeClock, WatchedStore
from tests.intake.builders import Intake
from tests.servers.dovecot import Dovecot, MailboxUser
from triage.record.tables import messages


@pytest.fixture
def clock() -> FakeClock:
    """Stands at the present instant until it is moved."""
    return FakeClock()


@pytest.fixture
def store(sqlite_url: str, clock: FakeClock) -> Iterator[WatchedStore]:
    """An empty record with its tables."""
    made = WatchedStore(sqlite_url, clock)
    yield made
    made.close()


@pytest.fixture
def intake(store: WatchedStore, clock: FakeClock, dovecot: Dovecot, mailbox_user: MailboxUser) -> Iterator[Intake]:
    """Readers of a fresh account of the session's Dovecot."""
    made = Intake(store, clock, mailbox_user, dovecot.port)
    yield made
    made.close()


@pytest.fixture
def delete_row(sqlite_url: str, intake: Intake) -> Callable[[int], None]:
    """Delete a message's row behind the record's back: what a bug or a hand could do."""

    def run(uid: int) -> None:
        engine = sa.create_engine(sqlite_url)
        with engine.begin() as connection:
            connection.execute(sa.delete(messages).where(messages.c.uid == uid))
        engine.dispose()

    return run
