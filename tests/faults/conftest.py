"""Fixtures of the fault matrix: servers, prepared starts, a bench."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.conftest import FIGURES
from tests.crash.nursery import Nursery
from tests.faults.bench import Bench, Tally
from tests.faults.starts import Starts
from tests.servers.authority import Authority


@pytest.fixture(scope="session")
def starts(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Starts, Nursery]]:
    """The prepared starts, and the parent of worker processes."""
    with ExitStack() as running, Nursery() as nursery:
        yield Starts(authority, nursery, tmp_path_factory.mktemp("faults"), running), nursery


@pytest.fixture
def bench(starts: tuple[Starts, Nursery], tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Runs cells over copies of the prepared starts."""
    return Bench(*starts, tmp_path_factory.mktemp("runs"))


@pytest.fixture
def publish(record_property: Callable[[str, object], None]) -> Callable[[str, Tally], None]:
    """Print a tally with the closing report, and fail when anything was lost, repeated or stuck."""

    def tell(what: str, tally: Tally) -> None:
        record_property(FIGURES, tally.line(what))
        assert tally.wrong == {}

    return tell
