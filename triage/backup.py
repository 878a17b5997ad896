"""A backup of the whole record as one file, and a record made from it again.

A zip archive enters or leaves: a part for each table (one row a line, JSON), and ``manifest.json``, which says what is
in them. It is taken from one consistent view of the record while the service runs, needs no program of the database,
and goes back into either engine. It holds what the record holds: guard it like the mailboxes.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from triage.record import Store, Transaction
from triage.record.audit import Change, Param, write_changes
from triage.record.data_keys import keys_of_record, open_ring
from triage.record.restored import calm_down
from triage.record.schema import knows_revision, newest_revision, revision_of, upgrade
from triage.record.snapshot import (
    Column,
    Row,
    columns,
    count_on,
    drop_empty_tables,
    is_empty,
    put_back,
    rows,
    tables,
)
from triage.record.staff_acts import Actor

FORMAT, FORMAT_VERSION = "triage-backup", 1
MANIFEST = "manifest.json"
_LEVEL = 3
"""Of compression: mail shrinks little beyond, and the view of the record is held meanwhile."""


class BackupError(Exception):
    """The file is no whole backup, or cannot be used here; a sentence with its remedy."""


@dataclass(frozen=True, slots=True)
class Part:
    """One table: its columns with their kinds of value, how many rows, and the SHA-256 of the lines."""

    name: str
    table: str
    columns: tuple[Column, ...]
    rows: int
    octets: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds, and what it was made of."""

    release: str
    revision: str
    made_at: datetime
    engine: str
    parts: tuple[Part, ...]
    locked_by: tuple[str, ...] = ()
    """Ids of the keys that open the record (``triage.keyfile``); they are not in the backup."""

    @property
    def rows(self) -> int:
        """All rows together."""
        return sum(part.rows for part in self.parts)

    def count(self, table: str) -> int:
        """Rows of one table."""
        return sum(part.rows for part in self.parts if part.table == table)


# --------------------------------------------------------------------------- making one


def make_backup(store: Store, target: Path, actor: str) -> Manifest:
    """Write a backup to ``target``, which must not exist, and verify it; the record notes that it was made.

    Raises :class:`BackupError` when the record is of another release, ``FileExistsError`` and other ``OSError`` as the
    system does. Until all is well the file has another name.
    """
    if target.exists():
        raise FileExistsError(target)
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            _write(store, file)
            file.flush()
            os.fsync(file.fileno())
        made = verify_backup(fresh)
        fresh.rename(target)
        _sync(target.parent)
    finally:
        with suppress(FileNotFoundError):
            fresh.unlink()
    with store.write("backed up", actor) as tx:
        params: dict[str, Param] = {"rows": made.rows, "octets": target.stat().st_size}
        params["made_at"] = f"{made.made_at:%Y-%m-%dT%H:%M:%SZ}"
        write_changes(tx, [Change("backup", 0, "backed_up", params=params)])
    return made


def _write(store: Store, file: IO[bytes]) -> None:
    with (
        store.read("backup", long=True) as tx,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive,
    ):
        revision = revision_of(tx.connection)
        if revision != newest_revision():
            raise BackupError(
                f"The record has the form '{revision}', this release '{newest_revision()}'. Make the backup with the "
                "release that runs the service, or let this release bring the record up to date ('triage ledger')."
            )
        parts = tuple(_write_part(tx, archive, number, table) for number, table in enumerate(tables(), 1))
        locked_by = tuple(sorted({key.locked_by for key in keys_of_record(tx)}))
        made = Manifest(version("triage"), revision, tx.now, store.engine_name, parts, locked_by)
        head = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(made), "made_at": made.made_at.isoformat()}
        archive.writestr(MANIFEST, json.dumps(head, indent=1))


def _write_part(tx: Transaction, archive: zipfile.ZipFile, number: int, table: str) -> Part:
    name = f"tables/{number:02}-{table}.jsonl"
    hashed, count, octets = hashlib.sha256(), 0, 0
    with archive.open(name, "w", force_zip64=True) as part:
        for row in rows(tx, table):
            line = json.dumps(row, separators=(",", ":")).encode("ascii") + b"\n"
            hashed.update(line)
            count, octets = count + 1, octets + len(line)
            part.write(line)
    return Part(name, table, tuple(columns(table)), count, octets, hashed.hexdigest())


