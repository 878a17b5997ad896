"""What one batch of 100 messages costs while the record grows: milliseconds and statements of its whole way.

``python -m benchmarks.growth [--rows N ...] [--postgresql]``: a record is filled with so many messages of years, with
their decisions and forwards; then batches are read, decided, dispatched and filed by the real stages, one after the
other, with Dovecot and an SMTP sink on loopback.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from benchmarks.inbox import messages
from benchmarks.pages import fill
from benchmarks.runs import FORWARDED
from benchmarks.service import environment, mailbox_names
from benchmarks.sink import running_sink
from tests.proof import prove_return_path
from tests.servers.dovecot import Dovecot
from tests.servers.postgres import Postgres
from triage.bootstrap import Service, build_service, settings_from
from triage.intake.reader import MailboxReader
from triage.record import Store

BATCH = 100
BATCHES = 4
"""So many are worked off; the first one warms everything up and does not count."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one batch."""

    wall: float
    """Milliseconds."""
    cpu: float
    """Milliseconds of this process."""
    statements: int


def main() -> None:
    """Print a line for each size of the record, and how it compares with the first."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, nargs="*", default=[1_000, 100_000, 1_000_000])
    arguments.add_argument("--postgresql", action="store_true", help="the record on a private PostgreSQL that syncs")
    chosen = arguments.parse_args()
    mail = list(messages(BATCH * BATCHES))
    first: Cost | None = None
    with Dovecot() as dovecot, running_sink() as (smtp_port, _), ExitStack() as running:
        server = running.enter_context(Postgres(fsync=True)) if chosen.postgresql else None
        for rows in chosen.rows:
            url = server.url(server.create_database()) if server is not None else ""
            cost = measure(dovecot, smtp_port, mail, rows, url)
            first = first or cost
            print(
                f"{rows:>9} on record: {BATCH} messages in {cost.wall:6.0f} ms, {cost.cpu:6.0f} ms CPU, "
                f"{cost.statements} statements; CPU {cost.cpu / first.cpu:.2f} times the first line's",
                flush=True,
            )


def measure(dovecot: Dovecot, smtp_port: int, mail: list[bytes], rows: int, url: str) -> Cost:
    """The median batch on a record of so many messages; raises ValueError when more than a few stayed behind."""
    user = dovecot.add_user(f"growth{rows}@example.org")
    with tempfile.TemporaryDirectory() as folder:
        settings = environment(Path(folder), [user.name], dovecot.port, smtp_port, url)
        prove_return_path(settings)
        service = build_service(settings_from(settings, mailbox_names(1)))
        fill_years(service.store, rows)
        reader = service.make_reader("generale")
        reader.work()
        try:
            costs = []
            for start in range(0, len(mail), BATCH):
                dovecot.deliver_fast(user.name, mail[start : start + BATCH])
                costs.append(_work_off(service, reader))
            left = len(dovecot.uids(user.name))
            if left > (1 - FORWARDED) * len(mail):
                raise ValueError(f"{left} messages were not filed: this was not the main job")
        finally:
            reader.close()
            service.dispatcher.close()
            service.notices.close()
            service.store.close()
    counted = costs[1:] or costs
    return Cost(
        statistics.median(one.wall for one in counted),
        statistics.median(one.cpu for one in counted),
        int(statistics.median(one.statements for one in counted)),
    )


def fill_years(store: Store, rows: int) -> None:
    """Messages of years, all in a mailbox that is no longer read.

    PostgreSQL counts its rows by itself in time; SQLite never does, and the service does not ask it to.
    """
    fill(store, rows, mailbox="archivio")
    if store.engine_name == "postgresql":
        with store.write("filled") as tx:
            tx.execute(sa.text("ANALYZE"))


def _work_off(service: Service, reader: MailboxReader) -> Cost:
    """Everything that is there: the stages in turn until none has anything to do."""
    statements = 0

    def count(*_arguments: object) -> None:
        nonlocal statements
        statements += 1

    engine = service.store._engine
    sa.event.listen(engine, "before_cursor_execute", count)
    begun, cpu = time.perf_counter(), time.process_time()
    try:
        while reader.work() + service.decider.work() + service.dispatcher.work():
            pass
    finally:
        sa.event.remove(engine, "before_cursor_execute", count)
    return Cost((time.perf_counter() - begun) * 1000, (time.process_time() - cpu) * 1000, statements)


if __name__ == "__main__":
    main()
