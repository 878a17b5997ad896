"""``triage rules replay`` and ``triage confirm`` as an administrator types them."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from tests.commands.conftest import Invoke
from tests.laid import lay_sqlite
from tests.record.builders import a_mailbox, receive
from tests.servers.mail import make_mail
from triage.clock import SystemClock
from triage.decider import Decider
from triage.knowledge import Knowledge
from triage.reading import ParsedMessages
from triage.record import Store
from triage.record.exceptions import add_exception
from triage.record.staff_acts import acts_about, verify_acts

LETTER = "Buongiorno,\nabito a Viadana con due bambini. Ci sono laboratori?\nGrazie\n"


@pytest.fixture
def database(environment: dict[str, str]) -> Path:
    """A record with one letter, decided by the environment's rules and the shipped model."""
    path = Path(environment["TRIAGE_STATE_DIR"]) / "triage.db"
    path.parent.mkdir()
    store = Store(lay_sqlite(path), SystemClock())
    knowledge = Knowledge(store, Path(environment["TRIAGE_RULES"]), Path(environment["TRIAGE_MODEL"]))
    assert knowledge.import_files() == ()
    receive(store, a_mailbox(store, "generale"), [make_mail(LETTER, subject="Laboratori")])
    Decider(store, knowledge, ParsedMessages(), "d", timedelta(minutes=1), lambda: None).work()
    store.close()
    return path


def rows(database: Path) -> int:
    with sqlite3.connect(database) as connection:
        queries = [
            "SELECT count(*) FROM decisions",
            "SELECT count(*) FROM dispatches",
            "SELECT count(*) FROM audit",
            "SELECT count(*) FROM versions",
        ]
        return sum(connection.execute(query).fetchone()[0] for query in queries)


@pytest.fixture
def changed(environment: dict[str, str], tmp_path: Path) -> Path:
    path = tmp_path / "nuove.yaml"
    text = Path(environment["TRIAGE_RULES"]).read_text(encoding="utf-8")
    path.write_text(text.replace("then: {forward: territorio}", "then: {forward: crema}"), encoding="utf-8")
    return path


def test_a_changed_file_is_tried_on_the_mail_that_has_come(invoke: Invoke, database: Path, changed: Path) -> None:
    before = rows(database)
    result = invoke("rules", "replay", changed, "--days", "30")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[1] == "1 messages of the last 30 days; 1 of them would go elsewhere."
    assert lines[3].split() == ["1", "oglio_po", "->", "crema"]
    assert lines[4] == '  message 1: oglio_po -> crema (rule "al progetto del territorio")'
    assert "warning: " in result.stderr, "its examples do not hold any more"
    told = json.loads(invoke("rules", "replay", changed, "--json").stdout)
    assert (told["messages"], told["differing"], told["days"]) == (1, 1, 90)
    assert told["moves"] == [{"from": "oglio_po.default", "to": "crema.default", "messages": 1}]
    assert told["differences"][0]["then"]["rule"] == "al progetto del territorio"
    assert rows(database) == before, "nothing is written"


def test_taught_rules_are_listed_and_ended(invoke: Invoke, database: Path) -> None:
    store = Store(f"sqlite:///{database}", SystemClock())
    with store.write("taught", "anna.rossi") as tx:
        number = add_exception(tx, tx.now + timedelta(days=90), kind="mai", sender_key="k", message_id=1)
    listed = invoke("rules", "taught").stdout
    assert listed.startswith(
        f"{number}: I messaggi di chi ha scritto il messaggio 1 si archiviano come non per noi, "
        "tranne le richieste chiare per un centro. Di "
    )
    assert json.loads(invoke("rules", "taught", "--json").stdout)[0]["created_by"] == "anna.rossi"
    ended = invoke("rules", "forget", number)
    assert (ended.exit_code, ended.stdout) == (
        0,
        f"{number}: Regola tolta: da adesso i messaggi così si valutano come tutti gli altri.\n",
    )
    again = invoke("rules", "forget", number)
    assert (again.exit_code, "Questa regola non vale già più." in again.stderr) == (1, True)
    assert invoke("rules", "taught").stdout == "Non vale nessuna regola imparata.\n"
    with store.read("acts") as tx:
        assert [act["act"] for act in acts_about(tx, "exception", number)] == ["forget"]
        assert verify_acts(tx) == ()
    store.close()


