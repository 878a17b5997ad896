"""The state machine runs: a slice in the suite, the same for as long as one likes by ``make statemachine``.

``MACHINE_EXAMPLES`` and ``MACHINE_STEPS`` make it longer, ``SEED`` makes it another one. A failure prints the seed and
the steps of the shortest example that was found; the blob in its last line plays exactly that one again.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import FIGURES
from tests.faults_model.bench import Coverage
from tests.faults_model.letters import Kind
from tests.faults_model.machine import STARTS, Machine
from tests.faults_model.office import INBOX
from tests.faults_model.tour import TOUR
from tests.laid import lay_postgres, lay_sqlite
from tests.servers.postgres import Postgres
from triage.flow import TRANSITIONS
from triage.vocabulary import DispatchState, MessageState

EXAMPLES, STEPS = int(os.environ.get("MACHINE_EXAMPLES", "0")), int(os.environ.get("MACHINE_STEPS", "30"))
SEED = int(os.environ.get("SEED", "20261125"))
LONG = 3_000
"""Steps from which chance alone must have seen every state of messages and dispatches."""
EVERY_CHANGE = {("message", (str(a), str(b))) for a, after in TRANSITIONS.items() for b in after}
BY_CHANCE = {("message", str(state)) for state in MessageState if state is not MessageState.ERASED} | {
    ("dispatch", str(state)) for state in DispatchState
}
"""No example lasts until something is kept no longer; the tour sees that, too."""
EVERY_STATE = BY_CHANCE | {("message", str(MessageState.ERASED))}

Lay = Callable[[], str]


@pytest.fixture
def lay() -> Iterator[Lay]:
    """Lays an empty record in a file each time; in memory where there is such a folder, since nothing is to survive."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="machine-", dir=memory if memory.is_dir() else None))
    numbers = count()
    yield lambda: lay_sqlite(folder / f"{next(numbers)}.sqlite3")
    shutil.rmtree(folder)


def made(lay: Lay, coverage: Coverage) -> type[Machine]:
    """The machine on records of one engine."""
    return type("RecordMachine", (Machine,), {"lay": staticmethod(lay), "coverage": coverage})


def run(lay: Lay, examples: int, steps: int) -> Coverage:
    """So many examples of at most so many steps."""
    coverage = Coverage()
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        # Each step is dear, and an example begins with a whole office.
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        database=None,
        print_blob=True,
    )
    machine = made(lay, coverage)
    seed(SEED)(machine)
    print(f"SEED={SEED}")
    run_state_machine_as_test(machine, settings=chosen)
    return coverage


def told(engine: str, coverage: Coverage) -> str:
    return (
        f"state machine on {engine}: {coverage.examples} examples, {sum(coverage.steps.values())} steps, "
        f"{len(coverage.steps)} rules, {coverage.deaths} deaths, seed {SEED}; "
        f"changes of state seen: {len(EVERY_CHANGE & set(coverage.changes))} of {len(EVERY_CHANGE)}"
    )


def test_the_ledgers_agree_whatever_happens(lay: Lay, record_property: Callable[[str, object], None]) -> None:
    coverage = run(lay, EXAMPLES or 5, STEPS)
    record_property(FIGURES, told("SQLite", coverage))
    assert sum(coverage.steps.values()) >= 60
    if sum(coverage.steps.values()) >= LONG:
        seen = {(subject, state) for subject, step in coverage.changes for state in step if state}
        assert seen == BY_CHANCE, "chance has not been everywhere"


def test_the_ledgers_agree_on_postgresql_too(
    postgres: Postgres, record_property: Callable[[str, object], None]
) -> None:
    coverage = run(
        lambda: postgres.url(lay_postgres(postgres)), max(2, EXAMPLES // 5), min(STEPS, 20 if not EXAMPLES else STEPS)
    )
    record_property(FIGURES, told("PostgreSQL", coverage))
    assert sum(coverage.steps.values()) >= 10


def test_the_tour_takes_every_step_that_the_flow_knows(lay: Lay) -> None:
    """Else the machine might never get anywhere, and prove nothing."""
    coverage = Coverage()
    for walk in TOUR:
        machine = walk(made(lay, coverage))
        machine.compare()
        machine.teardown()
    assert EVERY_CHANGE - set(coverage.changes) == set()
    seen = {(subject, state) for subject, step in coverage.changes for state in step if state}
    assert EVERY_STATE - seen == set()


@pytest.mark.parametrize("at", range(14))
def test_whoever_stood_still_past_the_lease_begins_nothing(lay: Lay, at: int) -> None:
    """Wherever between two steps that was: what the other worker took over is not begun a second time by the first."""
    machine = made(lay, Coverage())()
    machine.the_service_starts(start=STARTS[0], moves=True, kinds=[Kind.NORTH])
    machine.read("one", INBOX, None, reconcile=False)
    machine.decide("one")
    machine.read("two", INBOX, None, reconcile=False)
    machine.compare()
    machine.stand_still_while_others_go_on("one", "send", at)
    machine.compare()
    assert len(machine.office.smtp.handed) <= 2
    machine.office.close()
