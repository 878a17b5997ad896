"""Fixtures of the tests with several workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.crash.nursery import Nursery
from tests.fleet.harness import House
from tests.servers.dovecot import Dovecot


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """A parent of worker processes."""
    with Nursery() as made:
        yield made


@pytest.fixture
def make_house(
    nursery: Nursery, dovecot: Dovecot, postgres_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., House]]:
    """Make a service with mailboxes of these names, empty and known: same keywords as :class:`House`."""
    with ExitStack() as running:

        def make(*names: str, **options: Any) -> House:
            mark = f"f{abs(hash(request.node.nodeid)) % 10**9}"
            house = House(nursery, dovecot, postgres_url, tmp_path / "house", names, mark=mark, **options)
            running.enter_context(house)
            house.prepare()
            return house

        yield make
