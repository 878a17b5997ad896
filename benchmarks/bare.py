"""The bare pipe: fetch, forward as attachment, acknowledge, move. No classification, no database.

A child process: connects, prints one JSON line. Uses the same libraries as the service.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections import deque

import aiosmtplib
from imapclient import IMAPClient, SocketTimeout

from benchmarks.memory import peak_mb

BATCH = 100
CONNECTIONS = 4


def main(imap_port: int, smtp_port: int, user: str, password: str) -> None:
    """Work one inbox off and print the figures."""
    client = IMAPClient("127.0.0.1", imap_port, ssl=False, timeout=SocketTimeout(10, 60))
    client._imap.debug = 0
    client.login(user, password)
    client.select_folder("INBOX")
    client.create_folder("Fatto")
    begin = time.perf_counter()
    count = asyncio.run(_work(client, smtp_port))
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


async def _work(client: IMAPClient, smtp_port: int) -> int:
    connections = [aiosmtplib.SMTP(hostname="127.0.0.1", port=smtp_port, start_tls=False) for _ in range(CONNECTIONS)]
    for connection in connections:
        await connection.connect()
    uids = sorted(client.search(["UID", "1:*"]))
    for start in range(0, len(uids), BATCH):
        batch = uids[start : start + BATCH]
        fetched = client.fetch(batch, ["BODY.PEEK[]"])
        waiting = deque(pairs([answer[b"BODY[]"] for answer in fetched.values()]))
        await asyncio.gather(*(_drain(connection, waiting) for connection in connections))
        client.move(batch, "Fatto")
    for connection in connections:
        await connection.quit()
    return len(uids)


def pairs(octets: list[bytes]) -> list[tuple[str, bytes]]:
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


async def _drain(connection: aiosmtplib.SMTP, waiting: deque[tuple[str, bytes]]) -> None:
    while waiting:
        recipient, octets = waiting.popleft()
        await connection.sendmail("a@example.org", [recipient], octets)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])
