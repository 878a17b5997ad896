"""Runs cells of the fault matrix: a copy of one mailbox and one record, a fault, restarts, the invariants.

A :class:`Cell` says how a run is spoilt; a :class:`Bench` runs many of them beside one another; what
they leave is counted by :class:`Tally`. ``SEED`` sets where in a run the faults fall and which rounds
a slice takes; ``FAULTS`` is how many seeds the whole matrix is run with (unset: a slice of one seed).
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.crash.harness import MOST_RESTARTS, Case, is_at_rest, let_time_pass
from tests.crash.inbox import CREMA, NEW, OLD, End, Letter
from tests.crash.invariants import Findings, check_invariants, check_moves
from tests.crash.nursery import Nursery
from tests.faults.by_octets import check_by_octets
from tests.faults.starts import Kind, Starts
from tests.servers.dovecot import TEST_WORD
from tests.servers.proxy import ImapProxy

SEED = int(os.environ.get("SEED") or datetime.now(UTC).strftime("%Y%m%d"))
"""Unless given it is the day: each day another slice, and every worker of a session the same."""
SEEDS = int(os.environ.get("FAULTS", "0"))
"""0: only a slice, with one seed."""
MOST = int(os.environ.get("FAULTS_MOST", "0"))
"""At most so many cells of each group, drawn by the first seed; 0: all."""
AT_ONCE = 4
ENDED = (0, 1)
"""How a worker may end that met trouble: done, or failing with a sentence."""
QUICK = {
    "TRIAGE_IMAP_TIMEOUT": "1",
    "TRIAGE_SMTP_TIMEOUT": "1",
    "TRIAGE_SMTP_DATA_TIMEOUT": "1",
}
"""Seconds that a server may be silent: the least that the settings allow."""


@dataclass(slots=True)
class Run:
    """One run in the making: its case, its proxy, and the dice that say where its fault falls."""

    case: Case
    proxy: ImapProxy
    nursery: Nursery
    dice: random.Random
    findings: Findings = field(default_factory=Findings)
    hit: bool = False
    """Whether the fault came about."""
    more: dict[int, Letter] = field(default_factory=dict)
    """Letters that came beside the prepared ones, by UID."""

    def start(self, *arguments: str, extra: Mapping[str, str] | None = None, waits: bool = False) -> int:
        """Start the worker (the command that works the inbox off, unless others are given); its process id."""
        settings = {**self.case.settings, **(extra or {})}
        return self.nursery.start(arguments or self.case.arguments, settings, self.case.said, waits=waits)

    def once(self, extra: Mapping[str, str] | None = None) -> int:
        """Work off what is due; how the worker ended."""
        return self.case.run(self.nursery, extra)

    def first(self, extra: Mapping[str, str] | None = None) -> None:
        """The run that meets the fault; it may end with a sentence, never in another way."""
        code = self.once(extra)
        if code not in ENDED:
            self.findings.blame(f"the first worker ended with {code}")


@dataclass(frozen=True, slots=True)
class Cell:
    """One way to spoil a run.

    ``spoil`` arranges the fault and lets the worker meet it. ``kind`` names the prepared start.
    ``refusals``: the fault is a permanent refusal, after which a person settles what was refused.
    """

    name: str
    spoil: Callable[[Run], None]
    kind: Kind = "known"
    refusals: bool = False
    login: bool = False
    """Whether the SMTP server demands a login."""
    copies_move: bool = True
    late: bool = False
    """Whether the clock says that days have passed: what is answered so late is held, or not acknowledged."""
    touched: bool = False
    """Whether a colleague changes the mailbox: numbers are void then, and letters may be hers."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one cell with one seed."""

    name: str
    seed: int
    hit: bool
    findings: Findings


class Bench:
    """Prepared starts and a nursery of workers; cells run :data:`AT_ONCE` at a time."""

    def __init__(self, starts: Starts, nursery: Nursery, folder: Path) -> None:
        self._starts = starts
        self._folder = folder
        self._numbers = iter(range(1_000_000))
        self._nursery = nursery
        self._lock = threading.Lock()

    def run(self, cells: Sequence[Cell], seeds: Sequence[int], at_once: int = AT_ONCE) -> Tally:
        """Every cell with every seed; says so, with the seed, for each that leaves something wrong."""
        jobs = [(cell, seed) for seed in seeds for cell in cells]
        with ThreadPoolExecutor(at_once) as pool:
            return Tally(tuple(pool.map(lambda job: self._attempt(*job), jobs)))

    def _attempt(self, cell: Cell, seed: int) -> Outcome:
        with self.open(cell, seed) as run:
            try:
                cell.spoil(run)
                found = settle(run, cell)
            except Exception as error:  # noqa: BLE001 - one broken cell must not hide the others
                found = Findings(violations=[*run.findings.violations, f"{type(error).__name__}: {error}"])
            if found.violations:
                told = run.case.said.read_text("utf-8", "replace")[-1500:] if run.case.said.exists() else ""
                print(f"SEED={seed} {cell.name}: {found.violations}\n{told}", file=sys.stderr)
            return Outcome(cell.name, seed, run.hit, found)

    @contextmanager
    def open(self, cell: Cell, seed: int) -> Iterator[Run]:
        """A fresh copy of the cell's start."""
        with self._lock:
            number = next(self._numbers)
        passwords = {"servizio": TEST_WORD} if cell.login else None
        case = Case(
            self._starts.get(cell.kind),
            f"guasto{number}@example.org",
            self._folder / str(number),
            moves_after=None,
            passwords=passwords,
        )
        proxy = ImapProxy(case.dovecot.port)
        try:
            case.settings.update(QUICK)
            case.settings["TRIAGE_IMAP_PORT"] = str(proxy.port)
            if passwords:
                case.settings.update(
                    TRIAGE_SMTP_LOGIN="password", TRIAGE_SMTP_USER="servizio", TRIAGE_SMTP_PASSWORD=TEST_WORD
                )
            yield Run(case, proxy, self._nursery, random.Random(f"{seed} {cell.name}"))  # noqa: S311 - replayed, not secret
        finally:
            proxy.close()
            case.close()


