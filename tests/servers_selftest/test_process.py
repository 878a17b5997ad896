"""Servers that are missing are named, and none outlives the tests."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import require_installed
from tests.servers.process import (
    MissingServerError,
    ServerFailedError,
    ServerProcess,
    accepts,
    find_binary,
    free_ports,
    is_dead,
    make_directory,
)

_PROJECT = Path(__file__).parents[2]


def test_missing_server_fails_the_test_with_the_name_of_the_package() -> None:
    with pytest.raises(pytest.fail.Exception) as failure:
        require_installed(lambda: find_binary("no-such-mail-server", (), "postoffice"))

    assert str(failure.value) == (
        "These tests need the program 'no-such-mail-server': install it with 'apt-get install postoffice'."
    )


def test_missing_server_is_an_error_of_its_own_kind() -> None:
    with pytest.raises(MissingServerError):
        find_binary("no-such-mail-server", ("/nonexistent",), "postoffice")


def test_server_that_ends_while_starting_is_reported_with_its_words(tmp_path: Path) -> None:
    process = ServerProcess(["/bin/sh", "-c", "echo port taken; exit 3"], tmp_path, output=tmp_path / "output")

    with pytest.raises(ServerFailedError, match="server ended with 3 while starting: port taken"):
        process.wait_until(lambda: False)

    process.stop()


def test_server_that_ignores_its_signal_is_killed_with_its_children(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = f"trap '' TERM; sleep 60 & echo $! >{ready}.part; mv {ready}.part {ready}; wait; sleep 60"
    process = ServerProcess(["/bin/sh", "-c", script], tmp_path)
    process.wait_until(ready.exists)

    process.stop(timeout=0.05)

    assert not process.running
    _wait_until_gone(int(ready.read_text()))


@pytest.mark.parametrize("server", ["dovecot.Dovecot", "postgres.Postgres"])
def test_no_server_or_file_survives_tests_that_were_killed(server: str) -> None:
    module, name = server.split(".")
    code = (
        f"from tests.servers.{module} import {name}; import os\n"
        f"server = {name}()\n"
        "print(server._process.pid, server._directory, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=_PROJECT, capture_output=True, text=True, timeout=60)

    pid, directory = done.stdout.split()
    _wait_until_gone(int(pid))
    deadline = time.monotonic() + 10
    while Path(directory).exists():
        assert time.monotonic() < deadline, "the server's files were left behind"
        time.sleep(0.02)


def test_free_ports_are_free_and_outside_the_kernels_range() -> None:
    ports = free_ports(5)

    assert len(set(ports)) == 5
    assert not any(accepts(port) for port in ports)
    assert all(20_000 <= port < 32_000 for port in ports)


def test_directories_are_short_enough_for_unix_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 60)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))

    directory = make_directory("short-")

    assert len(str(directory)) <= 60
    directory.rmdir()


def _wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while not is_dead(pid):
        assert time.monotonic() < deadline, "a process was left behind"
        time.sleep(0.02)
