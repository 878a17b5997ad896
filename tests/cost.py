"""For tests of what work costs the processor."""

from __future__ import annotations

import gc
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_others_garbage() -> Iterator[None]:
    """What thousands of other tests left behind is not searched for garbage meanwhile; what is made here is."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def slowness() -> float:
    """How many times slower than the machine on which our bounds were set this one is now; 1 where it is faster.

    Of the processor, for work such as a page does: rows asked of SQLite in memory and made into text.
    """
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)")
        database.executemany("INSERT INTO t VALUES (?, ?)", ((n, f"{n:08}") for n in range(20_000)))
        return max(1.0, min(_seconds(database) for _ in range(3)) / _SECONDS_THERE)


_SECONDS_THERE = 0.015


def _seconds(database: sqlite3.Connection) -> float:
    begun = time.process_time()
    sum(len(f"{number}: {text}") for number, text in database.execute("SELECT a, b FROM t WHERE b > '0' ORDER BY b"))
    return time.process_time() - begun
