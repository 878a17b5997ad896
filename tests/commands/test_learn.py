"""``triage learn``: mail that people have sorted by hand, looked at, told of, and kept to learn from."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.classify.small_set import small_examples, write_examples
from tests.commands.conftest import Invoke, Record
from tests.servers.dovecot import Dovecot, MailboxUser
from tests.servers.mail import make_mail
from triage.classify.examples import ExamplesError, read_examples
from triage.learning.learnt import read_learnt
from triage.seals import OWN_FIELD

CREMA = "Buongiorno,\nabito a Crema con mia figlia di tre anni. Quando ci sono i laboratori per bambini?\nGrazie\n"
VIADANA = "Buongiorno,\nabito a Viadana con due figli piccoli. Quando ci sono i laboratori per bambini?\nGrazie\n"
NOWHERE = "Buongiorno,\nvorrei informazioni sui corsi per genitori. Il mio numero è 333 0000000.\nGrazie\n"


def _letter(body: str, author: str = "anna.esempio@example.org", extra: bytes = b"") -> bytes:
    return extra + make_mail(
        body,
        subject="Laboratori",
        author=author,
        date=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
        message_id="<a@x.example>",
    )


@pytest.fixture
def crema(tmp_path: Path) -> Path:
    """A folder called crema: two letters that belong there, one that does not, and what teaches nothing."""
    folder = tmp_path / "sorted" / "crema"
    folder.mkdir(parents=True)
    letters = {
        "a": _letter(CREMA),
        "a-copy": _letter(CREMA),
        "b": _letter(NOWHERE, "bruno.esempio@example.net"),
        "c": _letter(VIADANA, "carla.esempio@example.com"),
        "machine": _letter("Sono assente.\n", "dino.esempio@example.com", b"Auto-Submitted: auto-replied\r\n"),
        "ours": _letter(CREMA, "elena.esempio@example.com", OWN_FIELD.encode() + b": x\r\n"),
    }
    for name, octets in letters.items():
        (folder / f"{name}.eml").write_bytes(octets)
    return folder


def test_it_says_what_a_folder_would_teach_and_where_it_looks_wrong(
    invoke: Invoke, crema: Path, environment: dict[str, str]
) -> None:
    result = invoke("learn", "--path", f"{crema}=crema")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "crema: 6 messages, 1 usable"
    assert "       1  set aside: copy" in lines
    assert "       1  set aside: machine" in lines
    assert "       1  set aside: ours or a project's" in lines
    assert "       2  set aside: the label says nothing of it" in lines, "no comune of crema is named in them"
    assert "  would teach the place of 1, the topic of 0" in lines
    assert f"  looks wrong: {crema / 'c.eml'} (the model is sure of oglio_po)" in lines
    assert "viadana" not in result.stdout.lower().replace(str(crema).lower(), "")
    assert not Path(environment["TRIAGE_STATE_DIR"]).exists()


def test_what_is_kept_is_masked_and_readable_by_its_owner_alone(
    invoke: Invoke, crema: Path, environment: dict[str, str]
) -> None:
    first = json.loads(invoke("learn", "--path", f"{crema}=crema/laboratori", "--write", "--json").stdout)
    assert (first["added"], first["replaced"]) == (2, 0), "the one whose label looks wrong is left out"
    path = Path(environment["TRIAGE_STATE_DIR"]) / "learnt" / "learnt.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((path.parent / "salt").stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    text = path.read_text(encoding="utf-8")
    assert "333 0000000" not in text
    assert "@" not in text
    taught = {(one.comune, one.topic) for one in read_learnt(path)}
    assert taught == {("Crema", "laboratori"), ("", "laboratori")}
    again = json.loads(invoke("learn", "--path", f"{crema}=crema/eventi", "--write", "--doubtful", "--json").stdout)
    assert (again["added"], again["replaced"]) == (1, 2), "a better label replaces the one before"
    assert {one.topic for one in read_learnt(path)} == {"eventi"}


def test_what_is_kept_teaches_the_model_and_can_measure_none(
    invoke: Invoke, crema: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    invoke("learn", "--path", f"{crema}=Crema/laboratori", "--write", "--doubtful")
    learnt = Path(environment["TRIAGE_STATE_DIR"]) / "learnt" / "learnt.jsonl"
    examples = write_examples(tmp_path / "examples", small_examples())
    result = invoke("train", "--examples", examples, "--learnt", learnt, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.stderr
    card = json.loads((tmp_path / "out" / "card.json").read_text(encoding="utf-8"))
    assert (card["data"]["corrections"]["from_folders"], card["data"]["corrections"]["from_record"]) == (3, 0)
    assert card["data"]["messages"] == len(small_examples()), "nothing of it is measured"
    assert f"Misurato su {len(small_examples())} messaggi inventati, ciascuno" in card["statement"]
    assert "messaggi veri definiti da persone (3), e su quelli non è misurato" in card["statement"]
    with pytest.raises(ExamplesError):
        read_examples(learnt.parent)


def test_whoever_is_erased_is_taken_out_by_any_form_of_the_address(
    invoke: Invoke, crema: Path, environment: dict[str, str], record: Record
) -> None:
    invoke("learn", "--path", f"{crema}=crema/laboratori", "--write")
    words = ("erase", "Bruno.Esempio+ats@EXAMPLE.net", "--reference", "RPD-9", "--yes")
    told = invoke(*words)
    assert (told.exit_code, "1 message(s) of this person taken out" in told.stdout) == (0, True)
    learnt = Path(environment["TRIAGE_STATE_DIR"]) / "learnt" / "learnt.jsonl"
    assert [one.comune for one in read_learnt(learnt)] == ["Crema"]
    assert invoke(*words).exit_code == 1, "nothing is left of this address"


def test_a_folder_of_the_server_is_only_looked_at(invoke: Invoke, dovecot: Dovecot, mailbox_user: MailboxUser) -> None:
    client = dovecot.client(mailbox_user.name)
    client.create_folder("Crema")
    client.append("Crema", _letter(CREMA))
    status = client.folder_status("Crema", ["MESSAGES", "RECENT", "UNSEEN"])
    told = json.loads(
        invoke(
            *("learn", "--folder", "Crema=Crema", "--json"),
            settings={
                "TRIAGE_IMAP_HOST": dovecot.host,
                "TRIAGE_IMAP_PORT": str(dovecot.port),
                "TRIAGE_IMAP_TLS": "plain",
                "TRIAGE_IMAP_USER": mailbox_user.name,
                "TRIAGE_IMAP_PASSWORD": mailbox_user.password,
            },
        ).stdout
    )
    one = told["labels"]["Crema"]
    assert (one["messages"], one["usable"], one["teaches_place"], one["agrees"]) == (1, 1, 1, 1)
    assert client.folder_status("Crema", ["MESSAGES", "RECENT", "UNSEEN"]) == status
    assert mailbox_user.name not in json.dumps(told)


def test_a_folder_is_named_by_slashes_whatever_the_server_divides_by(
    invoke: Invoke, dovecot: Dovecot, mailbox_user: MailboxUser
) -> None:
    client = dovecot.client(mailbox_user.name)
    client.create_folder("Smistati.In&Out")
    client.append("Smistati.In&Out", _letter(CREMA))
    settings = {
        "TRIAGE_IMAP_HOST": dovecot.host,
        "TRIAGE_IMAP_PORT": str(dovecot.port),
        "TRIAGE_IMAP_TLS": "plain",
        "TRIAGE_IMAP_USER": mailbox_user.name,
        "TRIAGE_IMAP_PASSWORD": mailbox_user.password,
    }
    for written in ("Smistati/In&Out", "Smistati.In&Out"):
        told = invoke("learn", "--folder", f"{written}=crema", "--json", settings=settings)
        assert json.loads(told.stdout)["labels"]["crema"]["messages"] == 1, told.stderr
    absent = invoke("learn", "--folder", "Smistati/Altro=crema", settings=settings)
    assert absent.exit_code == 1
    assert absent.stderr == (
        "Smistati/Altro: There is no such folder on the mail server, or this account may not open it. "
        "Write its parts divided by /.\n"
    )


def test_a_place_without_a_label_and_a_strange_file_are_refused(
    invoke: Invoke, crema: Path, environment: dict[str, str]
) -> None:
    bare = invoke("learn", "--path", crema)
    assert (bare.exit_code, "with a label" in bare.stderr) == (2, True)
    strange = Path(environment["TRIAGE_STATE_DIR"]) / "learnt" / "learnt.jsonl"
    strange.parent.mkdir(parents=True)
    strange.write_text("{}\n", encoding="utf-8")
    refused = invoke("learn", "--path", f"{crema}=crema", "--write")
    assert (refused.exit_code, strange.read_text(encoding="utf-8")) == (1, "{}\n")
    assert "learnt.jsonl:1: not a line" in refused.stderr
