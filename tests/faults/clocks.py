"""The clock jumps under the service: a year ahead, a day back, both changes of daylight saving time, a leap day.

The service runs in this process with a clock of its own; the jump comes between two of its stages,
while it lives on, or after it has died without giving anything back. Only the clock moves afterwards: no
lease and no pause is shortened by the harness.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from tests.crash.harness import is_at_rest
from tests.fakes import FakeClock
from tests.faults.bench import Cell, Run
from triage.bootstrap import Service, build_service, settings_from
from triage.once import run_once

HOURS = 8
"""Hours of the jumped clock within which all must be done."""


@dataclass(frozen=True, slots=True)
class Jump:
    """When the service begins (None: now), and by how much its clock jumps."""

    start: datetime | None
    by: timedelta


JUMPS = {
    "a year ahead": Jump(None, timedelta(days=365)),
    "a day back": Jump(None, timedelta(days=-1)),
    "an hour back": Jump(None, timedelta(hours=-1)),
    # 02:00 becomes 03:00 in Europe/Rome.
    "into summer time": Jump(datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), timedelta(seconds=2)),
    # 03:00 becomes 02:00 in Europe/Rome.
    "out of summer time": Jump(datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC), timedelta(seconds=2)),
    "over a leap day": Jump(datetime(2028, 2, 28, 23, 59, 59, tzinfo=UTC), timedelta(days=1, seconds=2)),
}
STAGES = ("received", "decided", "forwarded", "filed")


def cells() -> list[Cell]:
    """Every jump after every stage, with a service that lives on and with one that died."""
    return [
        Cell(
            f"the clock jumps {name} when mail is {stage}, {'and the worker dies' if dies else 'the worker lives'}",
            partial(_spoil, jump=jump, stage=stage, dies=dies),
            late=True,
        )
        for name, jump in JUMPS.items()
        for stage in STAGES
        for dies in (False, True)
    ]


def _spoil(run: Run, *, jump: Jump, stage: str, dies: bool) -> None:
    clock = FakeClock(jump.start)
    if dies:
        # One forward is answered "not now": it waits for its next try over the jump.
        run.case.sink.answer("rcpt", 451, "4.7.1 greylisted", times=1)
    service = _build(run, clock)
    reader = service.make_reader("generale")
    steps = {
        "received": reader.work,
        "decided": service.decider.work,
        "forwarded": service.dispatcher.work,
        "filed": reader.work,
    }
    for name, work in steps.items():
        work()
        if name == stage:
            clock.forward(jump.by)
            run.hit = True
            if dies:
                break
    if not dies:
        reader.close()
    elif reader._imap is not None:
        # The kernel closes what a dead process held; nothing is said, and nothing given back.
        reader._imap.client.shutdown()
    service.dispatcher.close()
    service.store.close()
    _finish(run, clock)


def _finish(run: Run, clock: FakeClock) -> None:
    """Let the jumped clock run on, a restart every quarter of an hour."""
    for _ in range(HOURS * 4):
        service = _build(run, clock)
        troubles = run_once(service)
        done = is_at_rest(service.store) and not troubles
        service.store.close()
        if done:
            return
        clock.forward(timedelta(minutes=15))
    run.findings.stuck += 1
    run.findings.blame(f"not done {HOURS} hours after the jump: {troubles}")


def _build(run: Run, clock: FakeClock) -> Service:
    return build_service(settings_from(run.case.settings), clock=clock)
