"""Errors of the database say which step failed and of what kind, never what was in it.

Every test puts canaries where mail, addresses and passwords stand and looks for them in the text
of the error, its arguments and its formatted traceback: what a log would show.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.record.builders import (
    MovedClock,
    a_decision,
    a_mailbox,
    claim,
    count,
    forward_of,
    list_uids,
    planned,
    reception,
)
from tests.servers.process import free_ports
from triage.record import Store, StoreError, Transaction
from triage.record.decisions import record_decisions
from triage.record.incidents import open_incident
from triage.record.messages import record_receptions
from triage.record.octets import CHUNK
from triage.record.tables import audit, dispatches, octet_chunks, octets, versions

CANARY = "canarino"
SUBJECT = f"Mio figlio {CANARY} non dorme"
ADDRESS = f"{CANARY}@example.com"
OCTETS = f"From: {ADDRESS}\r\nSubject: {SUBJECT}\r\n\r\n{CANARY}\r\n".encode()

Step = Callable[[Transaction], object]


def _shown(error: BaseException) -> str:
    """Everything that a log may show of an error."""
    return "\n".join([str(error), repr(error), repr(error.args), *traceback.format_exception(error)])


def _failure(store: Store, step: Step) -> StoreError:
    """The error of a step that must fail."""
    with pytest.raises(StoreError) as caught, store.write("a step") as tx:
        step(tx)
    return caught.value


def _assert_silent(error: BaseException) -> None:
    shown = _shown(error)
    # The traceback quotes this file's lines, in which canaries are named, not spelt.
    assert CANARY not in shown
    assert CANARY.encode().hex() not in shown


def _same_message_id(tx: Transaction) -> None:
    """A unique violation, whose DETAIL on PostgreSQL quotes the key."""
    row = tx.execute(sa.select(dispatches)).mappings().first()
    assert row is not None
    values = dict(row) | {"id": None, "forward_path": f"other-{ADDRESS}"}
    del values["id"]
    tx.execute(sa.insert(dispatches).values(**values))


def _missing_column(tx: Transaction) -> None:
    """A NOT NULL violation, whose DETAIL on PostgreSQL quotes the whole row."""
    row = tx.execute(sa.select(dispatches)).mappings().first()
    assert row is not None
    values = dict(row) | {"rfc_message_id": f"<second-{ADDRESS}>", "project": None, "generation": 2}
    del values["id"]
    tx.execute(sa.insert(dispatches).values(**values))


def _orphan(tx: Transaction) -> None:
    """A foreign key violation, whose DETAIL on PostgreSQL quotes the key."""
    tx.execute(sa.insert(octet_chunks).values(sha256=CANARY, number=0, data=OCTETS))


def _wrong_sql(tx: Transaction) -> None:
    tx.execute(sa.select(sa.literal(SUBJECT)).select_from(sa.table(CANARY)))


def _syntax_error(tx: Transaction) -> None:
    tx.execute(sa.text(f"SELEKT '{ADDRESS}', :value"), {"value": SUBJECT})


def _unknown_type(tx: Transaction) -> None:
    """A value that no driver can send."""
    tx.execute(sa.text("SELECT :value"), {"value": {CANARY: SUBJECT}})


def _missing_parameter(tx: Transaction) -> None:
    tx.execute(sa.text("SELECT :value, :other"), {"value": SUBJECT})


def _too_many_columns(tx: Transaction) -> None:
    tx.execute(sa.insert(octets), [{"sha256": CANARY, "size": SUBJECT, "stored_at": SUBJECT}])


def _batch_with_one_bad_row(tx: Transaction) -> None:
    rows = [{"kind": "rules", "version": ADDRESS, "content": OCTETS, "imported_at": tx.now}] * 2
    tx.execute(sa.insert(versions), rows)


STEPS: list[Step] = [
    _same_message_id,
    _missing_column,
    _orphan,
    _wrong_sql,
    _syntax_error,
    _unknown_type,
    _missing_parameter,
    _too_many_columns,
    _batch_with_one_bad_row,
]


@pytest.fixture
def with_mail(store: Store) -> Store:
    """A record in which canaries stand wherever mail does."""
    mailbox = a_mailbox(store)
    (key,) = list_uids(store, mailbox, [1])
    with store.write("receive") as tx:
        record_receptions(tx, mailbox, [reception(key, OCTETS)])
    (row,) = claim(store)
    plan = planned(to=ADDRESS, message_id=f"<{ADDRESS}>")
    settlement = replace(forward_of(row), decision=a_decision(forward_path=ADDRESS), dispatches=(plan,))
    with store.write("decide") as tx:
        record_decisions(tx, [settlement])
    return store


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__.strip("_"))
def test_an_error_of_the_database_tells_the_step_and_no_contents(with_mail: Store, step: Step) -> None:
    error = _failure(with_mail, step)
    assert error.step == "a step"
    assert str(error).startswith("the record could not complete 'a step': ")
    _assert_silent(error)


def test_the_driver_itself_would_have_told_the_contents(with_mail: Store) -> None:
    """Else the tests above would pass for nothing: PostgreSQL quotes rows, SQLAlchemy statements."""
    error = _failure(with_mail, _missing_column)
    original = error.__context__
    assert error.__suppress_context__
    assert isinstance(original, sa.exc.SQLAlchemyError)
    if with_mail.engine_name == "postgresql":
        assert CANARY in str(original)


def test_a_unique_violation_of_postgresql_names_its_sqlstate_only(with_mail: Store) -> None:
    error = _failure(with_mail, _same_message_id)
    reasons = {
        "postgresql": "UniqueViolation (SQLSTATE 23505)",
        "sqlite": "IntegrityError (SQLITE_CONSTRAINT_UNIQUE)",
    }
    assert str(error) == f"the record could not complete 'a step': {reasons[with_mail.engine_name]}"


def _lone_surrogate(tx: Transaction) -> None:
    open_incident(tx, "mailbox", "ufficio", f"{SUBJECT}\udce8")


def _number_too_large(tx: Transaction) -> None:
    tx.execute(sa.update(octets).values(size=int.from_bytes(OCTETS[:16])))


@pytest.mark.parametrize("step", [_lone_surrogate, _number_too_large], ids=lambda step: step.__name__.strip("_"))
def test_what_no_engine_can_keep_is_a_store_error_too(with_mail: Store, step: Step) -> None:
    """The codec's own error would hold the whole text."""
    _assert_silent(_failure(with_mail, step))


