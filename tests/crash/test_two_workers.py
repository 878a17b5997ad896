"""Two worker processes on one inbox and one record; one is stopped past its lease while on the wire."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.crash.harness import bring_forward, is_at_rest, settings_of, write_rules
from tests.crash.inbox import NEW, End, Letter
from tests.crash.invariants import check_invariants
from tests.crash.nursery import Nursery
from tests.proof import prove_return_path
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.smtp_sink import SmtpSink
from triage.clock import SystemClock
from triage.record import Store
from triage.record.tables import attempts, dispatches
from triage.vocabulary import AttemptOutcome, DispatchKind, DispatchState

LEASE = 2.0
SILENCE = 1.0
"""Seconds in which the sink says nothing, so that a worker can be caught on the wire."""

FORWARDED = tuple(letter for letter in NEW if letter.end is End.FORWARDED)


class Workers:
    """Worker processes by name; each one's standard error goes to one file."""

    def __init__(self, nursery: Nursery, settings: dict[str, str], said: Path) -> None:
        self._nursery = nursery
        self._settings = settings
        self._said = said
        self._running: dict[str, int] = {}

    def start(self, name: str) -> None:
        """Start one; it works until it is ended."""
        settings = {**self._settings, "TRIAGE_WORKER": name}
        self._running[name] = self._nursery.start(["worker"], settings, self._said)

    def send(self, name: str, number: signal.Signals) -> None:
        os.kill(self._running[name], number)

    def end(self) -> dict[str, int]:
        """Ask all to end in order; how each did."""
        return self._end(signal.SIGTERM)

    def close(self) -> None:
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> dict[str, int]:
        running, self._running = self._running, {}
        for pid in running.values():
            os.kill(pid, number)
            os.kill(pid, signal.SIGCONT)
        return {name: self._nursery.wait(pid) for name, pid in running.items()}


def until(condition: Callable[[], bool], what: str, seconds: float = 45) -> None:
    """Poll until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"within {seconds} s: {what}"
        time.sleep(0.01)


def on_the_wire(store: Store, kind: DispatchKind) -> list[tuple[int, str]]:
    """Dispatches of a kind that are being submitted, with the worker that does."""
    query = (
        sa.select(dispatches.c.id, attempts.c.worker)
        .join_from(dispatches, attempts, attempts.c.dispatch_id == dispatches.c.id)
        .where(dispatches.c.kind == kind, dispatches.c.state == DispatchState.SUBMITTING, attempts.c.ended_at.is_(None))
    )
    with store.read("on the wire") as tx:
        return [(key, worker) for key, worker in tx.execute(query)]


def outcomes(store: Store, dispatch: int) -> list[tuple[str, str | None]]:
    """Who tried a dispatch and how that ended, oldest first."""
    query = sa.select(attempts.c.worker, attempts.c.outcome).where(attempts.c.dispatch_id == dispatch)
    with store.read("attempts") as tx:
        return [(worker, outcome) for worker, outcome in tx.execute(query.order_by(attempts.c.number))]


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    made = Store(postgres_url, SystemClock())
    yield made
    made.close()


@pytest.mark.parametrize(
    ("caught_in", "step"),
    [
        (DispatchKind.FORWARD, "rcpt"),
        (DispatchKind.FORWARD, "data_dot"),
        (DispatchKind.ACKNOWLEDGEMENT, "data_dot"),
    ],
)
def test_a_worker_stopped_past_its_lease_and_woken_repeats_only_what_is_counted(
    caught_in: DispatchKind,
    step: str,
    nursery: Nursery,
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    start_smtp_sink: Callable[..., SmtpSink],
    postgres_url: str,
    store: Store,
    tmp_path: Path,
) -> None:
    spool, said = tmp_path / "spool", tmp_path / "said"
    spool.mkdir()
    sink = start_smtp_sink(spool=spool)
    settings = settings_of(
        write_rules(tmp_path), tmp_path / "state", dovecot, mailbox_user.name, sink.port, lease=LEASE
    ) | {"TRIAGE_DATABASE_URL": postgres_url}
    with ExitStack() as running:
        assert nursery.run(["worker", "--once"], settings, said) == 0, said.read_text()
        prove_return_path(settings)
        letters = _deliver(dovecot, mailbox_user, FORWARDED)
        paths = {letter.to for letter in FORWARDED}
        wants_forward = caught_in is DispatchKind.FORWARD
        sink.stall(
            step,  # type: ignore[arg-type]
            SILENCE,
            times=len(FORWARDED),
            when=lambda path: (path in paths) is wants_forward,
        )
        workers = Workers(nursery, settings, said)
        running.callback(workers.close)
        workers.start("uno")
        workers.start("due")

        until(lambda: _waits(sink, step) and bool(on_the_wire(store, caught_in)), "something is on the wire")
        caught = on_the_wire(store, caught_in)
        sleeper = caught[0][1]
        workers.send(sleeper, signal.SIGSTOP)
        until(lambda: not on_the_wire(store, caught_in), "the other worker takes over what the sleeper had begun")
        bring_forward(store)
        until(lambda: is_at_rest(store), "the other worker brings everything to its end")
        before = {key: outcomes(store, key) for key, _ in caught}
        workers.send(sleeper, signal.SIGCONT)
        # The woken one finishes the DATA it was in, and must not record it.
        until(lambda: _has_listened(sink), "the woken worker has its answers")
        assert workers.end() == {"uno": 0, "due": 0}, said.read_text()

    assert {key: outcomes(store, key) for key, _ in caught} == before
    other = "due" if sleeper == "uno" else "uno"
    again = [(other, AttemptOutcome.ACCEPTED)] if wants_forward else []
    for key, _ in caught:
        assert before[key] in (
            [(sleeper, AttemptOutcome.UNKNOWN), *again],
            [(sleeper, AttemptOutcome.ACCEPTED)],  # its answer was recorded in the instant before it was stopped
        )
    assert any(outcome == AttemptOutcome.UNKNOWN for tried in before.values() for _, outcome in tried)
    found = check_invariants(store, dovecot, spool, user=mailbox_user.name, letters=letters, said=said)
    assert found.violations == []
    assert (found.lost, found.repeated_acknowledgements) == (0, 0)
    assert found.repeated_forwards <= len(caught)


def _deliver(dovecot: Dovecot, user: MailboxUser, letters: Sequence[Letter]) -> dict[int, Letter]:
    return {dovecot.deliver(user.name, letter.octets): letter for letter in letters}


def _waits(sink: SmtpSink, step: str) -> bool:
    """Whether a worker waits for the answer to this step."""
    return not _has_listened(sink) if step == "data_dot" else any(line.startswith("RCPT") for line in sink.commands)


def _has_listened(sink: SmtpSink) -> bool:
    """Whether every DATA that the sink was given has its answer."""
    said = [spoken for spoken in sink.transcript if spoken.who == "S"]
    return sum(spoken.line.startswith("354") for spoken in said) == len(sink.messages)
