"""What one worker on a real PostgreSQL costs: among much waiting mail, a message at a time, and with nothing to do.

The worker is the command line's own, a process; PostgreSQL syncs to the disk as in service, Dovecot and the SMTP sink
run on the same machine, and so does whatever else: their CPU is not counted, but the rate suffers from it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from benchmarks.inbox import ROOT, messages
from benchmarks.scale_model import Costs, Share
from benchmarks.service import environment
from benchmarks.sink import running_sink
from tests.proof import prove_return_path
from tests.servers.dovecot import Dovecot
from tests.servers.postgres import Postgres

BOXES = 20
LEASE = 600
"""Seconds: the worker is stopped while mail is laid out for it, and shall find its mailboxes its own."""
PACE = 1.0
"""Seconds from one message to the next when they come alone."""
START = 30.0
"""Seconds after which a worker has looked into all its mailboxes, and does nothing but wait."""
SETTLE = 12.0
"""Seconds after which PostgreSQL has counted everything: an idle session tells its counts after ten."""
_TICK = os.sysconf("SC_CLK_TCK")
_DONE = "SELECT count(*) FROM messages WHERE state IN ('filed', 'held', 'quarantined')"
_LEAVING = "SELECT count(*) FROM dispatches WHERE state IN ('pending', 'submitting') AND due_at <= now()"
_READ = "SELECT count(*) FROM mailboxes WHERE lease_until > now() AND last_read_at IS NOT NULL"


@dataclass(slots=True)
class Bench:
    """A worker, its mailboxes, and the counters of everything."""

    dovecot: Dovecot
    server: Postgres
    connection: psycopg.Connection
    worker: int
    users: Sequence[str]
    asked: int = 0
    """Transactions of our own."""

    def ask(self, query: str) -> float:
        row = self.connection.execute(query.encode()).fetchone()
        self.asked += 1
        return float(row[0]) if row and row[0] is not None else 0.0

    def wait(self, query: str, wanted: Callable[[float], bool], seconds: float, every: float) -> None:
        until = time.monotonic() + seconds
        while not wanted(self.ask(query)):
            if time.monotonic() > until or _is_gone(self.worker):
                raise SystemExit(f"The worker did not get done: {query} is {self.ask(query):g}.")
            time.sleep(every)

    def counters(self) -> Share:
        """Everything so far; waits until PostgreSQL has counted."""
        time.sleep(SETTLE)
        self.asked += 1
        commits, rows = self.connection.execute(
            "SELECT xact_commit, tup_inserted + tup_updated + tup_deleted FROM pg_stat_database "
            "WHERE datname = current_database()"
        ).fetchone() or (0, 0)
        return Share(
            worker=_cpu(self.worker),
            postgres=_cpu_of_family(_master(self.server)),
            transactions=float(commits) - self.asked,
            syncs=self.ask("SELECT wal_sync FROM pg_stat_wal"),
            rows=float(rows),
            wal=self.ask("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"),
            disk=self.ask("SELECT pg_database_size(current_database())"),
            network=_loopback(),
        )


def measure(count: int, alone: int, idle_seconds: float) -> Costs:
    """Costs of ``count`` messages that wait together, ``alone`` that come one after the other, and of an idle time."""
    mail = list(messages(count + alone))
    with _bench() as bench:
        begun, since = bench.counters(), time.monotonic()
        time.sleep(idle_seconds)
        idle = _a_part(begun, bench.counters(), time.monotonic() - since)
        _lay_out(bench, mail[:count])
        begun, since = bench.counters(), time.monotonic()
        seconds = _together(bench, count)
        together = _each(begun, bench.counters(), count, idle, time.monotonic() - since)
        begun, since = bench.counters(), time.monotonic()
        waits = _one_by_one(bench, mail[count:], count)
        apart = _each(begun, bench.counters(), alone, idle, time.monotonic() - since)
        # Their way into the mailbox went over the same loopback.
        apart = replace(apart, network=apart.network - sum(map(len, mail[count:])) / alone)
    each = Share(*(getattr(idle, name) / BOXES for name in Share.__slots__))
    return Costs(count / seconds, apart, together, each, sorted(waits)[len(waits) // 2])


def _lay_out(bench: Bench, mail: list[bytes]) -> None:
    """The worker stands still until everything lies in its mailboxes."""
    os.kill(bench.worker, signal.SIGSTOP)
    for number, user in enumerate(bench.users):
        bench.dovecot.deliver_fast(user, mail[number::BOXES])


def _together(bench: Bench, count: int) -> float:
    begun = time.monotonic()
    os.kill(bench.worker, signal.SIGCONT)
    bench.wait(_DONE, lambda found: found >= count, 900, 0.2)
    bench.wait(_LEAVING, lambda found: found == 0, 60, 0.2)
    return time.monotonic() - begun


def _one_by_one(bench: Bench, mail: list[bytes], before: int) -> list[float]:
    """How long each took from its delivery to its 250, as the record has it."""
    waits = []
    for number, octets in enumerate(mail):
        begun = time.time()
        bench.dovecot.deliver(bench.users[number % BOXES], octets)
        bench.wait(_DONE, lambda found, wanted=before + number + 1: found >= wanted, 60, 0.2)  # type: ignore[misc]
        accepted = bench.ask(
            "SELECT extract(epoch FROM max(ended_at)) FROM dispatches WHERE kind = 'forward' AND state = 'accepted'"
        )
        waits.append(accepted - begun)
        time.sleep(PACE)
    return waits


def _a_part(before: Share, after: Share, by: float) -> Share:
    return Share(*((getattr(after, name) - getattr(before, name)) / by for name in Share.__slots__))


def _each(before: Share, after: Share, count: int, idle: Share, seconds: float) -> Share:
    """Of one message, without what the time would have cost anyway."""
    whole = _a_part(before, after, 1)
    return Share(
        *(max(0.0, (getattr(whole, name) - getattr(idle, name) * seconds) / count) for name in Share.__slots__)
    )


# --------------------------------------------------------------------------- the service


@contextmanager
def _bench() -> Iterator[Bench]:
    with (
        Dovecot() as dovecot,
        Postgres(fsync=True, settings="track_wal_io_timing = off") as server,
        running_sink() as (port, _),
    ):
        name = server.create_database()
        users = [dovecot.add_user(f"casella{number}@example.org").name for number in range(BOXES)]
        folder = server._directory.with_name(f"{server._directory.name}-state")
        folder.mkdir()
        settings = environment(folder, users, dovecot.port, port, server.url(name))
        settings["TRIAGE_LEASE_SECONDS"] = str(LEASE)
        subprocess.run(
            [sys.executable, "-m", "triage", "worker", "--once"], cwd=ROOT, env=settings, check=True, stderr=-3
        )
        for number in range(BOXES):
            prove_return_path(settings, f"casella{number}")
        with (
            subprocess.Popen(
                [sys.executable, "-m", "triage", "worker"], cwd=ROOT, env=settings, stderr=subprocess.DEVNULL
            ) as process,
            closing(server.connect(name)) as connection,
        ):
            bench = Bench(dovecot, server, connection, process.pid, users)
            try:
                bench.wait(_READ, lambda found: found >= BOXES, 60, 0.2)
                time.sleep(START)
                yield bench
            finally:
                process.terminate()


# --------------------------------------------------------------------------- the machine


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _is_gone(pid: int) -> bool:
    try:
        return _stat(pid)[0] in "ZX"
    except OSError:
        return True


def _cpu(pid: int, *, children: bool = False) -> float:
    """Seconds of CPU of a process; ``children``: and of those that have ended."""
    fields = _stat(pid)
    return sum(int(value) for value in fields[11 : 15 if children else 13]) / _TICK


def _cpu_of_family(parent: int) -> float:
    total = _cpu(parent, children=True)
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if int(_stat(int(path.name))[1]) == parent:
                total += _cpu(int(path.name))
        except (OSError, IndexError):
            continue  # it has ended: the parent counts it
    return total


def _master(server: Postgres) -> int:
    return int((server._data / "postmaster.pid").read_text().split()[0])


def _loopback() -> float:
    """Octets that went over loopback, all programs' together: other traffic on this machine would be counted, too."""
    line = next(line for line in Path("/proc/net/dev").read_text().splitlines() if line.strip().startswith("lo:"))
    return float(line.partition(":")[2].split()[0])
