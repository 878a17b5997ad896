"""``triage worker`` and ``run`` as processes, against a real mailbox server: an operator's story."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.commands.conftest import ROOT, Invoke, Start
from tests.proof import prove_return_path
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail
from tests.servers.process import free_ports
from tests.servers.smtp_sink import SmtpSink
from triage.commands.run import progress_on

CREMA = "orientagiovani@comune.crema.cr.it"
DOUBTS = "min_confidence: 0.90"
PROMISE = "max_wrong: 0.20"


def _sure(text: str) -> str:
    """The same rules where nearly every guess is sure enough, whatever model is shipped today."""
    assert DOUBTS in text
    assert PROMISE in text
    return text.replace(DOUBTS, "min_confidence: 0.50").replace(PROMISE, "max_wrong: 0.50")


@pytest.fixture
def accounts(
    environment: dict[str, str], dovecot: Dovecot, mailbox_user: MailboxUser, smtp_sink: SmtpSink
) -> dict[str, str]:
    """Both accounts in the environment of every command; any guess of a project is sure enough."""
    rules = Path(environment["TRIAGE_RULES"])
    text = rules.read_text(encoding="utf-8")
    assert DOUBTS in text
    rules.write_text(_sure(text), encoding="utf-8")
    environment |= {
        "TRIAGE_IMAP_HOST": dovecot.host,
        "TRIAGE_IMAP_PORT": str(dovecot.port),
        "TRIAGE_IMAP_TLS": "plain",
        "TRIAGE_IMAP_USER": mailbox_user.name,
        "TRIAGE_IMAP_PASSWORD": mailbox_user.password,
        "TRIAGE_SMTP_HOST": smtp_sink.host,
        "TRIAGE_SMTP_PORT": str(smtp_sink.port),
        "TRIAGE_SMTP_TLS": "plain",
        "TRIAGE_SMTP_LOGIN": "none",
    }
    return environment


@pytest.fixture
def work(invoke: Invoke, accounts: dict[str, str]) -> Callable[..., tuple[int, str]]:
    """Run ``triage worker --once`` with both accounts; its exit code and what it said."""

    def run(*arguments: str) -> tuple[int, str]:
        result = invoke("worker", "--once", *arguments, settings=accounts)
        return result.exit_code, result.output

    return run


def request(number: int) -> bytes:
    """A family of Crema asks for something; each letter is another."""
    asked = "abito a Crema e vorrei iscrivere mia figlia di otto anni al laboratorio di ceramica. Grazie."
    body = f"Buongiorno,\n{asked}\nRichiesta {number}.\n"
    return make_mail(body, subject=f"Orari {number}", return_path="anna.esempio@example.org")


def test_an_administrator_starts_stops_mends_and_retries(
    work: Callable[..., tuple[int, str]],
    invoke: Invoke,
    accounts: dict[str, str],
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    smtp_sink: SmtpSink,
) -> None:
    def counts() -> dict[str, int]:
        result = invoke("ledger", "--json")
        assert result.exit_code == 0, result.output
        found: dict[str, int] = json.loads(result.stdout)["counts"]
        return found

    def forwards() -> int:
        return sum(message.forward_paths == (CREMA,) for message in smtp_sink.messages)

    # What lies there at the first start is recorded and left alone.
    dovecot.deliver(mailbox_user.name, request(1))
    assert work()[0] == 0
    assert (counts()["baseline"], forwards()) == (1, 0)

    # New mail waits while everything is stopped, and leaves after the start.
    assert invoke("stop").exit_code == 0
    dovecot.deliver(mailbox_user.name, request(2))
    assert work()[0] == 0
    assert (counts()["in_progress"], len(smtp_sink.messages)) == (1, 0)
    assert invoke("start").exit_code == 0
    assert work()[0] == 0
    assert (counts()["filed"], forwards()) == (1, 1)
    assert len(dovecot.uids(mailbox_user.name)) == 1

    # A project in ombra: held; after the rule is changed, `retry` sends it.
    rules = Path(accounts["TRIAGE_RULES"])
    text = rules.read_text(encoding="utf-8")
    rules.write_text(text.replace("mode: automatico", "mode: ombra"), encoding="utf-8")
    dovecot.deliver(mailbox_user.name, request(3))
    assert work()[0] == 0
    (waiting,) = [json.loads(line) for line in invoke("held", "--json").stdout.splitlines()]
    assert (waiting["reason"], waiting["guess"], forwards()) == ("modo_ombra", "crema", 1)
    rules.write_text(text, encoding="utf-8")
    assert invoke("retry", waiting["id"]).exit_code == 0
    # The file is what it was before: a start alone would not bring back what has been replaced.
    assert work("--adopt-files")[0] == 0
    assert forwards() == 2

    # What was there before is let in when somebody asks for it.
    assert work("--backlog", "2020-01-01")[0] == 0
    assert (counts()["baseline"], forwards()) == (0, 3)
    assert dovecot.uids(mailbox_user.name) == ()


def test_a_second_copy_of_the_service_is_refused_until_it_is_told_to_take_over(
    work: Callable[..., tuple[int, str]], accounts: dict[str, str], tmp_path: Path
) -> None:
    assert work()[0] == 0
    accounts["TRIAGE_STATE_DIR"] = str(tmp_path / "copy")
    code, said = work()
    assert code == 1
    assert "another instance" in said
    assert "--take-over" in said
    assert work("--take-over")[0] == 0
    assert work()[0] == 0


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("TRIAGE_IMAP_PASSWORD", "sbagliata", "refused the login"),
        ("TRIAGE_IMAP_PORT", "", "cannot be reached"),
        ("TRIAGE_IMAP_HOST", "nowhere.invalid", "cannot be reached"),
    ],
)
def test_a_mailbox_that_cannot_be_read_is_one_clear_message(
    work: Callable[..., tuple[int, str]], invoke: Invoke, accounts: dict[str, str], setting: str, value: str, said: str
) -> None:
    accounts[setting] = value or str(free_ports(1)[0])
    code, output = work()
    assert code == 1
    assert sum(said in line for line in output.splitlines()) == 1
    assert "sbagliata" not in output
    ledger = json.loads(invoke("ledger", "--json").stdout)
    assert [incident["kind"] for incident in ledger["incidents"]] != []


@pytest.mark.parametrize("command", [("worker", "--once"), ("run",)])
def test_settings_that_are_missing_end_with_2_before_anything_is_read(invoke: Invoke, command: tuple[str]) -> None:
    result = invoke(*command)
    assert result.exit_code == 2
    assert "TRIAGE_SMTP_HOST is not set" in result.stderr


def test_a_date_that_is_none_is_refused(work: Callable[..., tuple[int, str]]) -> None:
    assert work("--backlog", "0001-01-01")[0] == 2
    code, said = work("--backlog", "ieri")
    assert code == 2
    assert "--backlog" in said


def test_rules_with_a_mistake_do_not_start_a_new_service(
    work: Callable[..., tuple[int, str]], accounts: dict[str, str]
) -> None:
    rules = Path(accounts["TRIAGE_RULES"])
    lines = rules.read_text(encoding="utf-8").count("\n")
    rules.write_text(rules.read_text(encoding="utf-8") + "nonsense: true\n", encoding="utf-8")
    code, said = work()
    assert code == 2
    assert f"{rules}:{lines + 1}:" in said
    assert "nonsense" in said


def test_rules_with_a_mistake_leave_the_last_good_ones_at_work_and_are_told(
    work: Callable[..., tuple[int, str]],
    invoke: Invoke,
    accounts: dict[str, str],
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    smtp_sink: SmtpSink,
) -> None:
    assert work()[0] == 0
    prove_return_path(accounts)
    rules = Path(accounts["TRIAGE_RULES"])
    good = rules.read_text(encoding="utf-8")
    rules.write_text(good + "nonsense: true\n", encoding="utf-8")
    dovecot.deliver(mailbox_user.name, request(1))
    code, said = work()
    assert (code, len(smtp_sink.messages)) == (0, 2)
    assert "nonsense" in said
    assert "OPEN since" in invoke("ledger").stdout
    rules.write_text(good, encoding="utf-8")
    assert work()[0] == 0
    assert "OPEN since" not in invoke("ledger").stdout


def test_run_forwards_and_ends_cleanly_when_it_is_told_to(
    start: Start,
    invoke: Invoke,
    accounts: dict[str, str],
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    smtp_sink: SmtpSink,
) -> None:
    process = start("run", settings=accounts)
    assert process.stderr is not None
    assert any("action=mailbox_connected" in line for line in process.stderr)
    time.sleep(0.5)  # the baseline is taken right after the connection
    dovecot.deliver(mailbox_user.name, request(1))
    smtp_sink.wait_for(1, timeout=20)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert "action=worker_stopped" in said
    assert invoke("ledger").exit_code == 0


class Terminal(io.StringIO):
    """Somebody looks."""

    def isatty(self) -> bool:
        return True


def test_progress_is_counted_on_a_terminal_and_nowhere_else() -> None:
    assert progress_on(io.StringIO()) is None
    terminal = Terminal()
    tell = progress_on(terminal)
    assert tell is not None
    for what, count in (("read or filed", 3), ("decided", 2), ("read or filed", 1)):
        tell(what, count)
    assert terminal.getvalue().rpartition("\r")[2] == "4 read or filed, 2 decided "


def test_the_ledger_asks_the_servers_for_their_own_lists(
    work: Callable[..., tuple[int, str]],
    invoke: Invoke,
    accounts: dict[str, str],
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
) -> None:
    assert work()[0] == 0
    assert "the record agrees" in invoke("ledger", "--server").stdout
    yesterday = datetime.now(UTC) - timedelta(days=1)
    uid = dovecot.deliver(mailbox_user.name, request(1), when=yesterday)
    result = invoke("ledger", "--server")
    assert result.exit_code == 1
    assert "1 of them NOT on record" in result.stdout
    assert "The ledger closes." in result.stdout, "the record is whole, it only does not know"
    told = json.loads(invoke("ledger", "--server", "--json").stdout)
    (server,) = told["servers"]
    assert (server["unknown"], server["agrees"], server["trouble"]) == ([uid], False, "")
    assert [incident["kind"] for incident in told["incidents"]] == ["unlisted"]
    assert "servers" not in json.loads(invoke("ledger", "--json").stdout)

    assert work()[0] == 0
    result = invoke("ledger", "--server")
    assert (result.exit_code, "the record agrees" in result.stdout, "OPEN since" in result.stdout) == (0, True, False)
    away = invoke("ledger", "--server", settings={"TRIAGE_IMAP_PORT": "1"})
    assert (away.exit_code, "cannot be reached" in away.stdout) == (1, True)


def test_monitors_and_systemd_are_told_how_the_service_is(
    start: Start, invoke: Invoke, accounts: dict[str, str], tmp_path: Path
) -> None:
    nobody = invoke("check", "--health")
    assert (nobody.exit_code, "There is no record" in nobody.stderr) == (2, True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        supervised = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000000"}
        process = start("worker", settings=accounts | supervised)
        assert [manager.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
        well = invoke("check", "--health")
        assert (well.exit_code, well.stdout) == (0, "The service works.\n")
        assert json.loads(invoke("check", "--health", "--json").stdout) == {"healthy": True, "findings": []}

        assert invoke("stop").exit_code == 0
        stopped = invoke("check", "--health")
        assert (stopped.exit_code, stopped.stdout.split(":")[0]) == (1, "stopped service")
        assert invoke("start").exit_code == 0

        process.send_signal(signal.SIGTERM)
        while (said := manager.recv(100)) == b"WATCHDOG=1":
            pass
        assert said == b"STOPPING=1"
    process.communicate(timeout=30)
    assert process.returncode == 0
    ended = invoke("check", "--health", "--json")
    assert ended.exit_code == 1
    assert [finding["code"] for finding in json.loads(ended.stdout)["findings"]] == ["no_worker"]


def test_asking_how_the_service_is_loads_neither_model_nor_mail(environment: dict[str, str]) -> None:
    """A monitor asks every minute, and wants to know within a second."""
    asked = "from triage.commands import main; main(['check', '--health'], standalone_mode=False)"
    heavy = "print(sorted({'sklearn', 'numpy', 'imapclient', 'aiosmtplib', 'fastapi'} & set(sys.modules)))"
    code = f"import sys\ntry:\n    {asked}\nexcept SystemExit:\n    pass\n{heavy}"
    Path(environment["TRIAGE_STATE_DIR"]).mkdir()
    found = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, cwd=ROOT, capture_output=True, text=True
    )
    assert found.stdout.splitlines()[-1] == "[]", found.stderr
