"""A real IMAP server on 127.0.0.1, in a thread of this process, with everything in memory.

Enters: user names and passwords. Leaves: a port that any IMAP client can speak to (LOGIN, SELECT,
UID SEARCH, BODY.PEEK[], partial fetch, IDLE, MOVE, UIDPLUS, CREATE, RENAME, LIST). Refused: any
other interface than loopback, TLS, custom keywords (pymap answers OK and drops them).

The protocol is pymap's; only its start, its stop and its sockets are ours. What a client must know
about this server is stated, one fact a test, in ``tests/demo/test_imap_server.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from proxyprotocol.sock import SocketInfoLocal
from pymap.backend.dict import Config, Identity, Login
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxData, MailboxSet
from pymap.concurrent import Event, Subsystem
from pymap.imap import IMAPServer
from pymap.parsing.specials import ObjectId
from pymap.selected import SelectedMailbox
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

from triage.demo.loopback import LOOPBACK, LoopbackServer

_log = logging.getLogger(__name__)

_TCP_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)
"""Linux only; elsewhere the server is merely slower."""


class EmbeddedImap(LoopbackServer):
    """An IMAP server for named users, each with an INBOX; other mailboxes are made by CREATE.

    A stopped server forgets all mail: the next ``start`` has empty mailboxes under a new UIDVALIDITY.
    """

    def __init__(self, users: Mapping[str, str]) -> None:
        super().__init__()
        self._users = dict(users)
        self._imap: IMAPServer | None = None
        self._clients: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def _prepare(self) -> None:
        config = _DemoConfig(
            Namespace(passlib_cfg=None, proxy_protocol=None),
            host=LOOPBACK,
            port=0,
            demo_data=False,
            demo_user="",
            demo_password="",
            tls_enabled=False,  # otherwise LOGIN is refused until STARTTLS
            reject_dnsbl=False,
            # The passwords live and die with this process: hashing them would only slow each login.
            hash_context=Cleartext(),
            cpu_subsystem=Subsystem.for_asyncio(),
            invalid_user_sleep=0.0,
        )
        config.apply_context()
        login = Login(config)
        for name, password in self._users.items():
            config.set_cache[name] = (_Mailboxes(), FilterSet())
            await Identity(name, login, None, frozenset()).set(UserMetadata(config, name, password=password))
        self._imap = IMAPServer(login, config)

    def _protocol(self) -> asyncio.Protocol:
        return _PromptProtocol(asyncio.StreamReader(limit=2**20), self._serve_client)

    async def _serve_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or self._imap is None:
            writer.close()
            return
        self._clients[task] = writer
        transport = writer.transport
        answers = _WholeAnswers(transport, transport.get_protocol(), reader, asyncio.get_running_loop())
        try:
            await self._imap(reader, answers, SocketInfoLocal(answers, unique_id=b"demo"))
        except (ConnectionError, EOFError):
            pass  # A client that goes away without LOGOUT is no event worth telling.
        except Exception as error:  # noqa: BLE001 - asyncio would print it, with words of the mail in it
            _log.warning("the demo's IMAP server ended a session: %s", type(error).__name__)
        finally:
            self._clients.pop(task, None)
            writer.close()

    async def _drop_clients(self) -> None:
        clients = dict(self._clients)
        for task, writer in clients.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


class _DemoConfig(Config):
    """pymap's settings, without its look-up of this machine's name in the DNS."""

    @property
    def greeting(self) -> bytes:
        return b"Server dimostrativo pronto"


class _WholeAnswers(asyncio.StreamWriter):
    """Sends each answer in one piece: pymap writes it word by word.

    imapclient's ``idle_check`` reads lines from a non-blocking socket and gives the connection up
    when a line has not arrived whole.
    """

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        protocol: asyncio.BaseProtocol,
        reader: asyncio.StreamReader,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(transport, protocol, reader, loop)
        self._pending = bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._pending += data

    async def drain(self) -> None:
        self._flush()
        await super().drain()

    def close(self) -> None:
        self._flush()
        super().close()

    def _flush(self) -> None:
        if self._pending:
            super().write(bytes(self._pending))
            self._pending.clear()


class _Mailbox(MailboxData):
    """A mailbox that never lets an idling client wait for news it already has.

    pymap waits for the next change only, so one that falls between two looks (or between a command
    and IDLE) would stay untold until another one comes.
    """

    async def update_selected(self, selected: SelectedMailbox, *, wait_on: Event | None = None) -> SelectedMailbox:
        has_news = selected.mod_sequence != self._mod_sequences.highest
        return await super().update_selected(selected, wait_on=None if has_news else wait_on)


class _Mailboxes(MailboxSet):
    """One user's mailboxes."""

    def __init__(self) -> None:
        super().__init__()
        self._inbox = _Mailbox(self._content_cache, self._thread_cache)

    async def add_mailbox(self, name: str) -> ObjectId:
        await super().add_mailbox(name)
        self._set[name] = mailbox = _Mailbox(self._content_cache, self._thread_cache)
        return mailbox.mailbox_id


class _PromptProtocol(asyncio.StreamReaderProtocol):
    """Acknowledges each segment at once.

    imaplib writes a command and its CRLF, and a literal and its CRLF, separately and without
    TCP_NODELAY. Nagle's algorithm in the client then holds the CRLF until the first segment is
    acknowledged, and a delayed ACK takes about 40 ms. TCP_QUICKACK is not sticky (tcp(7)), so it
    is set again on every segment.
    """

    _socket: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = transport.get_extra_info("socket")
        self._acknowledge()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._acknowledge()
        super().data_received(data)

    def _acknowledge(self) -> None:
        if _TCP_QUICKACK is not None and self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.IPPROTO_TCP, _TCP_QUICKACK, 1)
