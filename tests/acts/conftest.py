"""A desk on each kind of record, with families who are acknowledged and two people who settle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.acts.builders import Office
from tests.dispatch.builders import Desk
from tests.servers.smtp_sink import SmtpSink


@pytest.fixture
def make_office(smtp_sink: SmtpSink, store_url: str) -> Iterator[Callable[..., Office]]:
    """Make the office with other rules; same keywords as :class:`Desk`."""
    with ExitStack() as opened:

        def make(**options: Any) -> Office:
            desk = Desk(store_url, smtp_sink.port, **options)
            opened.callback(desk.close)
            return Office(desk)

        yield make


@pytest.fixture
def office(make_office: Callable[..., Office]) -> Office:
    """The ordinary office."""
    return make_office()
