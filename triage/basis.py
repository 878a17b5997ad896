"""What every command stands on: the settings and the record. Light to import: no model, no mail servers.

The environment enters; settings with this process's name leave, and the record brought to this
release's form.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping

from triage.clock import Clock, SystemClock
from triage.record import Store
from triage.settings import Settings, SettingsError, load_settings


class NothingInForceError(Exception):
    """There is no usable version of rules or model: neither in the file nor in the record. Do not start."""


def settings_from(environment: Mapping[str, str], mailboxes: Iterable[str] = ()) -> Settings:
    """The settings, with a worker's name that no other process has; accounts of the named mailboxes are checked."""
    return load_settings(environment, f"{socket.gethostname()}-{os.getpid()}", mailboxes)


def open_store(settings: Settings, clock: Clock | None = None) -> Store:
    """The record, brought to this release's form; raises ``SettingsError`` when its folder cannot be made."""
    if settings.database_url.startswith("sqlite:"):
        try:
            settings.state_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            what = f"TRIAGE_STATE_DIR: the folder {settings.state_dir} cannot be made ({type(error).__name__})."
            raise SettingsError((what,)) from None
    store = Store(settings.database_url, clock or SystemClock(), settings.database.pool)
    store.migrate()
    return store
