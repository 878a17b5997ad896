"""``triage purge`` as an administrator types it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.commands.conftest import Invoke, Record
from triage.clock import SystemClock
from triage.ids import case_code
from triage.record import Store
from triage.record.filing import record_filed
from triage.record.identity import secret_of
from triage.record.messages import get_message
from triage.record.tables import dispatches, messages
from triage.vocabulary import MessageState


@pytest.fixture
def old(record: Record) -> str:
    """A forwarded message that was filed two years ago; its case's code."""
    store = Store(f"sqlite:///{record.path}", SystemClock())
    long_ago = store.clock.now() - timedelta(days=800)
    with store.write("file") as tx:
        row = get_message(tx, record.forwarded)
        assert row is not None
        record_filed(tx, [row], "Smistati", "filed")
        values = {"gone_at": long_ago, "due_at": long_ago, "listed_at": long_ago}
        tx.execute(messages.update().where(messages.c.id == record.forwarded).values(**values))

        tx.execute(dispatches.update().values(created_at=long_ago, ended_at=long_ago))
        code = case_code(secret_of(tx), row.case_id or 0)
    store.close()
    return code


def state_of(record: Record) -> str:
    store = Store(f"sqlite:///{record.path}", SystemClock())
    with store.read("look") as tx:
        row = get_message(tx, record.forwarded)
    store.close()
    assert row is not None
    return row.state


def test_what_would_go_is_said_and_then_it_goes(invoke: Invoke, record: Record, old: str) -> None:
    would = json.loads(invoke("purge", "--dry-run", "--json").stdout)
    assert (would["erased"], would["messages"], would["kept_back"]) == (False, 1, 0)
    assert would["server_replies"] >= 1
    assert state_of(record) == MessageState.FILED
    said = invoke("purge").stdout
    assert said.startswith("1 message(s) erased")
    assert state_of(record) == MessageState.ERASED
    assert json.loads(invoke("ledger", "--json").stdout)["closes"]
    assert json.loads(invoke("purge", "--json").stdout)["messages"] == 0


def test_a_case_is_kept_and_let_go_by_its_code(invoke: Invoke, record: Record, old: str) -> None:
    assert "is erased until it is let go" in invoke("purge", "--hold", old.lower(), "--reason", "causa").stdout
    assert invoke("purge", "--hold", old, "--reason", "causa").exit_code == 1
    (kept,) = json.loads(invoke("purge", "--holds", "--json").stdout)
    assert (kept["case"], kept["reason"]) == (old, "causa")
    assert old in invoke("purge", "--holds").stdout
    assert "past their time and stay" in invoke("purge").stdout
    assert state_of(record) == MessageState.FILED
    assert invoke("purge", "--release", old).exit_code == 0
    assert invoke("purge", "--release", old).exit_code == 1
    assert invoke("purge", "--holds").stdout == "No case is kept beyond its time.\n"
    invoke("purge")
    assert state_of(record) == MessageState.ERASED


@pytest.mark.parametrize(
    "arguments",
    [("--hold", "AB-CDEFGHJK"), ("--reason", "causa"), ("--dry-run", "--holds"), ("--release", "X", "--holds")],
)
def test_what_does_not_go_together_is_refused(invoke: Invoke, old: str, arguments: tuple[str, ...]) -> None:
    assert invoke("purge", *arguments).exit_code == 2


@pytest.mark.parametrize("arguments", [("--hold", "AB-CDEFGHJK", "--reason", "causa"), ("--release", "nessuno")])
def test_a_code_of_no_case_is_told(invoke: Invoke, old: str, arguments: tuple[str, ...]) -> None:
    result = invoke("purge", *arguments)
    assert (result.exit_code, "There is no case with this code." in result.stderr) == (1, True)


def test_the_rules_say_how_long(invoke: Invoke, environment: dict[str, str], record: Record, old: str) -> None:
    rules = Path(environment["TRIAGE_RULES"])
    text = rules.read_text(encoding="utf-8")
    for days, erased in (("keep", 0), ("900", 0), ("700", 1)):
        rules.write_text(f"{text}\nretention: {{forwarded: {days}, server_replies: 21}}\n", encoding="utf-8")
        assert json.loads(invoke("purge", "--dry-run", "--json").stdout)["messages"] == erased
    for days, said in (("7", "30"), ("null", "no value"), ("un anno", "is no number of days")):
        rules.write_text(f"{text}\nretention: {{forwarded: {days}}}\n", encoding="utf-8")
        result = invoke("check", "--json")
        assert (result.exit_code, said in result.stdout) == (2, True)
