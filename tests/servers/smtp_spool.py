"""Accepted messages as files, so that they survive the process that took them.

A message and a directory enter; one file leaves: a line of JSON (the envelope), then the octets.
A file is complete or absent: it is written under another name, synced and renamed.
"""

from __future__ import annotations

import json
import os
import time
from datetime import datetime
from pathlib import Path

from tests.servers.smtp_session import AcceptedMessage


def write_spool(directory: Path, message: AcceptedMessage) -> Path:
    """Write one message durably; files sort in the order of acceptance."""
    path = directory / f"{time.time_ns():020d}-{os.getpid()}-{message.connection}.message"
    envelope = {
        "reverse_path": message.reverse_path,
        "forward_paths": message.forward_paths,
        "connection": message.connection,
        "time": message.time.isoformat(),
        "parameters": message.parameters,
        "tls": message.tls,
        "user": message.user,
    }
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as stream:
        stream.write(json.dumps(envelope).encode() + b"\n" + message.octets)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.rename(path)
    return path


def read_spool(directory: Path) -> tuple[AcceptedMessage, ...]:
    """Every complete message of a spool directory, in the order of acceptance."""
    return tuple(_read(path) for path in sorted(directory.glob("*.message")))


def _read(path: Path) -> AcceptedMessage:
    line, octets = path.read_bytes().split(b"\n", 1)
    envelope = json.loads(line)
    return AcceptedMessage(
        reverse_path=envelope["reverse_path"],
        forward_paths=tuple(envelope["forward_paths"]),
        octets=octets,
        connection=envelope["connection"],
        time=datetime.fromisoformat(envelope["time"]),
        parameters=tuple(envelope["parameters"]),
        tls=envelope["tls"],
        user=envelope["user"],
    )
