"""A desk in front of the test's SMTP sink, as for the tests of dispatch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.dispatch.builders import Desk
from tests.servers.smtp_sink import SmtpSink


@pytest.fixture
def make_desk(sqlite_url: str) -> Iterator[Callable[..., Desk]]:
    """Make the desk with other rules, limits or another server; same keywords as :class:`Desk`."""
    with ExitStack() as opened:

        def make(port: int, **options: Any) -> Desk:
            desk = Desk(options.pop("url", sqlite_url), port, **options)
            opened.callback(desk.close)
            return desk

        yield make


@pytest.fixture
def desk(make_desk: Callable[..., Desk], smtp_sink: SmtpSink) -> Desk:
    """The ordinary desk."""
    return make_desk(smtp_sink.port)
