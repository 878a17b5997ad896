"""Fixtures: a command run in this process or in one of its own, and a record that has seen some mail."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.laid import lay_sqlite
from tests.record.builders import MovedClock, claim, forward_of, held, list_uids, receive, send_all, settle
from tests.record.builders import a_mailbox as mailbox_of
from tests.servers.mail import make_mail
from triage.commands import main
from triage.record import Store
from triage.record.messages import change_state, get_message
from triage.vocabulary import MessageState

ROOT = Path(__file__).parent.parent.parent
DEMO_RULES = ROOT / "triage" / "demo" / "routing_rules.yaml"
MODEL = ROOT / "models" / "model.skops"

Invoke = Callable[..., Result]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings of a service of this test's own: rules in automatico, an embedded record."""
    rules = tmp_path / "routing_rules.yaml"
    rules.write_text(DEMO_RULES.read_text(encoding="utf-8"), encoding="utf-8")
    return {"TRIAGE_STATE_DIR": str(tmp_path / "var"), "TRIAGE_RULES": str(rules), "TRIAGE_MODEL": str(MODEL)}


@pytest.fixture
def invoke(environment: dict[str, str]) -> Invoke:
    """Run a command in this process; keyword ``settings`` are added to the environment's.

    ``resolve`` stands for the machine's name service, by which every name exists unless told otherwise.
    """

    def run(
        *arguments: str | Path,
        settings: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        resolve: Callable[[str], object] = str.upper,
    ) -> Result:
        clean: dict[str, str | None] = {name: None for name in os.environ if name.startswith("TRIAGE_")}
        values = {**clean, **environment, **(settings or {})}
        with _logs_kept():
            words = [str(argument) for argument in arguments]
            return CliRunner().invoke(main, words, env=values, input=stdin, catch_exceptions=False, obj=resolve)

    return run


@contextmanager
def _logs_kept() -> Iterator[None]:
    """A command that works sets up the log of its process; here that process is the tests'."""
    loggers = [logging.getLogger(), logging.getLogger("triage")]
    before = [(logger, logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    try:
        yield
    finally:
        for logger, handlers, level, propagate in before:
            logger.handlers[:] = handlers
            logger.setLevel(level)
            logger.propagate = propagate


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Start]:
    """Start a command as a process of its own; it is ended with the test."""
    running: list[subprocess.Popen[str]] = []

    def run(*arguments: str | Path, settings: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
        process = subprocess.Popen(
            [sys.executable, "-m", "triage", *map(str, arguments)],
            env={**clean, **environment, **(settings or {})},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


@dataclass(frozen=True, slots=True)
class Record:
    """Numbers of messages in the prepared record, by what became of them."""

    path: Path
    forwarded: int
    held: int
    urgent: int
    quarantined: int
    oversize: int


@pytest.fixture
def record(environment: dict[str, str]) -> Record:
    """A record that holds one message of each kind that the looking commands tell apart."""
    folder = Path(environment["TRIAGE_STATE_DIR"])
    folder.mkdir()
    store = Store(lay_sqlite(folder / "triage.db"), MovedClock())
    mailbox = mailbox_of(store, "generale")
    keys = receive(store, mailbox, [make_mail(f"Testo numero {n}.\n", subject=f"Oggetto {n}") for n in range(4)])
    rows = claim(store)
    settle(store, [forward_of(rows[0], acknowledged=False), held(rows[1], "reclamo"), held(rows[2], "urgente")])
    send_all(store)
    with store.write("prepare") as tx:
        urgent, broken = get_message(tx, keys[2]), get_message(tx, keys[3])
        assert urgent is not None
        assert broken is not None
        change_state(tx, urgent, MessageState.HELD, "marked", urgent=True)
        change_state(tx, broken, MessageState.QUARANTINED, "quarantined", hold_reason="tre_interruzioni")
    large = list_uids(store, mailbox, [99])[0]
    with store.write("prepare") as tx:
        row = get_message(tx, large)
        assert row is not None
        change_state(tx, row, MessageState.OVERSIZE, "oversize", hold_reason="troppo_grande")
    store.close()
    return Record(folder / "triage.db", keys[0], keys[1], keys[2], keys[3], large)
