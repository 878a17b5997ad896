"""A loop that hangs ends the process, whatever else hangs with it; and what it told is over at the next start."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.fakes import FakeClock
from tests.flow.builders import ROOT
from triage.bootstrap import Service
from triage.knowledge import Knowledge
from triage.once import forget_mailboxes
from triage.record import Store, StoreError, Transaction
from triage.record.incidents import open_incident, open_incidents
from triage.worker import HUNG, Worker


class SilentHeartbeats:
    """One loop has not come round."""

    def silent(self, _seconds: float) -> list[str]:
        return ["decide"]


class BadStore:
    """A record that does not answer, or refuses."""

    def __init__(self, answer: Callable[[], None]) -> None:
        self._answer = answer

    @contextmanager
    def write(self, _step: str) -> Iterator[None]:
        self._answer()
        yield


def refuse() -> None:
    raise StoreError("hung", "ConnectionTimeout", "")


def fail() -> None:
    raise RuntimeError("unforeseen")


def a_service(store: Any, name: str = "machine-1", mailboxes: tuple[str, ...] = ()) -> Service:
    in_force = SimpleNamespace(rules=SimpleNamespace(mailboxes=dict.fromkeys(mailboxes)))
    return cast(
        Service,
        SimpleNamespace(
            heartbeats=SilentHeartbeats(),
            store=store,
            settings=SimpleNamespace(worker_name=name),
            knowledge=SimpleNamespace(in_force=lambda: in_force),
        ),
    )


@pytest.mark.parametrize("how", ["refuses", "fails", "hangs"])
def test_worker_ends_itself_whatever_the_record_does(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triage.worker.TELLING", 0.3)
    released = threading.Event()
    answers = {"refuses": refuse, "fails": fail, "hangs": lambda: cast(None, released.wait(30))}
    left: list[int] = []
    worker = Worker(a_service(BadStore(answers[how])), left.append)
    begun = time.monotonic()
    worker._watch_heartbeats()
    released.set()
    assert left == [HUNG]
    assert time.monotonic() - begun < 5


def test_worker_that_is_to_end_does_not_wait_for_a_loop_that_hangs() -> None:
    left: list[int] = []
    worker = Worker(a_service(BadStore(refuse)), left.append)
    hung = threading.Event()
    worker._threads = [threading.Thread(target=hung.wait, args=(60,), daemon=True)]
    worker._threads[0].start()
    worker.stop = lambda: None  # type: ignore[method-assign]
    worker._end()
    hung.set()
    assert left == [HUNG]


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    made = Store(sqlite_url, FakeClock())
    yield made
    made.close()


def subjects(tx: Transaction) -> list[tuple[str, str]]:
    return [(row["kind"], row["subject"]) for row in open_incidents(tx)]


@pytest.mark.parametrize("name", ["machine", f"machine-{os.getpid()}"], ids=["named", "by process"])
def test_hung_worker_is_an_incident_until_the_next_start_on_its_machine(store: Store, name: str) -> None:
    worker = Worker(a_service(store, name), lambda _code: None)
    worker._watch_heartbeats()
    with store.read("look") as tx:
        assert subjects(tx) == [("hung", "machine")]
    Worker(a_service(store, "other"))._close_old_incidents()
    with store.read("look") as tx:
        assert subjects(tx) == [("hung", "machine")]
    Worker(a_service(store, "machine"))._close_old_incidents()
    with store.read("look") as tx:
        assert subjects(tx) == []


def test_incidents_of_mailboxes_that_are_no_longer_configured_close(store: Store) -> None:
    with store.write("trouble") as tx:
        for kind, name in (("mailbox", "vecchia"), ("mailbox", "generale"), ("unlisted", "vecchia"), ("rules", "file")):
            open_incident(tx, kind, name)
    forget_mailboxes(a_service(store, mailboxes=("generale",)))
    with store.read("look") as tx:
        assert sorted(subjects(tx)) == [("mailbox", "generale"), ("rules", "file")]


def test_incident_of_a_file_closes_when_another_file_takes_its_place(store: Store, tmp_path: Path) -> None:
    """Under whatever name the rules or the model stand: mending the setting mends the incident."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("projects: 7\n", encoding="utf-8")
    model = ROOT / "models" / "model.skops"
    assert len(Knowledge(store, wrong, tmp_path / "absent.skops").import_files()) == 2
    with store.read("look") as tx:
        assert sorted(kind for kind, _ in subjects(tx)) == ["model", "rules"]
    assert Knowledge(store, ROOT / "routing_rules.yaml", model).import_files() == ()
    with store.read("look") as tx:
        assert subjects(tx) == []
