"""Wake-ups, heartbeats, and leases kept while work lasts, between the threads of one process.

A wake-up is a courtesy: every stage also looks by itself, so a lost one only costs time.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta


class Wakeup:
    """A flag that a thread can wait for together with a socket (it has a file descriptor)."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def fileno(self) -> int:
        """Readable while the flag is set."""
        return self._read

    def set(self) -> None:
        """Wake whoever waits."""
        with suppress(BlockingIOError, OSError):  # full: it is set already; closed: nobody waits
            os.write(self._write, b"!")

    def wait(self, seconds: float) -> bool:
        """Wait until set or until time is up, and clear it; whether it was set."""
        ready = wait_for((self._read,), seconds)
        if ready:
            self.clear()
        return ready

    def clear(self) -> None:
        """Forget what was set so far."""
        with suppress(BlockingIOError):
            while os.read(self._read, 512):
                pass

    def close(self) -> None:
        """Give the descriptors back."""
        for descriptor in (self._read, self._write):
            with suppress(OSError):
                os.close(descriptor)


def wait_for(descriptors: Iterable[int], seconds: float) -> bool:
    """Wait until one can be read or time is up; whether one can. Takes numbers that ``select`` refuses, over 1023."""
    waiting = select.poll()
    for descriptor in descriptors:
        waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(max(0.0, seconds) * 1000))


class Heartbeats:
    """When each loop last came round, so that a loop that hangs is noticed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}
        self._failing: set[str] = set()

    def beat(self, loop: str) -> None:
        """This loop is alive."""
        with self._lock:
            self._last[loop] = time.monotonic()

    def judge(self, loop: str, *, failed: bool) -> None:
        """How this loop's last round ended."""
        with self._lock:
            (self._failing.add if failed else self._failing.discard)(loop)

    def end(self, loop: str) -> None:
        """This loop has ended on purpose."""
        with self._lock:
            self._last.pop(loop, None)
            self._failing.discard(loop)

    def ages(self) -> dict[str, float | None]:
        """Every loop, and how many seconds ago it came round; ``None``: its last round failed."""
        now = time.monotonic()
        with self._lock:
            return {name: None if name in self._failing else now - at for name, at in self._last.items()}

    def silent(self, seconds: float) -> list[str]:
        """Loops that have not come round for so long."""
        limit = time.monotonic() - seconds
        with self._lock:
            return sorted(name for name, at in self._last.items() if at < limit)


@contextmanager
def kept(lease: timedelta, renew: Callable[[], object]) -> Iterator[None]:
    """Renew a lease for as long as the work under it lasts, from a thread of its own.

    Work that is slow keeps what it has, however long its slowest step. Who stands still or dies renews nothing.
    ``renew`` deals with its own failures: what was not renewed now is renewed at the next third, if it is still ours.
    """
    ended = threading.Event()

    def go_on() -> None:
        while not ended.wait(lease.total_seconds() / 3):
            renew()

    thread = threading.Thread(target=go_on, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
