"""PostgreSQL connections that never wait for ever, and what a failed one says.

Connection parameters enter; a connection leaves whose every wait has an end. The server's own
limits do not help when the server, or something between, has stopped answering: then the socket
stays open, the kernel gets its acknowledgements, and a worker would hang without a word.
"""

from __future__ import annotations

from typing import Any

import psycopg

ANSWER = 130.0
"""Seconds that we wait for the answer to one statement; more than the server gives itself."""
STATEMENT = 110_000
"""Milliseconds that the server gives one statement: each is a short step, the slowest a batch of octets."""
LOCK = 30_000
"""Milliseconds to wait for a lock: the others hold theirs for a short step, or were killed."""
FORGOTTEN = 300_000
"""Milliseconds after which the server ends a transaction of a client that fell silent in it: its locks stop others."""

PARAMETERS: dict[str, Any] = {
    "connect_timeout": 10,
    # A server that vanished without a word (power, firewall) is noticed within a minute, idle or not.
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
OPTIONS = f"-c statement_timeout={STATEMENT} -c lock_timeout={LOCK} -c idle_in_transaction_session_timeout={FORGOTTEN}"


class NoAnswerError(psycopg.OperationalError):
    """The server did not answer a statement in time; the connection is closed."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that gives up after ``patience`` seconds without an answer (``None``: never)."""

    patience: float | None = ANSWER

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for one answer; closes the connection when there is none in time."""
        limit = timeout if timeout is not None else self.patience
        try:
            return super().wait(gen, interval, limit)
        except psycopg.errors._WaitTimeout:
            if timeout is not None:
                raise
            # Half an answer may lie in the buffer: nothing can be asked on this connection any more.
            self.pgconn.finish()
            raise NoAnswerError("the server does not answer") from None


def connect(arguments: Any, parameters: Any) -> BoundedConnection:
    """Connect as SQLAlchemy asks; what the URL says goes before our limits."""
    given = {**PARAMETERS, **parameters}
    given["options"] = f"{OPTIONS} {parameters.get('options', '')}".strip()
    return BoundedConnection.connect(*arguments, **given)


def why_not_connected(error: BaseException) -> str:
    """Why a connection failed, in words of ours: the server's may hold names."""
    if isinstance(error, NoAnswerError):
        return " (PostgreSQL stopped answering)"
    if not isinstance(error, psycopg.OperationalError):
        return ""
    said = str(error)
    if "database" in said and "does not exist" in said:
        return " (PostgreSQL answers, but that database does not exist: create it, or mend TRIAGE_DATABASE_URL)"
    if "FATAL" in said:
        return " (PostgreSQL answers, but refuses the login: mend user, password or database in TRIAGE_DATABASE_URL)"
    return " (PostgreSQL cannot be reached: check that it runs, and host and port in TRIAGE_DATABASE_URL)"
