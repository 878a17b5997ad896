"""The whole service on accounts that log in by OAuth: a family's message is forwarded, and what ends is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.flow.builders import Office
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail
from tests.servers.smtp_sink import SmtpSink
from tests.servers.token_endpoint import CLIENT, CLIENT_SECRET, SCOPE, TokenEndpoint
from triage.bootstrap import build_service, settings_from
from triage.once import run_once
from triage.record.incidents import open_incidents
from triage.vocabulary import MessageState


@dataclass(frozen=True, slots=True)
class Result:
    troubles: tuple[str, ...]
    incidents: list[tuple[str, str]]


@pytest.fixture
def sink(dovecot: Dovecot, start_smtp_sink: Callable[..., SmtpSink]) -> SmtpSink:
    """Takes the tokens that open the mailbox."""
    return start_smtp_sink(takes_token=dovecot.takes_token)


@pytest.fixture
def by_tokens(
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    sink: SmtpSink,
    token_endpoint: TokenEndpoint,
    tmp_path: Path,
) -> Callable[..., Result]:
    """Work off what is there, once, with these further settings."""
    office = Office(dovecot, mailbox_user, sink, tmp_path)
    refresh_token = token_endpoint.consent()
    given = dict(office.environment)
    del given["TRIAGE_IMAP_PASSWORD"]
    for kind in ("IMAP", "SMTP"):
        given |= {
            f"TRIAGE_{kind}_USER": mailbox_user.name,
            f"TRIAGE_{kind}_LOGIN": "oauthbearer",
            f"TRIAGE_{kind}_OAUTH_TOKEN_URL": token_endpoint.url,
            f"TRIAGE_{kind}_OAUTH_TLS": "plain",
            f"TRIAGE_{kind}_OAUTH_CLIENT_ID": CLIENT,
            f"TRIAGE_{kind}_OAUTH_CLIENT_SECRET": CLIENT_SECRET,
        }
    given |= {"TRIAGE_SMTP_OAUTH_SCOPE": SCOPE, "TRIAGE_IMAP_OAUTH_REFRESH_TOKEN": refresh_token}

    def run(**further: str) -> Result:
        service = build_service(settings_from(given | further))
        troubles = run_once(service)
        with service.store.read("look") as tx:
            incidents = [(row["kind"], row["subject"]) for row in open_incidents(tx)]
        service.store.close()
        return Result(troubles, incidents)

    return run


def test_a_message_goes_its_way_by_tokens_and_a_secret_that_ends_is_told(
    by_tokens: Callable[..., Result],
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    token_endpoint: TokenEndpoint,
    sink: SmtpSink,
) -> None:
    token_endpoint.rotates = True
    assert by_tokens() == Result((), [])
    dovecot.deliver(
        mailbox_user.name, make_mail("Buongiorno,\nabito a Crema. Che orari fa il centro per le famiglie?\n")
    )
    assert by_tokens(TRIAGE_SMTP_OAUTH_ENDS="2020-01-31") == Result((), [("secret_ends", "submission account")])
    assert [message.user for message in sink.messages][:1] == [mailbox_user.name]
    assert by_tokens() == Result((), []), "made anew"
    grants = [form["grant_type"] for form in token_endpoint.requests]
    assert grants.count("refresh_token") == 3, "each start goes on with the token that the last one kept"


def test_f78_without_a_token_to_send_with_mail_is_still_read(
    by_tokens: Callable[..., Result], dovecot: Dovecot, mailbox_user: MailboxUser, sink: SmtpSink, tmp_path: Path
) -> None:
    by_tokens()
    dovecot.deliver(
        mailbox_user.name, make_mail("Buongiorno,\nabito a Crema. Che orari fa il centro per le famiglie?\n")
    )
    result = by_tokens(TRIAGE_SMTP_OAUTH_CLIENT_SECRET="scaduto")
    (message,) = Office(dovecot, mailbox_user, sink, tmp_path).messages()
    assert message.state == MessageState.DECIDED
    (trouble,) = result.troubles
    assert trouble.startswith("submission: Token server 127.0.0.1: the application is refused (401, invalid_client)")
    assert result.incidents == [("submission", "account")]
    assert by_tokens() == Result((), [])
    assert sink.messages
