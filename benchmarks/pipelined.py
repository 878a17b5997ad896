"""An SMTP client that pipelines (RFC 2920): the fastest way to hand mail over, for the bare pipe to be compared with.

Content, last dot and the next message's MAIL, RCPT and DATA leave in one write, so that a message costs one round trip.
It knows neither TLS nor a login, and any refusal ends the run: a benchmark's sink takes everything.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque

_DOT = re.compile(rb"^\.", re.MULTILINE)


class PipelinedClient:
    """One connection; :meth:`drain` hands over what waits, several clients may share it."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def connect(self) -> None:
        """Greet; raises :class:`ValueError` where the server does not pipeline."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
        await self._expect(b"220")
        self._writer.write(b"EHLO bench.example.org\r\n")
        if b"PIPELINING" not in await self._expect(b"250"):
            self._writer.close()
            raise ValueError("this server does not pipeline")

    async def drain(self, waiting: deque[tuple[str, bytes]]) -> None:
        """Hand over messages, each to its recipient, until none waits."""
        content = b""
        while waiting or content:
            following = waiting.popleft() if waiting else None
            recipient = following[0] if following else ""
            envelope = f"MAIL FROM:<a@example.org>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode() if following else b""
            self._writer.write(content + envelope)
            await self._writer.drain()
            for code in ([b"250"] if content else []) + ([b"250", b"250", b"354"] if following else []):
                await self._expect(code)
            content = stuffed(following[1]) if following else b""

    async def quit(self) -> None:
        """Leave."""
        self._writer.write(b"QUIT\r\n")
        await self._expect(b"221")
        self._writer.close()

    async def _expect(self, code: bytes) -> bytes:
        said = b""
        while True:
            line = await self._reader.readline()
            said += line
            if not line.startswith(code):
                self._writer.close()
                raise ConnectionError(f"{code.decode()} was expected")
            if line[3:4] != b"-":
                return said


def stuffed(octets: bytes) -> bytes:
    """Content as it is sent: dots doubled at the beginning of lines, the last dot behind (RFC 5321 section 4.5.2)."""
    return _DOT.sub(b"..", octets) + (b"" if octets.endswith(b"\r\n") else b"\r\n") + b".\r\n"
