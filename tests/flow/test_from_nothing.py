"""From nothing to a running service, through its loss, to a person who wants to be forgotten: as it is typed.

The path of decision 0027 and of the README, on Dovecot and PostgreSQL, with a locked record.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from tests.commands.conftest import Invoke, environment, invoke
from tests.commands.test_init import _shell as shell
from tests.proof import prove_return_path
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.smtp_sink import SmtpSink
from triage.basis import open_store, settings_from
from triage.demo.load import demo_messages
from triage.record.tables import samples

__all__ = ["environment", "invoke"]

CREMA = "orientagiovani@comune.crema.cr.it"
FIRST, SECOND, THIRD = "01-crema-biscotti.eml", "21-oglio_po-nonni.eml", "25-alto_mantovano-volta.eml"


@pytest.mark.slow
def test_a_newcomer_goes_the_whole_way(
    invoke: Invoke,
    dovecot: Dovecot,
    mailbox_user: MailboxUser,
    smtp_sink: SmtpSink,
    bare_postgres_url: str,
    tmp_path: Path,
) -> None:
    letters = {name: octets for name, octets, _ in demo_messages(datetime.now(UTC))}
    answers = {
        "service_address": "pijss.retifamiglia@ats-valpadana.it",
        "imap_host": dovecot.host,
        "imap_port": str(dovecot.port),
        "imap_tls": "plain",
        "imap_user": mailbox_user.name,
        "imap_password": mailbox_user.password,
        "smtp_host": smtp_sink.host,
        "smtp_port": str(smtp_sink.port),
        "smtp_tls": "plain",
        "smtp_login": "none",
        "database_url": bare_postgres_url,
    }
    (tmp_path / "answers.yaml").write_text(yaml.safe_dump(answers), encoding="utf-8")
    service = tmp_path / "ats"
    begun = invoke("init", service, "--answers", tmp_path / "answers.yaml")
    assert (begun.exit_code, begun.stderr) == (0, "")
    settings = shell(service / "triage.env")
    assert invoke("check", settings=settings).exit_code == 0

    def type_(*words: str | Path, code: int = 0) -> str:
        result = invoke(*words, settings=settings)
        assert result.exit_code == code, (words, result.stdout, result.stderr)
        return result.stdout

    def deliver(name: str) -> None:
        dovecot.deliver(mailbox_user.name, letters[name], when=datetime.now(UTC))

    # Ombra: everything is read and decided, and nothing leaves.
    type_("worker", "--once")
    prove_return_path(settings)
    deliver(FIRST)
    type_("worker", "--once")
    assert _left(smtp_sink) == []
    assert len(type_("held").splitlines()) >= 1
    assert "automatico" in type_("ready", "crema")

    # Automatico, by the administrator's own word; what was held is sent on its way.
    _change(service / "routing_rules.yaml", _automatico)
    type_("retry", "1")
    deliver(SECOND)
    type_("worker", "--once")
    forwarded = _left(smtp_sink)
    assert CREMA in forwarded
    assert json.loads(type_("ledger", "--json"))["closes"]

    # A copy; then more is sent; then the machine is gone.
    copy = tmp_path / "copy.backup"
    type_("backup", "--to", copy)
    assert type_("backup", "--verify", copy)
    deliver(THIRD)
    type_("worker", "--once")
    sent = _left(smtp_sink)
    assert len(sent) > len(forwarded)

    settings["TRIAGE_DATABASE_URL"] = f"sqlite:///{tmp_path / 'after.db'}"
    settings.pop("TRIAGE_DATABASE_URL_FILE", None)
    type_("restore", copy)
    type_("worker", "--once", code=1)  # the marker: another instance had this mailbox
    type_("worker", "--once", "--take-over")
    assert _left(smtp_sink) == sent, "nothing leaves twice, nothing leaves by itself"
    type_("restore", "--done")
    assert json.loads(type_("ledger", "--json"))["closes"]
    assert json.loads(type_("key", "status", "--json"))["locked"]

    # A person asks for a copy of their data, and then to be forgotten.
    writer = _author(letters[FIRST])
    type_("export", writer, "--to", tmp_path / "anna.zip", "--reference", "RPD-1")
    assert {"dati.json", "leggimi.txt"} <= {
        name.rpartition("/")[2] for name in zipfile.ZipFile(tmp_path / "anna.zip").namelist()
    }
    assert "drawn for the blind check" in type_("erase", writer, "--reference", "RPD-2", "--yes", code=1)
    _judge(settings)
    type_("erase", writer, "--reference", "RPD-2", "--yes")
    assert (
        invoke("export", writer, "--to", tmp_path / "again.zip", "--reference", "RPD-3", settings=settings).exit_code
        == 1
    )
    assert json.loads(type_("ledger", "--json"))["closes"]


def _left(sink: SmtpSink) -> list[str]:
    """To whom something left, in order."""
    return [path for message in sink.messages for path in message.forward_paths]


def _judge(settings: Mapping[str, str]) -> None:
    """As a person does on the page of blind checks."""
    store = open_store(settings_from(settings))
    with store.write("judge") as tx:
        tx.execute(sa.update(samples).values(labelled_at=tx.now, right=True))
    store.close()


def _change(path: Path, how: Callable[[str], str]) -> None:
    path.write_text(how(path.read_text(encoding="utf-8")), encoding="utf-8")


def _automatico(text: str) -> str:
    """What the administrator writes once addresses and areas are confirmed; sure enough whatever model is shipped."""
    for here, wanted in {
        "mode: ombra": "mode: automatico",
        "confirmed: false": "confirmed: true",
        "min_confidence: 0.95": "min_confidence: 0.50",
        "max_wrong: 0.02": "max_wrong: 0.50",
    }.items():
        assert here in text, here
        text = text.replace(here, wanted)
    return text


def _author(octets: bytes) -> str:
    line = next(line for line in octets.splitlines() if line.lower().startswith(b"from:"))
    return line.decode().rpartition("<")[2].rstrip(">").strip() if b"<" in line else line.decode()[5:].strip()
