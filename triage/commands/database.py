"""What ``triage check --connect`` asks PostgreSQL: does it take as many connections as all processes may open."""

from __future__ import annotations

from triage.basis import store_of
from triage.commands.findings import Findings
from triage.record import StoreError
from triage.record.capacity import connections_allowed
from triage.settings import Settings

SPARE = 5
"""Connections for what people type, for backups and monitors, while all processes have theirs."""


def check_database(settings: Settings, found: Findings) -> None:
    """The connections of all processes together against what the server allows; on SQLite there is nothing to ask."""
    if settings.database_url.startswith("sqlite:"):
        return
    each, processes = settings.database.connections, settings.database.processes
    store = store_of(settings, connections=1)
    try:
        with store.read("connections") as tx:
            allowed = connections_allowed(tx)
    except StoreError as error:
        found.failures.append(str(error))
        return
    finally:
        store.close()
    wanted = f"{processes} process(es) may hold {each} connections each, {processes * each} together"
    if processes * each + SPARE > allowed:
        found.errors.append(
            f"PostgreSQL: {wanted}, but it allows {allowed}, of which {SPARE} are for commands and backups. Remedy: "
            "raise max_connections there (or the limit of this login or database), lower "
            "TRIAGE_DATABASE_CONNECTIONS, or correct TRIAGE_DATABASE_PROCESSES."
        )
    else:
        found.notes.append(f"PostgreSQL: {wanted}; it allows {allowed}")
