"""An office: a fresh mailbox, an SMTP sink, an empty record."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow.builders import Office
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.smtp_sink import SmtpSink


@pytest.fixture
def office(dovecot: Dovecot, mailbox_user: MailboxUser, smtp_sink: SmtpSink, tmp_path: Path) -> Office:
    """The service has seen its mailbox empty."""
    made = Office(dovecot, mailbox_user, smtp_sink, tmp_path)
    made.adopt()
    return made
