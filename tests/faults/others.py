"""Faults around the worker: it sleeps past its lease while another works, or its database goes away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial

from tests.crash.harness import Case
from tests.faults.bench import ENDED, Cell, Run, bring_to_rest
from tests.faults.syscalls import Traced
from tests.proof import prove_return_path
from tests.servers.postgres import Postgres
from triage.clock import SystemClock
from triage.record import Store

# --------------------------------------------------------------------------- two of us


def pauses(counts: Mapping[str, int]) -> list[Cell]:
    """A worker sleeps at a word to a server, past every lease; another does all the work; then it wakes."""
    return [
        Cell(f"paused at word {number} and woken", partial(_pause, number=number))
        for number in range(1, counts.get("sendto", 0) + 1)
    ]


def _pause(run: Run, *, number: int) -> None:
    pid = run.start(extra={"TRIAGE_WORKER": "dormiente"}, waits=True)
    inject = f"signal=STOP:when={number}"
    with Traced(pid, ("sendto",), inject, run.case.spool.parent / "calls") as sleeper:
        run.hit = sleeper.wait_paused()
        if run.hit:
            bring_to_rest(run)
            sleeper.proceed()
        code = run.nursery.wait(pid)
    if code not in ENDED:
        run.findings.blame(f"the sleeper ended with {code}")


# --------------------------------------------------------------------------- the database


class Cluster:
    """A PostgreSQL cluster that keeps what it has committed, and an empty record in it."""

    def __init__(self, server: Postgres, template: str) -> None:
        self.server = server
        self.template = template

    def adopt(self, case: Case) -> str:
        """Give a case a record of its own here; the name of its database."""
        name = self.server.create_database(self.template)
        case.settings["TRIAGE_DATABASE_URL"] = self.server.url(name)
        prove_return_path(case.settings)
        return name


def prepare_cluster(server: Postgres) -> Cluster:
    """An empty record in this release's form, to be copied."""
    name = server.create_database()
    with closing(Store(server.url(name), SystemClock())) as store:
        store.migrate()
    return Cluster(server, name)


def database_cuts(cluster: Cluster, most: int) -> list[Cell]:
    """Every session is cut, or the server crashes and comes back, at a word that the worker says to anybody."""
    acts: dict[str, Callable[[str], object]] = {
        "every session is cut": cluster.server.kill_connections,
        "the database crashes": lambda _name: cluster.server.restart("immediate"),
        "the database is restarted": lambda _name: cluster.server.restart("fast"),
    }
    return [
        Cell(f"{name} at word {number}", partial(_cut, cluster=cluster, act=act, number=number), "first")
        for name, act in acts.items()
        for number in range(1, most + 1)
    ]


def _cut(run: Run, *, cluster: Cluster, act: Callable[[str], object], number: int) -> None:
    name = cluster.adopt(run.case)
    pid = run.start(waits=True)
    with Traced(pid, ("sendto",), f"signal=STOP:when={number}", run.case.spool.parent / "calls") as worker:
        run.hit = worker.wait_paused()
        if run.hit:
            act(name)
            worker.proceed()
        code = run.nursery.wait(pid)
    if code not in ENDED:
        run.findings.blame(f"the worker ended with {code}")


def untraced_cuts(cluster: Cluster, count: int) -> list[Cell]:
    """Where nothing may be traced: sessions are cut at a moment of the dice's."""
    spoil = partial(_cut_sometime, cluster=cluster)
    return [Cell(f"every session is cut, moment {number}", spoil, "first") for number in range(count)]


def _cut_sometime(run: Run, *, cluster: Cluster) -> None:
    name = cluster.adopt(run.case)
    pid = run.start()
    timer = threading.Timer(run.dice.uniform(0.05, 1.0), cluster.server.kill_connections, (name,))
    timer.start()
    code = run.nursery.wait(pid)
    timer.join()
    run.hit = True
    if code not in ENDED:
        run.findings.blame(f"the worker ended with {code}")
