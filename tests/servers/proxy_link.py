"""One connection through the IMAP proxy: two pumps that obey the proxy's rules line by line.

Octets of a client and of its server enter; the same leave to the other side, unless a rule says
otherwise. Only framing is understood: a line, and the literal that its end announces.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

Side = Literal["client", "server"]
Where = Literal["before", "within", "after", "answer"]

_LITERAL = re.compile(rb"\{(\d+)\+?\}\r\n\Z")
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Act:
    """What to do with a line that a rule has matched: answer it, hold it, or cut there.

    ``holds``: instead of cutting, say nothing more. ``pace``: seconds between two octets of the answer.
    ``noise`` goes to the client before the server's answer, or ``instead`` of it. ``call`` is called
    before the line is passed on.
    """

    reply: bytes = b""
    seconds: float = 0.0
    where: Where | None = None
    octets: int = 0
    reset: bool = False
    holds: bool = False
    pace: float | None = None
    noise: bytes = b""
    instead: bool = False
    call: Callable[[], object] | None = None


class Desk(Protocol):
    """What a link asks of, and tells, its proxy."""

    def next_act(self, side: Side, line: bytes) -> Act | None:
        """The rule in force for a line (without CRLF), used up by one."""

    def rewritten(self, line: bytes) -> bytes:
        """A server's line (without CRLF) as the client shall see it."""

    def note_command(self, connection: int, tag: str, text: str) -> None: ...

    def note_round_trip(self) -> None: ...


class _Cut(Exception):  # noqa: N818 - an end, not an error
    pass


class Link:
    """One client's connection, ``number`` counting from 1; :meth:`run` serves it to its end."""

    def __init__(
        self,
        number: int,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        desk: Desk,
    ) -> None:
        self._number = number
        self._desk = desk
        self._readers: dict[Side, asyncio.StreamReader] = {"client": client[0], "server": server[0]}
        self._listeners: dict[Side, asyncio.StreamWriter] = {"client": server[1], "server": client[1]}
        self._allowed: dict[Side, int | None] = {"client": None, "server": None}
        self._tag = b""
        self._muted = False
        self._holds = False
        self._pace: float | None = None
        self._noise: Act | None = None
        self._reset = False
        self._asked = False

    async def run(self) -> None:
        pumps = [asyncio.create_task(self._pump("client")), asyncio.create_task(self._pump("server"))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._close()
        for pump in pumps:
            if (
                not pump.cancelled()
                and (error := pump.exception())
                and not isinstance(error, OSError | EOFError | _Cut)
            ):
                raise error

    async def _pump(self, side: Side) -> None:
        begins = True
        while True:
            try:
                line = await self._readers[side].readuntil(b"\r\n")
            except asyncio.IncompleteReadError as end:
                await self._say(side, end.partial)
                return
            await self._pass(side, line, begins)
            literal = _LITERAL.search(line)
            begins = literal is None
            if literal is not None:
                await self._pass_literal(side, int(literal[1]))

    async def _pass(self, side: Side, line: bytes, begins: bool) -> None:
        words = line.removesuffix(b"\r\n")
        if side == "client" and begins:
            self._tag, _, text = words.partition(b" ") if b" " in words else (b"", b"", words)
            self._desk.note_command(self._number, self._tag.decode("latin-1"), text.decode("utf-8", "replace"))
        if side == "server" and self._muted and begins and words.startswith((self._tag + b" ", b"+ ")):
            raise _Cut
        act = self._desk.next_act(side, words)
        if act is not None and not await self._carry_out(act, side, line):
            return
        ends = side == "server" and begins and words.startswith((self._tag + b" ", b"+ "))
        if side == "server" and self._noise is not None and await self._disturb(self._noise, ends=ends):
            return
        await self._say(side, line if side == "client" else self._desk.rewritten(words) + b"\r\n")
        if ends:
            self._pace = None

    async def _carry_out(self, act: Act, side: Side, line: bytes) -> bool:
        """Whether the line is still to be passed on."""
        self._reset, self._holds, self._pace = act.reset, act.holds, act.pace
        if act.call is not None:
            await asyncio.to_thread(act.call)
        if act.noise:
            self._noise = act
        if act.seconds:
            await asyncio.sleep(act.seconds)
        if act.reply:
            self._asked = True
            *untagged, last = act.reply.split(b"\r\n")
            await self._say("server", b"".join(part + b"\r\n" for part in untagged) + self._tag + b" " + last + b"\r\n")
            return False
        if act.where == "before":
            raise _Cut
        if act.where == "answer":
            self._allowed["server"] = act.octets
        if act.where == "within":
            self._allowed[side] = act.octets
        elif act.where == "after" and side == "client":
            self._muted = True
        elif act.where == "after":
            await self._say(side, line)
            raise _Cut
        return True

    async def _disturb(self, act: Act, *, ends: bool) -> bool:
        """Say the noise once; whether the server's own line is to be dropped."""
        if act.noise:
            self._noise = Act(noise=b"", instead=act.instead)
            await self._say("server", act.noise)
        if ends or not act.instead:
            self._noise = None
        return act.instead

    async def _pass_literal(self, side: Side, size: int) -> None:
        while size:
            octets = await self._readers[side].read(min(size, _CHUNK))
            if not octets:
                raise EOFError
            size -= len(octets)
            await self._say(side, octets)

    async def _say(self, side: Side, octets: bytes) -> None:
        if side == "client":
            self._asked = True
        elif self._asked:
            self._asked = False
            self._desk.note_round_trip()
        if side == "server" and self._muted:
            return
        allowed = self._allowed[side]
        if allowed is not None:
            self._allowed[side] = allowed - len(octets)
            octets = octets[: max(allowed, 0)]
        await self._write(side, octets)
        if allowed is not None and (self._allowed[side] or 0) <= 0:
            if self._holds:
                await asyncio.Event().wait()
            raise _Cut

    async def _write(self, side: Side, octets: bytes) -> None:
        writer = self._listeners[side]
        if side == "client" or self._pace is None:
            writer.write(octets)
            await writer.drain()
            return
        for octet in octets:
            writer.write(bytes((octet,)))
            await writer.drain()
            await asyncio.sleep(self._pace)

    def _close(self) -> None:
        for writer in self._listeners.values():
            if self._reset and writer is self._listeners["server"]:
                # Without lingering, closing sends RST (socket(7)).
                with contextlib.suppress(OSError):
                    connection = writer.get_extra_info("socket")
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            writer.close()
