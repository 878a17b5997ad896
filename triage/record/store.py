"""Opens the record and hands out transactions; the only module that holds an engine.

A write transaction is one durable step: it is named, and a crash point lies on either side of its
commit. Errors of the database leave as :class:`StoreError` without statement, parameters or row
contents, because those hold mail.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from triage.clock import Clock
from triage.crashpoints import reach
from triage.keyfile import MasterKey
from triage.record.encrypted import CannotOpenError, Ring
from triage.record.schema import upgrade

BUSY_SECONDS = 30
"""How long another process may keep an SQLite record from being written."""
CONNECTIONS = 9
"""Connections to PostgreSQL at once, unless the settings say otherwise; who needs one more waits for it."""
POOL_SECONDS = 60
"""How long a thread waits for a connection that others of its process have; the slowest of their steps is shorter."""


class StoreError(Exception):
    """The database refused or could not be reached; says which step, never what was in it."""

    def __init__(self, step: str, kind: str, reason: str) -> None:
        super().__init__(f"the record could not complete '{step}': {kind}{reason}")
        self.step = step
        self.kind = kind


class KeyMissingError(StoreError):
    """The record is locked, and the key that opens it is not among those given; nothing was read or written."""

    def __init__(self, wanted: str) -> None:
        super().__init__("open", "", f"it is locked, and key {wanted} is not in TRIAGE_KEY_FILE")
        self.wanted = wanted


class UnstorableError(SQLAlchemyError):
    """A value that no engine keeps, such as a lone surrogate; leaves the store as :class:`StoreError`."""


class LostLeaseError(Exception):
    """A row is no longer ours: another worker took it over. What we did must not be recorded."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """One open transaction with the instant at which it counts as happening."""

    connection: sa.Connection
    now: datetime
    actor: str

    def execute(self, statement: sa.Executable, rows: Any = None) -> sa.CursorResult[*tuple[Any, ...]]:
        """Run one statement (with a sequence of rows: once for each)."""
        try:
            return self.connection.execute(statement, rows) if rows is not None else self.connection.execute(statement)
        except (UnicodeError, OverflowError):
            # The drivers let these through as they are, with the whole text inside.
            raise UnstorableError from None

    @property
    def skips_locked(self) -> bool:
        """Whether the engine locks rows (PostgreSQL) or has one writer at a time (SQLite)."""
        return self.connection.dialect.name == "postgresql"

    def insert(self, table: sa.Table) -> Any:
        """A dialect's INSERT, which knows ON CONFLICT."""
        return postgresql.insert(table) if self.skips_locked else sqlite.insert(table)


