"""The second channel's settings: absent, complete, or told with a remedy."""

from __future__ import annotations

import pytest

from triage.settings import Security, SettingsError, load_settings

BASE = {f"TRIAGE_SMTP_{what}": "x" for what in ("HOST", "USER", "PASSWORD")}
ALARM = {"TRIAGE_ALARM_SMTP_HOST": "smtp.other.example", "TRIAGE_ALARM_SMTP_PASSWORD": "w"}


def test_without_its_settings_there_is_no_second_channel() -> None:
    second = load_settings(BASE, "worker").second_channel
    assert (second.submission, second.sender, second.webhook) == (None, "", None)


def test_a_second_account_sends_from_its_own_address() -> None:
    second = load_settings(BASE | ALARM | {"TRIAGE_ALARM_SMTP_USER": "avvisi@other.example"}, "worker").second_channel
    assert second.submission is not None
    account = second.submission.account
    assert (account.host, account.port, account.security) == ("smtp.other.example", 587, Security.STARTTLS)
    assert second.sender == "avvisi@other.example"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (ALARM, "TRIAGE_ALARM_SMTP_USER is not set."),
        (ALARM | {"TRIAGE_ALARM_SMTP_USER": "avvisi"}, "TRIAGE_ALARM_SMTP_FROM must be that account's own address"),
        (
            ALARM
            | {"TRIAGE_ALARM_SMTP_USER": "a@b.example", "TRIAGE_ALARM_SMTP_FROM": "a@b.example\r\nBcc: x@y.example"},
            "TRIAGE_ALARM_SMTP_FROM must be that account's own address",
        ),
        ({"TRIAGE_ALARM_WEBHOOK": "http://example.org/x"}, "TRIAGE_ALARM_WEBHOOK must be an address that begins"),
        ({"TRIAGE_ALARM_WEBHOOK": "http://127.0.0.1.example.org/x"}, "TRIAGE_ALARM_WEBHOOK must be an address"),
        ({"TRIAGE_ALARM_WEBHOOK": "http://localhost@example.org/"}, "TRIAGE_ALARM_WEBHOOK must be an address"),
        ({"TRIAGE_ALARM_WEBHOOK": "https://example.org/x y"}, "TRIAGE_ALARM_WEBHOOK must be an address that begins"),
        ({"TRIAGE_ALARM_WEBHOOK": "https://user:word@example.org/"}, "TRIAGE_ALARM_WEBHOOK must be an address"),
    ],
)
def test_what_is_wrong_with_the_second_channel_is_told_with_its_remedy(given: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(BASE | given, "worker")
    assert any(problem.startswith(said) for problem in caught.value.problems)
    assert "word@" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/x", "http://localhost/", "http://[::1]:9/a?b"])
def test_a_webhook_on_this_machine_need_not_be_https(url: str) -> None:
    webhook = load_settings(BASE | {"TRIAGE_ALARM_WEBHOOK": url}, "worker").second_channel.webhook
    assert webhook is not None
    assert webhook.url == url


def test_the_webhooks_address_is_shown_to_nobody() -> None:
    settings = load_settings(BASE | {"TRIAGE_ALARM_WEBHOOK": "https://example.org/hook/segreto"}, "worker")
    assert "segreto" not in repr(settings.second_channel)
