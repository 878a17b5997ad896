"""A worker whose clock is put back goes on looking after itself."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from triage import jumps
from triage.jumps import apart, wake_after_a_jump


@pytest.mark.parametrize(("back", "runs"), [(86_400.0, True), (5.0, False), (-86_400.0, False)])
def test_jobs_run_at_once_when_the_clock_was_put_back_and_only_then(back: float, runs: bool) -> None:
    """The scheduler waits for a time that lies a day ahead, as one does whose clock was put back by a day."""
    ran = threading.Event()
    scheduler = BackgroundScheduler(timezone="UTC", job_defaults={"misfire_grace_time": None})
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    scheduler.add_job(ran.set, "interval", seconds=15, next_run_time=tomorrow)
    scheduler.start()
    try:
        assert wake_after_a_jump(scheduler, apart() + back) == pytest.approx(apart(), abs=1)
        assert ran.wait(5 if runs else 0.5) == runs
        if runs:
            (job,) = scheduler.get_jobs()
            assert job.next_run_time < datetime.now(UTC) + timedelta(seconds=jumps.NOTICED), "and goes on so"
    finally:
        scheduler.shutdown()