def _sync(folder: Path) -> None:
    # The new name is durable only with its folder.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --------------------------------------------------------------------------- reading one


def verify_backup(path: Path) -> Manifest:
    """Read every part and hold it against the manifest; raises :class:`BackupError` when anything differs."""
    with _opened(path) as (archive, made):
        for part in made.parts:
            for _ in _lines(archive, part):
                pass
    return made


@contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    with ExitStack() as stack:
        with _as_written():
            archive = stack.enter_context(zipfile.ZipFile(path))
            made = _manifest(archive)
        yield archive, made


@contextmanager
def _as_written() -> Iterator[None]:
    """Whatever a file that is not ours, or not whole, may raise becomes one sentence."""
    try:
        yield
    # RuntimeError: a zip file that is encrypted, or packed in a way that Python does not know.
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, LookupError, TypeError) as error:
        raise BackupError(
            f"This is no whole backup of the service ({type(error).__name__}): it was cut off, altered, or is another "
            "kind of file. Use an earlier backup."
        ) from None


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    head: dict[str, Any] = json.loads(archive.read(MANIFEST))
    if head["format"] != FORMAT or int(head["format_version"]) > FORMAT_VERSION:
        raise BackupError(
            f"The backup was made by release {head['release']}, in a form that this one does not know. "
            "Restore it with that release or a later one."
        )
    parts = tuple(
        Part(**{**part, "columns": tuple((str(name), str(kind)) for name, kind in part["columns"])})
        for part in head["parts"]
    )
    made_at, locked_by = datetime.fromisoformat(head["made_at"]), tuple(map(str, head.get("locked_by", ())))
    return Manifest(head["release"], head["revision"], made_at, head["engine"], parts, locked_by)


def _lines(archive: zipfile.ZipFile, part: Part) -> Iterator[Row]:
    """The rows of a part; raises :class:`BackupError`, at its end at the latest, when they are not what was written."""
    hashed, count = hashlib.sha256(), 0
    with _as_written(), archive.open(part.name) as file:
        for line in file:
            hashed.update(line)
            count += 1
            row: Row = json.loads(line)
            if len(row) != len(part.columns):
                raise ValueError("a row with other columns")
            yield row
        if (count, hashed.hexdigest()) != (part.rows, part.sha256):
            raise ValueError("other rows than were written")


# --------------------------------------------------------------------------- making a record of one


def restore_backup(store: Store, path: Path, person: Actor) -> Manifest:
    """Make an empty record from a backup, all or nothing, brought to this release's form, and calmed down.

    Raises :class:`BackupError` when the record is not empty, or the backup is not whole or of a later release.
    """
    verify_backup(path)  # before hours are spent on half of it
    with _opened(path) as (archive, made), store.fill("restore", person.name) as tx:
        if not knows_revision(made.revision):
            raise BackupError(
                f"The backup was made by release {made.release}, which is newer than this one. Restore it with that "
                "release or a later one."
            )
        if missing := set(made.locked_by) - {key.id for key in store.keys}:
            raise BackupError(
                f"The backup is locked by key {', '.join(sorted(missing))}, which TRIAGE_KEY_FILE does not hold. "
                "Name the file with that key."
            )
        if not is_empty(tx):
            raise BackupError(
                "The record is not empty: a backup is restored into a new one only, so that nothing is overwritten. "
                "Name another in TRIAGE_DATABASE_URL (or TRIAGE_STATE_DIR), or move the old one aside."
            )
        # Perhaps made by this release a moment ago, in a later form than the backup's.
        drop_empty_tables(tx)
        upgrade(tx.connection, made.revision)
        for part in made.parts:
            put_back(tx, part.table, part.columns, _lines(archive, part))
        upgrade(tx.connection)
        open_ring(store.ring, tx.connection, store.keys)
        count_on(tx)
        calm_down(tx, person, made.made_at)
        count_on(tx)  # from the numbers that were left free
    return made
