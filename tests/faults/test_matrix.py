"""The fault matrix: after every fault nothing is lost, nobody is answered twice, nothing stays stuck.

Without ``FAULTS`` a slice of each group runs, drawn by ``SEED``; ``make faults`` runs the whole. One
module, so that the servers are started once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.conftest import FIGURES, require_installed
from tests.faults import changes, clocks, duplicates, machine, network_imap, network_smtp, others
from tests.faults.bench import SEEDS, Bench, Cell, Tally, slice_of
from tests.faults.disks import SmallDisk, full_disks
from tests.faults.lies import lies
from tests.faults.syscalls import may_trace
from tests.servers.postgres import Postgres

Publish = Callable[[str, Tally], None]
Record = Callable[[str, object], None]

FORBIDDEN = may_trace()
"""Why no process may be traced here; empty: it may."""
UNDISTURBED = Cell("undisturbed", lambda _run: None)
FULL = 1 << 18
"""Octets with which no run gets by."""
WORDS = 400
"""Words to IMAP, SMTP and PostgreSQL servers at which the database goes away."""


# --------------------------------------------------------------------------- the network


def test_the_mailbox_s_connection_may_fail_at_any_command(bench: Bench, publish: Publish) -> None:
    tally = bench.run(*slice_of(network_imap.cells(), 6))
    publish("network, IMAP", tally)
    assert tally.hits >= 0.8


def test_a_mailbox_server_that_says_what_is_not_so(bench: Bench, publish: Publish) -> None:
    """They are in the matrix of the connection, too; of so few a slice of that would seldom have one."""
    tally = bench.run(*slice_of(lies(), 3))
    publish("lies, IMAP", tally)
    assert tally.hits == 1


def test_the_submission_s_connection_may_fail_at_any_step(bench: Bench, publish: Publish) -> None:
    tally = bench.run(*slice_of(network_smtp.network(), 5))
    publish("network, SMTP", tally)
    assert tally.hits >= 0.8


def test_every_refusal_at_every_command_is_tried_again_or_put_before_a_person(bench: Bench, publish: Publish) -> None:
    tally = bench.run(*slice_of(network_smtp.answers(), 5))
    publish("SMTP answers", tally)
    assert tally.hits >= 0.8


# --------------------------------------------------------------------------- the machine


@pytest.fixture
def calls(bench: Bench, record_property: Record) -> dict[str, int]:
    """How often an undisturbed run makes each system call; empty where nothing may be traced."""
    if FORBIDDEN:
        record_property(FIGURES, f"{FORBIDDEN}: the named crash points (tests/crash) stand in for system calls")
        return {}
    with bench.open(UNDISTURBED, 0) as run:
        return machine.count_calls(run)


def test_a_kill_at_any_write_sync_or_word_to_a_server(bench: Bench, calls: dict[str, int], publish: Publish) -> None:
    tally = bench.run(*slice_of(machine.kills(calls), 4))
    publish("crash points (system calls)", tally)
    assert FORBIDDEN or tally.hits >= 0.8


def test_power_lost_between_any_two_syncs(bench: Bench, calls: dict[str, int], publish: Publish) -> None:
    tally = bench.run(*slice_of(machine.power_cuts(calls.get("fdatasync", 0)), 3))
    publish("power cuts (fsync images)", tally)
    assert FORBIDDEN or tally.hits >= 0.7


def test_a_disk_that_fails_at_any_call(bench: Bench, calls: dict[str, int], publish: Publish) -> None:
    # A call may have another number in a run that is slower: of five one may be missed, of three none.
    tally = bench.run(*slice_of(machine.errors(calls), 5))
    publish("disk errors", tally)
    assert FORBIDDEN or tally.hits >= 0.8


def test_a_disk_that_is_full(bench: Bench, publish: Publish, record_property: Record) -> None:
    refused = SmallDisk.refused()
    with ExitStack() as running:
        if refused:
            record_property(FIGURES, f"{refused}: a limit on the size of files stands in for a full disk")
        # Its workers need a parent of their own, which takes seconds to start: not for a slice.
        disk = running.enter_context(SmallDisk()) if SEEDS and not refused else None
        # Less than the record is long already, so that it is hit for certain; and more, where that hangs on the run.
        full = bench.run(*slice_of(full_disks(disk, range(0, FULL, 1 << 15)), 1))
        nearly = bench.run(*slice_of(full_disks(disk, range(FULL, 1 << 20, 1 << 15)), 1))
    publish("full disks", Tally(full.outcomes + nearly.outcomes))
    assert full.hits == 1


def test_the_clock_may_jump_between_any_two_stages(bench: Bench, publish: Publish) -> None:
    # One at a time: they run in this process.
    tally = bench.run(*slice_of(clocks.cells(), 2), at_once=1)
    publish("clock jumps", tally)
    assert tally.hits == 1


# --------------------------------------------------------------------------- others at work


def test_the_mailbox_may_change_at_any_moment(bench: Bench, publish: Publish) -> None:
    tally = bench.run(*slice_of(changes.cells(), 4))
    publish("mailbox changed", tally)
    assert tally.hits >= 0.7


def test_mail_may_come_twice_in_any_way(bench: Bench, publish: Publish) -> None:
    tally = bench.run(*slice_of(duplicates.cells(), 2))
    publish("mail that comes twice", tally)
    assert tally.hits >= 0.5


def test_a_worker_that_sleeps_past_its_lease(bench: Bench, calls: dict[str, int], publish: Publish) -> None:
    tally = bench.run(*slice_of(others.pauses(calls), 2))
    publish("two workers, one paused", tally)
    assert FORBIDDEN or tally.hits >= 0.8


@pytest.fixture
def cluster() -> Iterator[others.Cluster]:
    """A PostgreSQL of our own: it is crashed and restarted."""
    with require_installed(lambda: Postgres(fsync=True)) as server:
        yield others.prepare_cluster(server)


def test_a_database_that_goes_away(bench: Bench, cluster: others.Cluster, publish: Publish) -> None:
    cells = others.untraced_cuts(cluster, 20) if FORBIDDEN else others.database_cuts(cluster, WORDS)
    # One at a time: all stand on the same server.
    tally = bench.run(*slice_of(cells, 1), at_once=1)
    publish("PostgreSQL cut off or restarted", tally)
