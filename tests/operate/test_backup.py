"""One file holds the whole record, is checked when it is written, and goes back into either engine."""

from __future__ import annotations

import json
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.operate.records import ANNA, everything, ledger_of, make_busy, restored
from tests.record.builders import (
    MovedClock,
    count,
    decided,
    dispatches,
    lease_next,
    message,
    rows_of,
)
from triage.backup import MANIFEST, BackupError, make_backup, restore_backup, verify_backup
from triage.ids import case_code, return_tag
from triage.record import Store
from triage.record.identity import secret_of
from triage.record.incidents import open_incidents
from triage.record.mailboxes import known_mailboxes
from triage.record.restored import MAYBE, is_restored
from triage.record.snapshot import LEFT_OUT, tables
from triage.record.staff_acts import acts_about
from triage.record.tables import messages as message_table
from triage.record.tables import metadata
from triage.vocabulary import DispatchState, MessageState


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """SQLite is quick; what the engines might do differently is asked of both below."""
    return sqlite_url


@pytest.fixture
def busy(store: Store) -> Store:
    """Something of every kind is under way."""
    return make_busy(store)


@pytest.fixture
def other(tmp_path: Path, clock: MovedClock) -> Iterator[Store]:
    """Where a backup is restored: nothing is there yet."""
    made = Store(f"sqlite:///{tmp_path / 'another.sqlite3'}", clock)
    yield made
    made.close()


# --------------------------------------------------------------------------- the file


def test_the_file_is_ours_alone_says_what_it_holds_and_is_whole(busy: Store, tmp_path: Path, clock: MovedClock) -> None:
    path = tmp_path / "b.backup"
    made = make_backup(busy, path, "cli:test")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in tmp_path.iterdir() if "backup" in item.name] == ["b.backup"]
    assert verify_backup(path) == made
    assert (made.made_at, made.engine) == (clock.now(), busy.engine_name)
    assert {part.table: part.rows for part in made.parts} == {
        name: count(busy, metadata.tables[name]) - (name == "audit") for name in tables()
    }
    assert {"heartbeats", "openings", "sessions", "sign_in_failures", "workers"} == LEFT_OUT


def test_a_backup_overwrites_nothing(busy: Store, tmp_path: Path) -> None:
    path = tmp_path / "b.backup"
    path.write_bytes(b"here before")
    with pytest.raises(FileExistsError):
        make_backup(busy, path, "cli:test")
    assert path.read_bytes() == b"here before"


# --------------------------------------------------------------------------- what is refused


@pytest.fixture
def file(busy: Store, tmp_path: Path) -> Path:
    make_backup(busy, tmp_path / "b.backup", "cli:test")
    return tmp_path / "b.backup"


