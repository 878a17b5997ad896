"""Asks clamd, ClamAV's daemon, whether octets are malware (clamd(8): INSTREAM, PING, VERSION).

Octets enter, a :class:`Finding` leaves. What keeps clamd from answering is a
:class:`ScannerTroubleError`, never a finding. Own client: the libraries at hand speak TCP only, or
block, or lose the answer when clamd ends a stream early.
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from triage.settings import Scanner

CHUNK = 256 << 10
LONGEST_ANSWER = 4096
CONNECT_WITHIN = 10.0
"""Seconds."""


class ScannerTroubleError(Exception):
    """clamd did not answer; ``during`` a stream that it had begun to take, the stream may be why."""

    def __init__(self, kind: str, *, during: bool = False) -> None:
        super().__init__(kind)
        self.kind = kind
        self.during = during


class State(StrEnum):
    """What clamd says of octets."""

    CLEAN = "clean"
    INFECTED = "infected"
    REFUSED = "refused"
    """It could not look at them, and never will as they are (too long for it)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """``name`` is clamd's name for what was found, or its words of refusal; never of the message."""

    state: State
    name: str = ""


async def scan(scanner: Scanner, octets: bytes) -> Finding:
    """Have octets looked at; raises :class:`ScannerTroubleError`."""
    answer = await _ask(scanner, b"zINSTREAM\0", octets)
    if answer == "stream: OK":
        return Finding(State.CLEAN)
    if answer.startswith("stream: ") and answer.endswith(" FOUND"):
        return Finding(State.INFECTED, answer[8:-6][:100])
    if "size limit exceeded" in answer:
        return Finding(State.REFUSED, "StreamMaxLength")
    raise ScannerTroubleError("error", during=True)


async def version(scanner: Scanner) -> str:
    """clamd's own words on its version and its signatures; raises :class:`ScannerTroubleError`."""
    return await _ask(scanner, b"zVERSION\0")


async def is_well(scanner: Scanner) -> bool:
    """Whether it answers at all."""
    try:
        return await _ask(scanner, b"zPING\0") == "PONG"
    except ScannerTroubleError:
        return False


async def _ask(scanner: Scanner, command: bytes, stream: bytes | None = None) -> str:
    try:
        async with asyncio.timeout(CONNECT_WITHIN):
            reader, writer = await _connect(scanner)
    except OSError:  # and a time-out
        raise ScannerTroubleError("unreachable") from None
    try:
        async with asyncio.timeout(scanner.timeout):
            return await _speak(reader, writer, command, stream)
    except TimeoutError:
        raise ScannerTroubleError("timeout", during=True) from None
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, UnicodeDecodeError):
        raise ScannerTroubleError("broken", during=True) from None
    finally:
        writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await writer.wait_closed()


async def _connect(scanner: Scanner) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if scanner.path:
        return await asyncio.open_unix_connection(scanner.path, limit=LONGEST_ANSWER)
    return await asyncio.open_connection(scanner.host, scanner.port, limit=LONGEST_ANSWER)


async def _speak(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, command: bytes, stream: bytes | None
) -> str:
    """The answer may come in mid-stream: clamd says that a stream is too long, and hangs up."""
    answer = asyncio.ensure_future(reader.readuntil(b"\0"))
    try:
        with suppress(ConnectionError):
            writer.write(command)
            for start in range(0, len(stream or b""), CHUNK):
                chunk = (stream or b"")[start : start + CHUNK]
                writer.write(struct.pack("!I", len(chunk)) + chunk)
                await writer.drain()
                if answer.done():
                    break
            if stream is not None and not answer.done():
                writer.write(struct.pack("!I", 0))
            await writer.drain()
        return (await answer)[:-1].decode("ascii").strip()
    finally:
        answer.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await answer
