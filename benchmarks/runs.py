"""One run of the bare pipe, or of the whole service, over mail that lies in an inbox of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.inbox import ROOT
from benchmarks.service import environment
from tests.servers.dovecot import Dovecot

FORWARDED = 0.95
"""Less than this share forwarded, acknowledged and filed is another job than the bare pipe's."""


def run_bare(
    dovecot: Dovecot, smtp_port: int, name: str, mail: list[bytes], client: str = "aiosmtplib"
) -> dict[str, Any]:
    """Figures of the bare pipe; ``client``: a name of :data:`benchmarks.bare.CLIENTS`."""
    user = dovecot.add_user(name)
    dovecot.deliver_fast(user.name, mail)
    where = [str(dovecot.port), str(smtp_port), user.name, user.password]
    command = [sys.executable, "-m", "benchmarks.bare", *where, client]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def run_whole(dovecot: Dovecot, smtp_port: int, name: str, mail: list[bytes], workers: int = 1) -> dict[str, Any]:
    """Figures of the service; ends the benchmark when it did another job than the bare pipe's."""
    user = dovecot.add_user(name)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        settings = environment(Path(folder), [user.name], dovecot.port, smtp_port)
        child = running.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.whole", str(len(mail))],
                cwd=ROOT,
                env=settings,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "ready"
        for number in range(1, workers):
            running.enter_context(_further_worker(settings, f"further-{number}"))
        if workers == 1:
            dovecot.deliver_fast(user.name, mail)
        child.stdin.write("go\n")
        child.stdin.flush()
        if workers > 1:
            # Further workers begin as soon as something lies there: the clock runs by then.
            dovecot.deliver_fast(user.name, mail)
        answer = child.stdout.readline()
        figures = dict(json.loads(answer))
        done = min(figures["counts"].get(name, 0) for name in ("filed", "acknowledgement_accepted"))
        if done < FORWARDED * len(mail) or not figures["closes"]:
            raise SystemExit(
                f"This was no run of the main job: {figures['counts']}. No figure of it is worth printing."
            )
        return figures


@contextmanager
def _further_worker(settings: dict[str, str], name: str) -> Iterator[None]:
    """One more process of the service on the same record, as a second one would be started by hand."""
    command = [sys.executable, "-m", "triage", "worker"]
    started = subprocess.Popen(
        command, cwd=ROOT, env={**settings, "TRIAGE_WORKER": name}, stderr=subprocess.PIPE, text=True
    )
    assert started.stderr is not None
    try:
        # It says so once it has read its mailboxes' leases and the model: until then it would not take part.
        for line in started.stderr:
            if "worker started" in line:
                break
        drain = threading.Thread(target=started.stderr.read, daemon=True)
        drain.start()
        yield
    finally:
        started.terminate()
        started.wait()