def rewritten(path: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """The same archive with parts changed (``None``: left out)."""
    fresh = path.with_suffix(".changed")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            octets = change(name, old.read(name))
            if octets is not None:
                new.writestr(name, octets)
    shutil.move(fresh, path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def bend(path: Path) -> None:
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 3] ^= 0x55
    path.write_bytes(octets)


def alter(path: Path) -> None:
    rewritten(path, lambda name, octets: octets.replace(b'"held"', b'"void"') if "messages" in name else octets)


def lose_rows(path: Path) -> None:
    rewritten(path, lambda name, octets: b"" if name.endswith("-audit.jsonl") else octets)


def lose_part(path: Path) -> None:
    rewritten(path, lambda name, octets: None if name.endswith("-audit.jsonl") else octets)


def another_kind(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MANIFEST, "[]")


def no_archive(path: Path) -> None:
    path.write_bytes(b"Gentile Anna,\n")


@pytest.mark.parametrize("harm", [cut, bend, alter, lose_rows, lose_part, another_kind, no_archive])
def test_a_file_that_is_not_what_was_written_is_refused_and_leaves_no_record(
    file: Path, other: Store, harm: Callable[[Path], None]
) -> None:
    harm(file)
    with pytest.raises(BackupError, match="no whole backup"):
        verify_backup(file)
    with pytest.raises(BackupError, match="no whole backup"):
        restore_backup(other, file, ANNA)
    other.migrate()
    assert count(other, message_table) == 0


@pytest.mark.parametrize("field", ["revision", "format_version"])
def test_a_backup_of_a_later_release_is_refused(file: Path, other: Store, field: str) -> None:
    later = {"revision": "9999_z", "format_version": 2}

    def change(name: str, octets: bytes) -> bytes:
        return json.dumps({**json.loads(octets), field: later[field]}).encode() if name == MANIFEST else octets

    rewritten(file, change)
    with pytest.raises(BackupError, match="or a later one"):
        restore_backup(other, file, ANNA)


def test_nothing_is_restored_over_a_record(file: Path, busy: Store) -> None:
    before = everything(busy)
    with pytest.raises(BackupError, match="not empty"):
        restore_backup(busy, file, ANNA)
    assert everything(busy) == before


# --------------------------------------------------------------------------- what comes back


def test_a_restored_record_was_there_before_in_an_empty_form(busy: Store, other: Store, tmp_path: Path) -> None:
    """As after a command that made the tables in a new database."""
    other.migrate()
    restored(busy, other, tmp_path)
    assert ledger_of(other) == ()


def test_nothing_that_was_under_way_leaves_without_a_person(busy: Store, other: Store, tmp_path: Path) -> None:
    restored(busy, other, tmp_path)
    sent, wire, waits, by_person, being_decided, room = rows_of(other)
    assert [row.state for row in (sent, by_person, being_decided)] == ["forwarded", "held", "received"]
    assert [(row.state, row.hold_reason) for row in (wire, waits)] == [("held", MAYBE)] * 2
    states = {str(item.state) for row in (wire, waits) for item in dispatches(other, row.id)}
    assert states == {DispatchState.UNKNOWN}
    assert all(item.unknowns == 1 for row in (wire, waits) for item in dispatches(other, row.id))
    assert room.state == MessageState.BASELINE
    assert lease_next(other) == []
    assert [row.lease_owner for row in rows_of(other)] == [None] * 6
    with other.read("look") as tx:
        (mailbox,) = known_mailboxes(tx)
    assert (mailbox.marker, mailbox.lease_owner, mailbox.restored_below) == ("", None, None)
    assert mailbox.restored_at == other.clock.now()


def test_an_acknowledgement_that_waited_is_its_cases_last_word(busy: Store, other: Store, tmp_path: Path) -> None:
    """Perhaps it has left since: a second one of the same case meets the index that allows one."""
    restored(busy, other, tmp_path)
    kinds = [item.kind for row in rows_of(other) for item in dispatches(other, row.id) if item.state == "unknown"]
    assert sorted(kinds) == ["acknowledgement", "acknowledgement", "acknowledgement", "forward", "forward"]


def test_numbers_that_the_lost_record_may_have_given_are_not_given_again(
    busy: Store, other: Store, tmp_path: Path
) -> None:
    make_backup(busy, tmp_path / "b.backup", "cli:test")
    (lost,) = decided(busy)
    gone = message(busy, lost)
    with busy.write("secret") as tx:
        secret = secret_of(tx)
    lost_codes = {case_code(secret, gone.case_id or 0)}
    lost_tags = {return_tag(secret, item.id) for item in dispatches(busy, lost)}
    restore_backup(other, tmp_path / "b.backup", ANNA)
    (fresh,) = decided(other)
    row = message(other, fresh)
    assert min(row.id - lost, (row.case_id or 0) - (gone.case_id or 0)) >= 9_000
    with other.write("secret") as tx:
        assert secret_of(tx) == secret
    assert not lost_codes & {case_code(secret, row.case_id or 0)}
    assert not lost_tags & {return_tag(secret, item.id) for item in dispatches(other, fresh)}


def test_who_restored_what_is_on_record_and_told(busy: Store, other: Store, tmp_path: Path) -> None:
    restored(busy, other, tmp_path)
    with other.read("look") as tx:
        (act,) = acts_about(tx, "record", 0)
        (incident,) = open_incidents(tx)
        assert is_restored(tx)
    assert (act["actor"], act["act"], act["params"]) == ("anna.rossi", "restored", {"made_at": "2026-03-02T08:30Z"})
    assert incident["kind"] == "restored"
    assert "--done" in incident["detail"]


# --------------------------------------------------------------------------- earlier forms


def test_a_backup_of_the_form_before_is_brought_to_this_one(busy: Store, other: Store, tmp_path: Path) -> None:
    path = tmp_path / "b.backup"
    make_backup(busy, path, "cli:test")
    newer = {"restored_at", "restored_uid_validity", "restored_below"}

    def as_before(name: str, octets: bytes) -> bytes:
        if name.endswith("-mailboxes.jsonl"):
            return as_lines([[v for v, c in zip(r, columns, strict=True) if c not in newer] for r in lines(octets)])
        return octets

    with zipfile.ZipFile(path) as archive:
        head = json.loads(archive.read(MANIFEST))
    columns = [name for part in head["parts"] if part["table"] == "mailboxes" for name, _ in part["columns"]]
    earlier(path, head, newer, as_before)
    restore_backup(other, path, ANNA)
    assert ledger_of(other) == ()
    assert len(rows_of(other)) == 6


def lines(octets: bytes) -> list[list[Any]]:
    return [json.loads(line) for line in octets.splitlines()]


def as_lines(values: list[list[Any]]) -> bytes:
    return b"".join(json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in values)


def earlier(path: Path, head: dict[str, Any], newer: set[str], change: Callable[[str, bytes], bytes]) -> None:
    """Write the archive as the release before this one would have."""
    from hashlib import sha256

    parts = [part for part in head["parts"] if part["table"] != "filed_elsewhere"]
    with zipfile.ZipFile(path) as archive:
        contents = {part["name"]: change(part["name"], archive.read(part["name"])) for part in parts}
    for part in parts:
        part["columns"] = [column for column in part["columns"] if column[0] not in newer]
        part["sha256"] = sha256(contents[part["name"]]).hexdigest()
    with zipfile.ZipFile(path, "w") as archive:
        for name, octets in contents.items():
            archive.writestr(name, octets)
        archive.writestr(MANIFEST, json.dumps({**head, "revision": "0008_e", "parts": parts}))
