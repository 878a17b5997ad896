"""Fixtures of the record's tests: a migrated store on each engine, and a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import sqlalchemy as sa

from tests.record.builders import MovedClock
from triage.record import Store


@pytest.fixture
def clock() -> MovedClock:
    """Stands at ``START`` until it is moved."""
    return MovedClock()


@pytest.fixture
def open_store(store_url: str, clock: MovedClock) -> Iterator[Callable[[], Store]]:
    """Open the test's record once more, as another worker would: own connections, own locks."""
    with ExitStack() as opened:

        def opening() -> Store:
            store = Store(store_url, clock)
            opened.callback(store.close)
            return store

        yield opening


@pytest.fixture
def store(open_store: Callable[[], Store]) -> Store:
    """An empty record with its tables, on each engine."""
    return open_store()


@pytest.fixture
def tamper(store_url: str, store: Store) -> Callable[..., None]:
    """Run SQL behind the record's back, foreign keys unchecked: what a bug or a hand could do."""

    def run(*statements: sa.Executable | str) -> None:
        engine = sa.create_engine(store_url)
        with _unchecked(engine) as connection:
            for statement in statements:
                connection.execute(sa.text(statement) if isinstance(statement, str) else statement)
        engine.dispose()

    return run


@contextmanager
def _unchecked(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        yield connection
