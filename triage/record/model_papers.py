"""What is kept beside a model: reports of evaluations, and comparisons with the model before it.

Made by commands, which know how; shown by the page, which need not. Each is a version of a kind of its own, named
after its model, so that nothing of it can be changed afterwards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from triage.record.identity import keep_version, version_content
from triage.record.store import Transaction
from triage.record.versions import stored_versions

REPORT = "report"
COMPARISON = "comparison"
_SHORT = 12


@dataclass(frozen=True, slots=True)
class Paper:
    """One report or comparison: when it was kept, and what it says (plain JSON values)."""

    at: datetime
    content: Mapping[str, Any]


def keep_report(tx: Transaction, model: str, content: Mapping[str, Any]) -> None:
    """An evaluation of one model: ``messages``, ``writers``, ``invented``, and the page as ``html``."""
    _keep(tx, REPORT, model, content)


def keep_comparison(tx: Transaction, champion: str, challenger: str, content: Mapping[str, Any]) -> None:
    """A challenger against the model in force, as ``triage models compare --json`` prints it."""
    _keep(tx, COMPARISON, f"{challenger}-{champion}", content)


def newest_report(tx: Transaction, model: str) -> Paper | None:
    """The last evaluation of a model that was kept."""
    return _newest(tx, REPORT, model)


def newest_comparison(tx: Transaction, champion: str, challenger: str) -> Paper | None:
    """The last comparison of these two that was kept."""
    return _newest(tx, COMPARISON, f"{challenger}-{champion}")


def _keep(tx: Transaction, kind: str, name: str, content: Mapping[str, Any]) -> None:
    octets = json.dumps(content, ensure_ascii=False, sort_keys=True, default=str).encode()
    keep_version(tx, kind, octets, f"{name}-{hashlib.sha256(octets).hexdigest()[:_SHORT]}")


def _newest(tx: Transaction, kind: str, name: str) -> Paper | None:
    prefix = f"{name}-"
    found = next(
        (
            one
            for one in stored_versions(tx, kind)
            if one.version.startswith(prefix) and "-" not in one.version[len(prefix) :]
        ),
        None,
    )
    content = version_content(tx, kind, found.version) if found is not None else None
    return Paper(found.imported_at, json.loads(content)) if found is not None and content is not None else None
