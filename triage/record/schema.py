"""Which form the tables have, and how they are brought to another.

A connection within a transaction enters; tables of the wanted revision stand behind it. Revisions are alembic's.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

HEAD = "head"


def upgrade(connection: sa.Connection, revision: str = HEAD) -> None:
    """Bring the tables up to ``revision``; does nothing when they are there or beyond."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def revision_of(connection: sa.Connection) -> str:
    """The revision of the tables as they are; empty: there are none of ours."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def newest_revision() -> str:
    """The revision that this release's code expects."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def knows_revision(revision: str) -> bool:
    """Whether this release can go on from there; no: a later release made it."""
    return any(script.revision == revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
