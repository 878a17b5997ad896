"""An administrator makes the first account before anything else runs, and helps those who are locked out."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from tests.commands.conftest import Invoke
from triage.acts.passwords import password_fits
from triage.acts.people import Role
from triage.acts.signing_in import try_password
from triage.clock import SystemClock
from triage.record import Store
from triage.record.people import PersonRow, person_named, set_totp
from triage.record.people_tables import staff_acts

GOOD = "quattro lampioni verdi in salita"


@pytest.fixture
def password(tmp_path: Path) -> Path:
    """A file with a password that will do."""
    path = tmp_path / "password"
    path.write_text(f"{GOOD}\n", encoding="utf-8")
    return path


def record_of(environment: dict[str, str]) -> Store:
    return Store(f"sqlite:///{environment['TRIAGE_STATE_DIR']}/triage.db", SystemClock())


def row_of(environment: dict[str, str], name: str) -> PersonRow:
    store = record_of(environment)
    with store.read("look") as tx:
        row = person_named(tx, name)
    store.close()
    assert row is not None
    return row


def test_the_first_account_is_made_before_there_is_a_record(
    invoke: Invoke, environment: dict[str, str], password: Path
) -> None:
    done = invoke("user", "add", "Anna.Rossi", "--role", "amministratore", "--password-file", password)
    assert (done.exit_code, done.output) == (0, "anna.rossi può accedere con il nome «anna.rossi».\n")
    row = row_of(environment, "anna.rossi")
    assert (row.role, row.password_given) == (Role.ADMINISTRATOR, False)
    assert password_fits(row.password_hash, GOOD)


def test_the_folder_of_the_record_is_for_its_owner_alone(
    invoke: Invoke, environment: dict[str, str], password: Path
) -> None:
    before = os.umask(0o022)
    try:
        assert invoke("user", "add", "anna.rossi", "--role", "operatore", "--password-file", password).exit_code == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE(Path(environment["TRIAGE_STATE_DIR"]).stat().st_mode) == 0o700


def test_what_decides_is_not_on_record_before_the_first_start(invoke: Invoke, password: Path) -> None:
    assert invoke("user", "add", "anna.rossi", "--role", "operatore", "--password-file", password).exit_code == 0
    early = invoke("ready")
    assert early.exit_code == 2
    assert "The first 'triage run' or 'triage worker --once' puts the files on record" in early.stderr


def test_the_password_is_asked_for_twice_and_never_shown(invoke: Invoke, environment: dict[str, str]) -> None:
    typed = f"{GOOD}\n{GOOD}\n".encode()
    done = invoke("user", "add", "anna", "--role", "operatore", "--display", "Anna Rossi", stdin=typed)
    assert done.exit_code == 0
    assert GOOD not in done.output
    assert row_of(environment, "anna").display == "Anna Rossi"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("anna", "corta", "almeno 12 caratteri"),
        ("anna", "anna.rossi.anna", "si indovina"),
        ("anna rossi", GOOD, "da 2 a 64 segni"),
        ("presa", GOOD, "già usato"),
    ],
)
def test_what_will_not_do_is_told_and_nothing_is_added(
    invoke: Invoke, password: Path, name: str, text: str, told: str
) -> None:
    invoke("user", "add", "presa", "--role", "operatore", "--password-file", password)
    password.write_text(text, encoding="utf-8")
    done = invoke("user", "add", name, "--role", "operatore", "--display", "Anna Rossi", "--password-file", password)
    assert (done.exit_code, told in done.output) == (1, True)
    assert [line.split()[0] for line in invoke("user", "list").output.splitlines()] == ["presa"]


def test_accounts_are_listed_for_people_and_programs(invoke: Invoke, password: Path) -> None:
    invoke("user", "add", "anna", "--role", "responsabile", "--display", "Anna Rossi", "--password-file", password)
    assert invoke("user", "list").output.split() == ["anna", "responsabile", "open", "no", "codes", "Anna", "Rossi"]
    known = json.loads(invoke("user", "list", "--json").output)
    assert known == {"name": "anna", "display": "Anna Rossi", "role": "responsabile", "codes": False, "state": "open"}


def test_a_new_password_is_changed_at_the_next_sign_in_unless_it_is_kept(
    invoke: Invoke, environment: dict[str, str], password: Path
) -> None:
    invoke("user", "add", "anna", "--role", "operatore", "--password-file", password)
    password.write_text("tre biciclette sul ponte nuovo", encoding="utf-8")
    assert invoke("user", "password", "anna", "--password-file", password).exit_code == 0
    assert row_of(environment, "anna").password_given
    assert invoke("user", "password", "anna", "--keep", "--password-file", password).exit_code == 0
    assert not row_of(environment, "anna").password_given


def test_a_new_password_lets_somebody_try_again_at_once(
    invoke: Invoke, environment: dict[str, str], password: Path
) -> None:
    invoke("user", "add", "anna", "--role", "operatore", "--password-file", password)
    store = record_of(environment)
    for _ in range(5):
        tried = try_password(store, "anna", "sbagliata", "192.0.2.1")
    assert tried.rests_until is not None
    invoke("user", "password", "anna", "--password-file", password)
    assert try_password(store, "anna", GOOD, "192.0.2.1").row is not None
    store.close()


def test_an_account_is_closed_and_opened_and_codes_are_reset(
    invoke: Invoke, environment: dict[str, str], password: Path
) -> None:
    for name, role in (("anna", "operatore"), ("carla", "amministratore")):
        invoke("user", "add", name, "--role", role, "--password-file", password)
    assert invoke("user", "disable", "anna").exit_code == 0
    assert row_of(environment, "anna").disabled_at is not None
    assert invoke("user", "enable", "anna").exit_code == 0
    assert row_of(environment, "anna").disabled_at is None
    store = record_of(environment)
    with store.write("codes") as tx:
        row = person_named(tx, "anna")
        assert row is not None
        set_totp(tx, row.id, "SECRET", 0, [])
    assert invoke("user", "totp-reset", "anna").exit_code == 0
    assert not row_of(environment, "anna").has_totp
    last = invoke("user", "disable", "carla")
    assert (last.exit_code, "unico amministratore" in last.output) == (1, True)
    unknown = invoke("user", "disable", "nessuno")
    assert (unknown.exit_code, "triage user list" in unknown.output) == (1, True)
    store.close()


def test_the_ledger_does_not_close_when_the_acts_were_tampered_with(
    invoke: Invoke, environment: dict[str, str], password: Path
) -> None:
    invoke("user", "add", "anna", "--role", "operatore", "--password-file", password)
    assert invoke("ledger").exit_code == 0
    store = record_of(environment)
    with store.write("tamper") as tx:
        tx.execute(staff_acts.update().values(actor="nobody"))
    store.close()
    found = invoke("ledger")
    assert (found.exit_code, "acts was tampered with at or before act 1" in found.output) == (1, True)
    assert json.loads(invoke("ledger", "--json").output)["closes"] is False
