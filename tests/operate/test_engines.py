"""A backup of one engine goes back into the other, and neither makes a writer wait for it."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operate.records import ANNA, everything, ledger_of, make_busy, restored
from tests.record.builders import MovedClock, decided, message, send_all
from triage.backup import BackupError, make_backup, restore_backup
from triage.keyfile import new_key
from triage.record import Store
from triage.record.data_keys import turn_on
from triage.record.encrypted import MARK
from triage.record.octets import read_octets
from triage.record.staff_acts import verify_acts

CHANGED = {"mailboxes", "messages", "dispatches", "attempts", "cases", "decisions", "audit", "incidents", "switches"}
"""Tables that a restoration writes in, so that nothing is done twice; to the last five it only adds."""
ADDED = {"identity", "staff_acts"}


@pytest.fixture(params=["sqlite", "postgresql"])
def other(request: pytest.FixtureRequest, tmp_path: Path, clock: MovedClock) -> Iterator[Store]:
    """Where a backup is restored: nothing is there yet."""
    own = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'another.sqlite3'}" if own else request.getfixturevalue("bare_postgres_url")
    made = Store(url, clock)
    yield made
    made.close()


def test_everything_comes_back_on_either_engine(store: Store, other: Store, tmp_path: Path) -> None:
    busy = make_busy(store)
    before = everything(busy)
    after = everything(restored(busy, other, tmp_path))
    assert {name for name in before if before[name] != after[name]} == CHANGED | ADDED
    for name in ("cases", "decisions", "audit", "incidents", "switches", "staff_acts"):
        assert after[name][: len(before[name])] == before[name]
    assert ledger_of(other) == ()
    with other.read("look") as tx:
        assert verify_acts(tx) == ()
    (fresh,) = decided(other)
    assert message(other, fresh).id > 10_000


def test_a_locked_record_comes_back_locked_and_only_with_its_key(
    store: Store, store_url: str, other: Store, tmp_path: Path, clock: MovedClock
) -> None:
    key = new_key()
    locked = Store(store_url, clock, keys=(key,))
    turn_on(locked)
    make_busy(locked)
    before = everything(locked)
    with pytest.raises(BackupError, match=f"locked by key {key.id}"):
        restored(locked, other, tmp_path)
    empty = Store(other._url.render_as_string(hide_password=False), clock, keys=(key,))
    restore_backup(empty, tmp_path / "b.backup", ANNA)
    after = everything(empty)
    assert after["octet_chunks"] == before["octet_chunks"]
    assert MARK in base64.b64decode(before["octet_chunks"][0][2])
    assert ledger_of(empty) == ()
    (fresh,) = decided(empty)
    with empty.read("look") as tx:
        sha256 = message(empty, fresh).sha256 or ""
        assert read_octets(tx, [sha256])
    locked.close()
    empty.close()


@pytest.mark.slow
def test_what_is_written_meanwhile_is_in_it_whole_or_not_at_all(
    store: Store, tmp_path: Path, clock: MovedClock
) -> None:
    """The writer never waits for the backup, and every backup is one moment of the record."""
    ended = threading.Event()
    failures: list[BaseException] = []

    def write() -> None:
        try:
            while not ended.is_set():
                decided(store)
                send_all(store)
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)

    decided(store, 3)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = [make_backup(store, tmp_path / f"{n}.backup", "cli:test") for n in range(4)]
    finally:
        ended.set()
        writer.join(60)
    assert failures == []
    assert made[0].count("messages") < made[-1].count("messages")
    other = Store(f"sqlite:///{tmp_path / 'another.sqlite3'}", clock)
    restore_backup(other, tmp_path / "3.backup", ANNA)
    assert ledger_of(other) == ()
    other.close()
