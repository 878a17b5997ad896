"""From a message's arrival at an idle service to its forward's acceptance, and where the time goes.

``python -m benchmarks.latency [--messages N] [--mailboxes N] [--postgresql]``: one message at a time, a worker of the
command line, Dovecot and an SMTP sink on loopback. Relays before both note when the server announced the message and
when the forward was accepted; the record says when it was received, decided and begun. The bare pipe beside it waits
in IDLE as the service does, fetches and forwards through a kept connection, and neither classifies nor records.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import aiosmtplib
import sqlalchemy as sa
from imapclient import IMAPClient

from benchmarks.bare import pairs
from benchmarks.inbox import ROOT, messages
from benchmarks.relay import ACCEPTED, ANNOUNCED, Relay
from benchmarks.service import environment, mailbox_names
from benchmarks.sink import running_sink
from tests.proof import prove_return_path
from tests.servers.dovecot import TEST_WORD, Dovecot
from tests.servers.postgres import Postgres
from triage.basis import store_of
from triage.bootstrap import settings_from
from triage.intake.mailbox import ImapMailbox
from triage.record import Store
from triage.record.tables import attempts, decisions, dispatches
from triage.record.tables import messages as rows
from triage.signals import Wakeup
from triage.vocabulary import DispatchKind

PACE = 0.6
"""Seconds from one message to the next: the acknowledgement has left and the message is filed."""
BARE = 50
"""How many of them show what the bare pipe takes."""
PATIENCE = 30.0
TARGETS = {"p50": 100.0, "p99": 500.0}
"""Milliseconds from the announcement to the forward's acceptance."""
STAGES = ("announced", "received", "decided", "begun", "accepted")


