"""``triage check`` proves each account's token; a dead one is one sentence and stops no other check."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Invoke
from tests.servers.authority import Authority
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.smtp_sink import SmtpSink
from tests.servers.token_endpoint import CLIENT, CLIENT_SECRET, SCOPE, TokenEndpoint


@pytest.fixture
def submission(authority: Authority, dovecot: Dovecot, start_smtp_sink: Callable[..., SmtpSink]) -> SmtpSink:
    """Takes, over TLS, the tokens that open the mailbox."""
    context = authority.issue().server_context()
    return start_smtp_sink(tls=context, implicit_tls=True, takes_token=dovecot.takes_token)


@pytest.fixture
def accounts(
    authority: Authority,
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    submission: SmtpSink,
    token_endpoint: TokenEndpoint,
) -> dict[str, str]:
    """IMAP by the application's own token, SMTP by a refresh token; both over TLS."""
    where = {"IMAP": (dovecot.host, dovecot.tls_port), "SMTP": (submission.host, submission.port)}
    given: dict[str, str] = {}
    for kind, (host, port) in where.items():
        given |= {
            f"TRIAGE_{kind}_HOST": host,
            f"TRIAGE_{kind}_PORT": str(port),
            f"TRIAGE_{kind}_TLS": "tls",
            f"TRIAGE_{kind}_CA_FILE": str(authority.ca_path),
            f"TRIAGE_{kind}_USER": mailbox_user.name,
            f"TRIAGE_{kind}_LOGIN": "xoauth2",
            f"TRIAGE_{kind}_OAUTH_TOKEN_URL": token_endpoint.url,
            f"TRIAGE_{kind}_OAUTH_TLS": "plain",
            f"TRIAGE_{kind}_OAUTH_CLIENT_ID": CLIENT,
            f"TRIAGE_{kind}_OAUTH_CLIENT_SECRET": CLIENT_SECRET,
        }
    given["TRIAGE_IMAP_OAUTH_SCOPE"] = SCOPE
    given["TRIAGE_SMTP_OAUTH_REFRESH_TOKEN"] = token_endpoint.consent()
    return given


def test_each_token_is_asked_for_once_and_nothing_else(
    invoke: Invoke, accounts: dict[str, str], token_endpoint: TokenEndpoint, submission: SmtpSink
) -> None:
    result = invoke("check", settings=accounts)
    assert result.exit_code == 0, result.output
    assert "ok: mailbox generale: the token server gives a token" in result.stdout
    assert "ok: submission account: the token server gives a token" in result.stdout
    assert len(token_endpoint.requests) == 2
    assert submission.connections_seen == 0


def test_with_connecting_the_servers_take_them(
    invoke: Invoke, accounts: dict[str, str], token_endpoint: TokenEndpoint, submission: SmtpSink
) -> None:
    result = invoke("check", "--connect", "--wait", "0", settings=accounts)
    assert result.exit_code == 0, result.output
    assert "ok: mailbox generale: 0 messages" in result.stdout
    assert "ok: submission: logged in" in result.stdout
    assert len(token_endpoint.requests) == 2


@pytest.mark.parametrize("option", [(), ("--connect", "--wait", "0")])
def test_f76_a_dead_token_is_one_sentence_with_its_remedy_and_every_other_check_is_made(
    invoke: Invoke, accounts: dict[str, str], token_endpoint: TokenEndpoint, option: tuple[str, ...]
) -> None:
    token_endpoint.revoke()
    result = invoke("check", "--json", *option, settings=accounts)
    found = json.loads(result.stdout)
    (error,) = found["errors"]
    assert result.exit_code == 2
    assert error.startswith("submission account: Token server 127.0.0.1: the refresh token no longer holds")
    assert "TRIAGE_SMTP_OAUTH_REFRESH_TOKEN" in error
    assert any("examples hold" in note for note in found["notes"])
    assert "mailbox generale: the token server gives a token" in found["notes"]
    if option:
        assert any(note.startswith("mailbox generale: 0 messages") for note in found["notes"])
        assert any(note.startswith("domains of destinations that exist") for note in found["notes"])


def test_a_token_server_that_does_not_answer_now_is_a_failure_of_the_moment(
    invoke: Invoke, accounts: dict[str, str], token_endpoint: TokenEndpoint
) -> None:
    token_endpoint.say(503, b"")
    result = invoke("check", "--json", settings=accounts)
    assert result.exit_code == 1
    assert len(json.loads(result.stdout)["errors"]) == 2


def test_a_secret_that_ends_soon_is_a_warning(invoke: Invoke, accounts: dict[str, str]) -> None:
    result = invoke("check", "--json", settings={**accounts, "TRIAGE_IMAP_OAUTH_ENDS": "2020-01-31"})
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert any("mailbox generale: the client secret ended on 2020-01-31" in text for text in found["warnings"])


def test_no_secret_is_printed(
    invoke: Invoke, accounts: dict[str, str], token_endpoint: TokenEndpoint, environment: dict[str, str]
) -> None:
    token_endpoint.rotates = True
    said = invoke("check", "--connect", "--wait", "0", settings=accounts).output
    kept = json.loads(next((Path(environment["TRIAGE_STATE_DIR"]) / "tokens").glob("*.json")).read_text())
    for secret in (CLIENT_SECRET, accounts["TRIAGE_SMTP_OAUTH_REFRESH_TOKEN"], kept["refresh_token"], "Bearer"):
        assert secret not in said
