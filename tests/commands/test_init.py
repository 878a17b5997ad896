"""``triage init``: the first settings, typed by a newcomer or read from a file of answers."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.commands.conftest import ROOT, Invoke
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.process import free_ports
from tests.servers.smtp_sink import SmtpSink
from triage.knowledge import known_places
from triage.rules import load_rules
from triage.settings import load_settings
from triage.vocabulary import Mode

ANSWERS = {
    "service_address": "famiglie@ats.example",
    "service_phone": "0376 000000",
    "on_call": "reperibile@ats.example",
    "alarms": "sistemi@ats.example",
    "imap_host": "imap.ats.example",
    "imap_password": "parola d'ordine $HOME",
    "smtp_host": "smtp.ats.example",
    "smtp_password": "altra",
    "address_crema_default": "centro@crema.example",
}


def _file(folder: Path, answers: Mapping[str, str] = ANSWERS) -> Path:
    path = folder / "answers.yaml"
    path.write_text(yaml.safe_dump(dict(answers), allow_unicode=True), encoding="utf-8")
    return path


def _shell(settings: Path) -> dict[str, str]:
    """The settings as a shell reads them."""
    done = subprocess.run(
        ["sh", "-c", f"set -a; . '{settings}'; env"], capture_output=True, text=True, check=True, env={}
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if line.startswith("TRIAGE_"))


@pytest.fixture
def made(invoke: Invoke, tmp_path: Path) -> Path:
    result = invoke("init", tmp_path / "ats", "--answers", _file(tmp_path))
    assert (result.exit_code, result.stderr) == (0, "")
    return tmp_path / "ats"


def test_the_settings_name_the_secrets_and_hold_none(made: Path) -> None:
    environment = _shell(made / "triage.env")
    settings = load_settings(environment, "test", ["generale"])
    account = settings.imap("generale")
    assert (account.host, account.port, account.user) == ("imap.ats.example", 993, "famiglie@ats.example")
    assert (account.secret, settings.submission.account.secret) == ("parola d'ordine $HOME", "altra")
    assert settings.state_dir == made / "var"
    assert "parola" not in (made / "triage.env").read_text(encoding="utf-8")
    secrets = sorted((made / "secrets").iterdir())
    assert [(path.name, stat.S_IMODE(path.stat().st_mode)) for path in secrets] == [
        ("imap_password", 0o600),
        ("record_key", 0o600),
        ("smtp_password", 0o600),
    ]
    assert len(settings.keys) == 1


def test_a_record_may_be_left_in_clear(invoke: Invoke, tmp_path: Path) -> None:
    answers = _file(tmp_path, {**ANSWERS, "lock_record": "no"})
    assert "Keep a copy" not in invoke("init", tmp_path / "ats", "--answers", answers).stdout
    assert load_settings(_shell(tmp_path / "ats" / "triage.env"), "test").keys == ()
    assert not (tmp_path / "ats" / "secrets" / "record_key").exists()


def test_the_rules_are_the_shipped_ones_with_the_answers_and_all_remarks(made: Path) -> None:
    text = (made / "routing_rules.yaml").read_text(encoding="utf-8")
    rules = load_rules(made / "routing_rules.yaml", known_places())
    shipped = (ROOT / "routing_rules.yaml").read_text(encoding="utf-8")
    assert rules.service.address == "famiglie@ats.example"
    assert rules.service.own_addresses == ("famiglie@ats.example",)
    assert rules.service.phone == "0376 000000"
    assert (rules.urgent.on_call, rules.alarms) == (("reperibile@ats.example",), ("sistemi@ats.example",))
    assert rules.mailboxes["generale"].address == "famiglie@ats.example"
    assert rules.projects["crema"].addresses["default"].to == "centro@crema.example"
    assert rules.projects["crema"].contact == "centro@crema.example", "families are told the address that is used"
    assert rules.projects["oglio_po"].contact == "info@consociale.it"
    assert rules.projects["oglio_po"].addresses["piano"].to == "ufficiodipiano@concast.it"
    assert {project.mode for project in rules.projects.values()} == {Mode.SHADOW}
    assert not any(address.confirmed for project in rules.projects.values() for address in project.addresses.values())
    remarks = [line for line in shipped.splitlines() if line.lstrip().startswith("#")]
    gone = [line for line in remarks if line not in text.splitlines()]
    assert [line.split(":")[0].strip() for line in gone] == ["# phone", "# on_call", "# alarms"]


def test_a_file_that_says_pec_already_says_it_once(invoke: Invoke, tmp_path: Path) -> None:
    given = tmp_path / "given.yaml"
    shipped = (ROOT / "routing_rules.yaml").read_text(encoding="utf-8")
    given.write_text(shipped.replace("    role: inbox\n", "    role: inbox\n    pec: false\n", 1), encoding="utf-8")
    answers = _file(tmp_path, {**ANSWERS, "mailboxes": "generale", "mailbox_generale_pec": "yes"})
    assert invoke("init", tmp_path / "ats", "--answers", answers, "--from", given).exit_code == 0
    text = (tmp_path / "ats" / "routing_rules.yaml").read_text(encoding="utf-8")
    assert text.count("    pec: ") == 1
    assert load_rules(tmp_path / "ats" / "routing_rules.yaml", known_places()).mailboxes["generale"].pec


def test_several_mailboxes_each_get_their_section_and_their_account(invoke: Invoke, tmp_path: Path) -> None:
    answers = {
        **ANSWERS,
        "mailboxes": "generale, pec",
        "mailbox_pec_address": "famiglie@pec.ats.example",
        "mailbox_pec_pec": "sì",
        "mailbox_pec_user": "pec-user",
        "mailbox_pec_password": "terza",
    }
    assert invoke("init", tmp_path / "ats", "--answers", _file(tmp_path, answers)).exit_code == 0
    boxes = load_rules(tmp_path / "ats" / "routing_rules.yaml", known_places()).mailboxes
    assert [(box.name, box.address, box.folder, box.pec) for box in boxes.values()] == [
        ("generale", "famiglie@ats.example", "INBOX", False),
        ("pec", "famiglie@pec.ats.example", "INBOX", True),
    ]
    settings = load_settings(_shell(tmp_path / "ats" / "triage.env"), "test", tuple(boxes))
    assert (settings.imap("pec").user, settings.imap("pec").secret) == ("pec-user", "terza")
    assert settings.imap("generale").user == "famiglie@ats.example"


def test_what_is_there_is_not_overwritten_and_the_difference_is_shown(
    invoke: Invoke, made: Path, tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
    same = invoke("init", made, "--answers", _file(tmp_path))
    assert same.exit_code == 0
    changed = _file(tmp_path, {**ANSWERS, "imap_host": "posta.ats.example", "imap_password": "nuova"})
    refused = invoke("init", made, "--answers", changed)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "-TRIAGE_IMAP_HOST=imap.ats.example\n+TRIAGE_IMAP_HOST=posta.ats.example\n" in refused.stderr
    assert "imap_password: it holds something else." in refused.stderr
    assert "nuova" not in refused.stderr
    assert "--force" in refused.stderr
    assert {path: path.read_bytes() for path in made.rglob("*") if path.is_file()} == before
    assert invoke("init", made, "--answers", changed, "--force").exit_code == 0
    assert _shell(made / "triage.env")["TRIAGE_IMAP_HOST"] == "posta.ats.example"
    assert (made / "triage.env.before").read_bytes() == before[made / "triage.env"]
    assert (made / "secrets" / "imap_password").read_text() == "nuova\n"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("service_address", "famiglie", "cannot be used as an address"),
        ("imap_port", "99999", "TRIAGE_IMAP_PORT must be a number from 1 to 65535"),
        ("imap_tls", "ssl", "Write one of: tls, starttls, plain."),
        ("address_crema_default", "centro@mantova", "cannot be used as an address"),
        ("address_crema_default", "centrofamiglie@aspdestrasecchia.it", "Remedy: "),
        ("mailboxes", "Posta Generale", "Use lower-case letters"),
        ("mailbox_generale_pec", "forse", "Write yes or no."),
        ("web_url", "http://pagina.ats.example", "passwords would cross the network in clear"),
        ("database_url", "mysql://localhost/x", "TRIAGE_DATABASE_URL must be"),
        ("imap_host", "", "Something must be said here."),
        ("imap_hots", "imap.ats.example", "No question is called imap_hots."),
    ],
)
def test_an_answer_that_will_not_do_is_refused_with_its_key_and_nothing_is_written(
    invoke: Invoke, tmp_path: Path, key: str, value: str, said: str
) -> None:
    result = invoke("init", tmp_path / "ats", "--answers", _file(tmp_path, {**ANSWERS, key: value}))
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert key in result.stderr
    assert not (tmp_path / "ats").exists()


def test_a_person_types_and_a_wrong_answer_is_asked_again(invoke: Invoke, tmp_path: Path) -> None:
    typed = [
        *("famiglie", "famiglie@ats.example", "", "", "", ""),  # address twice, phone, accessibility, on call, alarms
        *("generale", "", "", "no", ""),  # mailboxes, address, folder, pec, own addresses
        *("", "imap.ats.example", "", "", "", "", "", "segreta"),  # state folder, imap
        *("smtp.ats.example", "", "", "", "none"),  # smtp
        *[""] * 6,  # six addresses of projects
        *[""] * 7,  # database, key, port, url, clamd, second account, webhook
    ]
    result = invoke("init", tmp_path / "ats", stdin=("\n".join(typed) + "\n").encode())
    assert result.exit_code == 0, result.output
    assert "cannot be used as an address" in result.stderr
    assert "segreta" not in result.output
    assert (
        load_settings(_shell(tmp_path / "ats" / "triage.env"), "t", ["generale"]).imap("generale").secret == "segreta"
    )


def test_the_end_says_what_must_be_true_before_automatico(invoke: Invoke, tmp_path: Path) -> None:
    shown = invoke("init", tmp_path / "ats", "--answers", _file(tmp_path)).stdout
    assert "triage check --connect" in shown
    assert "crema: somebody there must answer a test mail (triage confirm ADDRESS): centro@crema.example" in shown
    assert "crema: 46 comuni are only likely to be theirs" in shown
    assert "at most 2.0% would be wrong" in shown


def test_the_list_of_questions_is_itself_a_file_of_answers(invoke: Invoke, tmp_path: Path) -> None:
    listed = invoke("init", "--questions").stdout
    keys = set(yaml.safe_load(listed))
    assert {"service_address", "mailboxes", "imap_tls", "smtp_login", "address_crema_default", "web_port"} <= keys
    assert "# imap_password_file: " in listed
    assert "# imap_oauth_client_id:" in listed
    path = tmp_path / "answers.yaml"
    secret = tmp_path / "secret"
    secret.write_text("parola\n", encoding="utf-8")
    needed = {"imap_host": "imap.ats.example", "smtp_host": "smtp.ats.example"}
    lines = [f"{key}: {value}" for key, value in needed.items()]
    lines += [f"{kind}_password_file: {secret}" for kind in ("imap", "smtp")]
    path.write_text(listed + "\n".join(lines) + "\n", encoding="utf-8")
    assert invoke("init", tmp_path / "ats", "--answers", path).exit_code == 0
    assert (tmp_path / "ats" / "secrets" / "imap_password").read_text(encoding="utf-8") == "parola\n"


def test_with_connect_each_server_is_tried_before_anything_is_written(
    invoke: Invoke, tmp_path: Path, dovecot: Dovecot, mailbox_user: MailboxUser, smtp_sink: SmtpSink
) -> None:
    answers = {
        **{key: value for key, value in ANSWERS.items() if key != "smtp_password"},
        "imap_host": dovecot.host,
        "imap_port": str(dovecot.port),
        "imap_tls": "plain",
        "imap_user": mailbox_user.name,
        "imap_password": mailbox_user.password,
        "smtp_host": smtp_sink.host,
        "smtp_port": str(smtp_sink.port),
        "smtp_tls": "plain",
        "smtp_login": "none",
    }
    result = invoke("init", tmp_path / "ats", "--connect", "--answers", _file(tmp_path, answers))
    assert result.exit_code == 0, result.output
    assert "ok: mailbox generale: 0 messages" in result.stdout
    assert "ok: submission: logged in" in result.stdout
    assert smtp_sink.messages == ()
    wrong = _file(tmp_path, {**answers, "imap_password": "sbagliata"})
    refused = invoke("init", tmp_path / "altra", "--connect", "--answers", wrong)
    assert refused.exit_code == 2
    assert "ERROR: mailbox generale: " in refused.stderr
    assert not (tmp_path / "altra").exists()
    (port,) = free_ports(1)
    away = invoke(
        "init", tmp_path / "altra", "--connect", "--answers", _file(tmp_path, {**answers, "smtp_port": str(port)})
    )
    assert (away.exit_code, (tmp_path / "altra").exists()) == (1, False)


def test_a_server_of_a_private_authority_is_reached_once_its_certificate_is_named(
    invoke: Invoke, tmp_path: Path, dovecot: Dovecot, mailbox_user: MailboxUser, smtp_sink: SmtpSink
) -> None:
    answers = {
        **{key: value for key, value in ANSWERS.items() if key != "smtp_password"},
        "imap_host": dovecot.host,
        "imap_port": str(dovecot.tls_port),
        "imap_user": mailbox_user.name,
        "imap_password": mailbox_user.password,
        "smtp_host": smtp_sink.host,
        "smtp_port": str(smtp_sink.port),
        "smtp_tls": "plain",
        "smtp_login": "none",
    }
    unknown = invoke("init", tmp_path / "ats", "--connect", "--answers", _file(tmp_path, answers))
    assert "CERTIFICATE_VERIFY_FAILED" in unknown.stderr
    assert not (tmp_path / "ats").exists()
    named = {**answers, "imap_authority": str(dovecot.authority.ca_path)}
    known = invoke("init", tmp_path / "ats", "--connect", "--answers", _file(tmp_path, named))
    assert known.exit_code == 0, known.output
    assert _shell(tmp_path / "ats" / "triage.env")["TRIAGE_IMAP_CA_FILE"] == named["imap_authority"]
