"""A message that kills its parser kills a child, and the caller hears of it without mail content."""

import sys
from pathlib import Path

import pytest

from triage.parse import ParseLimits, parse
from triage.parse.isolated import ParserCrash, parse_isolated, run_parser

MESSAGE = b"From: Anna <anna@example.org>\nSubject: segreto\n\n" + "Abito a Viadana, perché?\n".encode()


def crash_of(code: str, timeout: float = 20) -> str:
    """What the caller hears of a child that runs ``code`` in place of the parser."""
    with pytest.raises(ParserCrash) as caught:
        run_parser([sys.executable, "-c", code], MESSAGE, timeout)
    assert "segreto" not in str(caught.value)
    assert caught.value.__cause__ is None or isinstance(caught.value.__cause__, OSError)
    return caught.value.reason


def test_gives_what_parse_gives() -> None:
    assert parse_isolated(MESSAGE) == parse(MESSAGE)


def test_passes_limits_on() -> None:
    limits = ParseLimits(text_characters=5)
    assert parse_isolated(MESSAGE, limits=limits) == parse(MESSAGE, limits)
    assert parse_isolated(MESSAGE, limits=limits).new_text == "Abito"


def test_needs_no_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_isolated(MESSAGE) == parse(MESSAGE)


def test_over_the_memory_limit() -> None:
    with pytest.raises(ParserCrash) as caught:
        parse_isolated(MESSAGE * 300_000, memory_bytes=20_000_000)
    assert caught.value.reason == "memory"


def test_over_the_time_limit() -> None:
    with pytest.raises(ParserCrash) as caught:
        parse_isolated(MESSAGE, timeout=0.001)
    assert caught.value.reason == "timeout"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os; os.kill(os.getpid(), 11)", "signal 11"),
        ("import os; os.abort()", "signal 6"),
        ("raise SystemExit(7)", "exit 7"),
        ("print('Subject: segreto')", "output"),
        ("print('{}')", "output"),
        ("pass", "output"),
        ("raise RuntimeError('segreto')", "exit 1"),
    ],
)
def test_a_child_that_dies_or_talks_nonsense(code: str, reason: str) -> None:
    assert crash_of(code) == reason


def test_a_child_that_hangs() -> None:
    assert crash_of("while True: pass", timeout=0.2) == "timeout"


def test_a_child_that_cannot_start() -> None:
    with pytest.raises(ParserCrash) as caught:
        run_parser(["/nonexistent/python"], MESSAGE, 5)
    assert caught.value.reason == "start"


def test_child_writes_no_core_and_sees_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAGE_IMAP_PASSWORD", "segreto")
    probe = "import os,sys; sys.exit(9 if 'TRIAGE_IMAP_PASSWORD' in os.environ else 8)"
    assert crash_of(probe) == "exit 8"
    limits = (
        "import resource; from triage.parse.isolated import _limit_self; _limit_self(10**9, 7);"
        "import sys; sys.exit(8 if (resource.getrlimit(resource.RLIMIT_CORE), resource.getrlimit(resource.RLIMIT_CPU))"
        " == ((0, 0), (7, 8)) else 9)"
    )
    assert crash_of(limits) == "exit 8"
