"""What workers call to one another through PostgreSQL: NOTIFY on one channel, heard by a connection of its own.

A call is a courtesy. It is said after the commit of what it is about, in a transaction of its own: a NOTIFY that
commits together with work holds a lock of the whole cluster until that work is on the disk, and so would line up all
workers' commits one behind the other (PostgreSQL, ``PreCommit_Notify``). What is not heard is found by looking.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import sqlalchemy as sa

from triage.record.postgres import connect
from triage.record.store import Store, StoreError

CHANNEL = "triage"


def call(store: Store, words: str) -> None:
    """Say something to every listener of the store's database; raises :class:`StoreError`."""
    store.say(sa.select(sa.func.pg_notify(CHANNEL, words)))


class Listener:
    """One connection that hears what is called in a database; raises :class:`StoreError` when it fails."""

    def __init__(self, url: str) -> None:
        parsed = sa.make_url(url)
        arguments, parameters = parsed.get_dialect()().create_connect_args(parsed)
        with _plain_errors():
            self._connection = connect(arguments, parameters)
            self._connection.autocommit = True
            self._connection.execute(f"LISTEN {CHANNEL}")

    def hear(self, seconds: float) -> list[str]:
        """What was called: at once if anything was, else what comes first within so many seconds."""
        with _plain_errors():
            return [notify.payload for notify in self._connection.notifies(timeout=seconds, stop_after=1)]

    def close(self) -> None:
        """End the connection."""
        with suppress(psycopg.Error):
            self._connection.close()


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        # The driver's own words may hold names and addresses.
        state = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
        raise StoreError("listen", type(error).__name__, state) from None
