"""``triage classify`` and ``explain``: what would be decided, for every way in which mail is stored."""

from __future__ import annotations

import json
import mailbox
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import Invoke
from tests.servers.mail import make_mail
from triage.vocabulary import SPECIAL_TERRITORIES, TOPICS

FIELDS = {
    "path": str,
    "territorio": str,
    "argomento": str,
    "urgente": bool,
    "lingua": str,
    "automatico": bool,
    "destinazione": str,
    "ricevuta": bool,
    "esito": str,
    "confidenza": float,
    "motivi": list,
}
PROJECTS = {"crema", "mantova", "ostiglia", "oglio_po", "alto_mantovano"}
MAIL = make_mail("Buongiorno, abito a Crema. Che orari fate il sabato?\n", subject="Orari", return_path="a@example.org")


def answers(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "lettera.eml"
    path.write_bytes(MAIL)
    return path


def test_one_message_gives_one_line_with_every_answer_of_the_guide(invoke: Invoke, letter: Path) -> None:
    result = invoke("classify", letter)
    assert (result.exit_code, result.stderr) == (0, "")
    (answer,) = answers(result.stdout)
    assert {name: type(value) for name, value in answer.items()} == FIELDS
    assert answer["path"] == str(letter)
    assert answer["territorio"] in PROJECTS | set(SPECIAL_TERRITORIES)
    assert answer["argomento"] in TOPICS
    assert answer["destinazione"] in PROJECTS | {"operatore", "nessuna"}
    assert answer["esito"] in {"inoltra", "trattieni", "archivia"}
    assert 0.0 <= answer["confidenza"] <= 1.0
    assert answer["motivi"]
    assert all(isinstance(reason, str) and reason.endswith(".") for reason in answer["motivi"])


def test_the_same_message_gives_the_same_answer_however_it_is_stored(
    invoke: Invoke, letter: Path, tmp_path: Path
) -> None:
    mbox = mailbox.mbox(tmp_path / "posta.mbox")
    maildir = mailbox.Maildir(tmp_path / "Maildir")
    for box in (mbox, maildir):
        box.add(MAIL)
        box.flush()
        box.close()
    deep = tmp_path / "folder" / "2026"
    deep.mkdir(parents=True)
    (deep / "UNA.EML").write_bytes(MAIL)
    (deep / "una.eml").write_bytes(MAIL)
    (deep / "appunti.txt").write_text("this is no mail", encoding="utf-8")
    result = invoke("classify", letter, tmp_path / "posta.mbox", tmp_path / "Maildir", deep.parent, "-", stdin=MAIL)
    found = answers(result.stdout)
    assert result.exit_code == 0
    assert [answer.pop("path") for answer in found] == [
        str(letter),
        f"{tmp_path / 'posta.mbox'}#0",
        str(next((tmp_path / "Maildir" / "new").iterdir())),
        str(deep / "UNA.EML"),
        str(deep / "una.eml"),
        "-",
    ]
    assert all(answer == found[0] for answer in found)


def test_every_message_of_an_mbox_is_answered_in_order(invoke: Invoke, tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "posta")
    for number in range(3):
        box.add(make_mail(f"Messaggio {number}.\nFrom qui comincia un'altra riga.\n"))
    box.close()
    found = answers(invoke("classify", tmp_path / "posta").stdout)
    assert [answer["path"].rpartition("#")[2] for answer in found] == ["0", "1", "2"]


def test_modes_and_confirmations_do_not_matter(invoke: Invoke, letter: Path, environment: dict[str, str]) -> None:
    before = invoke("classify", letter).stdout
    rules = Path(environment["TRIAGE_RULES"])
    text = rules.read_text(encoding="utf-8")
    rules.write_text(text.replace("automatico\n", "ombra\n").replace("confirmed: true", "confirmed: false"), "utf-8")
    assert json.loads(invoke("classify", letter).stdout)["esito"] == json.loads(before)["esito"]


@pytest.mark.parametrize("octets", [b"", b"\0" * 50, b"From: \r\n\r\n", b"no header at all", bytes(range(256))])
def test_no_octets_stop_it(invoke: Invoke, tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "strano.eml"
    path.write_bytes(octets)
    result = invoke("classify", path)
    assert result.exit_code == 0
    assert answers(result.stdout)[0]["esito"] == "trattieni"


def test_it_writes_nothing(invoke: Invoke, letter: Path, environment: dict[str, str]) -> None:
    invoke("classify", letter)
    assert not Path(environment["TRIAGE_STATE_DIR"]).exists()


def test_a_path_that_does_not_exist_is_named_in_one_sentence(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("classify", tmp_path / "nulla.eml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"{tmp_path / 'nulla.eml'}: there is no such file or folder (FileNotFoundError).\n"


def test_what_cannot_be_read_is_named_and_what_came_before_is_answered(
    invoke: Invoke, letter: Path, tmp_path: Path
) -> None:
    unreadable = tmp_path / "chiuso.eml"
    if os.geteuid() == 0:
        unreadable.symlink_to(unreadable)  # root may read any file; nobody can follow a link to itself
    else:
        unreadable.write_bytes(MAIL)
        unreadable.chmod(stat.S_IWUSR)
    result = invoke("classify", letter, unreadable)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert str(unreadable) in result.stderr
    assert "cannot be read" in result.stderr


def test_a_folder_without_mail_says_so(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "vuota").mkdir()
    result = invoke("classify", tmp_path / "vuota")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no .eml file" in result.stderr


@pytest.mark.parametrize("command", ["classify", "explain"])
def test_a_missing_model_is_one_sentence_with_the_remedy(invoke: Invoke, letter: Path, command: str) -> None:
    result = invoke(command, letter, settings={"TRIAGE_MODEL": "/does/not/exist.skops"})
    assert (result.exit_code, result.stdout) == (2, "")
    assert "/does/not/exist.skops cannot be read" in result.stderr
    assert "triage train" in result.stderr


@pytest.mark.parametrize("command", ["classify", "explain"])
def test_a_file_that_is_no_model_is_one_sentence_with_the_remedy(invoke: Invoke, letter: Path, command: str) -> None:
    result = invoke(command, letter, settings={"TRIAGE_MODEL": str(letter)})
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert "triage train" in result.stderr


def test_rules_with_a_mistake_stop_it_with_file_and_line(
    invoke: Invoke, letter: Path, environment: dict[str, str]
) -> None:
    Path(environment["TRIAGE_RULES"]).write_text("service:\n  mode: sempre\n", encoding="utf-8")
    result = invoke("classify", letter)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{environment['TRIAGE_RULES']}:2:" in result.stderr


# --------------------------------------------------------------------------- explain


def test_explain_tells_people_in_italian_what_and_why(invoke: Invoke, letter: Path) -> None:
    result = invoke("explain", letter)
    assert result.exit_code == 0
    for title in ("Esito:", "Destinazione: crema", "Argomento:", "Urgente:", "Fiducia:", "Perché:", "Regole provate:"):
        assert title in result.stdout
    assert "[Crema: residenza]" in result.stdout


def test_explain_marks_words_that_weighed_and_danger_and_quotes_them(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "paura.eml"
    path.write_bytes(make_mail("Abito a Crema, ieri mio marito mi ha picchiata davanti ai bambini.\n", subject="aiuto"))
    told = invoke("explain", path).stdout
    assert "[Crema: residenza]" in told
    assert "!!" in told.split("Testo (luoghi")[1].split("\n", 1)[1], "danger is marked in the text"
    [answer] = [json.loads(line) for line in invoke("classify", path).stdout.splitlines()]
    assert any("picchiata" in sentence for sentence in answer["motivi"])
    assert sum(sentence.startswith("Parole che pesano") for sentence in answer["motivi"]) <= 1


def test_explain_shows_the_signature_and_what_is_quoted_where_a_place_stands_in_it(
    invoke: Invoke, tmp_path: Path
) -> None:
    path = tmp_path / "firma.eml"
    quoted = "Il giorno 3 novembre 2026 Ufficio ha scritto:\n> Lei abita a Viadana?\n"
    path.write_bytes(make_mail(f"Che orari fate?\n\n-- \nAnna Rossi\n26013 Crema\n\n{quoted}", subject="Orari"))
    told = invoke("explain", path).stdout
    assert "\nFirma: " in told
    assert "Crema: firma]" in told
    assert "\nTesto citato: " in told
    assert "[Viadana: citato]" in told


def test_explain_reads_standard_input(invoke: Invoke, letter: Path) -> None:
    assert invoke("explain", "-", stdin=MAIL).stdout == invoke("explain", letter).stdout


def test_explain_of_a_missing_file_ends_with_2(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("explain", tmp_path / "nulla.eml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nulla.eml" in result.stderr


def test_a_message_cannot_steer_the_terminal_of_the_person_who_reads_it(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "colori.eml"
    path.write_bytes(make_mail("Abito a Crema.\x1b]0;titolo\x07 \x1b[2J\x9b2J\n", charset="utf-8"))
    assert not set(invoke("explain", path).stdout) & {"\x1b", "\x07", "\x9b"}
