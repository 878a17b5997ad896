"""What one process did since it started: rounds of its stages, how long they took, what went wrong."""

from __future__ import annotations

import threading
from collections import Counter

from triage.metrics.families import Family, Labels

BUCKETS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0)
"""Seconds; a round that found nothing takes a millisecond, one with a slow server minutes."""
ERRORS = ("record", "configuration", "unforeseen")
"""Families of what ends a round: the database, rules or model that cannot be used, anything else."""


class Measures:
    """Counters of a process; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done: Counter[str] = Counter()
        self._errors: Counter[tuple[str, str]] = Counter()
        self._seconds: dict[str, float] = {}
        self._buckets: dict[str, list[int]] = {}

    def round(self, stage: str, seconds: float, done: int) -> None:
        """A stage came round and dealt with so much; rounds that found nothing are not measured."""
        with self._lock:
            self._done[stage] += done
            buckets = self._buckets.setdefault(stage, [0] * (len(BUCKETS) + 1))
            if done:
                buckets[sum(seconds > limit for limit in BUCKETS)] += 1
                self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds

    def error(self, stage: str, family: str) -> None:
        """A round ended badly."""
        with self._lock:
            self._errors[stage, family] += 1

    def families(self) -> list[Family]:
        """Everything that was counted."""
        with self._lock:
            done = tuple(("", {"stage": stage}, float(count)) for stage, count in sorted(self._done.items()))
            errors = tuple(
                ("", {"stage": stage, "family": family}, float(self._errors[stage, family]))
                for stage in sorted(self._done.keys() | {stage for stage, _ in self._errors})
                for family in ERRORS
            )
            rounds = tuple(sample for stage in sorted(self._buckets) for sample in self._histogram(stage))
        return [
            Family(
                "triage_done_total", "counter", "Messages or notices that a stage of this process dealt with.", done
            ),
            Family("triage_errors_total", "counter", "Rounds of a stage of this process that ended badly.", errors),
            Family("triage_round_seconds", "histogram", "Duration of a stage's rounds that found work.", rounds),
        ]

    def _histogram(self, stage: str) -> list[tuple[str, Labels, float]]:
        total, samples = 0, list[tuple[str, Labels, float]]()
        for limit, count in zip((*(f"{limit:g}" for limit in BUCKETS), "+Inf"), self._buckets[stage], strict=True):
            total += count
            samples.append(("_bucket", {"stage": stage, "le": limit}, float(total)))
        samples.append(("_sum", {"stage": stage}, self._seconds.get(stage, 0.0)))
        samples.append(("_count", {"stage": stage}, float(total)))
        return samples
