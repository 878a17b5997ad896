"""A real SMTP server on loopback that takes every message and can fail at every step.

Connections enter; accepted messages and a transcript leave. Nothing is relayed. As a process of
its own (``python -m tests.servers.smtp_sink --port P --spool DIR``) it outlives the service in
crash tests; see :mod:`tests.servers.smtp_script` for the steps at which it can fail.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from tests.servers.loop_thread import LoopThread
from tests.servers.process import LOOPBACK, free_ports
from tests.servers.smtp_script import STEPS, Fault, Script, Step, make_reply
from tests.servers.smtp_session import AcceptedMessage, Session, SinkPlan
from tests.servers.smtp_spool import write_spool

EXTENSIONS = ("PIPELINING", "SIZE 52428800", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")
_LINE_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line of the dialogue: who said it ("C" client, "S" sink) on which connection (from 1)."""

    connection: int
    who: Literal["C", "S"]
    line: str


class SmtpSink:
    """A running sink; close it, or use it in a ``with`` statement. Safe from any thread.

    ``extensions`` replace what EHLO announces. ``passwords`` and ``tokens`` (user to password, user
    to token) or ``takes_token`` (asked with user and token) make it demand authentication. ``tls`` with
    ``implicit_tls`` False offers STARTTLS. ``spool`` also keeps each accepted message as a file.
    Attributes that may be changed while it runs: ``delay``, seconds before every reply.
    """

    host = LOOPBACK

    def __init__(
        self,
        *,
        port: int = 0,
        extensions: Sequence[str] = EXTENSIONS,
        passwords: Mapping[str, str] | None = None,
        tokens: Mapping[str, str] | None = None,
        takes_token: Callable[[str, str], bool] | None = None,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        spool: Path | None = None,
    ) -> None:
        self.port = port or free_ports(1)[0]
        self.delay = 0.0
        self._plan = SinkPlan(tuple(extensions), passwords or {}, tokens or {}, tls, implicit_tls, takes_token)
        self._spool = spool
        self._script = Script()
        self._changed = threading.Condition()
        self._messages: list[AcceptedMessage] = []
        self._transcript: list[Spoken] = []
        self._connections = 0
        self._open_now = 0
        self._most_open = 0
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()
        self._thread = LoopThread("smtp-sink")
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
        """Refuse connections and cut those that are open; what was recorded stays."""
        self._thread.run(self._hush())

    def close(self) -> None:
        """End the sink. Messages and transcript can still be read."""
        if not self._thread.loop.is_closed():
            self.stop()
            self._thread.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---------------------------------------------------------------- script

    def answer(
        self,
        step: Step,
        code: int,
        text: str = "",
        *,
        times: int | None = None,
        skip: int = 0,
        when: Callable[[str], bool] | None = None,
    ) -> None:
        """Answer a step with this code and text (several lines: joined by "\\n"); 421 hangs up too.

        Let ``skip`` pass first, then act ``times`` times (None: always). ``when`` is asked about the
        path of MAIL or RCPT, each forward path at the steps of DATA, the name in EHLO; faults are
        tried in the order in which they were added.
        """
        self._script.add(step, Fault(make_reply(code, text), hang_up=code == 421), times, skip, when)

    def drop(
        self,
        step: Step,
        *,
        reset: bool = False,
        after_octets: int = 1,
        times: int | None = None,
        skip: int = 0,
        when: Callable[[str], bool] | None = None,
    ) -> None:
        """Close the connection at a step instead of answering; with a TCP reset if ``reset``.

        ``after_octets`` is for ``mid_data``: how much of the body is read first. A body that is
        shorter is accepted.
        """
        self._script.add(step, Fault(hang_up=True, reset=reset, after_octets=after_octets), times, skip, when)

    def stall(
        self,
        step: Step,
        seconds: float,
        *,
        times: int | None = None,
        skip: int = 0,
        when: Callable[[str], bool] | None = None,
    ) -> None:
        """Say nothing for so long, then go on as usual.

        At ``data_dot`` the message is recorded after the silence, as a slow filter would, even if
        the client has left meanwhile; at ``after_data_dot`` before it.
        """
        self._script.add(step, Fault(seconds=seconds), times, skip, when)

    def raw(
        self,
        step: Step,
        octets: bytes,
        *,
        hang_up: bool = False,
        reset: bool = False,
        pace: float = 0.0,
        after_octets: int = 1,
        times: int | None = None,
        skip: int = 0,
        when: Callable[[str], bool] | None = None,
    ) -> None:
        """Send these octets in place of the answer: garbage, half a reply, two replies.

        ``hang_up`` (with ``reset``: hard) afterwards; ``pace`` seconds lie between two octets.
        """
        fault = Fault(octets, hang_up=hang_up, reset=reset, after_octets=after_octets, pace=pace)
        self._script.add(step, fault, times, skip, when)

    @property
    def met(self) -> int:
        """How many faults of the script have come so far."""
        return self._script.met

    def clear_script(self) -> None:
        """Behave from now on."""
        self._script.clear()

    # ---------------------------------------------------------------- what came

    @property
    def messages(self) -> tuple[AcceptedMessage, ...]:
        """Accepted messages in the order of acceptance, also those whose 250 was never sent."""
        with self._changed:
            return tuple(self._messages)

    @property
    def transcript(self) -> tuple[Spoken, ...]:
        """Every command and reply (bodies excepted), of all connections, in order."""
        with self._changed:
            return tuple(self._transcript)

    @property
    def commands(self) -> tuple[str, ...]:
        """Every line that clients said outside bodies, in order."""
        return tuple(spoken.line for spoken in self.transcript if spoken.who == "C")

    @property
    def connections_seen(self) -> int:
        with self._changed:
            return self._connections

    @property
    def max_connections_seen(self) -> int:
        """The most connections that were open at one time."""
        with self._changed:
            return self._most_open

    def wait_for(self, count: int, timeout: float = 10.0) -> tuple[AcceptedMessage, ...]:
        """The messages as soon as there are ``count``; raises TimeoutError after ``timeout`` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._messages) >= count, timeout):
                raise TimeoutError(f"{len(self._messages)} of {count} messages came within {timeout:g} s")
            return tuple(self._messages)

    def forget(self) -> None:
        """Drop messages and transcript so far; the script stays."""
        with self._changed:
            self._messages.clear()
            self._transcript.clear()

    # ---------------------------------------------------------------- in the loop's thread

    async def _listen(self) -> None:
        if self._server is None:
            context = self._plan.tls if self._plan.implicit_tls else None
            self._server = await asyncio.start_server(self._serve, self.host, self.port, limit=_LINE_LIMIT, ssl=context)

    async def _hush(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for task in self._sessions:
            task.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        if server is not None:
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._sessions.add(task)
            task.add_done_callback(self._sessions.discard)
        with self._changed:
            self._connections += 1
            self._open_now += 1
            self._most_open = max(self._most_open, self._open_now)
            number = self._connections
        session = Session(
            number, reader, writer, self._plan, self._script, self._accept, self._note, lambda: self.delay
        )
        try:
            # Ending quietly: asyncio's streams report a cancelled handler as an unhandled error.
            with contextlib.suppress(asyncio.CancelledError):
                await session.run()
        finally:
            with self._changed:
                self._open_now -= 1
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    def _accept(self, message: AcceptedMessage) -> None:
        if self._spool is not None:
            write_spool(self._spool, message)
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()

    def _note(self, connection: int, who: Literal["C", "S"], line: str) -> None:
        with self._changed:
            self._transcript.append(Spoken(connection, who, line))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until killed; prints ``listening on PORT`` when ready."""
    parser = argparse.ArgumentParser(prog="smtp_sink", description="SMTP sink for crash tests")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--spool", type=Path, required=True, help="directory for the accepted messages")
    parser.add_argument("--drop", choices=STEPS, help="close every connection at this step")
    parser.add_argument("--delay", type=float, default=0.0, metavar="SECONDS", help="wait before every reply")
    chosen = parser.parse_args(arguments)
    chosen.spool.mkdir(parents=True, exist_ok=True)
    with SmtpSink(port=chosen.port, spool=chosen.spool) as sink:
        sink.delay = chosen.delay
        if chosen.drop:
            sink.drop(chosen.drop)
        print(f"listening on {sink.port}", flush=True)  # for the test that started it
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
