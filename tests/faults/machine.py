"""Faults of the machine under the worker: killed at a system call, power lost, the disk broken.

With strace, where the machine lets a process be traced: N = 1, 2, 3 ... of each call that an
undisturbed run makes. Where it does not, the named crash points stand in; the report says so.
"""

from __future__ import annotations

import random
import signal
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

from tests.faults.bench import ENDED, Cell, Run
from tests.faults.syscalls import DURABLE, SPEAKS, WRITES, Traced
from triage.clock import SystemClock
from triage.record import Store
from triage.record.ledger import compute_ledger

SECTOR = 512
"""Octets that a disk writes whole."""
BROKEN = {"pwrite64": ("ENOSPC", "EIO"), "fdatasync": ("EIO", "ENOSPC"), "ftruncate": ("EIO",), "pread64": ("EIO",)}
"""Errors that a disk gives to a call."""


def kills(counts: Mapping[str, int]) -> list[Cell]:
    """A kill at every write, sync and word to a server that an undisturbed run makes."""
    return [
        Cell(f"killed at {call} {number}", partial(_spoil, call=call, inject=f"signal=KILL:when={number}"))
        for call in (*WRITES, *SPEAKS)
        for number in range(1, counts.get(call, 0) + 1)
    ]


def errors(counts: Mapping[str, int]) -> list[Cell]:
    """The disk fails once at the N-th call, or from it on until somebody mends it."""
    found = []
    for call, names in BROKEN.items():
        most = counts.get(call, 0)
        # Neighbours fare alike: every one of the first, then every fifth.
        for number in sorted({*range(1, min(most, 10) + 1), *range(10, most + 1, 5)}):
            for name in names:
                for word, when in (("once", f"{number}"), ("from then on", f"{number}+")):
                    inject = f"error={name}:when={when}"
                    found.append(Cell(f"{name} at {call} {number} {word}", partial(_spoil, call=call, inject=inject)))
    return found


def _spoil(run: Run, *, call: str, inject: str) -> None:
    pid = run.start(waits=True)
    with Traced(pid, (call,), inject, run.case.spool.parent / "calls") as traced:
        code = run.nursery.wait(pid)
        log = traced.log.read_text("utf-8", "replace")
    run.hit = code == -signal.SIGKILL or "(INJECTED)" in log
    if code not in (*ENDED, -signal.SIGKILL):
        run.findings.blame(f"the worker ended with {code}")


def count_calls(run: Run) -> dict[str, int]:
    """How often an undisturbed run makes each call."""
    pid = run.start(waits=True)
    with Traced(pid, (*WRITES, *SPEAKS, "pread64"), "", run.case.spool.parent / "calls") as traced:
        code = run.nursery.wait(pid)
        assert code == 0, run.case.said.read_text("utf-8", "replace")
        return dict(traced.counts())


# --------------------------------------------------------------------------- power


def power_cuts(syncs: int) -> list[Cell]:
    """Power fails between each sync and the next: what was not synced may be on the disk, in part or not."""
    return [Cell(f"power lost after sync {number}", partial(_cut_power, number=number)) for number in range(syncs)]


def _cut_power(run: Run, *, number: int) -> None:
    record = run.case.record
    files = (record, record.with_name(record.name + "-wal"))
    durable = {path: path.read_bytes() for path in files if path.exists()}
    pid = run.start(waits=True)
    with Traced(pid, DURABLE, "signal=STOP", run.case.spool.parent / "calls") as traced:
        seen = 0
        while traced.wait_stopped(seen + 1):
            seen += 1
            if seen > number:
                break
            synced = Path(traced.stops()[seen - 1][1])
            if synced in files:
                durable[synced] = synced.read_bytes()
            traced.proceed()
        else:
            seen = 0
    run.nursery.wait(pid)
    run.hit = seen > number
    if run.hit:
        for path in files:
            _write_image(path, durable.get(path), run.dice)
        record.with_name(record.name + "-shm").unlink(missing_ok=True)
    _check_image(run, record)


def _write_image(path: Path, durable: bytes | None, dice: random.Random) -> None:
    """What a disk may hold of a file: each sector as it was at its last sync, or as it was written since."""
    now = path.read_bytes() if path.exists() else b""
    if durable is None:
        if dice.random() < 0.5:  # its name had not reached the disk
            path.unlink(missing_ok=True)
            return
        durable = b""
    size = dice.choice((len(durable), max(len(durable), len(now))))
    share = dice.choice((0.0, 0.1, 0.5, 0.9))
    image = bytearray(durable.ljust(size, b"\0")[:size])
    for start in range(0, size, SECTOR):
        if dice.random() < share:
            image[start : start + SECTOR] = now[start : start + SECTOR].ljust(min(SECTOR, size - start), b"\0")
    path.write_bytes(image)


def _check_image(run: Run, record: Path) -> None:
    """The image opens, passes the database's own check, and its ledger closes, before any worker mends it."""
    with closing(sqlite3.connect(record)) as connection:
        verdict = connection.execute("PRAGMA integrity_check").fetchone()[0]
    if verdict != "ok":
        run.findings.blame(f"after the power cut: {verdict}")
    store = Store(f"sqlite:///{record}", SystemClock())
    with store.read("image") as tx:
        for difference in compute_ledger(tx).differences:
            run.findings.blame(f"after the power cut the ledger does not close: {difference}")
    store.close()
