"""The private PostgreSQL does what the tests of the store rely on."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy import create_engine, text

from tests.servers.postgres import Postgres


def test_databases_are_fresh_and_apart(postgres: Postgres) -> None:
    first, second = postgres.create_database(), postgres.create_database()
    with postgres.connect(first) as connection:
        connection.execute("CREATE TABLE message (uid integer)")

    copy = postgres.create_database(template=first)

    assert [_tables(postgres, name) for name in (first, second, copy)] == [["message"], [], ["message"]]
    for name in (first, second, copy):
        postgres.drop_database(name)


def test_dropping_cuts_whoever_is_connected(postgres: Postgres) -> None:
    name = postgres.create_database()
    with postgres.connect(name) as connection:
        postgres.drop_database(name)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_killed_connections_are_cut(postgres: Postgres) -> None:
    name = postgres.create_database()
    with postgres.connect(name) as connection:
        assert postgres.kill_connections(name) == 1
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    postgres.drop_database(name)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_committed_rows_and_port_survive_a_restart(start_postgres: Callable[..., Postgres], mode: str) -> None:
    cluster = start_postgres(fsync=True)
    name = cluster.create_database()
    port = cluster.port
    with cluster.connect(name) as connection:
        connection.execute("CREATE TABLE message (uid integer)")
        connection.execute("INSERT INTO message VALUES (4711)")
        assert connection.execute("SHOW fsync").fetchone() == ("on",)

        cluster.stop("immediate" if mode == "immediate" else "fast")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        cluster.connect(name)
    cluster.start()

    assert cluster.port == port
    with cluster.connect(name) as connection:
        assert connection.execute("SELECT uid FROM message").fetchall() == [(4711,)]
    recovered = "database system was not properly shut down" in cluster.log()
    assert recovered == (mode == "immediate")


def test_a_bare_store_url_opens_an_empty_database(bare_store_url: str) -> None:
    """Runs for SQLite and for PostgreSQL."""
    engine = create_engine(bare_store_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE message (uid integer)"))
        connection.execute(text("INSERT INTO message VALUES (1)"))
        assert connection.execute(text("SELECT uid FROM message")).scalars().all() == [1]
    engine.dispose()


def _tables(postgres: Postgres, database: str) -> list[str]:
    with postgres.connect(database) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return [row[0] for row in rows]
