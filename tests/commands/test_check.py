"""``triage check``: good and bad rules, and real servers with ``--connect``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import MODEL, ROOT, Invoke
from tests.servers.authority import Authority
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.process import free_ports
from tests.servers.smtp_sink import SmtpSink


def test_rules_that_can_be_used_end_with_0(invoke: Invoke) -> None:
    result = invoke("check")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "examples hold" in result.stdout
    assert result.stdout.endswith("Everything can be used.\n")


def test_the_shipped_rules_can_be_used(invoke: Invoke) -> None:
    result = invoke("check", "--json", settings={"TRIAGE_RULES": str(ROOT / "routing_rules.yaml")})
    found = json.loads(result.stdout)
    assert (result.exit_code, found["ok"], found["errors"]) == (0, True, [])
    assert found["notes"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ambiti: [Cremasco]", "ambiti: [Cremasko]", "Cremasko"),
        ("  mode: automatico", "  mode: sempre", "service.mode"),
        ("expect: {forward: crema}", "expect: {forward: mantova}", "the example of"),
        ("to: info@consociale.it", "to: info@consociale", "info@consociale"),
        ("min_confidence", "minimum_confidence", "minimum_confidence"),
        ("  name: ATS della Val Padana", "  name: uno\n  name: due", "name"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_remedy(
    invoke: Invoke, environment: dict[str, str], old: str, new: str, said: str
) -> None:
    rules = Path(environment["TRIAGE_RULES"])
    lines = rules.read_text(encoding="utf-8").splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if old in line)
    lines[number] = lines[number].replace(old, new)
    rules.write_text("".join(lines), encoding="utf-8")
    result = invoke("check")
    errors = [line for line in result.stdout.splitlines() if line.startswith("ERROR: ")]
    assert result.exit_code == 2
    line = number + 1 + new.count("\n")
    assert any(f"{rules}:{line}:" in error and said in error and "Remedy: " in error for error in errors), errors


def test_rules_that_are_missing_end_with_2(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("check", settings={"TRIAGE_RULES": str(tmp_path / "none.yaml")})
    assert result.exit_code == 2
    assert f"ERROR: {tmp_path / 'none.yaml'}:1: the file cannot be read" in result.stdout


def test_a_missing_model_ends_with_2(invoke: Invoke) -> None:
    result = invoke("check", "--json", settings={"TRIAGE_MODEL": "/does/not/exist.skops"})
    (error,) = json.loads(result.stdout)["errors"]
    assert result.exit_code == 2
    assert "TRIAGE_MODEL" in error


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TRIAGE_DATABASE_URL", "sqlite:///", "names no file"),
        ("TRIAGE_DATABASE_URL", "sqlite:///:memory:", "names no file"),
        ("TRIAGE_DATABASE_URL", "sqlite:///file::memory:?cache=shared&uri=true", "names no file"),
        ("TRIAGE_DATABASE_URL", "sqlite:///file:x?mode=memory&uri=true", "names no file"),
        ("TRIAGE_SMTP_HOST", "smtp..example.org", "TRIAGE_SMTP_HOST is no name of a host"),
        ("TRIAGE_IMAP_HOST", "imap..example.org", "TRIAGE_IMAP_HOST is no name of a host"),
        ("TRIAGE_IMAP_LOGIN", "none", "TRIAGE_IMAP_LOGIN must be one of: password, xoauth2, oauthbearer."),
    ],
)
def test_a_setting_that_would_fail_later_is_told_at_once(
    invoke: Invoke, accounts: dict[str, str], name: str, value: str, said: str
) -> None:
    result = invoke("check", "--connect", settings={**accounts, name: value})
    assert result.exit_code == 2
    assert said in result.output
    assert "Traceback" not in result.output


def test_settings_that_cannot_be_used_are_told_together(invoke: Invoke) -> None:
    wrong = {
        "TRIAGE_LEASE_SECONDS": "soon",
        "TRIAGE_SMTP_TLS": "maybe",
        "TRIAGE_SMTP_PASSWORD_FILE": "/does/not/exist",
        "TRIAGE_SMTP_CA_FILE": "/does/not/exist.pem",
    }
    result = invoke("check", "--connect", settings={**wrong, "TRIAGE_SMTP_HOST": "h", "TRIAGE_SMTP_USER": "u"})
    assert (result.exit_code, result.stdout) == (2, "")
    for name in wrong:
        assert name in result.stderr
    assert "README" in result.stderr


def test_the_schema_is_the_published_one(invoke: Invoke) -> None:
    published = (ROOT / "docs" / "routing_rules.schema.json").read_text(encoding="utf-8")
    assert invoke("check", "--schema").stdout == published


def test_a_folder_that_cannot_be_made_is_one_clear_message(invoke: Invoke) -> None:
    result = invoke("run", settings={"TRIAGE_STATE_DIR": str(MODEL), **_smtp("127.0.0.1", 25)})
    assert result.exit_code == 2
    assert "TRIAGE_STATE_DIR" in result.stderr


# --------------------------------------------------------------------------- with real servers


def _smtp(host: str, port: int) -> dict[str, str]:
    return {
        "TRIAGE_SMTP_HOST": host,
        "TRIAGE_SMTP_PORT": str(port),
        "TRIAGE_SMTP_TLS": "plain",
        "TRIAGE_SMTP_USER": "ufficio",
        "TRIAGE_SMTP_PASSWORD": "parola",
    }


@pytest.fixture
def accounts(
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    authority: Authority,
    start_smtp_sink: Callable[..., SmtpSink],
) -> dict[str, str]:
    """Both accounts as they should be: IMAP over TLS, SMTP over TLS with a password."""
    certificate = authority.issue()
    sink = start_smtp_sink(tls=certificate.server_context(), implicit_tls=True, passwords={"ufficio": "parola"})
    return {
        "TRIAGE_IMAP_HOST": dovecot.host,
        "TRIAGE_IMAP_PORT": str(dovecot.tls_port),
        "TRIAGE_IMAP_CA_FILE": str(authority.ca_path),
        "TRIAGE_IMAP_USER": mailbox_user.name,
        "TRIAGE_IMAP_PASSWORD": mailbox_user.password,
        **_smtp(sink.host, sink.port),
        "TRIAGE_SMTP_TLS": "tls",
        "TRIAGE_SMTP_CA_FILE": str(authority.ca_path),
    }


def test_connecting_logs_in_everywhere_and_changes_nothing(
    invoke: Invoke, accounts: dict[str, str], dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    before = dovecot.folders(mailbox_user.name)
    result = invoke("check", "--connect", settings=accounts)
    assert result.exit_code == 0, result.stdout
    assert "ok: mailbox generale: 0 messages, may be written, offers MOVE, UIDPLUS, IDLE" in result.stdout
    assert "ok: submission: logged in, offers 8BITMIME, SMTPUTF8, SIZE, DSN" in result.stdout
    assert dovecot.folders(mailbox_user.name) == before


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("TRIAGE_IMAP_PASSWORD", "sbagliata", "refused the login. Check TRIAGE_IMAP_USER and TRIAGE_IMAP_PASSWORD"),
        ("TRIAGE_SMTP_PASSWORD", "sbagliata", "refused the login (535). Check TRIAGE_SMTP_USER"),
        ("TRIAGE_IMAP_CA_FILE", "", "TLS failed"),
        ("TRIAGE_SMTP_CA_FILE", "", "TRIAGE_SMTP_CA_FILE"),
    ],
)
def test_what_is_wrong_with_an_account_is_one_sentence_with_the_remedy(
    invoke: Invoke, accounts: dict[str, str], setting: str, value: str, said: str
) -> None:
    result = invoke("check", "--connect", "--json", settings={**accounts, setting: value})
    (error,) = json.loads(result.stdout)["errors"]
    assert result.exit_code == 2
    assert said in error
    assert "sbagliata" not in result.stdout


@pytest.mark.parametrize(
    ("offers", "changes", "said"),
    [
        ({"passwords": {"ufficio": "parola"}}, {"TRIAGE_SMTP_TLS": "starttls"}, "Check TRIAGE_SMTP_TLS"),
        ({}, {"TRIAGE_SMTP_TLS": "plain"}, "Check TRIAGE_SMTP_LOGIN"),
    ],
    ids=["no STARTTLS", "no AUTH"],
)
def test_what_the_submission_server_does_not_offer_is_named(
    invoke: Invoke,
    accounts: dict[str, str],
    start_smtp_sink: Callable[..., SmtpSink],
    offers: dict[str, dict[str, str]],
    changes: dict[str, str],
    said: str,
) -> None:
    sink = start_smtp_sink(**offers)
    settings = {**accounts, **_smtp(sink.host, sink.port), **changes}
    (error,) = json.loads(invoke("check", "--connect", "--json", settings=settings).stdout)["errors"]
    assert said in error
    assert "SMTPException" not in error


def test_servers_that_do_not_answer_are_both_named(invoke: Invoke, accounts: dict[str, str]) -> None:
    dead = {"TRIAGE_IMAP_PORT": str(free_ports(1)[0]), "TRIAGE_SMTP_PORT": str(free_ports(1)[0])}
    errors = json.loads(invoke("check", "--connect", "--json", settings={**accounts, **dead}).stdout)["errors"]
    assert len(errors) == 2
    assert "TRIAGE_IMAP_HOST" in errors[0]
    assert "TRIAGE_SMTP_HOST" in errors[1]


def test_a_missing_folder_is_named(invoke: Invoke, accounts: dict[str, str], environment: dict[str, str]) -> None:
    rules = Path(environment["TRIAGE_RULES"])
    rules.write_text(rules.read_text(encoding="utf-8").replace("folder: INBOX", "folder: Nulla"), encoding="utf-8")
    result = invoke("check", "--connect", "--json", settings=accounts)
    (error,) = json.loads(result.stdout)["errors"]
    assert result.exit_code == 2
    assert "generale" in error
