"""The variables of OAuth: what is needed, what goes before what, and every mistake with its remedy."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from triage.settings import SettingsError, load_settings

SMTP = {"TRIAGE_SMTP_HOST": "smtp.example.org", "TRIAGE_SMTP_LOGIN": "none"}
IMAP = {"TRIAGE_IMAP_HOST": "imap.example.org", "TRIAGE_IMAP_USER": "ufficio", "TRIAGE_IMAP_LOGIN": "xoauth2"}
APPLICATION = {
    "TRIAGE_IMAP_OAUTH_TOKEN_URL": "https://login.example.org/oauth2/token",
    "TRIAGE_IMAP_OAUTH_CLIENT_ID": "cliente",
    "TRIAGE_IMAP_OAUTH_CLIENT_SECRET": "segreto",
    "TRIAGE_IMAP_OAUTH_SCOPE": "https://mail.example.org/.default",
}


def problems(**changes: str | None) -> tuple[str, ...]:
    """What is wrong with an application's settings after these changes (``None``: not set)."""
    given = {**SMTP, **IMAP, **APPLICATION}
    for name, value in changes.items():
        given.pop(f"TRIAGE_IMAP_{name}", None)
        if value is not None:
            given[f"TRIAGE_IMAP_{name}"] = value
    try:
        load_settings(given, "w", ["generale"])
    except SettingsError as error:
        return error.problems
    return ()


def test_an_application_needs_no_password() -> None:
    account = load_settings({**SMTP, **IMAP, **APPLICATION}, "w").imap("generale")

    assert account.secret == ""
    assert account.oauth is not None
    assert (account.oauth.prefix, account.oauth.client_id, account.oauth.timeout) == (
        "TRIAGE_IMAP_OAUTH",
        "cliente",
        30,
    )


def test_a_fixed_token_goes_on_as_before() -> None:
    account = load_settings({**SMTP, **IMAP, "TRIAGE_IMAP_PASSWORD": "gettone"}, "w").imap("generale")
    assert (account.secret, account.oauth) == ("gettone", None)


def test_a_mailbox_may_have_its_own_refresh_token_or_a_password(tmp_path: Path) -> None:
    secret = tmp_path / "rinnovo"
    secret.write_text("rinnovo-di-crema\n")
    own = {
        "TRIAGE_IMAP_OAUTH_REFRESH_TOKEN__CREMA_FILE": str(secret),
        "TRIAGE_IMAP_OAUTH_ENDS__CREMA": "2027-03-31",
        "TRIAGE_IMAP_LOGIN__MANTOVA": "password",
        "TRIAGE_IMAP_PASSWORD__MANTOVA": "parola",
    }
    settings = load_settings({**SMTP, **IMAP, **APPLICATION, **own}, "w", ["generale", "crema", "mantova"])
    crema, mantova, general = settings.imap("crema"), settings.imap("mantova"), settings.imap("generale")
    assert crema.oauth is not None
    assert general.oauth is not None
    assert (crema.oauth.refresh_token, crema.oauth.ends_on) == ("rinnovo-di-crema", date(2027, 3, 31))
    assert (general.oauth.refresh_token, general.oauth.ends_on) == ("", None)
    assert (mantova.oauth, mantova.secret) == (None, "parola")


def test_submission_has_the_same_variables() -> None:
    given = {name.replace("IMAP", "SMTP"): value for name, value in {**IMAP, **APPLICATION}.items()}
    oauth = load_settings(given, "w").submission.account.oauth
    assert oauth is not None
    assert oauth.prefix == "TRIAGE_SMTP_OAUTH"


def test_with_a_refresh_token_secret_and_scope_may_be_left_out() -> None:
    assert problems(OAUTH_REFRESH_TOKEN="r", OAUTH_CLIENT_SECRET=None, OAUTH_SCOPE=None) == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"OAUTH_CLIENT_SECRET": None}, "TRIAGE_IMAP_OAUTH_CLIENT_SECRET is not set"),
        ({"OAUTH_CLIENT_SECRET": ""}, "TRIAGE_IMAP_OAUTH_CLIENT_SECRET is empty"),
        ({"OAUTH_CLIENT_ID": None}, "TRIAGE_IMAP_OAUTH_CLIENT_ID is not set"),
        ({"OAUTH_SCOPE": None}, "TRIAGE_IMAP_OAUTH_SCOPE is not set"),
        ({"OAUTH_TOKEN_URL": None, "PASSWORD": "x"}, "TRIAGE_IMAP_OAUTH_TOKEN_URL is not set, but"),
        ({"OAUTH_CLIENT_SECRET": None, "OAUTH_CLIENT_SECRET_FILE": "/nope"}, "OAUTH_CLIENT_SECRET_FILE names a file"),
        ({"LOGIN": None, "PASSWORD": "x"}, "Set TRIAGE_IMAP_LOGIN=xoauth2"),
        ({"OAUTH_ENDS": "31/03/2027"}, "TRIAGE_IMAP_OAUTH_ENDS must be a day such as 2027-03-31"),
        ({"OAUTH_CA_FILE": "/nope.pem"}, "TRIAGE_IMAP_OAUTH_CA_FILE names a file"),
        ({"OAUTH_TIMEOUT": "0"}, "TRIAGE_IMAP_OAUTH_TIMEOUT must be a number"),
        ({"OAUTH_TLS": "starttls"}, "TRIAGE_IMAP_OAUTH_TLS must be one of: tls, plain"),
    ],
)
def test_a_mistake_is_told_once_with_its_remedy(changes: dict[str, str | None], said: str) -> None:
    (problem,) = problems(**changes)
    assert said in problem


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.org/token",
        "http://127.0.0.1/token",
        "login.example.org/token",
        "https://",
        "https://user:parola@login.example.org/token",
        "https://login.example.org:porta/token",
        "https://login.example.org/to ken",
        "https://[::1/token",
        "file:///etc/passwd",
        "https://lògin.example.org/token",
    ],
)
def test_secrets_go_to_an_https_address_only(url: str) -> None:
    (problem,) = problems(OAUTH_TOKEN_URL=url)
    assert "TRIAGE_IMAP_OAUTH_TOKEN_URL must be an https address" in problem
    assert "parola" not in problem


@pytest.mark.parametrize(
    ("url", "usable"),
    [
        ("http://127.0.0.1:8080/token", True),
        ("http://localhost/token", True),
        ("http://[::1]/token", True),
        ("http://127.0.0.1.example.org/token", False),
        ("http://login.example.org/token", False),
        ("https://login.example.org/token", False),
        ("http://127.0.0.1@login.example.org/token", False),
    ],
)
def test_plain_is_for_this_machine_alone_and_only_when_asked_for(url: str, usable: bool) -> None:
    found = problems(OAUTH_TOKEN_URL=url, OAUTH_TLS="plain")
    assert (found == ()) == usable
    assert usable or "TRIAGE_IMAP_OAUTH_TLS=plain is for an http address of this machine" in found[0]
