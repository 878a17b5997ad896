"""Parses one message in a subprocess with limits, for the message that brought a worker down.

The child limits itself before it reads an octet, sees no environment of ours, writes no core, and
answers in JSON. Whatever happens to it, the caller gets a message or ``ParserCrash``.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from math import ceil
from pathlib import Path

import triage
from triage.parse.limits import ParseLimits
from triage.parse.message import parse
from triage.parse.wire import from_json, to_json
from triage.vocabulary import InboundMessage

DEFAULT_MEMORY_BYTES = 1024 * 1024 * 1024
_DEFAULT_LIMITS = ParseLimits()
_OUT_OF_MEMORY = 3


class ParserCrash(Exception):  # noqa: N818 - named for what happened, as the callers speak of it
    """The isolated parser gave no message. ``reason`` is timeout, memory, output, start, signal N or exit N;
    never mail content."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"isolated parser failed: {reason}")
        self.reason = reason


def parse_isolated(
    octets: bytes,
    *,
    timeout: float = 30,
    memory_bytes: int = DEFAULT_MEMORY_BYTES,
    limits: ParseLimits = _DEFAULT_LIMITS,
) -> InboundMessage:
    """As ``parse``, in a process of its own with at most ``timeout`` seconds (of the clock, and of
    the processor) and ``memory_bytes`` of address space. Raises ``ParserCrash``."""
    settings = {"memory_bytes": memory_bytes, "cpu_seconds": max(1, ceil(timeout)), "limits": asdict(limits)}
    return run_parser([sys.executable, "-P", "-m", "triage.parse.isolated", json.dumps(settings)], octets, timeout)


def run_parser(command: Sequence[str], octets: bytes, timeout: float) -> InboundMessage:
    """Feeds ``octets`` to a command that answers as this module's ``main`` does."""
    environment = {"PYTHONPATH": str(Path(triage.__file__).resolve().parent.parent)}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            command,
            input=octets,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout,
            env=environment,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:
        raise ParserCrash("timeout") from None
    except OSError as error:
        raise ParserCrash("start") from error
    if done.returncode < 0:
        raise ParserCrash(f"signal {-done.returncode}")
    if done.returncode:
        raise ParserCrash("memory" if done.returncode == _OUT_OF_MEMORY else f"exit {done.returncode}")
    try:
        return from_json(done.stdout)
    except ValueError:
        raise ParserCrash("output") from None


def main(arguments: Sequence[str]) -> int:
    """The child: limits itself, reads octets from stdin, writes JSON to stdout."""
    try:
        settings = json.loads(arguments[0])
        _limit_self(settings["memory_bytes"], settings["cpu_seconds"])
        message = parse(sys.stdin.buffer.read(), ParseLimits(**settings["limits"]))
        sys.stdout.write(to_json(message))
        sys.stdout.flush()
    except MemoryError:
        return _OUT_OF_MEMORY
    return 0


def _limit_self(memory_bytes: int, cpu_seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    os.umask(0o077)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
