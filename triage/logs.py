"""Log lines: a time, a level, a stable action, and identifiers. Never subject, address or body.

Only our own loggers are heard: other libraries put mail, addresses and SQL into theirs.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = {key: value for key, value in vars(record).items() if key not in _OWN}
        words = " ".join(f"{key}={value}" for key, value in sorted(fields.items()))
        kind = f" error={record.exc_info[0].__name__}" if record.exc_info and record.exc_info[0] else ""
        return f"{when} {record.levelname.lower()} {record.name}: {record.getMessage()} {words}{kind}".rstrip()


def configure_logs(level: int = logging.INFO) -> None:
    """Send our log lines to standard error."""
    logging.getLogger().handlers[:] = [logging.NullHandler()]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    ours = logging.getLogger("triage")
    ours.handlers[:] = [handler]
    ours.setLevel(level)
    ours.propagate = False
