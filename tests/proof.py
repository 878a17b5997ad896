"""What ``triage check --connect`` leaves in the record of a service whose server writes Return-Path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from threading import Lock

from tests.laid import lay_sqlite
from triage.basis import open_store
from triage.bootstrap import settings_from
from triage.record.mailboxes import note_probe

_MIGRATING = Lock()
"""Alembic keeps the migration that runs in a variable of the whole process."""


def prove_return_path(environment: Mapping[str, str], mailbox: str = "generale") -> None:
    """Let families be answered at their Return-Path, for a service with this environment."""
    settings = settings_from(environment)
    path = Path(settings.database_url.removeprefix("sqlite:///"))
    if settings.database_url.startswith("sqlite:") and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        lay_sqlite(path)
    with _MIGRATING:
        store = open_store(settings)
    with store.write("probed") as tx:
        note_probe(tx, mailbox, settings.imap(mailbox).identity, "INBOX", return_path=True, plus=None)
    store.close()
