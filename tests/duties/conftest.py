"""Fixtures: a store on each engine, and no pauses between steps."""

from __future__ import annotations

import pytest

from tests.record.conftest import clock, open_store, store
from triage.duties import erasing

__all__ = ["clock", "open_store", "store"]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "PAUSE", 0)
