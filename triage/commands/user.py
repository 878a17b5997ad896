"""``triage user``: accounts of the staff page. The first one is made here; afterwards /persone does the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from triage.acts import accounts
from triage.acts.accounts import Changed
from triage.acts.passwords import hash_password, problem_with
from triage.acts.people import Person, Role
from triage.basis import open_store, settings_from
from triage.commands.act import actor
from triage.commands.opening import FAILED, clear_errors, fail, json_option, print_json
from triage.record import Store
from triage.record.people import all_people, person_named
from triage.record.store import Transaction
from triage.settings import without_accounts

password_option = click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="File with the password on its first line, - for standard input; else it is asked for.",
)
temporary_option = click.option(
    "--temporary", is_flag=True, help="The person chooses another password at the first sign-in."
)


@click.group()
def user() -> None:
    """Accounts of the staff page: add, list, close, and help those who are locked out."""


@user.command()
@click.argument("name")
@click.option("--role", required=True, type=click.Choice([str(role) for role in Role]), help="What the person may do.")
@click.option("--display", default="", help="Name and surname as pages show them.")
@password_option
@temporary_option
def add(name: str, role: str, display: str, password_file: Path | None, temporary: bool) -> None:
    """Add an account.

    Responsabile, amministratore and rpd set up codes from their telephone at the first sign-in.
    """
    name = accounts.clean_name(name)
    if problem := accounts.problem_with_name(name):
        fail(problem, FAILED)
    hashed = _password(password_file, name, display)
    with _record() as store, store.write("add person", actor()) as tx:
        done = accounts.add(tx, _whoever_types(), name, display, Role(role), hashed, given=temporary)
    _say(done)


@user.command("list")
@json_option
def list_people(as_json: bool) -> None:
    """List the accounts: name, role, codes, whether they are closed."""
    with _record() as store, store.read("people") as tx:
        rows = all_people(tx)
    for row in rows:
        state = "closed" if row.disabled_at is not None else "open"
        if as_json:
            known = {"name": row.name, "display": row.display, "role": row.role, "codes": row.has_totp, "state": state}
            print_json(known)
        else:
            codes = "codes" if row.has_totp else "no codes"
            click.echo(f"{row.name:<24} {row.role:<14} {state:<7} {codes:<9} {row.display}")


@user.command()
@click.argument("name")
@password_option
@click.option("--keep", is_flag=True, help="The person need not choose another at the next sign-in.")
def password(name: str, password_file: Path | None, keep: bool) -> None:
    """Give somebody another password; their sessions end, and they may try again at once."""
    with _record() as store:
        _number(store, name)
        hashed = _password(password_file, name, "")
        _do(store, name, lambda tx, who: accounts.give_password(tx, _whoever_types(), who, hashed, given=not keep))


@user.command()
@click.argument("name")
def disable(name: str) -> None:
    """Close an account: nobody signs in with it any more; what the person did stays on record."""
    with _record() as store:
        _do(store, name, lambda tx, who: accounts.close(tx, _whoever_types(), who))


@user.command()
@click.argument("name")
def enable(name: str) -> None:
    """Open a closed account again."""
    with _record() as store:
        _do(store, name, lambda tx, who: accounts.reopen(tx, _whoever_types(), who))


@user.command("totp-reset")
@click.argument("name")
def totp_reset(name: str) -> None:
    """The telephone is lost: codes are set up anew at the next sign-in."""
    with _record() as store:
        _do(store, name, lambda tx, who: accounts.reset_totp(tx, _whoever_types(), who))


@contextmanager
def _record() -> Iterator[Store]:
    """The record; made where there is none yet, so that the first account can be there before the first start."""
    with clear_errors():
        store = open_store(settings_from(without_accounts(os.environ)))
        try:
            yield store
        finally:
            store.close()


def _whoever_types() -> Person:
    return Person(None, actor(), actor(), Role.ADMINISTRATOR)


def _password(file: Path | None, *about: str) -> str:
    if file is None:
        chosen = str(click.prompt("Password", hide_input=True, confirmation_prompt="Password, again"))
    else:
        try:
            with click.open_file(str(file), encoding="utf-8") as text:
                chosen = text.readline().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            fail(f"--password-file: the file cannot be read ({type(error).__name__}).", FAILED)
    if problem := problem_with(chosen, *about):
        fail(problem, FAILED)
    return hash_password(chosen)


def _number(store: Store, name: str) -> int:
    with store.read("person") as tx:
        row = person_named(tx, accounts.clean_name(name))
    if row is None:
        fail(f"There is no account '{name}': see 'triage user list'.", FAILED)
    return row.id


def _do(store: Store, name: str, act: Callable[[Transaction, int], Changed]) -> None:
    number = _number(store, name)
    with store.write("person", actor()) as tx:
        done = act(tx, number)
    _say(done)


def _say(done: Changed) -> None:
    if not done.ok:
        fail(done.message_it, FAILED)
    click.echo(done.message_it)
