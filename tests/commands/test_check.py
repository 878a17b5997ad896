"""``triage check``: good and bad rules, and real servers with ``--connect``."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from tests.commands.conftest import MODEL, ROOT, Invoke
from tests.servers.authority import Authority
from tests.servers.clamd import Clamd
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.process import free_ports
from tests.servers.smtp_script import Step
from tests.servers.smtp_sink import SmtpSink
from triage.clock import SystemClock
from triage.record import Store
from triage.record.mailboxes import MailboxRow, mailbox_row_if_known

ACCOUNTS = {
    **{f"TRIAGE_{kind}_HOST": f"{kind.lower()}.example.org" for kind in ("IMAP", "SMTP")},
    **{f"TRIAGE_{kind}_USER": "ufficio" for kind in ("IMAP", "SMTP")},
    **{f"TRIAGE_{kind}_PASSWORD": "parola" for kind in ("IMAP", "SMTP")},
}
"""Accounts that are complete; nobody connects to them."""


def test_rules_and_settings_that_can_be_used_end_with_0(invoke: Invoke) -> None:
    result = invoke("check", settings=ACCOUNTS)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "examples hold" in result.stdout
    assert result.stdout.endswith("Everything can be used.\n")


def test_the_shipped_rules_can_be_used(invoke: Invoke) -> None:
    result = invoke("check", "--json", settings={**ACCOUNTS, "TRIAGE_RULES": str(ROOT / "routing_rules.yaml")})
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
    result = invoke("check", "--json", settings={**ACCOUNTS, "TRIAGE_MODEL": "/does/not/exist.skops"})
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
        ("TRIAGE_CLAMD", "clamd", "TRIAGE_CLAMD must be a socket's path (/run/clamav/clamd.ctl) or HOST:PORT."),
        ("TRIAGE_CLAMD", "host:99999", "TRIAGE_CLAMD must be a socket's path"),
        ("TRIAGE_CLAMD_TIMEOUT", "0", "TRIAGE_CLAMD_TIMEOUT must be a number from 1 to 3600."),
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


WRONG = {
    "TRIAGE_LEASE_SECONDS": "soon",
    "TRIAGE_SMTP_TLS": "maybe",
    "TRIAGE_SMTP_PASSWORD_FILE": "/does/not/exist",
    "TRIAGE_SMTP_CA_FILE": "/does/not/exist.pem",
    "TRIAGE_IMAP_TLS": "foo",
    "TRIAGE_IMAP_PORT__GENERALE": "abc",
    "TRIAGE_IMAP_LOGIN": "none",
    "TRIAGE_IMAP_PASSWORD_FILE": "/nope",
    "TRIAGE_IMAP_USER__GENERALE": "",
}
GIVEN = {"TRIAGE_SMTP_HOST": "h", "TRIAGE_SMTP_USER": "u", "TRIAGE_IMAP_HOST": "h"}


@pytest.mark.parametrize("option", [(), ("--connect",)])
def test_settings_that_cannot_be_used_are_told_together_and_with_the_rules(
    invoke: Invoke, environment: dict[str, str], option: tuple[str, ...]
) -> None:
    rules = Path(environment["TRIAGE_RULES"])
    text = rules.read_text(encoding="utf-8")
    rules.write_text(text.replace("expect: {forward: crema}", "expect: {forward: mantova}", 1), encoding="utf-8")
    result = invoke("check", *option, settings={**WRONG, **GIVEN})
    errors = [line for line in result.stdout.splitlines() if line.startswith("ERROR: ")]
    assert (result.exit_code, result.stderr) == (2, "")
    for name in WRONG:
        assert len([error for error in errors if f" {name} " in error]) == 1, (name, errors)
    assert len(errors) == len(WRONG) + 1
    assert "README" in result.stdout


def test_nothing_set_at_all_cannot_be_used(invoke: Invoke) -> None:
    errors = json.loads(invoke("check", "--json").stdout)["errors"]
    missing = {error.split()[0] for error in errors}
    assert missing == {f"TRIAGE_{kind}_{what}" for kind in ("IMAP", "SMTP") for what in ("HOST", "USER", "PASSWORD")}
    assert invoke("check").exit_code == 2


def test_what_is_wrong_for_several_mailboxes_is_told_once(invoke: Invoke, environment: dict[str, str]) -> None:
    rules = Path(environment["TRIAGE_RULES"])
    text = rules.read_text(encoding="utf-8")
    rules.write_text(text.replace("mailboxes:\n", SECOND_MAILBOX, 1), encoding="utf-8")
    given = {**ACCOUNTS, "TRIAGE_IMAP_TIMEOUT": "long", "TRIAGE_IMAP_PORT__SECONDA": "x"}
    errors = json.loads(invoke("check", "--json", settings=given).stdout)["errors"]
    assert errors == [
        "TRIAGE_IMAP_PORT__SECONDA must be a number from 1 to 65535.",
        "TRIAGE_IMAP_TIMEOUT must be a number from 1 to 3600.",
    ]


SECOND_MAILBOX = "mailboxes:\n  seconda:\n    folder: INBOX\n    address: seconda@example.org\n"


@pytest.mark.parametrize("command", [("run",), ("worker", "--once")])
def test_the_service_does_not_touch_its_record_with_settings_it_could_not_use(
    invoke: Invoke, environment: dict[str, str], command: tuple[str, ...]
) -> None:
    result = invoke(*command, settings={**WRONG, **GIVEN})
    assert result.exit_code == 2
    for name in WRONG:
        assert name in result.stderr
    assert not Path(environment["TRIAGE_STATE_DIR"]).exists()


def test_the_schema_is_the_published_one(invoke: Invoke) -> None:
    published = (ROOT / "docs" / "routing_rules.schema.json").read_text(encoding="utf-8")
    assert invoke("check", "--schema").stdout == published


def test_a_folder_that_cannot_be_made_is_one_clear_message(invoke: Invoke) -> None:
    result = invoke("run", settings={**ACCOUNTS, "TRIAGE_STATE_DIR": str(MODEL)})
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
def submission(authority: Authority, start_smtp_sink: Callable[..., SmtpSink]) -> SmtpSink:
    """The server that mail is submitted to, over TLS with a password."""
    context = authority.issue().server_context()
    return start_smtp_sink(tls=context, implicit_tls=True, passwords={"ufficio": "parola"})


@pytest.fixture
def accounts(dovecot: Dovecot, mailbox_user: MailboxUser, authority: Authority, submission: SmtpSink) -> dict[str, str]:
    """Both accounts as they should be: IMAP over TLS, SMTP over TLS with a password."""
    return {
        "TRIAGE_IMAP_HOST": dovecot.host,
        "TRIAGE_IMAP_PORT": str(dovecot.tls_port),
        "TRIAGE_IMAP_CA_FILE": str(authority.ca_path),
        "TRIAGE_IMAP_USER": mailbox_user.name,
        "TRIAGE_IMAP_PASSWORD": mailbox_user.password,
        **_smtp(submission.host, submission.port),
        "TRIAGE_SMTP_TLS": "tls",
        "TRIAGE_SMTP_CA_FILE": str(authority.ca_path),
    }


@contextmanager
def delivering(sink: SmtpSink, dovecot: Dovecot, user: str, head: bytes) -> Iterator[None]:
    """The way from the submission server to the mailbox; the delivering server puts ``head`` on top."""

    def deliver() -> None:
        (message,) = sink.wait_for(1, timeout=20)
        dovecot.deliver(user, head + message.octets)

    thread = Thread(target=deliver)
    thread.start()
    try:
        yield
    finally:
        thread.join()


OWN = "pijss.retifamiglia@ats-valpadana.it"


def test_connecting_tells_what_each_server_offers_and_leaves_the_mailbox_as_it_was(
    invoke: Invoke, accounts: dict[str, str], dovecot: Dovecot, mailbox_user: MailboxUser, submission: SmtpSink
) -> None:
    user = mailbox_user.name
    dovecot.deliver(user, b"Message-ID: <other@example.org>\r\nSubject: di una famiglia\r\n\r\nciao\r\n")
    before = (dovecot.folders(user), dovecot.fetch(user), dovecot.flags(user))
    with delivering(submission, dovecot, user, b"Return-Path: <pijss@example.org>\r\n"):
        result = invoke("check", "--connect", settings=accounts)
    assert result.exit_code == 0, result.stdout
    assert "ok: mailbox generale: 1 messages, may be written, offers MOVE, UIDPLUS, IDLE, CONDSTORE" in result.stdout
    assert "ok: submission: logged in, offers 8BITMIME, SMTPUTF8, SIZE, DSN" in result.stdout
    assert f"ok: submission: takes mail from {OWN} (forwards) to {OWN}; nothing was sent for this" in result.stdout
    assert f"ok: submission: takes mail from <> (acknowledgements) to {OWN}" in result.stdout
    assert "ok: mailbox generale: a message to ourselves came after" in result.stdout
    assert "ok: mailbox generale: the server writes Return-Path; kept in the record" in result.stdout
    assert "ok: domains of destinations that exist: " in result.stdout
    (sent,) = submission.messages
    assert (sent.reverse_path, sent.forward_paths) == (OWN, (OWN,))
    assert b"\r\nAuto-Submitted: auto-generated\r\n" in sent.octets
    assert (dovecot.folders(user), dovecot.fetch(user), dovecot.flags(user)) == before


def test_a_server_that_writes_no_return_path_is_told_with_what_follows(
    invoke: Invoke, accounts: dict[str, str], dovecot: Dovecot, mailbox_user: MailboxUser, submission: SmtpSink
) -> None:
    with delivering(submission, dovecot, mailbox_user.name, b"Received: from a by b\r\n"):
        found = json.loads(invoke("check", "--connect", "--json", settings=accounts).stdout)
    assert found["ok"]
    (warning,) = [text for text in found["warnings"] if "Return-Path" in text]
    assert "no family will get one" in warning
    assert dovecot.uids(mailbox_user.name) == ()


@pytest.mark.parametrize(
    ("head", "position", "told"),
    [
        ("Authentication-Results: {}; spf=pass\r\nReceived: from a by b\r\n", "above", "ok: {}: the results of"),
        ("Received: from a by b\r\nAuthentication-Results: {}; spf=pass\r\n", "below", "ok: {}: the results of"),
        ("Received: from a by b\r\nAuthentication-Results: {}; spf=pass\r\n", "above", "below its own Received"),
        ("Received: from a by b\r\n", "below", "anybody could pass for anybody"),
        ("Received: from a by b\r\n", "above", ""),
    ],
    ids=["above", "below", "below and not said so", "a forged field would be believed", "writes none"],
)
def test_the_message_to_ourselves_shows_where_results_stand_and_whether_a_forger_could_write_them(
    invoke: Invoke,
    environment: dict[str, str],
    accounts: dict[str, str],
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    submission: SmtpSink,
    head: str,
    position: str,
    told: str,
) -> None:
    server = "mx.agency.example"
    rules = Path(environment["TRIAGE_RULES"])
    named = f"service:\n  authserv_id: {server}\n  authserv_position: {position}\n"
    rules.write_text(rules.read_text(encoding="utf-8").replace("service:\n", named, 1), encoding="utf-8")
    written = b"Return-Path: <x@example.org>\r\n" + head.format(server).encode()
    with delivering(submission, dovecot, mailbox_user.name, written):
        result = invoke("check", "--connect", settings=accounts)
    assert b"x-triage-probe=pass" in submission.messages[0].octets
    assert result.exit_code == (2 if "anybody" in told else 0)
    lines = [line for line in result.stdout.splitlines() if server in line and "mailbox generale" in line]
    assert bool(lines) == bool(told)
    assert told.format("mailbox generale") in "".join(lines)


def probed(environment: dict[str, str]) -> MailboxRow | None:
    """What the record keeps of the mailbox."""
    store = Store(f"sqlite:///{environment['TRIAGE_STATE_DIR']}/triage.db", SystemClock())
    try:
        with store.read("look") as tx:
            return mailbox_row_if_known(tx, "generale")
    finally:
        store.close()


@pytest.mark.parametrize(("head", "written"), [(b"Return-Path: <x@example.org>\r\n", True), (b"X-Other: y\r\n", False)])
def test_what_the_message_to_ourselves_proves_is_kept_in_the_record(
    invoke: Invoke,
    environment: dict[str, str],
    accounts: dict[str, str],
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    submission: SmtpSink,
    head: bytes,
    written: bool,
) -> None:
    """By this families are answered; another account or folder is not what was proved."""
    with delivering(submission, dovecot, mailbox_user.name, head):
        assert invoke("check", "--connect", settings=accounts).exit_code == 0
    row = probed(environment)
    assert row is not None
    assert row.uid_validity is None, "it was not read"
    assert (row.writes_return_path, row.takes_plus_tags) == (written, False)
    identity = f"{mailbox_user.name}@{dovecot.host.lower()}"
    assert replace(row, account=identity, folder="INBOX").writes_return_path is written
    assert not replace(row, account="other@imap.example", folder="INBOX").writes_return_path
    assert not replace(row, account=identity, folder="Junk").writes_return_path


@pytest.mark.parametrize("arrives", [True, False])
def test_plus_tags_are_tried_with_a_message_of_their_own(
    invoke: Invoke,
    environment: dict[str, str],
    accounts: dict[str, str],
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    submission: SmtpSink,
    arrives: bool,
) -> None:
    rules = Path(environment["TRIAGE_RULES"])
    text = rules.read_text(encoding="utf-8")
    rules.write_text(text.replace("  enabled: true\n", "  enabled: true\n  envelope: plus\n"), encoding="utf-8")

    def deliver() -> None:
        for number in (1, 2):
            message = submission.wait_for(number, timeout=20)[number - 1]
            if arrives or number == 1:
                dovecot.deliver(mailbox_user.name, b"Return-Path: <x@example.org>\r\n" + message.octets)

    thread = Thread(target=deliver)
    thread.start()
    result = invoke("check", "--connect", "--json", "--wait", "2", settings=accounts)
    thread.join()
    found, row = json.loads(result.stdout), probed(environment)
    local, _, domain = OWN.partition("@")
    assert submission.messages[1].forward_paths[0].startswith(f"{local}+prova-")
    assert row is not None
    assert row.takes_plus_tags is arrives
    assert found["ok"] is arrives
    said = found["notes"] if arrives else found["errors"]
    assert any(f"mail to {local}+...@{domain}" in text for text in said)


@pytest.mark.parametrize("host", ["smtp.office365.com", "SMTP.Office365.com."])
def test_plus_tags_are_refused_where_the_account_cannot_send_them(
    invoke: Invoke, environment: dict[str, str], host: str
) -> None:
    rules = Path(environment["TRIAGE_RULES"])
    text = rules.read_text(encoding="utf-8")
    rules.write_text(text.replace("  enabled: true\n", "  enabled: true\n  envelope: plus\n"), encoding="utf-8")
    result = invoke("check", "--json", settings={**ACCOUNTS, "TRIAGE_SMTP_HOST": host})
    (error,) = json.loads(result.stdout)["errors"]
    assert "the envelope plus cannot be used" in error
    assert result.exit_code == 2
    assert invoke("check", settings=ACCOUNTS).exit_code == 0


def test_texts_of_the_agencys_own_are_checked_with_the_rest(
    invoke: Invoke, environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "testi"
    folder.mkdir()
    text = (ROOT / "triage" / "dispatch" / "data" / "testi" / "it.yaml").read_text(encoding="utf-8")
    (folder / "it.yaml").write_text(text.replace("{{ codice }}", "{{ nome }}"), encoding="utf-8")
    settings = {**ACCOUNTS, "TRIAGE_TEXTS": str(folder)}
    result = invoke("check", settings=settings)
    assert result.exit_code == 2
    assert f"ERROR: {folder / 'it.yaml'}:" in result.stdout
    assert '"nome" is no variable' in result.stdout
    assert invoke("worker", "--once", settings=settings).exit_code == 2, "and a start says the same"
    (folder / "it.yaml").write_text(text, encoding="utf-8")
    assert "not used until a translator signs: ar, bn" in invoke("check", settings=settings).stdout


def test_a_text_that_a_rule_names_must_be_there(invoke: Invoke, environment: dict[str, str]) -> None:
    rules = Path(environment["TRIAGE_RULES"])
    text = rules.read_text(encoding="utf-8")
    named = text.replace(
        "    then: {forward: territorio}\n", "    then: {forward: territorio}\n    acknowledgement: corso\n"
    )
    rules.write_text(named, encoding="utf-8")
    result = invoke("check", settings=ACCOUNTS)
    assert result.exit_code == 2
    assert 'names the text "corso", which it.yaml does not hold' in result.stdout


def test_a_message_to_ourselves_that_does_not_come_is_a_failure_of_the_moment(
    invoke: Invoke, accounts: dict[str, str], submission: SmtpSink
) -> None:
    result = invoke("check", "--connect", "--json", "--wait", "0.2", settings=accounts)
    (error,) = json.loads(result.stdout)["errors"]
    assert result.exit_code == 1
    assert f"a message to {OWN} did not arrive in folder INBOX within 0.2 s" in error
    assert len(submission.messages) == 1


def test_to_a_pec_mailbox_no_message_is_sent_because_receipts_would_come_back(
    invoke: Invoke, accounts: dict[str, str], environment: dict[str, str], submission: SmtpSink
) -> None:
    rules = Path(environment["TRIAGE_RULES"])
    text = rules.read_text(encoding="utf-8")
    rules.write_text(text.replace("    role: inbox\n", "    role: inbox\n    pec: true\n", 1), encoding="utf-8")
    result = invoke("check", "--connect", settings=accounts)
    assert result.exit_code == 0, result.stdout
    assert "ok: PEC: no message was sent to try Return-Path (mailboxes generale)" in result.stdout
    assert submission.messages == ()


def test_without_waiting_nothing_at_all_is_sent(invoke: Invoke, accounts: dict[str, str], submission: SmtpSink) -> None:
    result = invoke("check", "--connect", "--wait", "0", settings=accounts)
    assert result.exit_code == 0, result.stdout
    assert submission.messages == ()
    assert submission.commands.count("RSET") == 2
    assert not [line for line in submission.commands if line.startswith("DATA")]


@pytest.mark.parametrize(
    ("step", "code", "path", "rc", "said"),
    [
        ("mail", 550, OWN, 2, f"refused the sender {OWN} (forwards) (550). Check the account's right to send"),
        ("mail", 550, "", 2, "refused the sender <> (acknowledgements) (550)"),
        ("mail", 451, OWN, 1, f"refused the sender {OWN} (forwards) (451)"),
        ("rcpt", 550, OWN, 2, f"refused the recipient {OWN} from {OWN} (550). Check 'service.address'"),
    ],
)
def test_a_right_that_is_missing_is_named(
    invoke: Invoke, accounts: dict[str, str], submission: SmtpSink, step: Step, code: int, path: str, rc: int, said: str
) -> None:
    submission.answer(step, code, "no", times=1, when=lambda asked: asked == path)
    result = invoke("check", "--connect", "--json", "--wait", "0", settings=accounts)
    (error,) = json.loads(result.stdout)["errors"]
    assert (result.exit_code, said in error) == (rc, True), error


def test_a_domain_that_does_not_exist_is_named_with_who_uses_it(invoke: Invoke, accounts: dict[str, str]) -> None:
    def resolve(name: str) -> str:
        if name == "consociale.it":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if name == "concast.it":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        raise socket.gaierror(socket.EAI_NODATA, "No address associated with hostname")  # it has MX records only

    result = invoke("check", "--connect", "--json", "--wait", "0", settings=accounts, resolve=resolve)
    found = json.loads(result.stdout)
    told = [text for text in found["warnings"] if text.startswith("domain ")]
    assert result.exit_code == 0
    assert any("consociale.it does not exist" in text and "oglio_po.default (line " in text for text in told), told
    assert any("concast.it could not be looked up" in text for text in told), told
    assert any("that exist: " in text for text in found["notes"])


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
    result = invoke("check", "--connect", "--json", "--wait", "0", settings={**accounts, setting: value})
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
    result = invoke("check", "--connect", "--json", settings={**accounts, **dead})
    errors = json.loads(result.stdout)["errors"]
    assert result.exit_code == 1
    assert len(errors) == 2
    assert "TRIAGE_IMAP_HOST" in errors[0]
    assert "TRIAGE_SMTP_HOST" in errors[1]


def test_a_missing_folder_is_named(invoke: Invoke, accounts: dict[str, str], environment: dict[str, str]) -> None:
    rules = Path(environment["TRIAGE_RULES"])
    rules.write_text(rules.read_text(encoding="utf-8").replace("folder: INBOX", "folder: Nulla"), encoding="utf-8")
    result = invoke("check", "--connect", "--json", "--wait", "0", settings=accounts)
    (error,) = json.loads(result.stdout)["errors"]
    assert result.exit_code == 2
    assert "generale" in error


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "TRIAGE_CLAMD is not set: mail is forwarded without a look for malware, and no attachment is repeated"),
        ("antivirus.example.org:3310", "TRIAGE_CLAMD names another machine: whole messages go there unencrypted"),
    ],
)
def test_a_scanner_that_is_absent_or_far_away_is_warned_of(invoke: Invoke, value: str, said: str) -> None:
    result = invoke("check", "--json", settings={**ACCOUNTS, "TRIAGE_CLAMD": value})
    assert (result.exit_code, [text for text in json.loads(result.stdout)["warnings"] if said in text] != []) == (
        0,
        True,
    )


@pytest.mark.parametrize("value", ["/run/clamav/clamd.ctl", "127.0.0.1:3310", "[::1]:3310", "localhost:3310"])
def test_a_scanner_of_this_machine_is_not_warned_of(invoke: Invoke, value: str) -> None:
    result = invoke("check", "--json", settings={**ACCOUNTS, "TRIAGE_CLAMD": value})
    assert "CLAMD" not in result.stdout


def test_connecting_asks_the_scanner_for_its_version(
    invoke: Invoke, accounts: dict[str, str], clamd: Clamd, tmp_path: Path
) -> None:
    asked = ("check", "--connect", "--json", "--wait", "0")
    result = invoke(*asked, settings={**accounts, "TRIAGE_CLAMD": clamd.path})
    assert result.exit_code == 0
    assert any(note.startswith("scanner: ClamAV ") for note in json.loads(result.stdout)["notes"])
    result = invoke(*asked, settings={**accounts, "TRIAGE_CLAMD": str(tmp_path / "none")})
    (error,) = json.loads(result.stdout)["errors"]
    assert result.exit_code == 1
    assert error.startswith("scanner: clamd does not answer (unreachable). Check that it runs, and TRIAGE_CLAMD.")


@pytest.mark.parametrize(
    ("to", "url", "warned"),
    [("capo@oncall.example", "", True), ("capo@oncall.example", "https://posta.example.org", False), ("", "", False)],
)
def test_a_daily_digest_without_a_way_to_the_page_is_warned_of(
    invoke: Invoke, environment: dict[str, str], to: str, url: str, warned: bool
) -> None:
    if to:
        rules = Path(environment["TRIAGE_RULES"])
        text = rules.read_text(encoding="utf-8")
        rules.write_text(f"{text}\ndaily_digest: {{to: {to}}}\n", encoding="utf-8")
    result = invoke("check", "--json", settings={**ACCOUNTS, "TRIAGE_WEB_URL": url})
    assert result.exit_code == 0
    assert ("the mail of daily_digest" in result.stdout) is warned
