"""The simulation behind docs/scale.md: mail is neither lost nor made in it, and more machines never make it slower."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.scale_model import Assumptions, Costs, Share, day, fewest, needs, peak

SMALL = Assumptions(messages=60_000, mailboxes=20)
NOTHING = Share(0, 0, 0, 0, 0, 0, 0, 0)


def test_the_busiest_hour_is_a_multiple_of_the_day_s_mean() -> None:
    even = replace(SMALL, hours=(1,) * 24)
    assert peak(even) == pytest.approx(60_000 / 86_400)
    assert peak(SMALL) > 2.5 * peak(even)


def test_enough_workers_leave_nothing_and_too_few_are_seen() -> None:
    assert day(SMALL, 5.0, 4).left == 0
    drowning = day(replace(SMALL, hours=(1,) * 24, burst=1.0), 0.3, 2, dies=False)
    assert drowning.left == pytest.approx(60_000 - 2 * 0.3 * 86_400, rel=0.05)
    assert drowning.p99 > 10_000


def test_nobody_waits_without_a_burst_or_a_death_and_both_are_felt() -> None:
    quiet = replace(SMALL, burst=1.0)
    assert day(quiet, 5.0, 2, dies=False).longest <= 1
    assert day(SMALL, 2.0, 2, dies=False).longest > 5
    dead = day(quiet, 5.0, 2)
    # What a dead machine read is unseen for the whole of its lease.
    assert SMALL.lease - 2 <= dead.longest <= SMALL.lease + 5


@pytest.mark.parametrize("workers", [2, 3, 5])
def test_one_more_worker_never_makes_it_slower(workers: int) -> None:
    assert day(SMALL, 2.0, workers + 1, dies=False).longest <= day(SMALL, 2.0, workers, dies=False).longest


def test_the_fewest_workers_are_what_both_limits_ask_for() -> None:
    found = fewest(SMALL, 1.0)
    assert peak(SMALL) <= SMALL.most_busy * found.workers
    fewer = day(SMALL, 1.0, found.workers - 1)
    assert peak(SMALL) > SMALL.most_busy * (found.workers - 1) or fewer.p99 > SMALL.most_waiting
    with pytest.raises(ValueError, match="more than"):
        fewest(SMALL, 0.001)


def test_needs_are_the_dearer_cost_of_the_busiest_hour_and_all_idle_mailboxes() -> None:
    costs = Costs(
        rate=5.0,
        apart=replace(NOTHING, syncs=9, network=1000, disk=50_000),
        together=replace(NOTHING, syncs=1, network=2000),
        idle=replace(NOTHING, syncs=0.5),
        latency=0.2,
    )
    found = needs(SMALL, costs)
    assert found["synced_commits_a_second"] == pytest.approx(9 * peak(SMALL) + 0.5 * 20)
    assert found["network_mbit_a_second"] == pytest.approx(2000 * peak(SMALL) * 8 / 1e6)
    assert found["disk_gb_a_day"] == pytest.approx(3.0)
    assert found["connections"] == (found["workers"] + SMALL.pages) * SMALL.connections
