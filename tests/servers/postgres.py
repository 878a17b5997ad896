"""A private PostgreSQL cluster on loopback, with a fresh database for every test that wants one.

Nothing enters; URLs leave. The cluster trusts everybody on this machine and, unless ``fsync`` is
on, does not survive a power cut: right for tests only.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import re
import shutil
import signal
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import psycopg
from psycopg import sql

from tests.servers.process import LOOPBACK, ServerFailedError, ServerProcess, find_binary, free_ports, make_directory

_PACKAGE = "postgresql"
# What ends the server how (PostgreSQL manual, "Shutting Down the Server").
_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


class Postgres:
    """A running cluster; close it, or use it in a ``with`` statement.

    Its superuser is ``triage``, without a password. ``settings`` are further lines of
    postgresql.conf. Root runs it as ``postgres`` or else ``nobody``, since initdb refuses root.

    Raises :class:`~tests.servers.process.MissingServerError` when PostgreSQL is not installed.
    """

    host = LOOPBACK
    user = "triage"

    def __init__(self, *, fsync: bool = False, settings: str = "") -> None:
        directories = _binary_directories()
        self._postgres = find_binary("postgres", directories, _PACKAGE)
        self._initdb = find_binary("initdb", directories, _PACKAGE)
        self._owner = _owner()
        self._process: ServerProcess | None = None
        self._numbers = itertools.count(1)
        self._directory = make_directory("postgres-")
        self._data = self._directory / "data"
        self.port = 0
        try:
            self._initialise(fsync, settings)
            self._start_on_free_port()
        except BaseException:
            self.close()
            raise

    # ---------------------------------------------------------------- life

    def start(self) -> None:
        """Start again after :meth:`stop`, on the same port, with the same data."""
        if self._process is not None:
            return
        uid, gid = self._owner or (None, None)
        command = [self._postgres, "-D", str(self._data), "-p", str(self.port)]
        self._process = ServerProcess(
            command,
            self._directory,
            stop_signal=signal.SIGINT,
            user_id=uid,
            group_id=gid,
            output=self._directory / "log",
        )
        try:
            self._process.wait_until(self._answers, timeout=30)
        except ServerFailedError:
            self.stop("immediate")
            raise

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """End the server and every session; "immediate" as if it had crashed (recovery at the next start)."""
        process, self._process = self._process, None
        if process is not None:
            process.stop(_SIGNALS[mode], timeout=20)

    def restart(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        self.stop(mode)
        self.start()

    def close(self) -> None:
        """End the server and remove its files."""
        self.stop("immediate")
        shutil.rmtree(self._directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def log(self) -> str:
        """The server's own log so far."""
        return (self._directory / "log").read_text("utf-8", "replace")

    # ---------------------------------------------------------------- databases

    def url(self, database: str) -> str:
        """SQLAlchemy's URL of a database, for psycopg 3."""
        return f"postgresql+psycopg://{self.user}@{self.host}:{self.port}/{database}"

    def create_database(self, template: str = "template0") -> str:
        """Make a fresh database and return its name; ``template`` is one to copy (nobody may be in it)."""
        name = f"test_{next(self._numbers)}"
        with self.connect() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING 'UTF8'").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, cutting whoever is connected to it."""
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def kill_connections(self, database: str) -> int:
        """Cut every session in a database from the server's side; returns how many there were."""
        with self.connect() as connection:
            query = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = %s"
            row = connection.execute(query, (database,)).fetchone()
        return int(row[0]) if row else 0

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A new superuser's session in autocommit."""
        return psycopg.connect(
            host=self.host, port=self.port, user=self.user, dbname=database, autocommit=True, connect_timeout=5
        )

    # ---------------------------------------------------------------- set up

    def _initialise(self, fsync: bool, settings: str) -> None:
        uid, gid = self._owner or (None, None)
        if uid is not None and gid is not None:
            os.chown(self._directory, uid, gid)
        locale = ("-E", "UTF8", "--no-locale")
        locale = ("-E", "UTF8", "--no-locale")
        done = subprocess.run(
            [self._initdb, "-D", str(self._data), "-U", self.user, "-A", "trust", "-N", *locale, "--no-instructions"],
            capture_output=True,
            text=True,
            cwd=self._directory,
            user=uid,
            group=gid,
            extra_groups=None if uid is None else (),
        )
        if done.returncode:
            raise ServerFailedError(f"initdb failed: {done.stderr.strip()}")
        durable = "on" if fsync else "off"
        with (self._data / "postgresql.conf").open("a") as stream:
            stream.write(
                f"\nlisten_addresses = '{self.host}'\nunix_socket_directories = ''\nmax_connections = 200\n"
                f"shared_buffers = 32MB\nfsync = {durable}\nsynchronous_commit = {durable}\n"
                f"full_page_writes = {durable}\nautovacuum_naptime = 1h\n{settings}\n"
            )

    def _start_on_free_port(self) -> None:
        for last_try in (False, False, False, True):
            (self.port,) = free_ports(1)
            try:
                self.start()
            except ServerFailedError:
                if last_try or "in use" not in self.log():
                    raise
            else:
                return

    def _answers(self) -> bool:
        # The last line of the pid file says "ready" once recovery is over; the first is the process,
        # so that a stranger on our port is not taken for us.
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        process = self._process
        return process is not None and lines[:1] == [str(process.pid)] and lines[7:8] == ["ready   "]


def _binary_directories() -> tuple[str, ...]:
    """Debian keeps each version's programs out of PATH; the newest comes first."""
    found = Path("/usr/lib/postgresql").glob("*/bin")
    return tuple(str(path) for path in sorted(found, key=_version, reverse=True))


def _version(path: Path) -> int:
    number = re.match(r"\d+", path.parent.name)
    return int(number[0]) if number else 0


def _owner() -> tuple[int, int] | None:
    """User and group that a root test runs the cluster as; None for an ordinary user."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            account = pwd.getpwnam(name)
            return account.pw_uid, account.pw_gid
    raise ServerFailedError("PostgreSQL refuses root, and there is no user 'postgres' or 'nobody' to run it as")
