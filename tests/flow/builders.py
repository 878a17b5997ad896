"""A whole service in front of a real mailbox server and a real SMTP server, as the command line builds it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from tests.proof import prove_return_path
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.smtp_sink import SmtpSink
from triage.bootstrap import Service, build_service, settings_from
from triage.clock import SystemClock
from triage.record import Store
from triage.record.ledger import Ledger, compute_ledger
from triage.record.messages import MessageRow, messages_in
from triage.record.tables import audit, dispatches, mailboxes, messages
from triage.vocabulary import MessageState

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Office:
    """A mailbox, an SMTP server and the environment that joins them to a record."""

    dovecot: Dovecot
    user: MailboxUser
    sink: SmtpSink
    state: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """What the service's environment says."""
        return {
            "TRIAGE_STATE_DIR": str(self.state),
            "TRIAGE_RULES": str(self._rules()),
            "TRIAGE_MODEL": str(ROOT / "models" / "model.skops"),
            "TRIAGE_IMAP_HOST": self.dovecot.host,
            "TRIAGE_IMAP_PORT": str(self.dovecot.port),
            "TRIAGE_IMAP_TLS": "plain",
            "TRIAGE_IMAP_USER": self.user.name,
            "TRIAGE_IMAP_PASSWORD": self.user.password,
            "TRIAGE_SMTP_HOST": self.sink.host,
            "TRIAGE_SMTP_PORT": str(self.sink.port),
            "TRIAGE_SMTP_TLS": "plain",
            "TRIAGE_SMTP_LOGIN": "none",
        }

    def _rules(self) -> Path:
        """The demo's rules, but every guess is sure enough, whatever model is shipped today, and the
        mailbox is polled so rarely that only IDLE can make us quick."""
        path = self.state / "routing_rules.yaml"
        if not path.exists():
            text = (ROOT / "triage" / "demo" / "routing_rules.yaml").read_text(encoding="utf-8")
            for here, wanted in {
                "poll_seconds: 5\n": "poll_seconds: 120\n",
                "confidence: 0.90": "confidence: 0.50",
                "max_wrong: 0.20": "max_wrong: 0.50",
            }.items():
                assert here in text
                text = text.replace(here, wanted)
            path.write_text(text, encoding="utf-8")
        return path

    def build(self) -> Service:
        """The service, as a fresh process would build it; its record is to be closed."""
        return build_service(settings_from(self.environment))

    def adopt(self) -> None:
        """Let the service see the empty mailbox: what comes from now on is new."""
        service = self.build()
        reader = service.make_reader("generale")
        reader.work()
        reader.close()
        service.dispatcher.close()
        service.store.close()
        prove_return_path(self.environment)

    def start_worker(self) -> subprocess.Popen[bytes]:
        """``triage worker`` as a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "triage", "worker"],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def open_record(self) -> Store:
        """The record, to look at."""
        return Store(f"sqlite:///{self.state / 'triage.db'}", SystemClock())

    def ledger(self) -> Ledger:
        store = self.open_record()
        with store.read("ledger") as tx:
            found = compute_ledger(tx)
        store.close()
        return found

    def messages(self) -> list[MessageRow]:
        """Every message, oldest first."""
        store = self.open_record()
        with store.read("look") as tx:
            rows = messages_in(tx, tuple(MessageState), 10_000)
        store.close()
        return sorted(rows, key=lambda row: row.id)

    def changes(self) -> int:
        """How many changes of state of messages and dispatches are on record."""
        store = self.open_record()
        with store.read("look") as tx:
            query = sa.select(sa.func.count()).where(audit.c.subject.in_(("message", "dispatch")))
            count: int = tx.execute(query).scalar_one()
        store.close()
        return count

    def claims(self) -> list[str]:
        """What somebody still holds: leases that run, and dispatches on the wire."""
        store = self.open_record()
        with store.read("look") as tx:
            held = [
                f"{table.name} {key}"
                for table in (messages, dispatches, mailboxes)
                for key in tx.execute(sa.select(table.c.id).where(table.c.lease_until > tx.now)).scalars()
            ]
            wire = sa.select(dispatches.c.id).where(dispatches.c.state == "submitting")
            held += [f"submitting {key}" for key in tx.execute(wire).scalars()]
        store.close()
        return held

    def folders(self) -> dict[str, dict[int, bytes]]:
        """Octets of every message in every folder but the instance marker, which each start renames."""
        names = [name for name in self.dovecot.folders(self.user.name) if "Istanza" not in name]
        return {name: self.dovecot.fetch(self.user.name, name) for name in names}


def terminate(process: subprocess.Popen[bytes], seconds: float) -> tuple[int, float]:
    """SIGTERM; exit code and how long it took. Kills it when it does not end in time."""
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(seconds)
    finally:
        process.kill()
        process.wait()
    return code, time.monotonic() - begun
