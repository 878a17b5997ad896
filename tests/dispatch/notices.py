"""The notice stage beside a desk: the second mail account is a sink of its own, the webhook a real HTTPS server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from tests.dispatch.builders import ON_CALL, RULES, Desk, submission
from tests.servers.authority import Authority
from tests.servers.smtp_sink import SmtpSink
from tests.servers.webhook import WebhookServer
from triage.dispatch.notice_stage import NoticeStage
from triage.record.tables import staff_notices
from triage.rules import Rules
from triage.settings import SecondChannel, Webhook

SECOND = "secondo@oncall.example"
ADMIN = "sistemi@oncall.example"
SENDER = "avvisi@altro-gestore.example"


def on_call(*contacts: str, pauses: tuple[int, ...] = (15, 60), rules: Rules = RULES) -> Rules:
    """The same rules with these contacts and pauses."""
    return replace(rules, urgent=replace(rules.urgent, on_call=contacts or (ON_CALL,), repeat_minutes=pauses))


def second_channel(
    sink: SmtpSink | None = None, webhook: WebhookServer | None = None, authority: Authority | None = None
) -> SecondChannel:
    """Another account, a webhook, or both."""
    ca_file = str(authority.ca_path) if authority else ""
    return SecondChannel(
        submission(sink.port, connections=1) if sink else None,
        SENDER if sink else "",
        Webhook(webhook.url, ca_file) if webhook else None,
    )


class Caller:
    """A desk and its notice stage; time passes in steps of a minute, as for a worker that looks often."""

    def __init__(self, desk: Desk, port: int, second: SecondChannel | None = None, worker: str = "teller") -> None:
        self.desk = desk
        self._second = second or SecondChannel()
        self._port = port
        self.worker = worker
        self.stage = self._make()

    def _make(self) -> NoticeStage:
        knowledge = self.desk.knowledge.as_knowledge()
        return NoticeStage(self.desk.store, knowledge, submission(self._port), self._second, self.worker)

    def restart(self) -> None:
        """As after a crash: nothing but the record is left."""
        self.stage = self._make()

    def work(self) -> None:
        """What both stages do when they look."""
        self.desk.send()
        for _ in range(50):
            if not self.stage.work():
                return
        raise AssertionError("the notice stage finds no end")

    def pass_minutes(self, minutes: int, step: int = 1) -> None:
        """Let time pass, with a look every ``step`` minutes."""
        for _ in range(0, minutes, step):
            self.desk.advance(minutes=step)
            self.work()

    def pass_time(self, by: timedelta) -> None:
        """Let much time pass at once, then look."""
        self.desk.advance(by)
        self.work()

    def calls(self, channel: str = "") -> list[tuple[int, str, str]]:
        """Step, channel and state of every call beside the first, or of those by one channel."""
        return [row[1:] for row in self.rows() if row[0] == "urgent" and channel in ("", row[2])]

    def rows(self) -> list[tuple[str, int, str, str]]:
        """Kind, step, channel and state of every notice on record."""
        with self.desk.store.read("look") as tx:
            columns = (staff_notices.c.kind, staff_notices.c.step, staff_notices.c.channel, staff_notices.c.state)
            return [tuple(row) for row in tx.execute(sa.select(*columns).order_by(staff_notices.c.id))]


def told(sink: SmtpSink) -> list[str]:
    """To whom the sink accepted something, in order."""
    return [path for message in sink.messages for path in message.forward_paths]


def posted(webhook: WebhookServer) -> list[dict[str, Any]]:
    """What the webhook got about urgent messages."""
    return [body for body in webhook.bodies if body["event"] == "urgent_message"]


def on_call_told(sink: SmtpSink, contacts: Sequence[str] = (ON_CALL, SECOND)) -> list[str]:
    """Which contacts were told, in order."""
    return [path for path in told(sink) if path in contacts]
