"""One screen says how the service stands, and its first line whether anything needs a person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.conftest import Invoke, Record, environment, invoke, record
from triage.clock import SystemClock
from triage.knowledge import Knowledge
from triage.record import Store
from triage.record.heartbeats import note_beats
from triage.record.incidents import open_incident

__all__ = ["environment", "invoke", "record"]
LOOPS = {"decide": 1.0, "dispatch": 1.0, "notices": 1.0, "reader generale": 1.0}


@pytest.fixture
def working(record: Record) -> Store:
    """A worker has just said that it is well, and what waited for it is gone."""
    store = Store(f"sqlite:///{record.path}", SystemClock())
    with store.write("well") as tx:
        note_beats(tx, "mail-1", LOOPS)
        tx.connection.exec_driver_sql("UPDATE dispatches SET state = 'cancelled' WHERE state = 'pending'")
        tx.connection.exec_driver_sql("UPDATE messages SET file_step = ''")
    return store


def test_all_is_well_although_mail_waits_for_people(invoke: Invoke, working: Store) -> None:
    shown = invoke("status")
    working.close()
    assert shown.exit_code == 0
    first, *lines = shown.stdout.splitlines()
    assert first == "All is well."
    told = {line.split()[0]: line for line in lines}
    assert "mail-1 (" in told["workers"]
    assert "possible danger 1 (oldest" in shown.stdout
    assert "to decide 1 (oldest" in shown.stdout
    assert "set aside 2 (oldest" in shown.stdout
    assert told["switches"] == "switches    mail leaves"
    assert "crema automatico" in told["modes"]
    assert told["backup"] == "backup      never"
    assert told["mailbox"].startswith("mailbox     generale: read ")
    assert len(lines) < 24, "it is one screen"


def test_that_nobody_is_called_is_said_although_a_project_goes_on(
    invoke: Invoke, record: Record, working: Store, environment: dict[str, str]
) -> None:
    working.close()
    assert "notices" not in invoke("status").stdout
    rules = Path(environment["TRIAGE_RULES"])
    text = rules.read_text(encoding="utf-8")
    service, mode, rest = text.partition("  mode: automatico")
    assert "\nprojects:" not in service
    rules.write_text(f"{service}{mode.replace('automatico', 'ombra')}{rest}", encoding="utf-8")
    store = Store(f"sqlite:///{record.path}", SystemClock())
    assert Knowledge(store, rules, Path(environment["TRIAGE_MODEL"])).import_files() == ()
    store.close()
    shown = invoke("status")
    assert "notices     none: the service itself is in ombra, and nobody is called" in shown.stdout
    assert json.loads(invoke("status", "--json").stdout)["service_mode"] == "ombra"


def test_what_is_wrong_stands_first_and_is_the_same_as_for_a_monitor(invoke: Invoke, working: Store) -> None:
    with working.write("trouble") as tx:
        open_incident(tx, "filing_refused", "generale Smistati/Crema", "mailbox generale: the server says no")
    working.close()
    shown, monitored = invoke("status"), invoke("check", "--health", "--json")
    assert (shown.exit_code, monitored.exit_code) == (1, 1)
    assert shown.stdout.splitlines()[0] == "1 thing(s) need a person:"
    assert "filing_refused" in shown.stdout.splitlines()[1]
    told = json.loads(invoke("status", "--json").stdout)
    assert told["needs_a_person"]
    assert [one["code"] for one in told["findings"]] == [
        one["code"] for one in json.loads(monitored.stdout)["findings"]
    ]


def test_stopped_is_said_and_the_ledger_is_counted_when_asked_for(invoke: Invoke, working: Store) -> None:
    working.close()
    assert invoke("stop").exit_code == 0
    assert "STOPPED" in invoke("status").stdout
    told = json.loads(invoke("status", "--json", "--ledger").stdout)
    assert (told["stopped"], told["needs_a_person"]) == (True, True)
    assert isinstance(told["ledger_differences"], list)
    assert "ledger_differences" not in json.loads(invoke("status", "--json").stdout)


def test_backup_and_restore_as_they_are_typed(invoke: Invoke, working: Store, environment: dict[str, str]) -> None:
    working.close()
    folder = environment["TRIAGE_STATE_DIR"]
    assert "is not there" in invoke("backup", "--to", f"{folder}/none/b.backup").stderr
    made = json.loads(invoke("backup", "--to", f"{folder}/b.backup", "--json").stdout)
    assert made["path"] == f"{folder}/b.backup"
    assert "is whole" in invoke("backup", "--verify", f"{folder}/b.backup").stdout
    assert "is there already" in invoke("backup", "--to", f"{folder}/b.backup").stderr
    assert invoke("backup", "--verify", f"{folder}/none").exit_code == 1
    assert "s ago" in next(line for line in invoke("status").stdout.splitlines() if line.startswith("backup"))

    again = {"TRIAGE_STATE_DIR": f"{folder}/again"}
    restored = invoke("restore", f"{folder}/b.backup", settings=again)
    assert restored.exit_code == 0
    assert "--take-over" in restored.stdout
    assert "not empty" in invoke("restore", f"{folder}/b.backup", settings=again).stderr
    assert "RESTORED" in invoke("status", settings=again).stdout
    assert "crema ombra" in invoke("status", settings=again).stdout
    assert json.loads(invoke("ledger", "--json", settings=again).stdout)["closes"]
    done = json.loads(invoke("restore", "--done", "--json", settings=again).stdout)
    assert done["modes"]["crema"] == "proposta"
    assert invoke("restore", "--done", settings=again).exit_code == 1
    assert "crema proposta" in invoke("status", settings=again).stdout
    assert invoke("restore", settings=again).exit_code == 2
