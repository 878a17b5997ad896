"""Fixtures: a token server whose tokens are numbered, and tokens whose time the test moves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.token_endpoint import TokenEndpoint
from tests.tokens.builders import Timed, numbered


@pytest.fixture
def endpoint(start_token_endpoint: Callable[..., TokenEndpoint]) -> TokenEndpoint:
    """Gives "accesso-1", "accesso-2", ..., each for an hour."""
    return start_token_endpoint(numbered())


@pytest.fixture
def timed(tmp_path: Path) -> Timed:
    """A fresh process with an empty state folder."""
    return Timed(tmp_path / "var")
