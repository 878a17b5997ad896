"""Where the record is, and how several processes share one PostgreSQL: what the environment says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

DRIVEN = "postgresql+psycopg://"
OFF = "off"


class Variables(Protocol):
    """What is needed of the reader of the environment; ``name`` is without ``TRIAGE_``."""

    def text(self, name: str, default: str | None = None) -> str:
        """Its value; without a default a missing one is a problem."""
        ...

    def number(self, name: str, default: float, least: float, most: float) -> float:
        """A number between two others."""
        ...


@dataclass(frozen=True, slots=True)
class Database:
    """The record's address; ``repr`` hides what may hold a password. On SQLite only ``url`` counts."""

    url: str
    listen_url: str
    """Where a worker hears what others call (LISTEN), past a pooler; empty: it does not, and only looks by itself."""
    connections: int
    """So many to PostgreSQL may one process hold at most, the one that listens included."""
    processes: int
    """So many, workers and pages, share the record; for ``triage check`` alone."""

    def __repr__(self) -> str:
        return f"Database(connections={self.connections}, processes={self.processes})"

    @property
    def pool(self) -> int:
        """Connections for everything but listening."""
        return self.connections - 1


def read_database(variables: Variables, default: str, problems: list[str]) -> Database:
    """What the environment says of the record; ``default`` is its URL when none is given. Adds to ``problems``."""
    url = _url(variables.text("DATABASE_URL", default), problems)
    return Database(
        url=url,
        listen_url=_listen_url(variables.text("DATABASE_LISTEN_URL", ""), url, problems),
        connections=int(variables.number("DATABASE_CONNECTIONS", 10, 3, 200)),
        processes=int(variables.number("DATABASE_PROCESSES", 2, 1, 1000)),
    )


def _url(url: str, problems: list[str]) -> str:
    if not url.startswith(("sqlite:///", DRIVEN, "postgresql://")):
        wanted = "sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
        problems.append(f"TRIAGE_DATABASE_URL must be {wanted}.")
    elif url.startswith("sqlite:///") and _in_memory(url.removeprefix("sqlite:///")):
        what = "TRIAGE_DATABASE_URL names no file: the record would be gone with the process. Write sqlite:///FILE."
        problems.append(what)
    return url.replace("postgresql://", DRIVEN, 1)


def _listen_url(given: str, url: str, problems: list[str]) -> str:
    if not url.startswith(DRIVEN) and given and given != OFF:
        problems.append("TRIAGE_DATABASE_LISTEN_URL is set, but the record is not on PostgreSQL. Unset it.")
    if not url.startswith(DRIVEN) or given == OFF:
        return ""
    if given and not given.startswith((DRIVEN, "postgresql://")):
        wanted = f"{DRIVEN}USER:PASSWORD@HOST/NAME, the same database past the pooler, or {OFF}"
        problems.append(f"TRIAGE_DATABASE_LISTEN_URL must be {wanted}.")
    return given.replace("postgresql://", DRIVEN, 1) or url


def _in_memory(name: str) -> bool:
    """Whether SQLite would keep a database of this name in memory, or in a file that it deletes."""
    path, _, options = name.partition("?")
    return path in ("", "file:") or ":memory:" in path or "mode=memory" in options
