"""A worker under systemd: it says when it is ready and that it goes on, and notes it in the record for monitors."""

from __future__ import annotations

import configparser
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.fakes import FakeClock
from tests.flow.builders import ROOT
from triage.bootstrap import Service
from triage.record import Store
from triage.signals import Heartbeats, Wakeup
from triage.supervisor import READY, WATCHDOG, Supervisor
from triage.worker import Worker

UNIT = ROOT / "deploy" / "systemd" / "triage.service"


class Manager:
    """systemd's end: a datagram socket, and what was said to it."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._socket.settimeout(30)

    def heard(self) -> str:
        """The next sentence."""
        return self._socket.recv(4096).decode("ascii")

    def heard_nothing(self) -> bool:
        """Whether nothing has been said that was not heard."""
        self._socket.setblocking(False)
        try:
            return not self._socket.recv(4096)
        except BlockingIOError:
            return True
        finally:
            self._socket.settimeout(30)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(str(tmp_path / "notify"))
    yield made
    made.close()


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """What systemd gives to a unit with ``WatchdogSec=3``."""
    return {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000000"}


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    made = Store(sqlite_url, FakeClock())
    yield made
    made.close()


def a_worker(store: Store, supervisor: Supervisor, heartbeats: Heartbeats | None = None) -> Worker:
    settings = SimpleNamespace(worker_name="macchina-1")
    service = SimpleNamespace(store=store, heartbeats=heartbeats or Heartbeats(), settings=settings)
    return Worker(cast(Service, service), supervisor=supervisor)


def test_systemd_hears_of_a_worker_only_as_long_as_every_loop_goes_round(
    store: Store, manager: Manager, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triage.worker.SILENT", 0.2)
    heartbeats = Heartbeats()
    worker = a_worker(store, Supervisor(environment), heartbeats)
    heartbeats.beat("decide")
    heartbeats.beat("dispatch")
    worker._ping()
    assert manager.heard() == WATCHDOG
    threading.Event().wait(0.3)
    heartbeats.beat("decide")
    worker._ping()
    assert manager.heard_nothing(), "dispatch stands still"
    heartbeats.beat("dispatch")
    worker._ping()
    assert manager.heard() == WATCHDOG


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"WATCHDOG_USEC": "120000000"}, 40.0),
        ({"WATCHDOG_USEC": "120000000", "WATCHDOG_PID": "77"}, 40.0),
        ({"WATCHDOG_USEC": "120000000", "WATCHDOG_PID": "78"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
        ({}, 0.0),
    ],
    ids=["asked", "asked of us", "asked of another", "no number", "not asked"],
)
def test_signs_of_life_come_three_times_as_often_as_they_are_waited_for(given: dict[str, str], seconds: float) -> None:
    assert Supervisor({"NOTIFY_SOCKET": "/run/x", **given}, pid=77).ping_every == seconds


def test_without_systemd_and_when_its_socket_is_gone_nothing_happens(tmp_path: Path) -> None:
    assert Supervisor({"WATCHDOG_USEC": "1000000"}).ping_every == 0.0, "nowhere to say it"
    Supervisor({}).tell(READY)
    Supervisor({"NOTIFY_SOCKET": str(tmp_path / "gone")}).tell(READY)


def test_an_abstract_socket_is_spoken_to() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("")  # the kernel gives it an abstract name
        name = cast(bytes, listening.getsockname()).decode("ascii")
        listening.settimeout(10)
        Supervisor({"NOTIFY_SOCKET": "@" + name[1:]}).tell(READY)
        assert listening.recv(100) == READY.encode()


def test_a_loop_whose_last_round_failed_is_not_well_until_one_succeeds(store: Store) -> None:
    heartbeats = Heartbeats()
    worker = a_worker(store, Supervisor({}), heartbeats)
    wake = Wakeup()
    failing: list[bool] = []

    def work() -> int:
        failing.append(heartbeats.ages()["decide"] is None)
        wake.set()
        if len(failing) == 2:
            raise RuntimeError("unforeseen")
        if len(failing) == 4:
            worker._stopping.set()
        return 1

    worker._loop("decide", work, wake)
    assert failing == [False, False, True, False]
    assert heartbeats.ages() == {}, "it has ended on purpose"


def test_the_unit_file_is_watched_restarted_and_confined() -> None:
    unit = configparser.RawConfigParser(strict=False, delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(UNIT, encoding="utf-8")
    service = dict(unit["Service"])
    wanted = {"Type": "notify", "Restart": "on-failure", "DynamicUser": "yes", "NoNewPrivileges": "yes"}
    wanted |= {"ProtectSystem": "strict", "StateDirectory": "triage", "CapabilityBoundingSet": ""}
    assert {name: service.get(name) for name in wanted} == wanted
    assert float(service["WatchdogSec"]) >= 60
    assert service["ExecStart"].endswith("/triage run")
    assert "PASSWORD=" not in UNIT.read_text(encoding="utf-8")
