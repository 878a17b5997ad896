"""A real SMTP server on 127.0.0.1 that keeps what it accepts in memory and relays nothing.

Enters: mail from any client of this machine, without login. Leaves: nothing; the accepted messages
are read from ``EmbeddedSmtp.messages``. Refused: messages over ``SIZE_LIMIT``, any other interface
than loopback. It offers 8BITMIME and SMTPUTF8 (RFC 6152, RFC 6531).
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from triage.demo.loopback import LoopbackServer

SIZE_LIMIT = 50 * 2**20
"""Octets of one message (RFC 1870)."""


@dataclass(frozen=True, slots=True)
class AcceptedMessage:
    """One message that was answered with 250: its envelope (RFC 5321) and its octets.

    ``octets`` are as sent, dot-stuffing undone. ``mail_options`` are the parameters of MAIL FROM,
    such as ``BODY=8BITMIME``.
    """

    reverse_path: str
    forward_paths: tuple[str, ...]
    octets: bytes
    mail_options: tuple[str, ...] = ()


class EmbeddedSmtp(LoopbackServer):
    """An SMTP server that accepts everything and delivers nothing; a stop keeps ``messages``."""

    def __init__(self) -> None:
        super().__init__()
        self._accepted: list[AcceptedMessage] = []
        self._changed = threading.Condition()
        self._clients: set[_Client] = set()

    @property
    def messages(self) -> tuple[AcceptedMessage, ...]:
        """All accepted messages, oldest first; safe to read from any thread."""
        with self._changed:
            return tuple(self._accepted)

    def wait_for(self, count: int, timeout: float) -> bool:
        """Whether at least ``count`` messages were accepted before ``timeout`` seconds were over."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._accepted) >= count, timeout)

    def clear(self) -> None:
        """Forget the accepted messages."""
        with self._changed:
            self._accepted.clear()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """Keep one message; named and called by aiosmtpd."""
        message = AcceptedMessage(
            reverse_path=(envelope.mail_from or "").removeprefix("<>"),
            forward_paths=tuple(envelope.rcpt_tos),
            octets=bytes(envelope.original_content or b""),
            mail_options=tuple(envelope.mail_options),
        )
        with self._changed:
            self._accepted.append(message)
            number = len(self._accepted)
            self._changed.notify_all()
        return f"250 2.0.0 Accettato e trattenuto in memoria come n. {number}"

    async def _prepare(self) -> None:
        self._clients.clear()

    def _protocol(self) -> asyncio.Protocol:
        return _Client(self, self._clients)

    async def _drop_clients(self) -> None:
        clients = tuple(self._clients)
        for client in clients:
            client.abort()
        await asyncio.gather(*(client.ended.wait() for client in clients))


class _Client(SMTP):
    """One SMTP session that can be cut."""

    def __init__(self, handler: EmbeddedSmtp, clients: set[_Client]) -> None:
        super().__init__(
            handler,
            hostname="smtp.demo.invalid",
            ident="Server dimostrativo",
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            decode_data=False,
            loop=asyncio.get_running_loop(),
        )
        self._clients = clients
        self._link: asyncio.BaseTransport | None = None
        self.ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._link = transport
        self._clients.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._clients.discard(self)
        self.ended.set()
        super().connection_lost(error)

    def abort(self) -> None:
        link: Any = self._link
        if link is not None:
            link.abort()