def letters_of(case: Case) -> dict[int, Letter]:
    """What was delivered, by UID; in a mailbox never seen the old letter is as new as the others."""
    old = Letter(OLD.octets, End.CONTESTED, CREMA, acknowledged=True) if case.is_first else OLD
    return dict(enumerate((old, *NEW), start=1))


def settle(run: Run, cell: Cell) -> Findings:
    """All is well again: start until nothing is left to do, then check every invariant."""
    case, found = run.case, run.findings
    run.proxy.behave()
    case.sink.clear_script()
    bring_to_rest(run)
    if cell.touched:
        last = check_by_octets(case, letters_of(case) | run.more)
        last.stuck += found.stuck
        last.violations[:0] = found.violations
        return last
    store = case.open_store()
    last = check_invariants(
        store,
        case.dovecot,
        case.spool,
        user=case.user,
        letters=letters_of(case),
        said=case.said,
        posted=case.webhook.bodies,
        copies_move=cell.copies_move,
        refusals=cell.refusals,
        late=cell.late,
    )
    store.close()
    last.stuck += found.stuck
    last.violations[:0] = found.violations
    return last


def bring_to_rest(run: Run) -> None:
    """Restart the worker until nothing is left to do; what moved too early is found in between."""
    case, found = run.case, run.findings
    store = case.open_store()
    for _ in range(MOST_RESTARTS):
        found.violations += check_moves(store, case.dovecot, case.spool, user=case.user).violations
        let_time_pass(store)
        code = case.run(run.nursery)
        if is_at_rest(store) and code == 0:
            break
    else:
        found.stuck += 1
        found.blame(f"still not at rest after {MOST_RESTARTS} restarts, the last ended with {code}")
    store.close()


@dataclass(frozen=True, slots=True)
class Tally:
    """What many runs left, to be published."""

    outcomes: tuple[Outcome, ...]

    def line(self, what: str) -> str:
        """The published line."""
        found = [outcome.findings for outcome in self.outcomes]
        seeds = {outcome.seed for outcome in self.outcomes}
        return (
            f"{what}: {len({outcome.name for outcome in self.outcomes})} x {len(seeds)} seeds "
            f"(from SEED={min(seeds, default=SEED)}) = {len(self.outcomes)} runs "
            f"({sum(outcome.hit for outcome in self.outcomes)} met the fault), "
            f"lost: {sum(one.lost for one in found)}, "
            f"repeated forwards with unknown outcome: {sum(one.repeated_forwards for one in found)}, "
            f"repeated acknowledgements: {sum(one.repeated_acknowledgements for one in found)}, "
            f"repeated notices with unknown outcome: {sum(one.repeated_notices for one in found)}, "
            f"stuck: {sum(one.stuck for one in found)}"
        )

    @property
    def wrong(self) -> dict[str, list[str]]:
        """What must not be, by cell and seed."""
        return {
            f"{outcome.name} SEED={outcome.seed}": outcome.findings.violations
            for outcome in self.outcomes
            if outcome.findings.violations
        }

    @property
    def hits(self) -> float:
        """The share of runs in which the fault came about."""
        return sum(outcome.hit for outcome in self.outcomes) / max(1, len(self.outcomes))


def slice_of(cells: Sequence[Cell], count: int) -> tuple[Sequence[Cell], Sequence[int]]:
    """What this session runs: everything with so many seeds, or ``count`` cells drawn by the seed."""
    if SEEDS and not MOST:
        return cells, range(SEED, SEED + SEEDS)
    count = MOST if SEEDS else count
    return random.Random(SEED).sample(list(cells), min(count, len(cells))), range(SEED, SEED + max(SEEDS, 1))  # noqa: S311 - replayed


def kill(pid: int) -> None:
    """End a process that may be stopped."""
    os.kill(pid, signal.SIGKILL)
