"""Start and end server processes so that none survives the tests.

A server's binary, arguments and directory enter; a running process leaves. A binary that is not
installed is refused with :class:`MissingServer`, whose one sentence names the apt package.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

LOOPBACK = "127.0.0.1"

# "-s NAME --" is the only form in which both dash and bash take a process group.
_GUARD = 'cat >/dev/null; kill -s "$3" -- "$1"; sleep 1; kill -s KILL -- "-$1"; rm -rf -- "$2"'
_POLL = 0.003


class ServerFailedError(RuntimeError):
    """A test server did not start, stop or do what it was asked; the text says which and why."""


class MissingServerError(ServerFailedError):
    """The server is not installed; the text names the apt package."""


class ServerProcess:
    """One server in the foreground, in its own process group, with a guard.

    The guard is a shell that waits for our end of a pipe to close: when the tests die without
    cleaning up (SIGKILL, an aborted run) it stops the server and removes ``directory``. A death
    signal (PR_SET_PDEATHSIG) would not do: it fires when the *thread* that started the server ends.

    ``stop_signal`` is the server's own signal for an orderly end. ``user_id`` and ``group_id``
    make a root test run the server as that user.
    """

    def __init__(
        self,
        command: Sequence[str],
        directory: Path,
        *,
        stop_signal: signal.Signals = signal.SIGTERM,
        user_id: int | None = None,
        group_id: int | None = None,
        output: Path | None = None,
    ) -> None:
        self.stop_signal = stop_signal
        self._output = output
        with open(output or os.devnull, "ab") as stream:
            self._process = subprocess.Popen(
                command,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                user=user_id,
                group=group_id,
                extra_groups=None if user_id is None else (),
            )
        self._guard = subprocess.Popen(
            [
                "/bin/sh",
                "-c",
                _GUARD,
                "guard",
                str(self._process.pid),
                str(directory),
                stop_signal.name.removeprefix("SIG"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], timeout: float = 10.0) -> None:
        """Poll ``ready`` until it holds.

        Raises :class:`ServerFailedError` with the server's last words when the process ends first
        or ``timeout`` seconds pass.
        """
        deadline = time.monotonic() + timeout
        while self.running:
            if ready():
                return
            if time.monotonic() > deadline:
                raise ServerFailedError(f"server not ready after {timeout:g} s: {self._last_words()}")
            time.sleep(_POLL)
        raise ServerFailedError(f"server ended with {self._process.returncode} while starting: {self._last_words()}")

    def stop(self, stop_signal: signal.Signals | None = None, timeout: float = 5.0) -> None:
        """End the server; what is left of its group afterwards, or after ``timeout`` seconds, is killed.

        Harmless when it has ended.
        """
        # The guard goes first, so that it can never signal a process id that was given anew.
        self._guard.kill()
        self._guard.wait()
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        if self.running:
            self._process.send_signal(stop_signal or self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout)
        # The group outlives its leader while a child does, so this number is still ours or nobody's.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def end_children(self, name: str, timeout: float = 5.0) -> None:
        """Ask the server's own children of this name to end, and wait for them."""
        deadline = time.monotonic() + timeout
        for pid in self._children(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        while self._children(name) and time.monotonic() < deadline:
            time.sleep(_POLL)

    def _children(self, name: str) -> list[int]:
        found: list[int] = []
        with contextlib.suppress(OSError):  # the server has ended
            for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
                with contextlib.suppress(OSError):
                    if Path(f"/proc/{pid}/comm").read_text().strip() == name and not is_dead(int(pid)):
                        found.append(int(pid))
        return found

    def _last_words(self) -> str:
        if self._output is None or not self._output.exists():
            return "no output"
        return self._output.read_text("utf-8", "replace")[-2000:].strip() or "no output"


def find_binary(name: str, directories: Sequence[str], package: str) -> str:
    """Path of a server binary, from PATH or else ``directories``.

    Raises :class:`MissingServerError` naming the apt ``package``.
    """
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(directories))
    if found is None:
        raise MissingServerError(f"These tests need the program {name!r}: install it with 'apt-get install {package}'.")
    return found


def make_directory(prefix: str) -> Path:
    """A fresh directory that other users may enter, with a path short enough for Unix sockets."""
    path = Path(tempfile.mkdtemp(prefix=prefix))
    if len(str(path)) > 60:  # sun_path holds 108 octets, and servers append long names
        path.rmdir()
        path = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    path.chmod(0o755)
    return path


def free_ports(count: int) -> tuple[int, ...]:
    """Ports of loopback that nobody listens on now.

    They lie below the range from which the kernel takes ports of outgoing connections: a server
    that is stopped for a moment finds its port free again.
    """
    chosen: set[int] = set()
    while len(chosen) < count:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        chosen.add(port)
    return tuple(chosen)


def accepts(port: int) -> bool:
    """Whether somebody listens on this port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def is_dead(pid: int) -> bool:
    """Whether a process has ended, even if nobody has taken note of its end yet (state Z)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True
