"""One connection to the SMTP sink: the server's half of RFC 5321, with faults where the script has them.

Octets of a client enter; replies and accepted messages leave. The server is lenient about addresses
and strict about order: a nested MAIL, RCPT before MAIL and the like are refused with 503.
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from tests.servers.smtp_script import Fault, Script, Step, make_reply

_PATH = re.compile(r"(?:FROM|TO):\s*<([^>]*)>\s*(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AcceptedMessage:
    """A message that the sink took, whether or not the client learned of it.

    ``octets`` are without dot-stuffing and the final dot. ``parameters`` are those of MAIL and of
    every RCPT as sent ("SIZE=120 BODY=8BITMIME"), in order. ``connection`` counts from 1.
    """

    reverse_path: str
    forward_paths: tuple[str, ...]
    octets: bytes
    connection: int
    time: datetime
    parameters: tuple[str, ...] = ()
    tls: bool = False
    user: str = ""


@dataclass(frozen=True, slots=True)
class SinkPlan:
    """What the sink announces and demands.

    ``extensions`` are EHLO keywords with parameters ("SIZE 1000000"). ``passwords`` and ``tokens``
    map user names to a password, or to the bearer token of XOAUTH2 and OAUTHBEARER; ``takes_token``
    is asked instead of ``tokens``. Any of them makes AUTH announced and demanded. With ``tls``
    STARTTLS is announced, and AUTH only after it, unless
    ``implicit_tls`` begins the connection with TLS.
    """

    extensions: tuple[str, ...]
    passwords: Mapping[str, str]
    tokens: Mapping[str, str]
    tls: ssl.SSLContext | None
    implicit_tls: bool
    takes_token: Callable[[str, str], bool] | None = None
    """Whether this user may log in with this token."""
    host_name: str = "sink.example.org"

    @property
    def wants_login(self) -> bool:
        return bool(self.passwords or self.takes_tokens)

    @property
    def takes_tokens(self) -> bool:
        return bool(self.tokens) or self.takes_token is not None

    def lets_in(self, user: str, token: str) -> bool:
        """Whether the bearer token opens the account of ``user``."""
        if self.takes_token is not None:
            return self.takes_token(user, token)
        return self.tokens.get(user) == token


class HangUp(Exception):  # noqa: N818 - an end, not an error
    """The connection ends here."""


@dataclass(slots=True)
class Session:
    """State of one connection; :meth:`run` serves it to its end."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    plan: SinkPlan
    script: Script
    accept: Callable[[AcceptedMessage], None]
    note: Callable[[int, Literal["C", "S"], str], None]
    """Called with connection number, "C" or "S" and the line."""
    delay: Callable[[], float]
    greeted: bool = False
    tls: bool = False
    user: str = ""
    reverse_path: str | None = None
    forward_paths: list[str] = field(default_factory=list)
    parameters: list[str] = field(default_factory=list)

    async def run(self) -> None:
        self.tls = self.plan.implicit_tls
        try:
            if await self._passes("banner"):
                await self._say(220, f"{self.plan.host_name} ESMTP sink")
            while line := await self.reader.readline():
                await self._obey(line.decode("utf-8", "replace").rstrip("\r\n"))
        except (HangUp, OSError, asyncio.IncompleteReadError, ValueError):
            return  # the client is gone, or was sent away: nothing is left to serve

    async def _obey(self, line: str) -> None:
        verb, _, rest = line.partition(" ")
        self.note(self.number, "C", line)
        commands = {
            "EHLO": self._ehlo,
            "HELO": self._ehlo,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": self._noop,
            "QUIT": self._quit,
        }
        command = commands.get(verb.upper())
        if command is None:
            await self._say(500, "5.5.2 command not recognised")
        else:
            await command(rest.strip())

    async def _ehlo(self, name: str) -> None:
        if not await self._passes("ehlo", name):
            return
        self.greeted = True
        self._forget()
        offered = list(self.plan.extensions)
        if self.plan.tls is not None and not self.tls:
            offered.append("STARTTLS")
        elif self.plan.wants_login:
            mechanisms = ("PLAIN LOGIN " if self.plan.passwords else "") + (
                "XOAUTH2 OAUTHBEARER" if self.plan.takes_tokens else ""
            )
            offered.append(f"AUTH {mechanisms.strip()}")
        await self._say(250, "\n".join([self.plan.host_name, *offered]))

    async def _starttls(self, _: str) -> None:
        if not await self._passes("starttls"):
            return
        if self.plan.tls is None or self.tls:
            await self._say(503, "5.5.1 no TLS to start")
            return
        await self._say(220, "2.0.0 ready to start TLS")
        await self.writer.start_tls(self.plan.tls)
        # What was said in the clear no longer counts (RFC 3207 section 4.2).
        self.tls, self.greeted, self.user = True, False, ""
        self._forget()

    async def _auth(self, rest: str) -> None:
        mechanism, _, initial = rest.partition(" ")
        if not await self._passes("auth", mechanism):
            return
        if self.plan.tls is not None and not self.tls:
            await self._say(538, "5.7.11 encryption required")
            return
        try:
            user = await self._authenticate(mechanism.upper(), initial)
        except ValueError:
            await self._say(501, "5.5.2 credentials not understood")
            return
        if user:
            self.user = user
            await self._say(235, "2.7.0 authenticated")
        else:
            await self._say(535, "5.7.8 credentials invalid")

    async def _authenticate(self, mechanism: str, initial: str) -> str:
        """The user's name, or "" when refused."""
        if mechanism == "PLAIN":
            _, user, password = (await self._credential(initial, "")).split("\0", 2)
            return user if self.plan.passwords.get(user) == password else ""
        if mechanism == "LOGIN":
            user = await self._credential(initial, "Username:")
            return user if self.plan.passwords.get(user) == await self._credential("", "Password:") else ""
        if mechanism == "XOAUTH2":
            found = re.fullmatch(
                r"user=([^\x01]*)\x01auth=Bearer ([^\x01]*)\x01\x01", await self._credential(initial, "")
            )
            if found is not None and self.plan.lets_in(found[1], found[2]):
                return found[1]
            # The reason comes as a challenge, which the client answers with an empty line.
            await self._credential("", '{"status":"401","schemes":"bearer"}')
        if mechanism == "OAUTHBEARER":
            found = re.fullmatch(
                r"n,a=([^,\x01]*),\x01(?:host=[^\x01]*\x01)?(?:port=\d+\x01)?auth=Bearer ([^\x01]*)\x01\x01",
                await self._credential(initial, ""),
            )
            user = found[1].replace("=2C", ",").replace("=3D", "=") if found else ""
            if found is not None and self.plan.lets_in(user, found[2]):
                return user
            # The client answers with a single ^A (RFC 7628 section 3.2.3).
            if await self._credential("", '{"status":"invalid_token"}') != "\x01":
                raise ValueError("not the answer to a refused token")
        return ""

    async def _credential(self, given: str, challenge: str) -> str:
        if not given:
            await self._say(334, base64.b64encode(challenge.encode()).decode())
            given = (await self.reader.readline()).decode("ascii").strip()
        return "" if given == "=" else base64.b64decode(given, validate=True).decode()

    async def _mail(self, rest: str) -> None:
        found = _PATH.fullmatch(rest)
        if not await self._passes("mail", found[1] if found else ""):
            return
        if self.plan.wants_login and not self.user:
            await self._say(530, "5.7.0 authentication required")
        elif not self.greeted or self.reverse_path is not None:
            await self._say(503, "5.5.1 nested MAIL or no EHLO")
        elif found is None:
            await self._say(501, "5.5.4 MAIL FROM:<path> expected")
        else:
            self.reverse_path = found[1]
            self.parameters.append(found[2])
            await self._say(250, "2.1.0 ok")

    async def _rcpt(self, rest: str) -> None:
        found = _PATH.fullmatch(rest)
        if not await self._passes("rcpt", found[1] if found else ""):
            return
        if self.reverse_path is None:
            await self._say(503, "5.5.1 MAIL first")
        elif found is None or not found[1]:
            await self._say(501, "5.5.4 RCPT TO:<path> expected")
        else:
            self.forward_paths.append(found[1])
            self.parameters.append(found[2])
            await self._say(250, "2.1.5 ok")

    async def _data(self, _: str) -> None:
        if not await self._passes("data_command", *self.forward_paths):
            return
        if not self.forward_paths:
            await self._say(503, "5.5.1 RCPT first")
            return
        await self._say(354, "end with a dot")
        octets = await self._body()
        if not await self._passes("data_dot", *self.forward_paths):
            self._forget()
            return
        self.accept(
            AcceptedMessage(
                self.reverse_path or "",
                tuple(self.forward_paths),
                octets,
                self.number,
                datetime.now(UTC),
                tuple(self.parameters),
                self.tls,
                self.user,
            )
        )
        if await self._passes("after_data_dot", *self.forward_paths):
            await self._say(250, "2.0.0 accepted")
        self._forget()

    async def _body(self) -> bytes:
        """The octets up to the final dot, with dot-stuffing undone (RFC 5321 section 4.5.2).

        Only CRLF ends a line here: a server that takes a bare LF for one can be smuggled a message.
        """
        fault = self.script.next_fault("mid_data", self.forward_paths)
        lines: list[bytes] = []
        size = 0
        start = True
        while True:
            if fault is not None and size >= fault.after_octets:
                if not await self._carry_out(fault):
                    raise HangUp  # a reply in the middle of a body can only be the last word
                fault = None
            try:
                piece = await self.reader.readuntil(b"\r\n")
            except asyncio.LimitOverrunError as error:
                piece = await self.reader.readexactly(error.consumed)
            if start and piece == b".\r\n":
                return b"".join(lines)
            lines.append(piece[1:] if start and piece.startswith(b".") else piece)
            size += len(piece)
            start = piece.endswith(b"\r\n")

    async def _rset(self, _: str) -> None:
        if await self._passes("rset"):
            self._forget()
            await self._say(250, "2.0.0 ok")

    async def _noop(self, _: str) -> None:
        if await self._passes("noop"):
            await self._say(250, "2.0.0 ok")

    async def _quit(self, _: str) -> None:
        if await self._passes("quit"):
            await self._say(221, "2.0.0 bye")
        raise HangUp

    def _forget(self) -> None:
        self.reverse_path = None
        self.forward_paths = []
        self.parameters = []

    async def _passes(self, step: Step, *subjects: str) -> bool:
        """Whether the ordinary answer follows; carries out the fault otherwise."""
        fault = self.script.next_fault(step, subjects)
        return fault is None or await self._carry_out(fault)

    async def _carry_out(self, fault: Fault) -> bool:
        if fault.seconds:
            await asyncio.sleep(fault.seconds)
        if fault.hang_up:
            self._note_reply(fault.reply + b"(hang up)\r\n")
            await self._write(fault.reply, fault.pace)
        elif fault.reply:
            self._note_reply(fault.reply)
            await self._write(fault.reply, fault.pace)
        if fault.hang_up:
            if fault.reset:
                # Without lingering, closing sends RST (socket(7)).
                connection = self.writer.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.writer.transport.abort()
            raise HangUp
        return not fault.reply

    async def _say(self, code: int, text: str) -> None:
        await self._send(make_reply(code, text))

    async def _send(self, octets: bytes) -> None:
        self._note_reply(octets)
        await self._write(octets)

    def _note_reply(self, octets: bytes) -> None:
        # Noted before it is written: who has the reply finds it in the transcript.
        for line in octets.decode("utf-8", "replace").splitlines():
            self.note(self.number, "S", line)

    async def _write(self, octets: bytes, pace: float = 0.0) -> None:
        if pause := self.delay():
            await asyncio.sleep(pause)
        for piece in (bytes((octet,)) for octet in octets) if pace else (octets,):
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(pace)
