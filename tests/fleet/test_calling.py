"""Workers start at once with what another process has committed, and go on without being called."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.crash.inbox import NEW, End
from tests.crash.nursery import Nursery
from tests.fleet.harness import House, until
from tests.servers.mail import make_mail
from tests.servers.postgres import Postgres
from tests.servers.process import free_ports
from triage import calling
from triage.calling import Call, Caller, Hearing
from triage.clock import SystemClock
from triage.record import Store
from triage.record.tables import audit, messages
from triage.signals import Wakeup
from triage.worker import LOOK

HELD = next(letter for letter in NEW if letter.end is End.HELD and not letter.notice)
AT_ONCE = timedelta(seconds=LOOK / 5)
"""Far below the time after which a stage looks by itself."""
TIMES = 5
"""All of them by chance: less than one to three thousand."""


def at(store: Store, message: int, event: str) -> list[datetime]:
    """When this happened to a message."""
    query = sa.select(audit.c.at).where(
        audit.c.subject == "message", audit.c.subject_id == message, audit.c.event == event
    )
    with store.read("audit") as tx:
        return list(tx.execute(query.order_by(audit.c.id)).scalars())


def held(house: House) -> int:
    """A message that waits for a person."""
    house.dovecot.deliver(house.users[house.names[0]], HELD.octets)
    query = sa.select(messages.c.id).where(messages.c.state == "held")

    def found() -> int:
        with house.store.read("held") as tx:
            return int(tx.execute(query).scalar() or 0)

    until(lambda: found() > 0, "the letter waits for a person")
    return found()


def latencies(house: House, nursery: Nursery, message: int) -> list[timedelta]:
    """How long after each of some acts of another process a worker has decided anew."""
    found = []
    for _ in range(TIMES):
        before = len(at(house.store, message, "decided"))
        assert nursery.run(["retry", str(message)], house.settings, house.said) == 0, house.words()
        until(lambda known=before: len(at(house.store, message, "decided")) > known, "it is decided anew", 30)  # type: ignore[misc]
        found.append(at(house.store, message, "decided")[-1] - at(house.store, message, "retried")[-1])
    return found


def listeners(postgres: Postgres, house: House) -> list[int]:
    """The server's processes that serve the workers' listening."""
    name = house.settings["TRIAGE_DATABASE_URL"].rpartition("/")[2]
    with postgres.connect() as connection:
        query = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND query LIKE 'LISTEN%%'"
        return sorted(row[0] for row in connection.execute(query, (name,)))


def test_what_another_process_committed_is_begun_at_once_also_after_the_line_was_cut(
    make_house: Callable[..., House], nursery: Nursery, postgres: Postgres
) -> None:
    house = make_house("crema", lease=60, poll=60)
    house.start("uno")
    house.start("due")
    message = held(house)
    until(lambda: len(listeners(postgres, house)) == 2, "both listen")
    assert max(latencies(house, nursery, message)) < AT_ONCE

    before = listeners(postgres, house)
    with postgres.connect() as connection:
        for pid in before:
            connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
    assert nursery.run(["retry", str(message)], house.settings, house.said) == 0
    until(lambda: len(at(house.store, message, "decided")) == TIMES + 2, "it is decided also while nobody listens", 30)
    until(lambda: len(listeners(postgres, house)) == 2, "both listen again")
    assert not set(listeners(postgres, house)) & set(before)
    assert max(latencies(house, nursery, message)) < AT_ONCE
    assert house.end() == {"uno": 0, "due": 0}, house.words()


def test_what_one_worker_has_sent_the_reader_in_another_files_at_once(make_house: Callable[..., House]) -> None:
    house = make_house("crema", "mantova", lease=60, poll=60)
    house.start("uno")
    house.start("due")
    until(lambda: house.reads() == {"uno": 1, "due": 1}, "each reads one mailbox")
    for number in range(8):
        letter = make_mail(
            f"Buongiorno,\nabito a Crema e vorrei sapere che orari fate il sabato. Grazie.\n{number}\n",
            author=f"Anna Esempio <anna.{number}@example.com>",
            return_path=f"anna.{number}@example.com",
        )
        house.dovecot.deliver(house.users[house.names[number % 2]], letter)
    query = sa.select(messages.c.id).where(messages.c.state == "filed")

    def filed() -> list[int]:
        with house.store.read("filed") as tx:
            return list(tx.execute(query).scalars())

    until(lambda: len(filed()) == 8, "all are filed")
    waits = [at(house.store, key, "filed")[0] - at(house.store, key, "forwarded")[0] for key in filed()]
    # Their readers would look by themselves after a third of the lease.
    assert max(waits) < timedelta(seconds=3)


def test_an_address_where_nobody_listens_is_told_once_and_work_is_found_by_looking(
    make_house: Callable[..., House], nursery: Nursery
) -> None:
    nobody = f"postgresql://triage@127.0.0.1:{free_ports(1)[0]}/triage"
    house = make_house("crema", lease=60, poll=60, extra={"TRIAGE_DATABASE_LISTEN_URL": nobody})
    house.start("uno")
    message = held(house)
    assert max(latencies(house, nursery, message)) < timedelta(seconds=LOOK + 5)
    assert house.end() == {"uno": 0}, house.words()
    assert house.said.read_text("utf-8").count("action=not_listening") == 1


@contextmanager
def hearing(store: Store, url: str, wakes: dict[Call, Wakeup]) -> Iterator[None]:
    """Somebody listens at this address."""
    stopping = threading.Event()
    caller = Caller(store, "uno", wakes, calls=True)
    thread = threading.Thread(target=Hearing(caller, url, stopping, lambda: None).run)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
        for wake in wakes.values():
            wake.close()


def test_a_line_on_which_nothing_arrives_is_told_of(
    postgres: Postgres, postgres_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As behind a pooler that gives each transaction another connection; here it is another database."""
    monkeypatch.setattr(calling, "PROVE_WITHIN", 0.5)
    store = Store(postgres_url, SystemClock())
    with hearing(store, postgres.url("postgres"), {Call.DECIDE: Wakeup()}):
        until(lambda: "does not arrive" in caplog.text, "the line is known to be deaf", 10)
    store.close()
    assert caplog.text.count("does not arrive") == 1


