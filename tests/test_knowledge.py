"""Rules and model in force: the record's, not those of whichever file was read last."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.laid import lay_sqlite
from triage.clock import SystemClock
from triage.knowledge import Knowledge, unsure_places
from triage.record import Store
from triage.record.address_tests import ask_test, note_answers, withdraw
from triage.record.incidents import open_incidents

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "models" / "model.skops"
SHIPPED = (ROOT / "routing_rules.yaml").read_text(encoding="utf-8")
OLD, NEW = SHIPPED, SHIPPED + "\n# messo a punto\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(lay_sqlite(tmp_path / "record.db"), SystemClock())
    yield made
    made.close()


def write(path: Path, text: str) -> Path:
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(before + 10**9, before + 10**9))
    return path


def in_force(knowledge: Knowledge) -> str:
    return knowledge.in_force().rules.text


def kinds(store: Store) -> list[str]:
    with store.read("look") as tx:
        return [row["kind"] for row in open_incidents(tx)]


def test_start_with_an_older_file_does_not_bring_old_rules_back(store: Store, tmp_path: Path) -> None:
    """A second machine whose file was never brought up to date starts again: "ombra" stays "ombra"."""
    here, there = write(tmp_path / "here.yaml", OLD), write(tmp_path / "there.yaml", OLD)
    running = Knowledge(store, here, MODEL)
    assert running.import_files() == ()
    write(here, NEW)
    assert running.import_files() == ()

    started = Knowledge(store, there, MODEL)
    (trouble,) = started.import_files()
    assert "--adopt-files" in trouble
    assert in_force(started) == NEW
    assert kinds(store) == ["rules_superseded"]
    write(there, OLD)  # only touched
    started.import_files()
    assert in_force(Knowledge(store, there, MODEL)) == NEW

    write(there, NEW)
    assert started.import_files() == ()
    assert kinds(store) == []


def test_change_back_that_is_seen_while_running_is_meant(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "rules.yaml", OLD)
    knowledge = Knowledge(store, path, MODEL)
    for text in (OLD, NEW, OLD):
        write(path, text)
        assert knowledge.import_files() == ()
    assert in_force(Knowledge(store, path, MODEL)) == OLD


def test_person_may_put_the_older_file_in_force_at_a_start(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "rules.yaml", OLD)
    for text in (OLD, NEW):
        write(path, text)
        assert Knowledge(store, path, MODEL).import_files() == ()
    write(path, OLD)
    assert len(Knowledge(store, path, MODEL).import_files()) == 1
    assert Knowledge(store, path, MODEL, adopt=True).import_files() == ()
    assert in_force(Knowledge(store, path, MODEL)) == OLD
    assert kinds(store) == []


def test_an_address_counts_as_confirmed_once_somebody_answered_and_no_longer_when_that_is_taken_back(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triage.knowledge.LOOK", 0.0)
    knowledge = Knowledge(store, write(tmp_path / "rules.yaml", SHIPPED), MODEL)
    assert knowledge.import_files() == ()
    before = knowledge.in_force()
    address = before.rules.projects["crema"].addresses["default"]
    assert not address.confirmed
    assert knowledge.in_force() is before, "nothing is built anew while nothing changes"
    with store.write("answered") as tx:
        test = ask_test(tx, "crema", "default", address.to, "<prova@example.org>")
        note_answers(tx, {test.id: 1})
    after = knowledge.in_force().rules
    assert after.projects["crema"].addresses["default"].confirmed
    assert not after.projects["mantova"].addresses["default"].confirmed
    assert after.version == before.rules.version
    with store.write("withdrawn") as tx:
        assert withdraw(tx, test.id)
    assert not knowledge.in_force().rules.projects["crema"].addresses["default"].confirmed


def test_comuni_whose_ambito_is_only_likely_are_known() -> None:
    assert "Agnadello" in unsure_places()
    assert "Mantova" not in unsure_places()
