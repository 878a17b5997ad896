"""What the fuzzer kept, and what was once a finding, is read, forwarded and answered as it should be."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.hostile.claims import check_all

KEPT = sorted(path for path in (Path(__file__).parent / "corpus").iterdir() if path.is_file())
SECONDS = 2.0


def test_there_is_a_corpus() -> None:
    assert len(KEPT) > 100


@pytest.mark.parametrize("path", [path for path in KEPT if path.name.startswith("found-")], ids=lambda path: path.name)
def test_what_was_once_a_finding_is_none_any_more(path: Path) -> None:
    check_all(path.read_bytes())


def test_nothing_that_the_fuzzer_kept_is_a_finding() -> None:
    for path in KEPT:
        octets = path.read_bytes()
        started = time.thread_time()
        try:
            check_all(octets)
        except Exception as error:
            raise AssertionError(f"{path.name} is a finding") from error
        assert time.thread_time() - started < SECONDS, path.name
