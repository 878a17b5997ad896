"""No process holds more connections to PostgreSQL than it may, and no thread stops another for want of one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from tests.fleet.harness import House, until
from tests.servers.mail import make_mail
from tests.servers.postgres import Postgres
from tests.servers.process import free_ports
from triage.basis import settings_from
from triage.clock import SystemClock
from triage.commands.database import check_database
from triage.commands.findings import Findings
from triage.record import Store, StoreError
from triage.record.postgres import ANSWER
from triage.record.tables import messages
from triage.settings import without_accounts


class Counting(threading.Thread):
    """Looks all the time how many sessions a database has; ``most`` is the largest number."""

    def __init__(self, postgres: Postgres, url: str) -> None:
        super().__init__()
        self.most = 0
        self._connection = postgres.connect()
        self._name = url.rpartition("/")[2]
        self._ended = threading.Event()

    def run(self) -> None:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        while not self._ended.wait(0.005):
            row = self._connection.execute(query, (self._name,)).fetchone()
            self.most = max(self.most, int(row[0]) if row else 0)

    def stop(self) -> int:
        self._ended.set()
        self.join()
        self._connection.close()
        return self.most


def many_letters(house: House, count: int) -> None:
    for name in house.names:
        letters = [
            make_mail(
                f"Buongiorno,\nabito a Crema e vorrei sapere che orari fate il sabato. Grazie.\n{name} {number}\n",
                author=f"Anna Esempio <{name}.{number}@example.com>",
                return_path=f"{name}.{number}@example.com",
            )
            for number in range(count)
        ]
        house.dovecot.deliver_fast(house.users[name], letters)


@pytest.mark.parametrize("budget", [3, 10])
def test_a_worker_under_load_keeps_to_its_connections_and_gets_done(
    make_house: Callable[..., House], postgres: Postgres, budget: int
) -> None:
    names = tuple(f"sportello{number}" for number in range(12))
    house = make_house(*names, lease=60, extra={"TRIAGE_DATABASE_CONNECTIONS": str(budget)})
    house.store.close()  # our own looks would be counted; they are made by one connection from here on
    url = house.settings["TRIAGE_DATABASE_URL"]
    counting = Counting(postgres, url)
    counting.start()
    house.start("uno")
    many_letters(house, 10)
    ours = Store(url, SystemClock(), 1)
    query = sa.select(sa.func.count()).where(messages.c.state == "filed")

    def filed() -> int:
        with ours.read("filed") as tx:
            return int(tx.execute(query).scalar_one())

    until(lambda: filed() == 120, "all is filed", 120)
    ours.close()
    most = counting.stop()
    assert house.end() == {"uno": 0}, house.words()
    assert 2 < most <= budget + 1


def test_who_looks_does_not_wait_for_a_second_connection(postgres_url: str) -> None:
    store = Store(postgres_url, SystemClock(), 1)
    begun = time.monotonic()
    with store.read("look") as tx, store.read("look within") as within:
        assert within is tx
    with store.read("look") as other:
        assert other is not tx
    assert time.monotonic() - begun < 5
    store.close()


def test_a_long_look_is_one_of_the_connections_and_leaves_the_limits_as_they_were(postgres_url: str) -> None:
    store = Store(postgres_url, SystemClock(), 1)
    backend = sa.text("SELECT pg_backend_pid()")
    with store.read("ledger", long=True) as tx:
        first = tx.execute(backend).scalar_one()
        assert tx.execute(sa.text("SHOW statement_timeout")).scalar_one() == "0"
    with store.read("look") as tx:
        assert tx.execute(backend).scalar_one() == first
        assert tx.execute(sa.text("SHOW statement_timeout")).scalar_one() == "110s"
        assert getattr(tx.connection.connection.dbapi_connection, "patience", None) == ANSWER
    store.close()


def test_whoever_gets_none_in_time_fails_with_a_sentence(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triage.record.store.POOL_SECONDS", 0.2)
    store = Store(postgres_url, SystemClock(), 1)
    with store.write("step"), pytest.raises(StoreError, match="look"), store.read("look"):
        pass
    store.close()


def checked(url: str, connections: int, processes: int) -> Findings:
    """What ``triage check --connect`` says of this many processes."""
    found = Findings()
    given = {
        "TRIAGE_DATABASE_URL": url,
        "TRIAGE_DATABASE_CONNECTIONS": str(connections),
        "TRIAGE_DATABASE_PROCESSES": str(processes),
    }
    check_database(settings_from(without_accounts(given)), found)
    return found


def test_check_says_when_all_processes_together_want_more_than_the_server_allows(
    postgres: Postgres, postgres_url: str
) -> None:
    """The test's cluster allows 200, of which 3 are the superuser's."""
    assert checked(postgres_url, 24, 8).notes == [
        "PostgreSQL: 8 process(es) may hold 24 connections each, 192 together; it allows 197"
    ]
    assert "200 together, but it allows 197" in checked(postgres_url, 25, 8).errors[0]
    with postgres.connect() as connection:
        connection.execute(f'ALTER DATABASE "{postgres_url.rpartition("/")[2]}" CONNECTION LIMIT 20')
    assert "but it allows 20" in checked(postgres_url, 10, 2).errors[0]
    assert checked(postgres_url, 5, 3).errors == []


def test_check_has_nothing_to_ask_of_sqlite_and_says_when_postgresql_is_not_there(sqlite_url: str) -> None:
    assert checked(sqlite_url, 10, 200) == Findings()
    gone = checked(f"postgresql://triage@127.0.0.1:{free_ports(1)[0]}/triage", 10, 2)
    assert "cannot be reached" in gone.failures[0]
