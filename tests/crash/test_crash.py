"""The worker dies by SIGKILL at every durable step in turn; nothing is lost, nobody is answered twice.

``CRASH_ALL=1`` runs every occurrence of every crash point; otherwise the first, a middle and the
last of each name.
"""

from __future__ import annotations

import os
import queue
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from tests.conftest import FIGURES, require_installed
from tests.crash.harness import MOST_RESTARTS, Case, CopyingDovecot, Setting, is_at_rest, let_time_pass, prepare
from tests.crash.inbox import CREMA, NEW, OLD, End, Letter
from tests.crash.invariants import Findings, check_invariants, check_moves
from tests.crash.nursery import Nursery
from tests.servers.authority import Authority

ALL = os.environ.get("CRASH_ALL") == "1"
AT_ONCE = 3

Kind = Literal["known", "first", "without MOVE"]


@dataclass(frozen=True, slots=True)
class Point:
    """The ``number``-th time (from 1) that a crash point is reached in a setting."""

    setting: Kind
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one run with a crash."""

    point: Point
    killed: bool
    findings: Findings


@pytest.fixture(scope="module")
def settings(
    authority: Authority, nursery: Nursery, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Kind, Setting]]:
    """The three starts: a mailbox known before, one never seen, one on a server without MOVE."""
    folder = tmp_path_factory.mktemp("crash")
    with ExitStack() as running:
        usual = running.enter_context(require_installed(lambda: CopyingDovecot(authority=authority)))
        bare = running.enter_context(
            require_installed(lambda: CopyingDovecot(authority=authority, capability_without=("MOVE",)))
        )
        yield {
            "known": prepare("known", usual, nursery, folder / "known"),
            "first": prepare("first", usual, nursery, folder / "first"),
            "without MOVE": prepare("known", bare, nursery, folder / "bare"),
        }


def letters_of(case: Case) -> dict[int, Letter]:
    """What was delivered, by UID; in a mailbox never seen the old letter is as new as the others."""
    old = Letter(OLD.octets, End.CONTESTED, CREMA, acknowledged=True) if case.is_first else OLD
    return dict(enumerate((old, *NEW), start=1))


def crash(case: Case, nursery: Nursery, point: Point | None) -> tuple[bool, Findings]:
    """Die at ``point`` (None: nowhere), start again until nothing is left to do, and check everything."""
    found = Findings()
    case.start_colleague()
    code = case.run(nursery, {"TRIAGE_CRASH_AT": f"{point.name}#{point.number}"} if point else {})
    killed = code == -signal.SIGKILL
    if not killed and code != 0:
        found.blame(f"the first worker ended with {code}: {case.last_words()}")
    store = case.open_store()
    for _ in range(MOST_RESTARTS):
        found.violations += check_moves(store, case.dovecot, case.spool, user=case.user).violations
        let_time_pass(store)
        code = case.run(nursery)
        if code != 0:
            found.blame(f"a restarted worker ended with {code}: {case.last_words()}")
        if is_at_rest(store):
            break
    else:
        found.blame(f"still not at rest after {MOST_RESTARTS} restarts")
    case.stop_colleague()
    last = check_invariants(
        store,
        case.dovecot,
        case.spool,
        user=case.user,
        letters=letters_of(case),
        said=case.said,
        posted=case.webhook.bodies,
        copies_move=point is None or point.setting != "without MOVE",
    )
    store.close()
    last.violations[:0] = found.violations
    return killed, last


def trace(setting: Setting, nursery: Nursery, folder: Path) -> list[str]:
    """Every crash point that an undisturbed run reaches, in order."""
    listed = folder / "trace"
    case = Case(setting, f"traccia{folder.name}@example.org", folder, moves_after=None)
    try:
        assert case.run(nursery, {"TRIAGE_CRASH_TRACE": str(listed)}) == 0, case.said.read_text("utf-8", "replace")
    finally:
        case.close()
    return listed.read_text("ascii").splitlines()


def choose(kind: Kind, reached: Sequence[str], known: set[str]) -> list[Point]:
    """The occurrences to die at, of names that are not ``known`` from another setting."""
    points = []
    for name, count in Counter(reached).items():
        if name in known:
            continue
        numbers = range(1, count + 1) if ALL else sorted({1, (count + 1) // 2, count})
        points += [Point(kind, name, number) for number in numbers]
    return points


def test_a_crash_at_any_step_loses_nothing_and_answers_nobody_twice(
    settings: dict[Kind, Setting], nursery: Nursery, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    nurseries: queue.Queue[Nursery] = queue.Queue()

    def attempt(number: int, point: Point) -> Outcome:
        parent = nurseries.get()
        # The contested letter is taken at another moment in each run.
        case = Case(
            settings[point.setting], f"caso{number}@example.org", tmp_path / str(number), moves_after=number % 12 / 10
        )
        try:
            return Outcome(point, *crash(case, parent, point))
        finally:
            case.close()
            nurseries.put(parent)

    with ExitStack() as running:
        points: list[Point] = []
        for number, kind in enumerate(settings):
            known = {point.name for point in points}
            points += choose(kind, trace(settings[kind], nursery, tmp_path / f"t{number}"), known)
        nurseries.put(nursery)
        for _ in range(AT_ONCE - 1):
            nurseries.put(running.enter_context(Nursery()))
        pool = running.enter_context(ThreadPoolExecutor(AT_ONCE))
        outcomes = list(pool.map(attempt, range(len(points)), points))

    lost = sum(outcome.findings.lost for outcome in outcomes)
    repeated = sum(outcome.findings.repeated_forwards for outcome in outcomes)
    answered = sum(outcome.findings.repeated_acknowledgements for outcome in outcomes)
    told = sum(outcome.findings.repeated_notices for outcome in outcomes)
    killed = sum(outcome.killed for outcome in outcomes)
    record_property(
        FIGURES,
        f"crash points: {len({point.name for point in points})}, runs: {len(outcomes)} ({killed} killed), "
        f"lost: {lost}, repeated forwards with unknown outcome: {repeated}, repeated acknowledgements: {answered}, "
        f"repeated notices with unknown outcome: {told}",
    )
    wrong = {outcome.point: outcome.findings.violations for outcome in outcomes if outcome.findings.violations}
    assert wrong == {}
    assert (lost, answered) == (0, 0)
    # The last occurrence of a name is not reached in every run: threads and connections take turns.
    assert killed >= 0.8 * len(outcomes)
