"""A day of a region's mail against so many workers: what waits, for how long, and what it asks of database and network.

Pure: costs that were measured and assumptions enter, figures leave. Every second mail arrives by chance, and as much is
worked off as the workers can; in the busiest hour one machine dies with what it reads.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

WORKING_DAY = (4, 3, 2, 2, 2, 4, 12, 35, 80, 112, 110, 95, 70, 58, 68, 72, 66, 54, 42, 34, 28, 22, 15, 10)
"""Thousandths of a working day's mail in each hour of it."""


@dataclass(frozen=True, slots=True)
class Share:
    """CPU seconds of worker and PostgreSQL; transactions; syncs of the WAL; rows; octets of WAL, disk and network."""

    worker: float
    postgres: float
    transactions: float
    syncs: float
    rows: float
    wal: float
    disk: float
    network: float


@dataclass(frozen=True, slots=True)
class Costs:
    """What one worker and its servers needed, as measured; the share of an idle mailbox is taken out.

    ``rate``: messages a second that one worker works off when much waits. ``apart``: of a message that comes alone,
    ``together``: of one among many; ``idle``: of a mailbox, a second, when nothing comes.
    """

    rate: float
    apart: Share
    together: Share
    idle: Share
    latency: float
    """Seconds from a message's delivery to its acceptance by the submission server, when nothing else waits."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What nobody can measure here."""

    messages: int = 1_000_000
    mailboxes: int = 300
    hours: tuple[int, ...] = WORKING_DAY
    burst: float = 3.0
    """So many times the hour's mail comes in :attr:`burst_seconds` of the busiest hour: something was announced."""
    burst_seconds: int = 300
    lease: float = 60.0
    """Seconds until others read what a dead machine read."""
    away: int = 900
    """Seconds until the dead machine is back."""
    most_busy: float = 0.6
    """Share of the workers' time that the busiest hour may take, without burst and with all machines."""
    most_waiting: float = 60.0
    """Seconds that 99 of 100 messages may wait at most, with burst and a dead machine."""
    connections: int = 10
    pages: int = 2
    largest: float = 0.05
    """Share of all mail that the largest mailbox gets."""


@dataclass(frozen=True, slots=True)
class Day:
    """How one day went with so many workers; waits in seconds."""

    workers: int
    p50: float
    p99: float
    longest: float
    most_waiting: int
    left: int


def peak(assumed: Assumptions) -> float:
    """Messages a second in the busiest hour."""
    return assumed.messages * max(assumed.hours) / sum(assumed.hours) / 3600


def day(assumed: Assumptions, rate: float, workers: int, seed: int = 1, *, dies: bool = True) -> Day:
    """One day, second by second: first come, first served, whichever worker is free."""
    chance = np.random.default_rng(seed)
    busiest = assumed.hours.index(max(assumed.hours)) * 3600
    burst = range(busiest + 1200, busiest + 1200 + assumed.burst_seconds)
    # It dies when most waits.
    dead = range(burst.start + assumed.burst_seconds // 2, burst.start + assumed.burst_seconds // 2 + assumed.away)
    waiting: deque[tuple[int, int]] = deque()
    unread: deque[tuple[int, int]] = deque()
    waits: dict[int, int] = {}
    length, most, spare = 0, 0, 0.0
    for second in range(24 * 3600):
        a_second = assumed.messages * assumed.hours[second // 3600] / sum(assumed.hours) / 3600
        came = int(chance.poisson(a_second * (assumed.burst if second in burst else 1.0)))
        is_dead = dies and second in dead
        lost_sight = is_dead and second < dead.start + assumed.lease
        apart = int(chance.binomial(came, 1 / workers)) if lost_sight else 0
        if apart:
            unread.append((second, apart))
        if not lost_sight:
            while unread:
                waiting.append(unread.popleft())
                length += waiting[-1][1]
        waiting.append((second, came - apart))
        length += came - apart
        most = max(most, length + sum(count for _, count in unread))
        # What was not needed in the second before is no help in this one, but for the part of a message.
        spare = min(spare, 1.0) + rate * (workers - is_dead)
        while waiting and (spare >= 1 or not waiting[0][1]):
            since, count = waiting.popleft()
            done = min(count, int(spare))
            spare, length = spare - done, length - done
            waits[second - since] = waits.get(second - since, 0) + done
            if done < count:
                waiting.appendleft((since, count - done))
                break
    return Day(workers, _share_of(waits, 0.5), _share_of(waits, 0.99), float(max(waits, default=0)), most, length)


def _share_of(waits: dict[int, int], share: float) -> float:
    """The wait that so many do not exceed; whole seconds, so that under one is 0."""
    total, seen = sum(waits.values()), 0
    for wait in sorted(waits):
        seen += waits[wait]
        if seen >= share * total:
            return float(wait)
    return 0.0


def fewest(assumed: Assumptions, rate: float, most: int = 200) -> Day:
    """The fewest workers with which the busiest hour leaves room, and burst and death make nobody wait too long."""
    for workers in range(2, most + 1):  # one alone could not be taken over from
        if peak(assumed) > assumed.most_busy * rate * workers:
            continue
        found = day(assumed, rate, workers)
        if found.p99 <= assumed.most_waiting and not found.left:
            return found
    raise ValueError(f"more than {most} workers would be needed")


def needs(assumed: Assumptions, costs: Costs) -> dict[str, Any]:
    """What the busiest hour asks of everything, with the dearer of the two costs of a message."""
    found = fewest(assumed, costs.rate)
    busy, each = peak(assumed), _dearer(costs.apart, costs.together)

    def load(name: str, of: Share) -> float:
        return float(getattr(of, name)) * busy + float(getattr(costs.idle, name)) * assumed.mailboxes

    return {
        "messages_a_second": {"day": assumed.messages / 86400, "busiest_hour": busy, "burst": busy * assumed.burst},
        "workers": found.workers,
        "busy_in_the_busiest_hour": busy / (costs.rate * found.workers),
        "waits": {"p50": found.p50, "p99": found.p99, "longest": found.longest, "most_waiting": found.most_waiting},
        "connections": (found.workers + assumed.pages) * assumed.connections,
        "worker_cores": load("worker", each),
        "database_cores": load("postgres", each),
        "transactions_a_second": load("transactions", each),
        "synced_commits_a_second": load("syncs", each),
        "rows_written_a_second": load("rows", each),
        "wal_mb_a_second": load("wal", each) / 1e6,
        "network_mbit_a_second": load("network", each) * 8 / 1e6,
        "disk_gb_a_day": each.disk * assumed.messages / 1e9,
        "largest_mailbox_a_second": busy * assumed.burst * assumed.largest,
    }


def _dearer(one: Share, other: Share) -> Share:
    return Share(*(max(getattr(one, name), getattr(other, name)) for name in Share.__slots__))
