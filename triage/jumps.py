"""Jobs that sleep until a time of day, when the clock is put back: they would sleep until that time comes again.

The scheduler of a live process enters, and by how much its clock was apart from the machine's own count of seconds
(``time.monotonic``) when it was last looked at; how far it is apart now leaves.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler

NOTICED = 30.0
"""Seconds; time services that correct a clock by steps move it by less."""


def apart() -> float:
    """Seconds between the time of day and the machine's own count."""
    return time.time() - time.monotonic()


def wake_after_a_jump(scheduler: BackgroundScheduler, before: float) -> float:
    """Let every job run now if the clock was put back since; how far it is apart now."""
    now = apart()
    if now < before - NOTICED:
        at = datetime.now(UTC)
        for job in scheduler.get_jobs():
            job.modify(next_run_time=at)
    return now
