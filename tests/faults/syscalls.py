"""Faults in the system calls of a worker process, made by strace: a kill, an error, a stop at the N-th call.

A process that waits to be continued enters; it runs traced. Counts are per thread and per system
call, as strace counts them; the worker's own work is all in its main thread. Where the machine
forbids tracing, :func:`may_trace` says so, and the named crash points take the place of this.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

DURABLE = ("fsync", "fdatasync")
WRITES = ("pwrite64", "ftruncate", *DURABLE)
SPEAKS = ("sendto", "connect")
"""What the worker says to IMAP and SMTP servers goes by ``sendto``."""
_SYNCED = re.compile(r"^\d+ +(\w+)\(\d+<([^>]*)>", re.MULTILINE)


class Traced:
    """A process under strace, from the moment it waits to its end. Use it in a ``with`` statement.

    ``pid`` has stopped itself, or soon will, and is continued once strace has it. ``calls`` are watched;
    ``inject`` is strace's own wording of the fault (``signal=KILL:when=3``), empty for none.
    """

    def __init__(self, pid: int, calls: tuple[str, ...], inject: str, log: Path) -> None:
        self.pid = pid
        self.log = log
        names = ",".join(calls)
        command = ["strace", "-f", "-y", "-qq", "-o", str(log), "-p", str(pid), "-e", f"trace={names}"]
        command += ["-e", f"inject={names}:{inject}"] if inject else []
        _until(lambda: _state(pid) in ("T", "t"), "the worker waits")
        self._strace = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        _until(lambda: _tracer(pid) == self._strace.pid or self._strace.poll() is not None, "strace holds it")
        if self._strace.poll() is not None:
            os.kill(pid, signal.SIGKILL)
            raise OSError("strace could not hold the process")
        self.proceed()

    def proceed(self) -> None:
        """Let it go on after a stop."""
        os.kill(self.pid, signal.SIGCONT)

    def stops(self) -> list[tuple[str, str]]:
        """Calls that were stopped at so far: name and file, oldest first."""
        text = self.log.read_text("utf-8", "replace") if self.log.exists() else ""
        return _SYNCED.findall(text)

    def wait_stopped(self, number: int) -> bool:
        """Wait until it has stopped for the ``number``-th time (from 1); False: it ended before."""

        def stopped() -> bool:
            # SI_KERNEL: by strace. The first stop, in which it waited for us, was its own.
            text = self.log.read_text("utf-8", "replace") if self.log.exists() else ""
            return len(self.stops()) >= number and text.count("SIGSTOP {si_signo=SIGSTOP, si_code=SI_KERNEL}") >= number

        _until(lambda: stopped() or _state(self.pid) in ("", "Z"), "it stops or ends", 200)
        return _state(self.pid) not in ("", "Z")

    def wait_paused(self) -> bool:
        """Wait until a call has stopped it, whichever thread made it; False: it ended before."""

        def paused() -> bool:
            text = self.log.read_text("utf-8", "replace") if self.log.exists() else ""
            return "SIGSTOP {si_signo=SIGSTOP, si_code=SI_KERNEL}" in text

        _until(lambda: paused() or _state(self.pid) in ("", "Z"), "it stops or ends", 200)
        return _state(self.pid) not in ("", "Z")

    def counts(self) -> Counter[str]:
        """How often the main thread made each call."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        made = (re.match(rf"{self.pid} +(\w+)\(", line) for line in lines)
        return Counter(found[1] for found in made if found)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if _state(self.pid) not in ("", "Z"):
            os.kill(self.pid, signal.SIGKILL)
        self._strace.wait(10)
        assert self._strace.stderr is not None
        self._strace.stderr.close()


def may_trace() -> str:
    """Empty where strace works; else why not, in words for the report."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True, text=True)
    return "" if done.returncode == 0 else "this machine does not let a process be traced"


def _state(pid: int) -> str:
    """The letter of proc(5); empty: there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def _tracer(pid: int) -> int:
    try:
        found = re.search(r"^TracerPid:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def _until(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise TimeoutError(f"within {seconds:g} s: {what}")
        time.sleep(0.002)
