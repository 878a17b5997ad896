"""How many connections a PostgreSQL server has for us."""

from __future__ import annotations

import sqlalchemy as sa

from triage.record.store import Transaction

_ROOM = sa.text(
    """
    SELECT least(
        current_setting('max_connections')::int
            - current_setting('superuser_reserved_connections')::int
            - coalesce(current_setting('reserved_connections', true), '0')::int,
        (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
        (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database())
    )
    """
)


def connections_allowed(tx: Transaction) -> int:
    """As many as the server, this login and this database allow together; for PostgreSQL only."""
    return int(tx.execute(_ROOM).scalar_one())