def main() -> None:
    """Print both ways' percentiles, their ratio, and the service's time by stage."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--messages", type=int, default=200)
    arguments.add_argument("--mailboxes", type=int, default=1)
    arguments.add_argument("--postgresql", action="store_true", help="the record on a private PostgreSQL that syncs")
    chosen = arguments.parse_args()
    load = os.getloadavg()[0]
    with ExitStack() as running:
        dovecot = running.enter_context(Dovecot())
        smtp_port, sink = running.enter_context(running_sink())
        url = ""
        if chosen.postgresql:
            server = running.enter_context(Postgres(fsync=True))
            url = server.url(server.create_database())
        mail = list(messages(chosen.messages))
        engine = "PostgreSQL" if url else "SQLite"
        print(f"{len(mail)} messages alone, {chosen.mailboxes} mailboxes, {engine}, {sink}; load before: {load:.1f}")
        bare = bare_waits(dovecot, smtp_port, mail[:BARE])
        service = service_waits(dovecot, smtp_port, mail, chosen.mailboxes, url)
    print(table({"bare pipe": [one[-1] - one[0] for one in bare], **by_stage(service)}))
    ratio = percentile([one[-1] - one[0] for one in service], 50) / percentile([one[-1] - one[0] for one in bare], 50)
    print(f"announcement to acceptance: the median is {ratio:.1f} times the bare pipe's")
    said = [one[0] - one.delivered for one in service]
    print(f"the server announced after p50 {percentile(said, 50) * 1000:.0f} ms, which is its own")


class Times(tuple[float, ...]):
    """Instants of one message in the order of :data:`STAGES`, or only the first and the last."""

    delivered: float


def by_stage(times: Sequence[Times]) -> dict[str, list[float]]:
    """Seconds between the stages, and from the first to the last."""
    found = {"service": [one[-1] - one[0] for one in times]}
    for number, (before, after) in enumerate(pairwise(STAGES)):
        found[f"  {before} to {after}"] = [one[number + 1] - one[number] for one in times]
    return found


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def table(rows: dict[str, list[float]]) -> str:
    """Milliseconds, a line a row."""
    lines = [f"{'milliseconds':<24}{'p50':>8}{'p95':>8}{'p99':>8}{'most':>8}"]
    for name, values in rows.items():
        told = "".join(f"{percentile(values, percent) * 1000:8.1f}" for percent in (50, 95, 99, 100))
        lines.append(f"{name:<24}{told}")
    return "\n".join(lines)


def service_waits(dovecot: Dovecot, smtp_port: int, mail: Sequence[bytes], boxes: int, url: str) -> list[Times]:
    """Instants of every message through the whole service."""
    users = [dovecot.add_user(f"idle{number}@example.org").name for number in range(boxes)]
    with (
        tempfile.TemporaryDirectory() as folder,
        Relay(dovecot.port, ANNOUNCED) as imap,
        Relay(smtp_port, ACCEPTED) as smtp,
    ):
        settings = environment(Path(folder), users, imap.port, smtp.port, url)
        with _worker(settings, boxes):
            seen = _one_by_one(dovecot, users, mail, imap, smtp)
            store = store_of(settings_from(settings, mailbox_names(boxes)))
            try:
                recorded = _recorded(store)
            finally:
                store.close()
    if len(recorded) != len(seen):
        raise SystemExit(f"{len(recorded)} of {len(seen)} messages were forwarded: no figure is worth printing.")
    whole = []
    for (delivered, announced, accepted), stages in zip(seen, recorded, strict=True):
        one = Times((announced, *stages, accepted))
        one.delivered = delivered
        whole.append(one)
    return whole


@contextmanager
def _worker(settings: dict[str, str], boxes: int) -> Iterator[None]:
    once = [sys.executable, "-m", "triage", "worker", "--once"]
    subprocess.run(once, cwd=ROOT, env=settings, check=True, stderr=subprocess.DEVNULL)
    for name in mailbox_names(boxes):
        prove_return_path(settings, name)
    command = [sys.executable, "-m", "triage", "worker"]
    with subprocess.Popen(command, cwd=ROOT, env=settings, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            connected = 0
            for line in process.stderr:
                connected += "mailbox connected" in line
                if connected == boxes:
                    break
            threading.Thread(target=process.stderr.read, daemon=True).start()
            time.sleep(3)
            yield
        finally:
            process.terminate()


def _one_by_one(
    dovecot: Dovecot, users: Sequence[str], mail: Sequence[bytes], imap: Relay, smtp: Relay
) -> list[tuple[float, float, float]]:
    """When each was delivered, announced, and its forward accepted."""
    seen = []
    for number, octets in enumerate(mail):
        delivered = time.time()
        dovecot.deliver(users[number % len(users)], octets)
        announced = imap.first_since(delivered, PATIENCE)
        seen.append((delivered, announced, smtp.first_since(announced, PATIENCE)))
        time.sleep(PACE)
    return seen


def _recorded(store: Store) -> list[tuple[float, ...]]:
    """When each message was received, decided and its forward begun, in the order of arrival."""
    query = (
        sa.select(rows.c.received_at, decisions.c.decided_at, attempts.c.started_at)
        .select_from(rows)
        .join(decisions, decisions.c.message_id == rows.c.id)
        .join(dispatches, dispatches.c.message_id == rows.c.id)
        .join(attempts, attempts.c.dispatch_id == dispatches.c.id)
        .where(dispatches.c.kind == DispatchKind.FORWARD)
        .order_by(rows.c.id)
    )
    with store.read("bench") as tx:
        return [tuple(at.timestamp() for at in row) for row in tx.execute(query)]


# --------------------------------------------------------------------------- the bare pipe


def bare_waits(dovecot: Dovecot, smtp_port: int, mail: Sequence[bytes]) -> list[Times]:
    """The same instants of a pipe that only waits, fetches and forwards."""
    user = dovecot.add_user("idlebare@example.org")
    with Relay(dovecot.port, ANNOUNCED) as imap, Relay(smtp_port, ACCEPTED) as smtp:
        client = IMAPClient("127.0.0.1", imap.port, ssl=False, timeout=PATIENCE)
        client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.login(user.name, TEST_WORD)
        client.select_folder("INBOX")
        pipe = threading.Thread(target=lambda: asyncio.run(_forward(client, smtp.port, len(mail))), daemon=True)
        pipe.start()
        time.sleep(1)
        seen = _one_by_one(dovecot, [user.name], mail, imap, smtp)
        pipe.join(PATIENCE)
    return [Times((announced, accepted)) for _, announced, accepted in seen]


async def _forward(client: IMAPClient, smtp_port: int, count: int) -> None:
    connection = aiosmtplib.SMTP(hostname="127.0.0.1", port=smtp_port, start_tls=False)
    await connection.connect()
    mailbox, nobody, last = ImapMailbox(client, "INBOX"), Wakeup(), 0
    while last < count:
        mailbox.wait(PATIENCE, nobody.fileno())
        mailbox.forget_notices()
        for uid in sorted(uid for uid in client.search(["UID", f"{last + 1}:*"]) if uid > last):
            octets = client.fetch([uid], ["BODY.PEEK[]"])[uid][b"BODY[]"]
            recipient, forward = pairs([octets])[0]
            await connection.sendmail("a@example.org", [recipient], forward)
            last = uid
    await connection.quit()
    client.logout()


if __name__ == "__main__":
    main()