def test_a_nul_is_kept_or_refused_in_silence(with_mail: Store) -> None:
    """SQLite keeps it, PostgreSQL does not."""

    def step(tx: Transaction) -> None:
        open_incident(tx, "mailbox", "ufficio", f"{SUBJECT}\0")

    if with_mail.engine_name == "postgresql":
        _assert_silent(_failure(with_mail, step))
    else:
        with with_mail.write("a step") as tx:
            step(tx)


def test_an_error_while_looking_is_as_silent_as_one_while_writing(with_mail: Store) -> None:
    with pytest.raises(StoreError) as caught, with_mail.read("a look") as tx:
        _wrong_sql(tx)
    assert caught.value.step == "a look"
    _assert_silent(caught.value)


# --------------------------------------------------------------------------- the server


def test_an_unreachable_server_is_named_neither_with_password_nor_with_user(clock: MovedClock) -> None:
    (port,) = free_ports(1)
    store = Store(f"postgresql+psycopg://user{CANARY}:{CANARY}@127.0.0.1:{port}/mail", clock)
    for attempt in (store.migrate, lambda: _failure_of_look(store)):
        with pytest.raises(StoreError) as caught:
            attempt()
        _assert_silent(caught.value)
    store.close()


def _failure_of_look(store: Store) -> None:
    with store.read("look") as tx:
        tx.execute(sa.text("SELECT 1"))


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://user:{CANARY}@127.0.0.1:{CANARY}/mail",
        f"{CANARY}",
        f"{CANARY}://user:{CANARY}@host/mail",
    ],
    ids=["port-that-is-no-number", "no-url", "unknown-engine"],
)
def test_a_wrong_url_is_refused_without_being_quoted(clock: MovedClock, url: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store(url, clock)
    _assert_silent(caught.value)


def test_an_unknown_database_is_a_store_error(postgres_url: str, clock: MovedClock) -> None:
    store = Store(f"{postgres_url}{CANARY}", clock)
    with pytest.raises(StoreError) as caught:
        store.migrate()
    store.close()
    _assert_silent(caught.value)


# --------------------------------------------------------------------------- the disk


def test_a_missing_directory_is_a_store_error(tmp_path: Path, clock: MovedClock) -> None:
    store = Store(f"sqlite:///{tmp_path / CANARY / 'store.sqlite3'}", clock)
    with pytest.raises(StoreError, match="OperationalError") as caught:
        store.migrate()
    store.close()
    _assert_silent(caught.value)


def test_a_file_that_is_no_database_is_a_store_error(tmp_path: Path, clock: MovedClock) -> None:
    path = tmp_path / "store.sqlite3"
    path.write_bytes(OCTETS * 100)
    store = Store(f"sqlite:///{path}", clock)
    with pytest.raises(StoreError, match="NOTADB") as caught:
        store.migrate()
    store.close()
    assert path.read_bytes() == OCTETS * 100
    _assert_silent(caught.value)


READ_ONLY = """
import os, sys
from triage.clock import SystemClock
from triage.record import Store, StoreError
import triage.record.migrations, alembic.command, sqlite3
store = Store(sys.argv[1], SystemClock())
user = int(sys.argv[2])
if user >= 0:
    os.setgroups([])
    os.setuid(user)
try:
    store.migrate()
except StoreError as error:
    print(error)
"""


def test_a_directory_that_may_not_be_written_is_a_store_error(tmp_path: Path) -> None:
    """Root may write anywhere: there the store is opened as another user."""
    place = tmp_path / CANARY
    place.mkdir()
    for directory in (place, *place.parents[:-1]):
        _let_others_enter(directory)
    place.chmod(0o555)
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else -1
    done = subprocess.run(
        [sys.executable, "-c", READ_ONLY, f"sqlite:///{place / 'store.sqlite3'}", str(user)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    place.chmod(0o755)
    assert done.stdout == "the record could not complete 'migrate': OperationalError (SQLITE_CANTOPEN)\n"
    assert done.stderr == ""


def _let_others_enter(directory: Path) -> None:
    if directory.stat().st_uid == os.geteuid() and directory.name.startswith("pytest-"):
        directory.chmod(directory.stat().st_mode | 0o011)


def test_a_full_disk_fails_the_step_whole_and_the_record_works_again_when_there_is_room(
    sqlite_url: str, clock: MovedClock
) -> None:
    store = Store(sqlite_url, clock)
    store.migrate()
    mailbox = a_mailbox(store)
    (key,) = list_uids(store, mailbox, [1])
    before = count(store, audit)

    def receive(tx: Transaction) -> None:
        record_receptions(tx, mailbox, [reception(key, OCTETS * (4 * CHUNK // len(OCTETS)))])

    def receive_without_room(tx: Transaction) -> None:
        pages = tx.execute(sa.text("PRAGMA page_count")).scalar_one()
        tx.execute(sa.text(f"PRAGMA max_page_count = {pages + 10}"))
        receive(tx)

    error = _failure(store, receive_without_room)
    assert str(error) == "the record could not complete 'a step': OperationalError (SQLITE_FULL)"
    _assert_silent(error)
    assert (count(store, octets), count(store, audit)) == (0, before)
    with store.write("room") as tx:
        tx.execute(sa.text("PRAGMA max_page_count = 1073741823"))
        receive(tx)
    assert (count(store, octets), count(store, audit)) == (1, before + 1)
    store.close()
