"""``triage key``: the key file that opens the record, and what is locked by it."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import click

from triage.commands.act import actor
from triage.commands.opening import FAILED, MISCONFIGURED, Opened, clear_errors, fail, json_option, opened, print_json
from triage.keyfile import KeyFileError, MasterKey, new_key, read_keys, written
from triage.record.data_keys import follow, keys_of_record
from triage.record.locking import Lying, count_values, lock_all

file_type = click.Path(dir_okay=False, path_type=Path)


@click.group()
def key() -> None:
    """The key file that locks the record (TRIAGE_KEY_FILE): make one, follow a new one, see what is locked.

    With a key given, mail, addresses, notes and answers of servers lie in the record locked (AES-GCM). Keep a copy of
    the file where neither the record nor its backups are: without it nobody can read them.
    """


@key.command()
@click.argument("path", type=file_type)
@click.option("--add", is_flag=True, help="Put a new key before those of an existing file: it locks from then on.")
def new(path: Path, add: bool) -> None:
    """Make a key file, or add a key to one; only its owner may read it."""
    with clear_errors():
        keys = _keys_in(path) if add else ()
        if not add and path.exists():
            fail(f"{path} exists. Name another file, or add a key to it with --add.", MISCONFIGURED)
        made = new_key()
        _write(path, (made, *keys))
    click.echo(f"Key {made.id} is in {path}.")
    click.echo("Keep a copy where neither the record nor its backups are: without it nobody can read them.")
    if add:
        click.echo("Give the file to every worker and page and start them anew; then say 'triage key follow'.")
    else:
        click.echo("Set TRIAGE_KEY_FILE to it, end all workers, start the service, then say 'triage key lock'.")


@key.command()
@json_option
def status(as_json: bool) -> None:
    """Which keys the record wants, and how much of it is locked."""
    with opened(migrate=False) as service:
        with service.store.read("keys") as tx:
            wanted = sorted({one.locked_by for one in keys_of_record(tx)})
        given = [one.id for one in service.store.keys]
        lying = _count(service) if wanted else []
    if as_json:
        columns = [asdict(one) for one in lying]
        print_json({"locked": bool(wanted), "wanted": wanted, "given": given, "columns": columns})
        return
    if not wanted:
        how = "it is locked at the next start" if given else "'triage key new FILE' makes a key"
        click.echo(f"The record lies in clear; {how}.")
        return
    click.echo(f"The record is opened by key {', '.join(wanted)}.")
    for one in lying:
        click.echo(f"{one.column:20} {one.newest:9} locked {one.earlier:9} by an earlier key {one.clear:9} in clear")
    if any(one.clear or one.earlier for one in lying):
        click.echo("'triage key lock' locks the rest; the service may run meanwhile.")
    if unneeded := sorted(set(given) - set(wanted)):
        click.echo(f"Key {', '.join(unneeded)} of the file opens nothing here; backups made earlier may want it.")


@key.command()
def lock() -> None:
    """Lock what lies in clear or under an earlier key. May be broken off and said again; the service may run."""
    with opened() as service:
        _need_key(service)
        done: dict[str, int] = {}
        for column, values in lock_all(service.store):
            done[column] = done.get(column, 0) + values
        rest = _count(service)
        for column, values in done.items():
            click.echo(f"{column:24} {values:9} locked")
    if left := sum(one.earlier + one.clear for one in rest):
        fail(
            f"{left} value(s) are left: written meanwhile, or altered outside. Say it again, then see the log.", FAILED
        )
    click.echo("Everything is locked." if done else "Everything was locked already.")


@key.command(name="follow")
def follow_first() -> None:
    """Let the file's first key open the record, and a new data key lock what comes.

    Say it after every worker and page has been started with the new file. What is stored stays as it is; to lock it
    anew as well say 'triage key lock' afterwards.
    """
    with opened() as service:
        _need_key(service)
        with service.store.write("follow key", actor()) as tx:
            number = follow(tx, service.store.keys, service.store.ring)
        click.echo(f"The record is opened by key {service.store.keys[0].id}; data key {number} locks what comes.")
        click.echo("Keep earlier keys as long as backups of before are kept: those open with them alone.")


def _count(service: Opened) -> list[Lying]:
    with service.store.read("count values", long=True) as tx:
        return count_values(tx, service.store.ring.newest)


def _need_key(service: Opened) -> None:
    if not service.store.ring.newest:
        fail("No key is given: set TRIAGE_KEY_FILE. 'triage key new FILE' makes one.", MISCONFIGURED)


def _keys_in(path: Path) -> tuple[MasterKey, ...]:
    try:
        return read_keys(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{path} cannot be read ({type(error).__name__}).", MISCONFIGURED)
    except KeyFileError as error:
        fail(f"{path}: {error}.", MISCONFIGURED)


def _write(path: Path, keys: tuple[MasterKey, ...]) -> None:
    """Whole or not at all, and never readable to others, not even for a moment."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(written(keys))
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        fail(f"{path} cannot be written ({type(error).__name__}). Name a folder that is yours.", FAILED)
