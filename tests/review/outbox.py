"""The real dispatch stage beside an office: what pages let go arrives at the test's SMTP server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import sqlalchemy as sa

from tests.dispatch.builders import submission
from tests.fakes import FakeClock
from tests.review.office import Office
from tests.servers.smtp_sink import SmtpSink
from triage.dispatch.prepare import Preparer
from triage.dispatch.scanning import NoScanning
from triage.dispatch.stage import DispatchStage
from triage.record.mailboxes import note_probe
from triage.record.tables import mailboxes, messages


class Outbox:
    """Sends what is due. The mailbox's server was proved to write Return-Path, so that families are answered."""

    def __init__(self, office: Office, sink: SmtpSink, clock: FakeClock) -> None:
        self._office = office
        self._sink = sink
        self._clock = clock
        # The browser's own event loop lives in the test's thread: the stage's needs another.
        self._thread = ThreadPoolExecutor(1)
        self._stage = self._thread.submit(self._make).result()

    def _make(self) -> DispatchStage:
        office = self._office
        return DispatchStage(
            office.store,
            Preparer(office.store, office.knowledge, office.desk.parsed, None),
            submission(self._sink.port),
            "sender",
            timedelta(minutes=2),
            lambda: None,
            lambda: None,
            scanning=NoScanning(),
        )

    def close(self) -> None:
        """Shut the connections."""
        self._thread.submit(self._stage.close).result()
        self._thread.shutdown()

    def prove_mailbox(self) -> None:
        """What ``triage check --connect`` finds out."""
        with self._office.store.write("probe") as tx:
            note_probe(tx, "generale", "", "", return_path=True, plus=False)

    def send(self, *, after: timedelta = timedelta()) -> list[tuple[str, str]]:
        """Let time pass, send what is due; who got something since the last time, with its subject."""
        self._clock.forward(after)
        with self._office.store.write("the reader has looked") as tx:
            tx.execute(sa.update(messages).where(messages.c.gone_at.is_(None)).values(present_at=tx.now))
            tx.execute(sa.update(mailboxes).values(last_read_at=tx.now))
        before = len(self._sink.messages)
        while self._thread.submit(self._stage.work).result():
            pass
        return [(one.forward_paths[0], str(_read(one.octets)["Subject"])) for one in self._sink.messages[before:]]

    def newest_to(self, address: str) -> EmailMessage:
        """The last mail that this address got."""
        return next(_read(one.octets) for one in reversed(self._sink.messages) if one.forward_paths == (address,))


def _read(octets: bytes) -> EmailMessage:
    return message_from_bytes(octets, policy=policy.default)
