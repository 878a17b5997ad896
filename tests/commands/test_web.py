"""The page by itself, and beside the worker: it says where it is, and ends when it is told to."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.commands.conftest import Invoke, Start
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.smtp_sink import SmtpSink
from triage.basis import open_store, settings_from
from triage.commands.web import _desk
from triage.dispatch.text_files import shipped_texts
from triage.knowledge import Knowledge
from triage.listening import Listening, read_listening
from triage.reading import ParsedMessages
from triage.settings import SettingsError, without_accounts


def address_of(process: subprocess.Popen[str]) -> str:
    """Where the page says it is."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if found := re.match(r"Staff page: (http://\S+)", line):
            return found[1]
    raise AssertionError("".join(seen))


@pytest.fixture
def busy() -> Iterator[int]:
    """A port that another program has."""
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_the_page_alone_serves_until_it_is_told_to_end(start: Start, invoke: Invoke, tmp_path: Path) -> None:
    process = start("web", "--port", "0")
    address = address_of(process)
    assert process.stderr is not None
    assert "Nobody can sign in yet" in process.stderr.readline()
    page = httpx.get(f"{address}/accedi", trust_env=False)
    assert (page.status_code, "<h1>Accedi</h1>" in page.text) == (200, True)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_a_port_that_is_taken_is_told_with_the_remedy(invoke: Invoke, busy: int) -> None:
    done = invoke("web", "--port", str(busy))
    assert (done.exit_code, "EADDRINUSE" in done.output, "TRIAGE_WEB_PORT" in done.output) == (2, True, True)


def test_run_serves_the_page_and_ends_it_with_the_worker(
    start: Start, dovecot: Dovecot, mailbox_user: MailboxUser, smtp_sink: SmtpSink
) -> None:
    accounts = {
        "TRIAGE_IMAP_HOST": "127.0.0.1",
        "TRIAGE_IMAP_PORT": str(dovecot.port),
        "TRIAGE_IMAP_TLS": "plain",
        "TRIAGE_IMAP_USER": mailbox_user.name,
        "TRIAGE_IMAP_PASSWORD": mailbox_user.password,
        "TRIAGE_SMTP_HOST": "127.0.0.1",
        "TRIAGE_SMTP_PORT": str(smtp_sink.port),
        "TRIAGE_SMTP_TLS": "plain",
        "TRIAGE_SMTP_LOGIN": "none",
    }
    process = start("run", settings={**accounts, "TRIAGE_WEB_PORT": "0"})
    address = address_of(process)
    assert httpx.get(f"{address}/accedi", trust_env=False).status_code == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/accedi", trust_env=False)


def test_a_chosen_port_that_is_taken_stops_the_start(invoke: Invoke, busy: int) -> None:
    accounts = dict.fromkeys(("TRIAGE_IMAP_HOST", "TRIAGE_IMAP_USER", "TRIAGE_IMAP_PASSWORD"), "-")
    accounts |= {name.replace("IMAP", "SMTP"): "-" for name in accounts}
    done = invoke("run", settings={**accounts, "TRIAGE_WEB_PORT": str(busy)})
    assert (done.exit_code, "EADDRINUSE" in done.output) == (2, True)


# --------------------------------------------------------------------------- where it listens


def test_the_page_is_for_this_machine_unless_told_otherwise() -> None:
    assert read_listening({}) == Listening("127.0.0.1", 8080, "", chosen=False)
    assert read_listening({"TRIAGE_WEB_PORT": "off"}) is None
    assert read_listening({"TRIAGE_WEB_PORT": "off"}, port=9000) == Listening("127.0.0.1", 9000, "")


def test_behind_a_proxy_the_page_answers_to_its_public_name_as_well() -> None:
    found = read_listening({"TRIAGE_WEB_HOST": "192.0.2.7", "TRIAGE_WEB_URL": "https://posta.example.org/"})
    assert found is not None
    assert (found.url, found.secure, "posta.example.org" in found.names) == ("https://posta.example.org", True, True)


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"TRIAGE_WEB_PORT": "porta"}, "TRIAGE_WEB_PORT must be a number"),
        ({"TRIAGE_WEB_PORT": "70000"}, "TRIAGE_WEB_PORT must be a number"),
        ({"TRIAGE_WEB_HOST": "0.0.0.0"}, "TRIAGE_WEB_URL is not set"),
        ({"TRIAGE_WEB_URL": "http://posta.example.org"}, "in clear"),
        ({"TRIAGE_WEB_URL": "posta.example.org"}, "must be an address"),
        ({"TRIAGE_WEB_URL": "https://posta.example.org/pagina"}, "without a path"),
    ],
)
def test_what_would_be_unsafe_or_unclear_is_refused(environment: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        read_listening(environment)


def test_the_page_by_itself_asks_the_scanner_as_the_one_beside_the_worker_does(tmp_path: Path) -> None:
    environment = {"TRIAGE_STATE_DIR": str(tmp_path), "TRIAGE_CLAMD": "/run/clamav/nobody.ctl"}
    settings = settings_from(without_accounts(environment))
    store = open_store(settings)
    listening = read_listening({})
    assert listening is not None
    knowledge = Knowledge(store, settings.rules_path, settings.model_path)
    desk = _desk(store, knowledge, settings, shipped_texts(), ParsedMessages(), listening)
    assert desk.scan is not None
    store.close()
