"""Every command that a document types is run: on a record with the demo's mail, against real mail servers.

What a page only names, or writes with placeholders, is read by ``tests/test_docs.py``. Names of the documents' own (a
message 17, /srv/...) stand for ones that are there. A command must end by itself, with 0 or as EXPECTED says.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
import sqlalchemy as sa
import yaml

from tests.commands.conftest import Invoke
from tests.flow.builders import Office
from tests.servers.dovecot import Dovecot
from tests.servers.smtp_sink import SmtpSink
from tests.test_docs import COMMANDS
from triage.commands import main
from triage.demo.load import demo_messages
from triage.ids import case_code
from triage.once import run_once
from triage.record.identity import known_secret
from triage.record.tables import messages
from triage.vocabulary import MessageState

ROOT = Path(__file__).parents[2]
ELSEWHERE = {
    "run": "tests/commands/test_web.py",
    "worker": "tests/commands/test_worker.py",
    "web": "tests/commands/test_web.py",
    "demo": "tests/commands/test_demo.py",
    "demo --once": "tests/commands/test_demo.py",
    "evaluate": "tests/commands/test_evaluate.py",
    "evaluate --keep": "tests/commands/test_models.py",
    "init": "tests/commands/test_init.py",
    "check --connect": "tests/commands/test_check.py",
    "train": "tests/commands/test_train.py",
    "train --json": "tests/commands/test_train.py",
    "train --settled": "tests/commands/test_train.py",
    "train --settled --out /srv/triage/candidate": "tests/commands/test_train.py",
    "train --also /srv/triage/corrections --out /srv/triage/candidate": "tests/commands/test_train.py",
    "train --learnt var/learnt/learnt.jsonl --out /srv/triage/candidate": "tests/commands/test_learn.py",
    "erase --refit /srv/triage/candidate": "tests/commands/test_persons.py",
    "init service --connect": "tests/commands/test_init.py",
}
"""Those that run for ever, ask a person, or learn for minutes, and where they are run."""
EXPECTED = {
    'erase anna@example.org --reference "prot. 2026/8" --copies-kept 30': {1},
    'erase anna@example.org --reference "prot. 8"': {1},
    "erase anna@example.org --dry-run": {1},
    'export anna@example.org --to /srv/richieste/2026-7.zip --reference "prot. 2026/7"': {1},
    "check --health": {1},
    "check --health --json": {1},
    "status": {1},
    "ask 17": {1},
    "confirm nuovo@example.org": {1, 2},
    "cure crema": {1},
    "cure crema.piano": {1, 2},
    "models rollback": {1},
    'models rollback --why "troppi falsi allarmi"': {1},
    "restore --done": {1},
    "rules forget 3": {1},
}
"""What asks for a "yes" gets none here. What is not there (a person, a rule 3, a model of before, a backup) is told."""
NAMES = frozenset({"erase", "learn", "rehearse", "restore", "models promote"})
"""Only named in sentences: alone they do nothing."""
KEY = "/etc/triage/key"
BEFORE = {
    "key lock": [f"key new {KEY}"],
    f"key new {KEY} --add": [f"key new {KEY}"],
    "key follow": [f"key new {KEY}", "key lock", f"key new {KEY} --add"],
    "protocol number 123 2026/0012345": ["protocol add 123"],
}
"""What has to be typed first."""
CREMA = "orientagiovani@comune.crema.cr.it"
PASSWORD = b"un cavallo verde salta il fosso\n" * 2
PLACEHOLDER = re.compile(r"\b[A-Z]{3,}\b(?!=)|\[|\.\.\.|\n")


def concrete() -> Iterator[str]:
    """Each command line that can be typed as it stands, once."""
    for words in sorted({" ".join(words.split()) for _, words in COMMANDS if "\n" not in words}):
        named = PLACEHOLDER.search(words.replace("INBOX", "").replace("RPD-1", ""))
        if not named and words not in NAMES and words not in ELSEWHERE and stands_alone(words):
            yield words


def stands_alone(words: str) -> bool:
    """Whether it is more than a name in a sentence, from which what must be said was left out."""
    name, *arguments = shlex.split(words)
    command = main.commands[name]
    while isinstance(command, click.Group):
        command = command.commands[arguments.pop(0)]
    try:
        command.make_context(name, arguments, resilient_parsing=False)
    except click.UsageError as error:
        return not isinstance(error, click.MissingParameter)
    return True


@dataclass(frozen=True, slots=True)
class Prepared:
    """A folder with a record in it, and what the documents' names stand for."""

    state: Path
    held: int
    done: int
    author: str
    code: str