def test_the_rules_in_force_change_nothing(invoke: Invoke, database: Path, environment: dict[str, str]) -> None:
    result = invoke("rules", "replay", environment["TRIAGE_RULES"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert "1 messages of the last 90 days; 0 of them would go elsewhere." in result.stdout
    assert database.exists()


def test_a_file_that_cannot_be_used_is_refused(invoke: Invoke, database: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("service: {}\n", encoding="utf-8")
    result = invoke("rules", "replay", wrong)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Remedy: " in result.stderr
    assert invoke("rules", "replay", tmp_path / "none.yaml").exit_code == 2
    assert database.exists()


# --------------------------------------------------------------------------- confirm

PIANO = "ufficiodipiano@concast.it"


@pytest.fixture
def unconfirmed(environment: dict[str, str]) -> None:
    path = Path(environment["TRIAGE_RULES"])
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace(
            "{to: ufficiodipiano@concast.it, confirmed: true}", "{to: ufficiodipiano@concast.it, confirmed: false}"
        ),
        encoding="utf-8",
    )


@pytest.mark.usefixtures("unconfirmed", "database")
def test_addresses_are_listed_with_what_is_known_of_them(invoke: Invoke) -> None:
    lines = invoke("confirm").stdout.splitlines()
    assert f"UNCONFIRMED  oglio_po.piano           {PIANO}" in lines
    assert sum(line.startswith("confirmed") for line in lines) == 5


@pytest.mark.usefixtures("unconfirmed", "database")
def test_a_test_mail_is_asked_for_and_taken_back(invoke: Invoke) -> None:
    sent = invoke("confirm", PIANO.upper())
    assert sent.exit_code == 0, sent.stderr
    assert sent.stdout.startswith(f"The test mail to {PIANO} leaves in two minutes.")
    told = [json.loads(line) for line in invoke("confirm", "--json").stdout.splitlines()]
    (row,) = [one for one in told if one["address"] == PIANO]
    assert (row["confirmed"], row["test"], row["sent_at"]) == (False, "chiesta", None)
    again = invoke("confirm", PIANO)
    assert (again.exit_code, again.stdout) == (1, "")
    assert "less than an hour ago" in again.stderr
    assert invoke("confirm", PIANO, "--cancel").stdout == f"Taken back: no test mail goes to {PIANO}.\n"
    late = invoke("confirm", PIANO, "--cancel")
    assert (late.exit_code, "left already" in late.stderr) == (1, True)
    never = invoke("confirm", PIANO, "--withdraw")
    assert (never.exit_code, "was not confirmed" in never.stderr) == (1, True)


@pytest.mark.usefixtures("unconfirmed")
def test_a_confirmation_counts_and_can_be_withdrawn(invoke: Invoke, database: Path) -> None:
    assert invoke("confirm", PIANO).exit_code == 0
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE address_tests SET state = 'confermata', answered_at = asked_at")
    assert any(line.startswith("confirmed    oglio_po.piano") for line in invoke("confirm").stdout.splitlines())
    assert "not confirmed any more" in invoke("confirm", PIANO, "--withdraw").stdout
    assert f"UNCONFIRMED  oglio_po.piano           {PIANO}" in invoke("confirm").stdout.splitlines()


@pytest.mark.usefixtures("database")
def test_an_address_of_no_project_is_refused(invoke: Invoke) -> None:
    result = invoke("confirm", "qualcuno@example.org")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no project's address" in result.stderr


def test_the_file_in_force_comes_out_of_the_record_as_it_went_in(
    invoke: Invoke, database: Path, environment: dict[str, str]
) -> None:
    file = Path(environment["TRIAGE_RULES"])
    before = file.read_bytes()
    file.unlink()
    shown = invoke("rules", "show")
    assert (shown.exit_code, shown.stdout_bytes) == (0, before)


def test_a_record_without_rules_says_so(invoke: Invoke, environment: dict[str, str]) -> None:
    path = Path(environment["TRIAGE_STATE_DIR"]) / "triage.db"
    path.parent.mkdir()
    Store(lay_sqlite(path), SystemClock()).close()
    shown = invoke("rules", "show")
    assert shown.exit_code != 0
    assert "triage worker --once" in shown.output


@pytest.mark.parametrize("flag", ["--cancel", "--withdraw"])
def test_what_is_to_be_taken_back_has_to_be_named(invoke: Invoke, flag: str) -> None:
    result = invoke("confirm", flag)
    assert result.exit_code == 2
    assert "ADDRESS" in result.stderr
