"""Empty records in this release's form, made once a process and copied for each test.

The steps of all releases take half a second together; thousands of tests need only their result. What the
steps do has tests of its own (``tests/record/test_migrations.py``), which begin with nothing.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from contextlib import closing
from functools import lru_cache
from pathlib import Path

from tests.servers.postgres import Postgres
from triage.clock import SystemClock
from triage.record import Store


def lay_sqlite(path: Path) -> str:
    """Put an empty record at ``path``, where nothing may be yet; returns SQLAlchemy's URL of it."""
    if path.exists():
        raise FileExistsError(path)
    shutil.copyfile(_sqlite_original(), path)
    return f"sqlite:///{path}"


def lay_postgres(cluster: Postgres) -> str:
    """Make a database with an empty record in ``cluster``; returns its name."""
    return cluster.create_database(_postgres_original(cluster))


@lru_cache(maxsize=1)
def _sqlite_original() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="record-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    path = directory / "original.sqlite3"
    _migrate(f"sqlite:///{path}")
    return path


@lru_cache(maxsize=4)
def _postgres_original(cluster: Postgres) -> str:
    name = cluster.create_database()
    _migrate(cluster.url(name))
    return name


def _migrate(url: str) -> None:
    with closing(Store(url, SystemClock())) as store:
        store.migrate()
