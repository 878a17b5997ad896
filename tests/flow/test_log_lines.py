"""No log line may raise: the library forbids some names for what a line carries."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import triage

PACKAGE = Path(triage.__file__).parent
TAKEN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def carried(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of everything that a module's log lines carry beside their text."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "extra" and isinstance(node.value, ast.Dict):
            for key in node.value.keys:
                if isinstance(key, ast.Constant):
                    yield key.lineno, str(key.value)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_log_lines_carry_no_name_that_the_library_needs(path: Path) -> None:
    assert [(line, name) for line, name in carried(path) if name in TAKEN] == []


def test_every_log_line_names_its_action() -> None:
    names = {name for path in PACKAGE.rglob("*.py") for _, name in carried(path)}
    assert "action" in names