class Store:
    """The record behind a database URL (``sqlite:///FILE`` or ``postgresql+psycopg://...``)."""

    def __init__(self, url: str, clock: Clock, connections: int = CONNECTIONS, keys: Sequence[MasterKey] = ()) -> None:
        """``connections``: how many to PostgreSQL there may be at once. ``keys``: what opens a locked record."""
        self.clock = clock
        self.keys = tuple(keys)
        self._url = _read_url(url)
        with _plain_errors("open"):
            self._engine = _make_engine(self._url, connections)
        self.ring = Ring()
        setattr(self._engine.dialect, "triage_ring", self.ring)  # noqa: B010 - the types find it there
        # SQLite has one writer: queueing in our own lock is fair, its busy time-out is not.
        self._writer = threading.Lock() if self._engine.dialect.name == "sqlite" else nullcontext()
        self._looking = threading.local()

    @property
    def engine_name(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    @contextmanager
    def write(self, step: str, actor: str = "triage") -> Iterator[Transaction]:
        """One durable step: everything in it is committed together, or nothing is."""
        self.open_keys()
        with self._writer, _plain_errors(step):
            with self._engine.connect() as connection, connection.begin() as transaction:
                yield Transaction(connection, self.clock.now(), actor)
                reach(f"before commit {step}")
                transaction.commit()
            reach(f"after commit {step}")

    @contextmanager
    def fill(self, step: str, actor: str) -> Iterator[Transaction]:
        """One durable step that writes a whole record and may take time."""
        with self.write(step, actor) as tx, _patience(tx.connection):
            yield tx

    @contextmanager
    def read(self, step: str, *, long: bool = False) -> Iterator[Transaction]:
        """A consistent look; writes nothing (SQLite refuses). ``long``: it passes over every row and may take time.

        Who looks already looks within the same transaction: threads that each held one connection and waited for
        another would stop one another, once all connections of the budget are out.
        """
        mine: Transaction | None = getattr(self._looking, "transaction", None)
        if mine is not None:
            yield mine
            return
        self.open_keys()
        with _plain_errors(step), self._engine.connect() as connection:
            connection = connection.execution_options(triage_read=True)
            if self.engine_name == "postgresql":
                # Else each query would see another instant, and the ledger differ from itself.
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            patience = _patience(connection) if long else nullcontext()
            looking = Transaction(connection, self.clock.now(), "")
            with connection.begin(), patience:
                self._looking.transaction = looking
                try:
                    yield looking
                finally:
                    self._looking.transaction = None

    def say(self, statement: sa.Executable) -> None:
        """Run one statement that keeps nothing, in a transaction of its own and at the cost of one round trip."""
        with _plain_errors("say"), self._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(statement)

    def open_keys(self, *, anew: bool = False) -> None:
        """Open the record's data keys, where that was not done or another process has made one since.

        Raises :class:`KeyMissingError`.
        """
        if not (self.ring.stale or anew):
            return
        from triage.record.data_keys import open_ring

        with _plain_errors("open"), self._engine.connect() as connection:
            connection = connection.execution_options(triage_read=True)
            with connection.begin():
                open_ring(self.ring, connection, self.keys)

    def migrate(self) -> None:
        """Bring the tables to this release's form; does nothing when they are."""
        with self._writer, _plain_errors("migrate"), self._engine.connect() as connection:
            if self._engine.dialect.name == "postgresql":
                _be_patient(connection)
                # Two workers may start at once: the second waits here and finds the work done.
                connection.execute(sa.text("SELECT pg_advisory_lock(7215)"))
                connection.commit()
            try:
                # One transaction from the look at what is there to the last step: on SQLite, too, the second waits.
                with connection.begin():
                    upgrade(connection)
            finally:
                if self._engine.dialect.name == "postgresql":
                    connection.rollback()
                    connection.execute(sa.text("SELECT pg_advisory_unlock(7215)"))
                    connection.commit()
        self.ring.stale = True

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()


def _be_patient(connection: sa.Connection) -> None:
    """Lift PostgreSQL's time limits for this connection, which nobody uses afterwards; SQLite has none."""
    if connection.dialect.name == "postgresql":
        connection.detach()
        setattr(connection.connection.dbapi_connection, "patience", None)  # noqa: B010 - known to psycopg's class only
        for name in ("statement_timeout", "lock_timeout"):
            connection.exec_driver_sql(f"SET {name} = 0")


@contextmanager
def _patience(connection: sa.Connection) -> Iterator[None]:
    """Lift PostgreSQL's time limits until this transaction ends; the connection stays one of the budget's."""
    if connection.dialect.name != "postgresql":
        yield
        return
    driver: Any = connection.connection.dbapi_connection
    for name in ("statement_timeout", "lock_timeout"):
        connection.exec_driver_sql(f"SET LOCAL {name} = 0")
    driver.patience = None
    try:
        yield
    finally:
        del driver.patience


@contextmanager
def _plain_errors(step: str) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        original = getattr(error, "orig", None)
        kind = type(original or error).__name__
        if isinstance(original or error, CannotOpenError):
            raise StoreError(step, kind, ", a value is locked by a key that is not here") from None
        raise StoreError(step, kind, _reason(original)) from None


def _reason(original: BaseException | None) -> str:
    # Only words that cannot hold a row: SQLite's own short texts, PostgreSQL's SQLSTATE.
    state = getattr(original, "sqlstate", None)
    if state:
        return f" (SQLSTATE {state})"
    name = getattr(original, "sqlite_errorname", None)
    if name:
        return f" ({name})"
    explain = getattr(sys.modules.get("triage.record.postgres"), "why_not_connected", None)
    return str(explain(original)) if explain is not None and original is not None else ""


def _read_url(url: str) -> sa.URL:
    try:
        return sa.make_url(url)
    except (SQLAlchemyError, ValueError) as error:
        # The library's words would repeat the URL, and with it the password.
        raise StoreError("open", type(error).__name__, "") from None


def _make_engine(url: sa.URL, connections: int) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(
            url, hide_parameters=True, pool_size=16, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}
        )
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    # The driver is an extra: where only SQLite is used, it need not be there.
    from triage.record import postgres

    engine = sa.create_engine(
        url, hide_parameters=True, pool_pre_ping=True, pool_size=connections, max_overflow=0, pool_timeout=POOL_SECONDS
    )
    sa.event.listen(engine, "do_connect", lambda _dialect, _record, args, params: postgres.connect(args, params))
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # pysqlite's own transaction handling would begin late and deferred; we say BEGIN ourselves.
    connection.isolation_level = None
    cursor = connection.cursor()
    _use_wal(cursor)
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _use_wal(cursor: sqlite3.Cursor) -> None:
    # Where two processes open a new file at once, SQLite refuses the second this one statement
    # without waiting for its busy time-out: we wait ourselves, as long.
    for _ in range(int(BUSY_SECONDS / 0.05)):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(0.05)
        else:
            return
    cursor.execute("PRAGMA journal_mode=WAL")


def _begin_sqlite(connection: sa.Connection) -> None:
    reading = connection.get_execution_options().get("triage_read", False)
    # Who only looks must not write: SQLite would refuse him whenever anybody else does.
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reading else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
