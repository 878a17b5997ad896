"""``triage backup`` and ``triage restore``: the whole record in one file, and a record made from it again."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from triage.acts.restoring import end_restoration
from triage.backup import BackupError, Manifest, make_backup, restore_backup, verify_backup
from triage.basis import make_folder, settings_from, store_of
from triage.commands.act import actor
from triage.commands.destinations import rules_in_force
from triage.commands.opening import FAILED, MISCONFIGURED, clear_errors, fail, json_option, opened, print_json
from triage.commands.settle import typing
from triage.record import Store
from triage.settings import Settings, without_accounts


@click.command()
@click.option(
    "--to", "target", type=click.Path(path_type=Path), default=Path(), help="A file that is not there yet, or a folder."
)
@click.option(
    "--verify", "verified", metavar="PATH", type=click.Path(path_type=Path), help="Only check a backup; writes nothing."
)
@json_option
def backup(target: Path, verified: Path | None, as_json: bool) -> None:
    """Write the whole record to one file, while the service runs.

    Without --to it is written to the present folder, under the present time. It holds mail, rules, models, accounts
    and the record's secret: guard it like the mailboxes, and keep it on another machine. Refresh tokens
    (TRIAGE_STATE_DIR/tokens) are not in it.
    """
    if verified is not None:
        with clear_errors():
            _tell(_checked(verified), verified, "is whole", as_json)
        return
    with opened(migrate=False) as service:
        if target.is_dir():
            target /= f"triage-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.backup"
        try:
            made = make_backup(service.store, target, actor())
        except BackupError as error:
            fail(str(error), FAILED)
        except FileExistsError:
            fail(f"{target} is there already, and a backup overwrites nothing. Name another file with --to.", FAILED)
        except FileNotFoundError:
            fail(f"The folder {target.parent} is not there. Make it, or name another with --to.", FAILED)
    _tell(made, target, "was written and read again", as_json)


def _checked(path: Path) -> Manifest:
    try:
        return verify_backup(path)
    except BackupError as error:
        fail(str(error), FAILED)
    except FileNotFoundError:
        fail(f"{path} is not there.", FAILED)


def _tell(made: Manifest, path: Path, done: str, as_json: bool) -> None:
    if as_json:
        parts = [{"table": part.table, "rows": part.rows, "sha256": part.sha256} for part in made.parts]
        print_json({"path": str(path), **asdict(made), "made_at": made.made_at.isoformat(), "parts": parts})
        return
    click.echo(
        f"{path} {done}: {made.count('messages')} message(s), {made.rows} rows, "
        f"as of {made.made_at:%Y-%m-%d %H:%M} UTC, release {made.release}, {max(1, path.stat().st_size // 1000):,} kB."
    )


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--done", is_flag=True, help="What waits was looked at: modes hold again, automatico as proposta.")
@json_option
def restore(path: Path | None, done: bool, as_json: bool) -> None:
    """Make a new, empty record from a backup.

    The service that starts on it forwards and acknowledges nothing by itself; what was under way waits for a person.
    Start it once with --take-over, look through what waits, then say "triage restore --done".
    """
    if done == (path is not None):
        raise click.UsageError("Name a backup, or say --done.")
    if path is None:
        _end(as_json)
        return
    with clear_errors():
        settings = settings_from(without_accounts(os.environ))
        store = _new_record(settings)
        try:
            made = restore_backup(store, path, typing())
        except BackupError as error:
            fail(str(error), FAILED)
        except FileNotFoundError:
            fail(f"{path} is not there.", MISCONFIGURED)
        finally:
            store.close()
    if as_json:
        print_json({"restored": str(path), "made_at": made.made_at.isoformat(), "rows": made.rows})
        return
    click.echo(f"The record is that of {made.made_at:%Y-%m-%d %H:%M} UTC again, {made.count('messages')} message(s).")
    click.echo(
        "Nothing is forwarded or acknowledged by itself, and what was under way waits for a person. Go on so:\n"
        "  1. make sure that the lost service is switched off for good;\n"
        "  2. mailboxes by OAuth whose server replaces refresh tokens: give each a new one;\n"
        "  3. triage worker --once --take-over   looks into the mailboxes and into our folders there;\n"
        "  4. triage run, and look through what waits (the reasons 'forse_gia_trattato' and 'gia_trattato');\n"
        "  5. triage restore --done   and raise each centre's mode on the page."
    )


def _new_record(settings: Settings) -> Store:
    make_folder(settings)
    return store_of(settings)


def _end(as_json: bool) -> None:
    with opened() as service:
        rules = rules_in_force(service)
        modes = {code: project.mode for code, project in rules.projects.items()}
        with service.store.write("restoration done", actor()) as tx:
            after = end_restoration(tx, typing(), modes)
        if after is None:
            fail("This record was not restored, or somebody has said --done already.", FAILED)
    if as_json:
        print_json({"modes": after})
        return
    for code, mode in after.items():
        click.echo(f"{code}: {mode}")
    click.echo("The service goes on. A centre forwards by itself again once somebody raises its mode on the page.")
