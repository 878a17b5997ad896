"""Worker processes without their start-up: a parent that has read the code forks one for each run.

Importing the libraries takes longer than the whole work of a small inbox, and a crash test starts
hundreds of workers. A child is a process of its own that runs the command line's ``main`` with its
own environment, and dies alone; the crash points read that environment anew. As a module this is
the parent: a line of JSON in, a number out (the child's id, or how it ended: its exit status, or
negative the signal).
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parent.parent.parent
RUNS = 1000
"""In place of how a child ended: it has not."""
LONGEST = 300
"""Seconds after which a child is ended by SIGALRM: it hangs."""


class Nursery:
    """One parent of workers. Close it, or use it in a ``with`` statement: children end with it."""

    def __init__(self, before: Sequence[str] = ()) -> None:
        """``before``: a command that is given the parent's own command to run, and runs it in its own place."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
        # Threads of a numeric library do not live through a fork.
        environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [*before, sys.executable, "-m", "tests.crash.nursery"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        """The parent's process id."""
        return self._process.pid

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], said: Path, *, largest_file: int | None = None
    ) -> int:
        """How ``triage ARGUMENTS`` ended; its standard error is appended to ``said``.

        ``largest_file``: octets to which any file may grow; the next one fails as on a full disk.
        """
        return self.wait(self.start(arguments, environment, said, largest_file=largest_file))

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        said: Path,
        *,
        largest_file: int | None = None,
        waits: bool = False,
    ) -> int:
        """Start ``triage ARGUMENTS``; its process id, to be waited for with :meth:`wait`.

        ``waits``: it stops itself before it begins, until somebody sends it SIGCONT.
        """
        return self._ask(
            {
                "arguments": list(arguments),
                "environment": dict(environment),
                "said": str(said),
                "largest_file": largest_file,
                "waits": waits,
            }
        )

    def wait(self, pid: int) -> int:
        """How a child ended: its exit status, or negative the signal. Others may start meanwhile."""
        while (code := self._ask({"wait": pid})) == RUNS:
            time.sleep(0.005)
        return code

    def _ask(self, order: Mapping[str, Any]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return int(self._process.stdout.readline())

    def close(self) -> None:
        """End the parent and what still runs below it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _serve() -> None:
    importlib.import_module("triage.__main__")
    # Libraries and word lists are loaded when they are asked for: once here, not in every child. The language
    # identifier unpacks itself through a temporary file, which must not meet a child's limit.
    importlib.import_module("triage.commands.run")
    importlib.import_module("triage.classify").load_classifier(ROOT / "models" / "model.skops")
    # Reading the same rules and texts takes longer than the work of a small inbox.
    yaml: Any = importlib.import_module("yaml")
    yaml.parse = _remembering(yaml.parse)
    importlib.import_module("triage.dispatch.text_files").load_texts(None)
    running: set[int] = set()
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            pid, status = os.waitpid(order["wait"], os.WNOHANG)
            running.discard(pid)
            print(os.waitstatus_to_exitcode(status) if pid else RUNS, flush=True)
            continue
        with contextlib.suppress(Exception):  # what is wrong with the rules, the child says
            yaml.parse(Path(order["environment"]["TRIAGE_RULES"]).read_text("utf-8"), Loader=yaml.SafeLoader)
        child = os.fork()
        if child == 0:
            _work(order)
        running.add(child)
        print(child, flush=True)
    for child in running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def _remembering(parse: Callable[..., Iterable[Any]]) -> Callable[..., Iterator[Any]]:
    """The same events for the same text; a text that is refused is read anew."""
    known = functools.cache(lambda text, loader: tuple(parse(text, loader)))
    return lambda stream, Loader: iter(known(stream, Loader))  # noqa: N803 - the library's own name


def _work(order: Mapping[str, Any]) -> None:
    """The child: standard streams and environment of its own, and the command."""
    code = 99
    try:
        signal.alarm(LONGEST)
        nothing = os.open(os.devnull, os.O_RDWR)
        said = os.open(order["said"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for number, stream in ((0, nothing), (1, said), (2, said)):
            os.dup2(stream, number)
        # Who hangs says where, and then dies of the alarm.
        faulthandler.register(signal.SIGALRM, file=2, all_threads=True, chain=True)
        if order["largest_file"] is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (order["largest_file"], order["largest_file"]))
        os.environ.update(order["environment"])
        importlib.reload(importlib.import_module("triage.crashpoints"))
        command = importlib.import_module("triage.commands").main
        if order["waits"]:
            os.kill(os.getpid(), signal.SIGSTOP)
        try:
            command(order["arguments"], prog_name="triage")
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 0
        sys.stderr.flush()
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 - a child must never go back into the parent's loop
        sys.excepthook(*sys.exc_info())
    os._exit(code)


if __name__ == "__main__":
    _serve()