@pytest.fixture(scope="module")
def prepared(dovecot: Dovecot, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """The demo's inbox, once through the service."""
    folder = tmp_path_factory.mktemp("documented")
    user = dovecot.add_user("documentata@example.org")
    with SmtpSink() as sink:
        office = Office(dovecot, user, sink, folder)
        office.adopt()
        for _, octets, arrived in demo_messages(datetime.now(UTC)):
            dovecot.deliver(user.name, octets, when=arrived)
        service = office.build()
        run_once(service)
        with service.store.read("names") as tx:
            states = sa.select(messages.c.id, messages.c.state, messages.c.case_id).order_by(messages.c.id)
            rows = tx.execute(states).all()
            held = next(row for row in rows if row.state == MessageState.HELD and row.case_id is not None)
            done = next(row for row in rows if row.state == MessageState.FILED and row.case_id is not None)
            code = case_code(known_secret(tx), done.case_id)
        service.store.close()
    dovecot.close_clients(user.name)
    return Prepared(folder, held.id, done.id, "nessuno@example.org", code)


@pytest.fixture
def office(dovecot: Dovecot, smtp_sink: SmtpSink, prepared: Prepared, tmp_path: Path) -> Iterator[Office]:
    """A copy of the prepared record, in front of an account of its own with the folders that documents name."""
    user = dovecot.add_user(f"{tmp_path.name.lower()}@example.org")
    state = tmp_path / "var"
    shutil.copytree(prepared.state, state)
    made = Office(dovecot, user, smtp_sink, state)
    _, octets, arrived = demo_messages(datetime.now(UTC))[0]
    client = dovecot.client(user.name)
    for folder in ("INBOX.Crema", "INBOX.Eventi"):
        client.create_folder(folder)
    for folder in ("INBOX", "INBOX.Crema", "INBOX.Eventi"):
        dovecot.deliver(user.name, octets, folder, when=arrived)
    yield made
    dovecot.close_clients(user.name)


def lay_out(tmp_path: Path) -> dict[str, str]:
    """What the documents name, made in this folder: their words, and what is typed for them."""
    _, octets, _ = demo_messages(datetime.now(UTC))[0]
    (tmp_path / "message.eml").write_bytes(octets)
    (tmp_path / "sorted" / "viadana").mkdir(parents=True)
    (tmp_path / "sorted" / "viadana" / "1.eml").write_bytes(octets)
    for name in ("candidate", "held-out", "richieste", "altrove"):
        (tmp_path / name).mkdir()
    shutil.copy(ROOT / "models" / "model.skops", tmp_path / "candidate")
    shutil.copy(ROOT / "models" / "card.json", tmp_path / "candidate")
    lines = (ROOT / "models" / "evaluation" / "natural_7375.jsonl").read_text(encoding="utf-8").splitlines()
    (tmp_path / "held-out" / "few.jsonl").write_text("\n".join(lines[:40]) + "\n", encoding="utf-8")
    return {
        "/srv/triage/candidate/model.skops": str(tmp_path / "candidate" / "model.skops"),
        "/srv/triage/held-out": str(tmp_path / "held-out"),
        "/srv/richieste/2026-7.zip": str(tmp_path / "richieste" / "2026-7.zip"),
        "/srv/protocollo": str(tmp_path / "protocollo"),
        "/altrove/": str(tmp_path / "altrove"),
        "/etc/triage/key": str(tmp_path / "key"),
        "message.eml": str(tmp_path / "message.eml"),
    }


def typed(words: str, names: dict[str, str], prepared: Prepared) -> list[str]:
    number = str(prepared.done if words.startswith("also") else prepared.held)
    own = {"17": number, "123": number, "124": number, "2A-23456789": prepared.code, "crema@centri.example": CREMA}
    return [{**names, **own}.get(word, word) for word in shlex.split(words)]


@pytest.mark.slow
@pytest.mark.parametrize("words", [*concrete()])
def test_what_a_document_types_works(
    words: str, invoke: Invoke, office: Office, prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = lay_out(tmp_path)
    answers = {"service_address": "famiglie@example.org", "imap_host": "imap.example.org", "imap_user": "a"}
    answers |= {"imap_password": "b", "smtp_host": "smtp.example.org", "smtp_user": "a", "smtp_password": "b"}
    (tmp_path / "answers.yaml").write_text(yaml.safe_dump(answers), encoding="utf-8")
    settings = dict(office.environment)
    if words.startswith("user ") and not words.startswith(("user add", "user list")):
        assert (
            invoke("user", "add", "anna.rossi", "--role", "operatore", settings=settings, stdin=PASSWORD).exit_code == 0
        )
    if words in BEFORE and words.startswith("key"):
        settings["TRIAGE_KEY_FILE"] = names[KEY]
    for earlier in BEFORE.get(words, []):
        done = invoke(*typed(earlier, names, prepared), settings=settings)
        assert done.exit_code == 0, done.output
    result = invoke(*typed(words, names, prepared), settings=settings, stdin=PASSWORD)
    assert result.exit_code in EXPECTED.get(words, {0}), result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("words", sorted(ELSEWHERE))
def test_what_is_run_elsewhere_is_typed_there(words: str) -> None:
    typed_there = (ROOT / ELSEWHERE[words]).read_text(encoding="utf-8")
    assert f'"{words.split()[0]}"' in typed_there
    assert [option for option in re.findall(r"--[a-z]+", words) if f'"{option}"' not in typed_there] == []
