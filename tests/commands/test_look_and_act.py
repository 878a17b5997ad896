"""``ledger``, ``held``, ``show``, ``retry``, ``stop``, ``start`` on a record that has seen some mail."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.commands.conftest import Invoke, Record

# --------------------------------------------------------------------------- ledger


def test_a_ledger_that_closes_says_so_and_ends_with_0(invoke: Invoke, record: Record) -> None:
    result = invoke("ledger")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "        5  listed by the server\n" in result.stdout
    assert result.stdout.endswith("The ledger closes.\n")
    assert record.path.exists()


def test_the_ledger_as_json(invoke: Invoke, record: Record) -> None:
    result = invoke("ledger", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["closes"], found["differences"]) == (0, True, [])
    counts = {name: found["counts"][name] for name in ("listed", "received", "in_progress", "held", "quarantined")}
    assert counts == {"listed": 5, "received": 4, "in_progress": 1, "held": 2, "quarantined": 1}
    assert found["counts"]["oversize"] == 1
    assert record.path.exists()


@pytest.mark.parametrize("arguments", [("ledger",), ("ledger", "--json")])
def test_a_row_that_somebody_removed_opens_the_ledger(invoke: Invoke, record: Record, arguments: tuple[str]) -> None:
    with sqlite3.connect(record.path) as database:
        database.execute("UPDATE messages SET state = 'filed' WHERE id = ?", (record.held,))
    database.close()
    result = invoke(*arguments)
    assert result.exit_code == 1
    assert "does NOT close" in result.stdout or json.loads(result.stdout)["closes"] is False


# --------------------------------------------------------------------------- held and show


def test_what_waits_is_listed_with_possible_danger_first(invoke: Invoke, record: Record) -> None:
    lines = invoke("held").stdout.splitlines()
    assert [int(line[1:].split()[0]) for line in lines] == [
        record.urgent,
        record.held,
        record.quarantined,
        record.oversize,
    ]
    assert lines[0].startswith("!")
    assert lines[1].endswith("È un reclamo o un ringraziamento: decide l'ufficio chi risponde.")


def test_what_waits_as_json_is_one_object_a_line_without_words_of_the_mail(invoke: Invoke, record: Record) -> None:
    output = invoke("held", "--json").stdout
    found = [json.loads(line) for line in output.splitlines()]
    assert [entry["reason"] for entry in found] == ["urgente", "reclamo", "tre_interruzioni", "troppo_grande"]
    assert found[0]["id"] == record.urgent
    assert "Oggetto" not in output
    assert "@" not in output


def test_the_limit_cuts_the_list(invoke: Invoke, record: Record) -> None:
    assert len(invoke("held", "--limit", "1").stdout.splitlines()) == 1
    assert record.urgent


def test_show_tells_the_message_its_decision_its_sending_and_its_history(invoke: Invoke, record: Record) -> None:
    result = invoke("show", record.forwarded)
    assert result.exit_code == 0
    for part in (
        f"Messaggio {record.forwarded} nella casella generale: forwarded",
        "Oggetto: Oggetto 0",
        "Testo numero 0.",
        "Decisione: inoltra -> oglio_po",
        "Fiducia: 97% che la destinazione sia giusta",
        "forward -> oglio-po@example.org: accepted",
        "listed -> received",
    ):
        assert part in result.stdout


def test_show_as_json_is_one_object(invoke: Invoke, record: Record) -> None:
    found = json.loads(invoke("show", record.forwarded, "--json").stdout)
    assert found["message"]["id"] == record.forwarded
    assert found["decision"]["destination"] == "oglio_po"
    assert [(d["kind"], d["state"], len(d["tries"])) for d in found["dispatches"]] == [("forward", "accepted", 1)]
    assert [event["to_state"] for event in found["history"]] == ["listed", "received", "decided", "forwarded"]


@pytest.mark.parametrize("kind", ["quarantined", "oversize"])
def test_a_message_without_a_decision_or_without_octets_can_be_shown(invoke: Invoke, record: Record, kind: str) -> None:
    result = invoke("show", getattr(record, kind))
    assert result.exit_code == 0
    assert kind in result.stdout
    assert json.loads(invoke("show", getattr(record, kind), "--json").stdout)["decision"] is None


def test_a_message_that_does_not_exist_ends_with_1(invoke: Invoke, record: Record) -> None:
    result = invoke("show", 4711)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "There is no message 4711. 'triage held' lists those that wait.\n"
    assert record.path.exists()


# --------------------------------------------------------------------------- retry, stop, start


def test_retry_sends_what_waits_through_the_flow_again_and_is_on_record(invoke: Invoke, record: Record) -> None:
    waiting = (record.held, record.urgent, record.quarantined, record.oversize)
    result = invoke("retry", *waiting)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [f"Message {number} goes through the flow again." for number in waiting]
    states = [json.loads(invoke("show", number, "--json").stdout)["message"]["state"] for number in waiting]
    assert states == ["received", "received", "received", "listed"]
    last = json.loads(invoke("show", record.held, "--json").stdout)["history"][-2:]
    assert [(event["event"], event["actor"].partition(":")[0]) for event in last] == [
        ("retried", "cli"),
        ("taken_in_charge", "cli"),
    ]
    assert [(event["from_state"], event["to_state"]) for event in last] == [("held", "received"), ("", "")]
    assert invoke("held").stdout == "Nothing waits.\n"
    assert invoke("ledger").exit_code == 0


def test_retry_refuses_what_does_not_wait_and_does_the_rest(invoke: Invoke, record: Record) -> None:
    result = invoke("retry", record.forwarded, 4711, record.held)
    assert result.exit_code == 1
    assert result.stdout == f"Message {record.held} goes through the flow again.\n"
    assert result.stderr.splitlines() == [
        f"Message {record.forwarded} is not waiting: forwarded.",
        "Message 4711 is not waiting: there is none.",
    ]


def test_stop_and_start_say_whether_anything_changed(invoke: Invoke, record: Record) -> None:
    said = [invoke(name) for name in ("stop", "stop", "start", "start")]
    assert [result.exit_code for result in said] == [0, 0, 0, 0]
    assert [result.stdout for result in said] == [
        "Stopped: nothing leaves until 'triage start'.\n",
        "It was stopped already.\n",
        "Started: what waited leaves now.\n",
        "It was not stopped.\n",
    ]
    with sqlite3.connect(record.path) as database:
        acts = database.execute("SELECT event, actor FROM audit WHERE subject = 'switch' ORDER BY id").fetchall()
    database.close()
    assert [event for event, _ in acts] == ["stopped", "started"]
    assert all(actor.startswith("cli") for _, actor in acts)


# --------------------------------------------------------------------------- no record, or none that can be used

LOOKING = (
    ("ledger",),
    ("held",),
    ("show", "1"),
    ("retry", "1"),
    ("stop",),
    ("start",),
    ("take", "1"),
    ("ask", "1"),
    ("settle", "1", "--note", "letto"),
    ("correct", "1", "crema", "--why", "zona"),
    ("also", "1", "crema"),
    ("destinations",),
    ("cure", "crema"),
)


@pytest.mark.parametrize("arguments", LOOKING)
def test_without_a_record_nothing_is_made_up(
    invoke: Invoke, environment: dict[str, str], arguments: tuple[str, ...]
) -> None:
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "There is no record at" in result.stderr
    assert not Path(environment["TRIAGE_STATE_DIR"]).exists()


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("oracle://host/name", 2, "TRIAGE_DATABASE_URL must be sqlite:///FILE or postgresql+psycopg://"),
        ("postgresql+psycopg://nobody:segreto@127.0.0.1:1/none", 1, "Nothing was lost. Check TRIAGE_DATABASE_URL"),
        ("postgresql+psycopg://nobody:segreto@[::/none", 1, "Nothing was lost. Check TRIAGE_DATABASE_URL"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_clear_message(invoke: Invoke, url: str, code: int, said: str) -> None:
    result = invoke("ledger", settings={"TRIAGE_DATABASE_URL": url})
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr
    assert "segreto" not in result.stderr


def test_a_file_that_is_no_database_is_one_clear_message(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "no.db"
    path.write_text("this is no database, whatever its name says\n" * 100, encoding="utf-8")
    result = invoke("ledger", settings={"TRIAGE_DATABASE_URL": f"sqlite:///{path}"})
    assert result.exit_code == 1
    assert "SQLITE_NOTADB" in result.stderr
    assert path.read_text(encoding="utf-8").startswith("this is no database")
