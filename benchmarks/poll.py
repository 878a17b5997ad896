"""What one look at a mailbox costs when exactly one new message is there."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from imapclient import IMAPClient

from benchmarks.inbox import messages
from benchmarks.service import environment, mailbox_names
from tests.servers.dovecot import Dovecot
from triage.bootstrap import build_service, settings_from

LOOKS = 20


def poll_cost(dovecot: Dovecot, size: int, storage: str) -> str:
    """Two lines: a pass that lists and fetches one new message among ``size``, and the bare commands alone.

    The difference is ours; what the bare commands themselves cost at that size is the server's
    (a Maildir's directories are read whole when something new is in them).
    """
    user = dovecot.add_user(f"poll{size}@example.org")
    small = b"From: a@example.org\r\nSubject: x\r\n\r\nx\r\n"
    dovecot.deliver_fast(user.name, (small for _ in range(size)))
    new = list(messages(LOOKS + 3))
    with tempfile.TemporaryDirectory() as folder:
        settings = environment(Path(folder), [user.name], dovecot.port, 25)
        service = build_service(settings_from(settings, mailbox_names(1)))
        reader = service.make_reader("generale")
        reader.work()
        times: list[float] = []
        for octets in new:
            dovecot.deliver(user.name, octets)
            begin = time.perf_counter()
            assert reader.work() == 2  # listed and fetched
            times.append(time.perf_counter() - begin)
        reader.close()
        service.store.close()
    bare = _bare(dovecot, user.name, user.password, new)
    return "\n".join(
        f"{what} that finds one new message among {size:>7} ({storage}): median "
        f"{statistics.median(kept) * 1000:.1f} ms [{min(kept) * 1000:.1f}-{max(kept) * 1000:.1f}] of {len(kept)}"
        for what, kept in (("our look", times[3:]), ("bare NOOP, SEARCH, FETCH", bare[3:]))
    )


def _bare(dovecot: Dovecot, user: str, password: str, new: list[bytes]) -> list[float]:
    client = IMAPClient("127.0.0.1", dovecot.port, ssl=False, timeout=60)
    client._imap.debug = 0
    client.login(user, password)
    last = int(client.select_folder("INBOX")[b"UIDNEXT"]) - 1
    times = []
    for octets in new:
        dovecot.deliver(user, octets)
        begin = time.perf_counter()
        client.noop()
        [uid] = [uid for uid in client.search(["UID", f"{last + 1}:*"]) if uid > last]
        client.fetch([uid], ["RFC822.SIZE", "INTERNALDATE"])
        client.fetch([uid], ["BODY.PEEK[]"])
        times.append(time.perf_counter() - begin)
        last = uid
    client.logout()
    return times
