"""A disk that is full: a small file system of its own, where the machine lets one be mounted without rights.

Workers are forked inside a namespace in which a tmpfs is mounted; from outside its files are seen
below ``/proc/PID/root``. Where that is forbidden, a limit on the size of files takes its place: to
SQLite it is the same.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.crash.nursery import Nursery
from tests.faults.bench import ENDED, Cell, Run

SIZE = 16 << 20
LEAST = 1 << 15
"""Octets that any file may have under the limit that stands in for a full disk: the worker's log needs some."""
PLACE = "/mnt"


class SmallDisk:
    """A nursery whose workers have a small disk. Use it in a ``with`` statement, by one run at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.nursery = Nursery(
            ("unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size={SIZE} tmpfs {PLACE} && exec "$@"', "sh")
        )
        self.outside = Path(f"/proc/{self.nursery.pid}/root{PLACE}")

    @staticmethod
    def refused() -> str:
        """Empty where such a disk can be made; else why not, in words for the report."""
        command = ["unshare", "-rm", "sh", "-c", f"mount -t tmpfs -o size=4096 tmpfs {PLACE}"]
        try:
            done = subprocess.run(command, capture_output=True)
        except FileNotFoundError:
            return "unshare is not installed"
        return "" if done.returncode == 0 else "this machine does not let a file system be mounted"

    def leave(self, space: int) -> Path:
        """Fill the disk but for so many octets; the file that fills it."""
        ballast = self.outside / "ballast"
        with ballast.open("wb", buffering=0) as stream:
            with suppress(OSError):
                while True:
                    stream.write(b"\0" * 4096)
            stream.truncate(max(0, ballast.stat().st_size - space))
        return ballast

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.nursery.close()


def full_disks(disk: SmallDisk | None, spaces: Sequence[int]) -> list[Cell]:
    """A disk with so many octets left when the worker starts; None: a limit on files in its place."""
    spoil = _limit if disk is None else partial(_fill, disk=disk)
    return [Cell(f"a disk with {space} octets left", partial(spoil, space=space)) for space in spaces]


def _fill(run: Run, *, disk: SmallDisk, space: int) -> None:
    record = run.case.record
    with disk.lock:
        inside = disk.outside / record.name
        shutil.copyfile(record, inside)
        ballast = disk.leave(space)
        settings = {**run.case.settings, "TRIAGE_DATABASE_URL": f"sqlite:///{PLACE}/{record.name}"}
        _judge(run, disk.nursery.run(run.case.arguments, settings, run.case.said))
        ballast.unlink()
        for path in disk.outside.glob(f"{record.name}*"):
            if not path.name.endswith("-shm"):
                shutil.copyfile(path, record.with_name(path.name))
            path.unlink()


def _limit(run: Run, *, space: int) -> None:
    settings = run.case.settings
    _judge(run, run.nursery.run(run.case.arguments, settings, run.case.said, largest_file=LEAST + space))


def _judge(run: Run, code: int) -> None:
    if code not in ENDED:
        run.findings.blame(f"the worker ended with {code}")
    run.hit = re.search("SQLITE_(FULL|IOERR)", run.case.said.read_text("utf-8", "replace")) is not None
