"""A TCP proxy on loopback between an IMAP client and its server: it lies, refuses, stalls, cuts and counts.

Lines of both sides enter; they leave as they are, changed, late or not at all. It reads IMAP's
framing (lines and literals, RFC 3501 section 4.3), so the connection must be plain: TLS is not
understood. Literals pass unread.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.servers.loop_thread import LoopThread
from tests.servers.process import LOOPBACK, free_ports
from tests.servers.proxy_link import Act, Link, Side, Where

Rewrite = Callable[[bytes], bytes | None]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_LINE_LIMIT = 1 << 24


@dataclass(frozen=True, slots=True)
class ImapCommand:
    """A line with which a client began a command; "DONE" has no tag. Numbers count from 1."""

    connection: int
    tag: str
    text: str


@dataclass(slots=True)
class _Rule:
    side: Side
    pattern: re.Pattern[bytes]
    left: int | None
    skip: int
    act: Act


class ImapProxy:
    """A running proxy to ``port`` of ``host``; close it, or use it in a ``with`` statement.

    Patterns are searched, without regard to case, in single lines without their CRLF and without
    literals. Each rule lets ``skip`` matching lines pass, then acts ``times`` times (None: always).
    """

    host = LOOPBACK

    def __init__(self, port: int, host: str = LOOPBACK) -> None:
        self._target = (host, port)
        self.port = free_ports(1)[0]
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._rewrites: list[Rewrite] = []
        self._commands: list[ImapCommand] = []
        self._round_trips = 0
        self._connections = 0
        self._links: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._thread = LoopThread("imap-proxy")
        try:
            self.start()
        except BaseException:
            self._thread.close()
            raise

    # ---------------------------------------------------------------- life

    def start(self) -> None:
        """Listen again after :meth:`stop`, on the same port."""
        self._thread.run(self._listen())

    def stop(self) -> None:
        """Refuse new connections and cut those that are open."""
        self._thread.run(self._hush(refuse=True))

    def cut_all(self) -> None:
        """Cut every open connection; new ones are welcome."""
        self._thread.run(self._hush(refuse=False))

    def close(self) -> None:
        """End the proxy; counts can still be read."""
        if not self._thread.loop.is_closed():
            self.stop()
            self._thread.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---------------------------------------------------------------- what it does wrong

    def rewrite(self, change: Rewrite) -> None:
        """Give every line of the server (without CRLF) to ``change``; None leaves it as it is.

        It must not change the size of a literal, which stands at the end of a line.
        """
        with self._lock:
            self._rewrites.append(change)

    def answer(self, pattern: bytes, reply: bytes, *, times: int | None = 1, skip: int = 0) -> None:
        """Answer a client's command ourselves: the tag and ``reply``, e.g. ``b"NO [SERVERBUG] sorry"``.

        The server never sees the command. Lines before the last one of ``reply`` are sent untagged,
        as they stand. Not for a command that sends a literal.
        """
        self._add("client", pattern, times, skip, Act(reply=reply))

    def cut(
        self,
        pattern: bytes,
        *,
        side: Side = "client",
        where: Where = "before",
        octets: int = 0,
        reset: bool = False,
        times: int | None = 1,
        skip: int = 0,
    ) -> None:
        """Cut the connection at a line that ``side`` sends.

        ``before``: the line is not forwarded. ``within``: so many ``octets`` of the line and the
        literal after it are. ``after``: a server's line is forwarded, then cut; a client's command
        is forwarded and *carried out*, and the cut comes in place of the server's answer.
        ``reset`` sends RST instead of FIN to the client.
        """
        self._add(side, pattern, times, skip, Act(where=where, octets=octets, reset=reset))

    def stall(
        self, pattern: bytes, seconds: float, *, side: Side = "server", times: int | None = 1, skip: int = 0
    ) -> None:
        """Hold a line, and all that ``side`` says after it, for so long (``math.inf``: a black hole)."""
        self._add(side, pattern, times, skip, Act(seconds=seconds))

    def break_answer(
        self,
        pattern: bytes,
        octets: int,
        *,
        reset: bool = False,
        holds: bool = False,
        times: int | None = 1,
        skip: int = 0,
    ) -> None:
        """Let a command pass and cut within its answer, literals included, after so many ``octets``.

        ``holds``: fall silent there instead of cutting.
        """
        self._add("client", pattern, times, skip, Act(where="answer", octets=octets, reset=reset, holds=holds))

    def trickle(self, pattern: bytes, pace: float, *, times: int | None = 1, skip: int = 0) -> None:
        """Give the answer to a command octet by octet, ``pace`` seconds apart."""
        self._add("client", pattern, times, skip, Act(pace=pace))

    def disturb(
        self,
        pattern: bytes,
        noise: bytes,
        *,
        instead: bool = False,
        pace: float | None = None,
        times: int | None = 1,
        skip: int = 0,
    ) -> None:
        """Say ``noise`` as it stands before the answer to a command, or ``instead`` of it.

        ``pace``: octet by octet, so many seconds apart.
        """
        self._add("client", pattern, times, skip, Act(noise=noise, instead=instead, pace=pace))

    def interrupt(self, pattern: bytes, call: Callable[[], object], *, times: int | None = 1, skip: int = 0) -> None:
        """Call something, in a thread of its own, before a command is passed on to the server."""
        self._add("client", pattern, times, skip, Act(call=call))

    @property
    def unused(self) -> int:
        """How many rules have not acted yet, or not as often as they may."""
        with self._lock:
            return sum(1 for rule in self._rules if rule.left)

    def behave(self) -> None:
        """Forget every rule and rewriting."""
        with self._lock:
            self._rules.clear()
            self._rewrites.clear()

    # ---------------------------------------------------------------- what it counts

    @property
    def commands(self) -> tuple[ImapCommand, ...]:
        """Every command of every connection, in order, also those that were not forwarded."""
        with self._lock:
            return tuple(self._commands)

    @property
    def round_trips(self) -> int:
        """How often a server's answer followed on a client's words: what latency multiplies.

        Pipelined commands count once; what the server says unasked (greeting, IDLE) not at all.
        """
        with self._lock:
            return self._round_trips

    @property
    def connections_seen(self) -> int:
        with self._lock:
            return self._connections

    def count(self, pattern: bytes) -> int:
        """How many commands match."""
        compiled = re.compile(pattern, re.IGNORECASE)
        return sum(1 for command in self.commands if compiled.search(command.text.encode()))

    def reset_counts(self) -> None:
        with self._lock:
            self._commands.clear()
            self._round_trips = 0
            self._connections = 0

    # ---------------------------------------------------------------- asked and told by the links

    def next_act(self, side: Side, line: bytes) -> Act | None:
        with self._lock:
            for rule in self._rules:
                if rule.side != side or rule.left == 0 or rule.pattern.search(line) is None:
                    continue
                if rule.skip:
                    rule.skip -= 1
                    continue
                if rule.left is not None:
                    rule.left -= 1
                return rule.act
        return None

    def rewritten(self, line: bytes) -> bytes:
        with self._lock:
            changes = tuple(self._rewrites)
        for change in changes:
            changed = change(line)
            line = line if changed is None else changed
        return line

    def note_command(self, connection: int, tag: str, text: str) -> None:
        with self._lock:
            self._commands.append(ImapCommand(connection, tag, text))

    def note_round_trip(self) -> None:
        with self._lock:
            self._round_trips += 1

    def _add(self, side: Side, pattern: bytes, times: int | None, skip: int, act: Act) -> None:
        with self._lock:
            self._rules.append(_Rule(side, re.compile(pattern, re.IGNORECASE), times, skip, act))

    # ---------------------------------------------------------------- in the loop's thread

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, self.host, self.port, limit=_LINE_LIMIT)

    async def _hush(self, *, refuse: bool) -> None:
        server, self._server = (self._server, None) if refuse else (None, self._server)
        if server is not None:
            server.close()
        for task in self._links:
            task.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)
        if server is not None:
            await server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._links.add(task)
        task.add_done_callback(self._links.discard)
        # Also of a link that is cut before its first step.
        task.add_done_callback(lambda _: writer.close())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._lock:
            self._connections += 1
            number = self._connections
        opening = asyncio.create_task(self._open())
        with contextlib.suppress(asyncio.CancelledError):
            server = None
            try:
                server = await asyncio.shield(opening)
            finally:
                if server is None:  # the server is down, or we were cut before it answered: so is the client
                    writer.close()
                    opening.add_done_callback(_close_late)
            if server is not None:
                await Link(number, (reader, writer), server, self).run()

    async def _open(self) -> Streams | None:
        """A connection to the server; ``None``: it is down."""
        try:
            return await asyncio.open_connection(*self._target, limit=_LINE_LIMIT)
        except OSError:
            return None


def _close_late(opening: asyncio.Task[Streams | None]) -> None:
    """A connection that was made when nobody waited for it any more."""
    if not opening.cancelled() and (late := opening.result()) is not None:
        late[1].close()