def test_only_what_is_meant_is_woken_and_nobody_wakes_himself(postgres_url: str) -> None:
    store = Store(postgres_url, SystemClock())
    wakes = {Call.DECIDE: Wakeup(), Call.FILE: Wakeup()}
    other = Caller(store, "un altro lavoratore", calls=True)
    with hearing(store, postgres_url, wakes):
        assert all(wake.wait(10) for wake in wakes.values()), "what was called before anybody listened is looked for"
        other(Call.DECIDE, Call.DISPATCH)
        assert wakes[Call.DECIDE].wait(10)
        Caller(store, "uno", calls=True).tell(Call.FILE)
        other(Call.DECIDE)
        assert wakes[Call.DECIDE].wait(10)
        assert not wakes[Call.FILE].wait(0)
    store.close()


def test_a_batch_is_called_once_and_on_sqlite_nobody_is(
    store_url: str, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(store_url, SystemClock())
    said: list[sa.Executable] = []
    monkeypatch.setattr(Store, "say", lambda _store, statement: said.append(statement))
    wake = Wakeup()
    Caller(store, "uno", {Call.DECIDE: wake}, calls=True)(Call.DECIDE, Call.FILE, Call.DISPATCH)
    assert wake.wait(0)
    assert len(said) == (store.engine_name == "postgresql")
    wake.close()
    store.close()


def test_a_call_that_fails_hurts_nobody(postgres: Postgres) -> None:
    store = Store(f"postgresql+psycopg://triage@127.0.0.1:{free_ports(1)[0]}/triage", SystemClock())
    wake = Wakeup()
    begun = time.monotonic()
    Caller(store, "uno", {Call.DECIDE: wake}, calls=True)(Call.DECIDE)
    assert wake.wait(0)
    assert time.monotonic() - begun < 5
    wake.close()
    store.close()
