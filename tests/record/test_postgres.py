"""A PostgreSQL that stops answering, refuses, or cannot be reached: nobody waits for ever, and each says which."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import sqlalchemy as sa

from tests.servers.postgres import Postgres
from tests.servers.process import free_ports
from triage.clock import SystemClock
from triage.record import Store, StoreError, Transaction
from triage.record.postgres import BoundedConnection, why_not_connected


@contextmanager
def silenced(process: int) -> Iterator[None]:
    """The server's process for one connection stands still: the kernel still takes what is sent to it."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def backend(tx: Transaction) -> int:
    """The process that serves this transaction's connection."""
    found: int = tx.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
    return found


def test_a_server_that_stops_answering_is_given_up_and_asked_again(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedConnection, "patience", 1.0)
    store = Store(postgres_url, SystemClock())
    begun = time.monotonic()
    with pytest.raises(StoreError, match="stopped answering"), store.write("step") as tx, silenced(backend(tx)):
        tx.execute(sa.text("SELECT 1"))
    assert time.monotonic() - begun < 5
    with store.write("step") as tx:
        process = backend(tx)
    with silenced(process), store.write("another connection is made") as tx:
        assert backend(tx) != process
    store.close()


def test_a_long_look_and_migrating_are_waited_for(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedConnection, "patience", 0.5)
    store = Store(postgres_url, SystemClock())
    store.migrate()
    with store.read("ledger", long=True) as tx:
        tx.execute(sa.text("SELECT pg_sleep(1)"))
        assert tx.execute(sa.text("SHOW statement_timeout")).scalar_one() == "0"
    with store.read("look") as tx:
        assert tx.execute(sa.text("SHOW statement_timeout")).scalar_one() == "110s"
        assert tx.execute(sa.text("SHOW lock_timeout")).scalar_one() == "30s"
    store.close()
    chosen = Store(f"{postgres_url}?options=-c%20lock_timeout%3D5s", SystemClock())
    with chosen.read("look") as tx:
        assert tx.execute(sa.text("SHOW lock_timeout")).scalar_one() == "5s"
        assert tx.execute(sa.text("SHOW statement_timeout")).scalar_one() == "110s"
    chosen.close()


def refusal(url: str) -> str:
    """What the store says of a record that it cannot open."""
    store = Store(url, SystemClock())
    with pytest.raises(StoreError) as caught, store.read("look"):
        pass
    store.close()
    assert "geheim" not in str(caught.value)
    return str(caught.value)


def test_unreachable_refused_and_missing_are_told_apart(postgres_url: str, postgres: Postgres) -> None:
    nobody = f"postgresql+psycopg://triage:geheim@127.0.0.1:{free_ports(1)[0]}/triage"
    assert "cannot be reached" in refusal(nobody)
    assert "cannot be reached" in refusal("postgresql+psycopg://triage:geheim@no-such-host.invalid/triage")
    assert "that database does not exist" in refusal(postgres_url.rpartition("/")[0] + "/no_such_database")
    stranger = postgres_url.replace(f"//{postgres.user}", "//nobody:geheim")
    assert "refuses the login" in refusal(stranger)


def test_what_is_no_failure_to_connect_is_not_explained() -> None:
    assert why_not_connected(ValueError("connection")) == ""
    assert why_not_connected(psycopg.IntegrityError("a row")) == ""
