"""The whole service on one inbox, as a child process: the real worker with its threads.

Starts on the empty mailbox (which is baselined), says "ready", waits for a line on standard input
(the mail is there now), works until everything is filed, and prints one JSON line.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import sqlalchemy as sa

from benchmarks.memory import peak_mb
from tests.proof import prove_return_path
from triage.bootstrap import Service, build_service, settings_from
from triage.intake.reader import MailboxReader
from triage.record import Store, Transaction
from triage.record.ledger import compute_ledger
from triage.record.tables import dispatches, messages
from triage.worker import Worker

SLOWEST = 5
"""Messages a second at which a run is given up."""
LOOK = 0.1
"""Seconds between two looks whether all is done: each counts rows, which is no work of the service."""


def main(count: int) -> None:
    """Work until ``count`` messages are filed."""
    service = build_service(settings_from(os.environ))
    reader = service.make_reader("generale")
    reader.work()
    reader.close()
    prove_return_path(os.environ)
    service.knowledge.in_force()
    commits: Counter[str] = Counter()
    Store.write = counted(commits, Store.write)  # type: ignore[method-assign,assignment]
    base_rss = peak_mb()
    print("ready", flush=True)
    sys.stdin.readline()
    commits.clear()
    stages: Counter[str] = Counter()
    service.decider.work = _timed(stages, "decide", service.decider.work)  # type: ignore[method-assign]
    service.dispatcher.work = _timed(stages, "dispatch", service.dispatcher.work)  # type: ignore[method-assign]
    MailboxReader.work = _timed(stages, READING, MailboxReader.work)  # type: ignore[method-assign]
    worker = Worker(service)
    cpu = time.process_time()
    begin = time.perf_counter()
    thread = threading.Thread(target=worker.run)
    thread.start()
    while _worked(service) < count and time.perf_counter() - begin < max(600, count / SLOWEST):
        time.sleep(LOOK)
    while _waiting(service):
        time.sleep(LOOK)
    seconds = time.perf_counter() - begin
    cpu = time.process_time() - cpu
    worker.stop()
    print(
        json.dumps(
            {
                **_figures(service, count, seconds, commits),
                "cpu": cpu,
                "stages": dict(stages),
                "rss_before_mb": base_rss,
            }
        )
    )
    thread.join()


def _timed(stages: Counter[str], name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    """The same work, with the processor time of its thread counted."""

    def timed(*arguments: Any, **options: Any) -> Any:
        begun = time.thread_time()
        _NOW.stage = name
        try:
            return work(*arguments, **options)
        finally:
            _NOW.stage = ""
            stages[name] += time.thread_time() - begun  # type: ignore[assignment]  # a Counter counts seconds as well

    return timed


def counted(
    commits: Counter[str], write: Callable[..., AbstractContextManager[Transaction]]
) -> Callable[..., AbstractContextManager[Transaction]]:
    """The same write transactions, counted by the stage in whose thread they are committed."""

    @contextmanager
    def counting(store: Store, step: str, actor: str = "triage") -> Iterator[Transaction]:
        with write(store, step, actor) as tx:
            yield tx
        stage = getattr(_NOW, "stage", "")
        if stage == READING:
            stage = "file" if step in FILING else "intake"
        commits[stage or "beside"] += 1

    return counting


_NOW = threading.local()
READING = "read and file"
FILING = ("filed", "copied", "presence")
"""What a reader commits that is no intake."""


def _worked(service: Service) -> int:
    with service.store.read("bench") as tx:
        query = sa.select(sa.func.count()).where(messages.c.state.in_(("filed", "held", "quarantined")))
        return int(tx.execute(query).scalar_one())


def _waiting(service: Service) -> int:
    with service.store.read("bench") as tx:
        query = sa.select(sa.func.count()).where(dispatches.c.state.in_(("pending", "submitting")))
        return int(tx.execute(query.where(dispatches.c.due_at <= tx.now)).scalar_one())


def _figures(service: Service, count: int, seconds: float, commits: Counter[str]) -> dict[str, Any]:
    with service.store.read("bench") as tx:
        ledger = compute_ledger(tx)
    return {
        "messages": count,
        "seconds": seconds,
        "rss_mb": peak_mb(),
        "commits": dict(commits),
        "closes": ledger.closes,
        "counts": {name: value for name, value in ledger.counts.items() if value},
    }


if __name__ == "__main__":
    main(int(sys.argv[1]))
