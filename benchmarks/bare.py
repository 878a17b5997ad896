"""The bare pipe: fetch, forward as attachment, acknowledge, move. No classification, no database.

A child process: connects, prints one JSON line. It submits with aiosmtplib as the service does, or with a pipelining
client of its own (``pipelined``).
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

import aiosmtplib
from imapclient import IMAPClient, SocketTimeout

from benchmarks.memory import peak_mb
from benchmarks.pipelined import PipelinedClient

BATCH = 100
CONNECTIONS = 4


def main(imap_port: int, smtp_port: int, user: str, password: str, client_name: str) -> None:
    """Work one inbox off and print the figures."""
    client = IMAPClient("127.0.0.1", imap_port, ssl=False, timeout=SocketTimeout(10, 60))
    client._imap.debug = 0
    client.login(user, password)
    client.select_folder("INBOX")
    client.create_folder("Fatto")
    begin = time.perf_counter()
    count = asyncio.run(_work(client, smtp_port, CLIENTS[client_name]))
    seconds = time.perf_counter() - begin
    client.logout()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "messages": count,
                "seconds": seconds,
                "cpu": usage.ru_utime + usage.ru_stime,
                "rss_mb": peak_mb(),
            }
        )
    )


class Submitter(Protocol):
    """A connection that hands over what waits."""

    async def connect(self) -> object: ...

    async def drain(self, waiting: deque[tuple[str, bytes]]) -> None: ...

    async def quit(self) -> object: ...


class OneByOne:
    """aiosmtplib: MAIL, RCPT and DATA each wait for their reply."""

    def __init__(self, port: int) -> None:
        self._client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False)

    async def connect(self) -> object:
        return await self._client.connect()

    async def drain(self, waiting: deque[tuple[str, bytes]]) -> None:
        while waiting:
            recipient, octets = waiting.popleft()
            await self._client.sendmail("a@example.org", [recipient], octets)

    async def quit(self) -> object:
        return await self._client.quit()


CLIENTS: dict[str, Callable[[int], Submitter]] = {"aiosmtplib": OneByOne, "pipelined": PipelinedClient}


async def _work(client: IMAPClient, smtp_port: int, make: Callable[[int], Submitter]) -> int:
    connections = [make(smtp_port) for _ in range(CONNECTIONS)]
    for connection in connections:
        await connection.connect()
    uids = sorted(client.search(["UID", "1:*"]))
    for start in range(0, len(uids), BATCH):
        batch = uids[start : start + BATCH]
        fetched = client.fetch(batch, ["BODY.PEEK[]"])
        waiting = deque(pairs([answer[b"BODY[]"] for answer in fetched.values()]))
        await asyncio.gather(*(connection.drain(waiting) for connection in connections))
        client.move(batch, "Fatto")
    for connection in connections:
        await connection.quit()
    return len(uids)


def pairs(octets: list[bytes]) -> list[tuple[str, bytes]]:
    """A forward and an acknowledgement for each message, with their recipients."""
    found = []
    for number, original in enumerate(octets):
        head = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
        boundary = b"bench%d" % number
        forward = (
            head
            + b'Content-Type: multipart/mixed; boundary="'
            + boundary
            + b'"\r\n\r\n--'
            + boundary
            + b"\r\nContent-Type: text/plain\r\n\r\ntesto\r\n--"
            + boundary
            + b"\r\nContent-Type: message/rfc822\r\n\r\n"
            + original
            + b"\r\n--"
            + boundary
            + b"--\r\n"
        )
        found += [("b@example.org", forward), ("c@example.org", head + b"\r\nricevuto\r\n")]
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5])
