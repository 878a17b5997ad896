"""A record on PostgreSQL, mailboxes on Dovecot, an SMTP sink, and worker processes that share them.

Workers are the command line's own, as processes: killed, stopped and woken like any other.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from tests.crash.harness import settings_of, write_rules
from tests.crash.nursery import Nursery
from tests.proof import prove_return_path
from tests.servers.dovecot import TEST_WORD, Dovecot
from tests.servers.smtp_sink import SmtpSink
from tests.servers.webhook import WebhookServer
from triage.clock import SystemClock
from triage.record import Store
from triage.record.workers import standing

LEASE = 2.0
"""Seconds; the shortest that leaves a busy machine time to renew."""
_ONE = "  generale:\n"


def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Poll until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"within {seconds} s: {what}"
        time.sleep(0.02)


def rules_for(folder: Path, names: tuple[str, ...], *, poll: int = 5) -> Path:
    """The crash tests' rules with these mailboxes, and no limit on acknowledgements that a busy minute would reach."""
    path = write_rules(folder)
    text = path.read_text(encoding="utf-8")
    start = text.index(_ONE)
    end = text.index("\nprojects:", start)
    one = text[start + len(_ONE) : end].replace("poll_seconds: 5", f"poll_seconds: {poll}")
    own = one.replace("address: pijss.retifamiglia@", "address: {}@")
    boxes = "".join(f"  {name}:\n{one if name == names[0] else own.format(name)}" for name in names)
    text = text[:start] + boxes + text[end:]
    for limit in ("per_hour_total: 120", "per_domain_per_hour: 60"):
        assert limit in text
        text = text.replace(limit, limit.partition(":")[0] + ": 100000")
    path.write_text(text, encoding="utf-8")
    return path


class House:
    """One agency's service; its workers by name. Close it, or use it in a ``with`` statement."""

    def __init__(
        self,
        nursery: Nursery,
        dovecot: Dovecot,
        url: str,
        folder: Path,
        names: tuple[str, ...],
        *,
        mark: str,
        lease: float = LEASE,
        poll: int = 5,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        """``mark`` tells its accounts from those of others on the same mailbox server."""
        self.dovecot, self.names, self.folder = dovecot, names, folder
        self.spool, self.said = folder / "spool", folder / "said"
        self.spool.mkdir(parents=True)
        self.users = {name: dovecot.add_user(f"{mark}.{name}@example.org").name for name in names}
        self.sink = SmtpSink(spool=self.spool)
        self.webhook = WebhookServer(None)
        rules = rules_for(folder, names, poll=poll)
        self.settings = settings_of(rules, folder / "state", dovecot, "", self.sink.port, lease=lease)
        del self.settings["TRIAGE_IMAP_USER"]
        self.settings |= {f"TRIAGE_IMAP_USER__{name.upper()}": user for name, user in self.users.items()}
        self.settings |= {"TRIAGE_DATABASE_URL": url, "TRIAGE_IMAP_PASSWORD": TEST_WORD, **(extra or {})}
        self.settings["TRIAGE_ALARM_WEBHOOK"] = self.webhook.url
        self.store = Store(url, SystemClock(), 3)
        self.running: dict[str, int] = {}
        self._nursery = nursery

    def prepare(self) -> None:
        """Let the service see its empty mailboxes, so that what comes later is new mail."""
        self.look_once()
        for name in self.names:
            prove_return_path(self.settings, name)

    def look_once(self) -> None:
        """Let one more worker do what is due."""
        assert self._nursery.run(["worker", "--once"], self.settings, self.said) == 0, self.words()

    def start(self, name: str, extra: Mapping[str, str] | None = None) -> None:
        """Start a worker of this name."""
        settings = {**self.settings, "TRIAGE_WORKER": name, **(extra or {})}
        self.running[name] = self._nursery.start(["worker"], settings, self.said)

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a worker a signal."""
        os.kill(self.running[name], number)

    def kill(self, name: str) -> None:
        """End a worker at once."""
        pid = self.running.pop(name)
        os.kill(pid, signal.SIGKILL)
        self._nursery.wait(pid)

    def end(self) -> dict[str, int]:
        """Ask all workers to end in order; how each did."""
        return self._end(signal.SIGTERM)

    def words(self) -> str:
        """The end of what workers said."""
        return self.said.read_text("utf-8", "replace")[-3000:] if self.said.exists() else ""

    def reads(self) -> Counter[str]:
        """How many mailboxes each worker reads now."""
        with self.store.read("who reads what") as tx:
            return Counter(standing(tx, self.names).readers.values())

    def close(self) -> None:
        """End whatever runs."""
        self._end(signal.SIGKILL)
        self.store.close()
        self.sink.close()
        self.webhook.close()
        for user in self.users.values():
            self.dovecot.close_clients(user)

    def __enter__(self) -> House:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _end(self, number: signal.Signals) -> dict[str, int]:
        running, self.running = self.running, {}
        for pid in running.values():
            with suppress(ProcessLookupError):
                os.kill(pid, number)
                os.kill(pid, signal.SIGCONT)
        return {name: self._nursery.wait(pid) for name, pid in running.items()}
