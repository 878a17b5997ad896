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
from triage.record.data_keys import WorkersAliveError, turn_on
from triage.settings import Settings, SettingsError, load_settings


class NothingInForceError(Exception):
    """There is no usable version of rules or model: neither in the file nor in the record. Do not start."""


def settings_from(environment: Mapping[str, str], mailboxes: Iterable[str] = ()) -> Settings:
    """The settings, with a worker's name that no other process has; accounts of the named mailboxes are checked."""
    return load_settings(environment, f"{socket.gethostname()}-{os.getpid()}", mailboxes)


def make_folder(settings: Settings) -> None:
    """The folder of an embedded record; raises ``SettingsError`` when it cannot be made."""
    if settings.database_url.startswith("sqlite:"):
        try:
            # Mail lies in it: other accounts of the machine have no business there, whatever the umask.
            settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            what = f"TRIAGE_STATE_DIR: the folder {settings.state_dir} cannot be made ({type(error).__name__})."
            raise SettingsError((what,)) from None


def open_store(settings: Settings, clock: Clock | None = None) -> Store:
    """The record, brought to this release's form; raises ``SettingsError`` when its folder cannot be made."""
    make_folder(settings)
    store = store_of(settings, clock)
    try:
        store.migrate()
        turn_on(store)
    except WorkersAliveError as error:
        store.close()
        what = f"TRIAGE_KEY_FILE: the record lies in clear, and workers share it that do not know the key: {error}."
        raise SettingsError((f"{what} End them first; a killed one is forgotten when its lease runs out.",)) from None
    except BaseException:
        store.close()
        raise
    return store


def store_of(settings: Settings, clock: Clock | None = None, connections: int | None = None) -> Store:
    """The record as it is, with the keys that open it; nothing is asked of it yet."""
    return Store(settings.database_url, clock or SystemClock(), connections or settings.database.pool, settings.keys)
