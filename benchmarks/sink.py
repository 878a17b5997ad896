"""An SMTP server that takes everything: Postfix's smtp-sink when it is installed, else our own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.inbox import ROOT
from tests.servers.process import accepts, free_ports


@contextmanager
def running_sink() -> Iterator[tuple[int, str]]:
    """Port and name of a sink in a process of its own."""
    port = free_ports(1)[0]
    smtp_sink = shutil.which("smtp-sink", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    with tempfile.TemporaryDirectory() as spool:
        if smtp_sink:
            # It refuses to run as root without being told whom to become.
            become = ["-u", "nobody"] if os.getuid() == 0 else []
            command, name = [smtp_sink, *become, "-m", "64", f"127.0.0.1:{port}", "256"], "smtp-sink"
        else:
            command = [sys.executable, "-m", "tests.servers.smtp_sink", "--port", str(port), "--spool", spool]
            name = "tests.servers.smtp_sink"
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 10
            while not accepts(port):
                if time.monotonic() > until:
                    raise SystemExit(f"{name} did not start on port {port}")
                time.sleep(0.02)
            yield port, name
        finally:
            process.terminate()
            process.wait(10)
