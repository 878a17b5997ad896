"""``triage evaluate``: a model measured on messages that it never saw, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.conftest import ROOT, Invoke
from tests.learning.builders import SHIPPED, labelled_messages, write_lines
from triage.learning import train

RULES = ROOT / "routing_rules.yaml"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    examples = write_lines(folder / "examples", labelled_messages(6))
    train(examples, folder, rules=SHIPPED, seed=7, progress=lambda *_: None)
    return folder / "model.skops"


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "messages", labelled_messages(2))


def test_people_get_the_figures_and_a_page(invoke: Invoke, messages: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    result = invoke("evaluate", messages, "--model", model, "--rules", RULES, "--out", out)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "16 invented messages of 2 writers."
    assert lines[-1] == f"Report for people: {out / 'report.html'}"
    assert any(line.startswith("territory ") and " of    16 " in line for line in lines)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Misurato su 16 messaggi inventati di 2 autori" in page
    written = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert (written["messages"], written["invented"]) == (16, True)
    assert written["model_version"] in page


def test_programs_get_the_same_figures_as_one_object(
    invoke: Invoke, messages: Path, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "report"
    result = invoke("evaluate", messages, "--model", model, "--rules", RULES, "--out", out, "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["figures"] == json.loads((out / "report.json").read_text(encoding="utf-8"))["figures"]
    assert told["messages"] == told["figures"]["topic"]["n"] == 16


def test_the_same_command_gives_the_same_report(invoke: Invoke, messages: Path, model: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        invoke("evaluate", messages, "--model", model, "--rules", RULES, "--out", tmp_path / name)
    for name in ("report.json", "report.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_real_mail_is_not_called_invented(invoke: Invoke, messages: Path, model: Path, tmp_path: Path) -> None:
    result = invoke("evaluate", messages, "--model", model, "--rules", RULES, "--out", tmp_path / "r", "--real")
    assert result.stdout.splitlines()[0] == "16 real messages of 2 writers."
    page = (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    assert "inventati" not in page
    assert "messaggi veri" in page


def test_a_folder_that_is_not_there_is_a_wrong_command_line(invoke: Invoke, model: Path, tmp_path: Path) -> None:
    result = invoke("evaluate", tmp_path / "none", "--model", model, "--rules", RULES)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "does not exist" in result.stderr


def test_a_folder_without_messages_is_one_sentence(invoke: Invoke, model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    out = tmp_path / "report"
    result = invoke("evaluate", tmp_path / "empty", "--model", model, "--rules", RULES, "--out", out)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no examples in empty" in result.stderr
    assert not out.exists()


def test_a_wrong_label_is_named_with_its_line_and_no_text(invoke: Invoke, model: Path, tmp_path: Path) -> None:
    lines = labelled_messages(2)
    lines[4]["argomento"] = "astrologia"
    folder = write_lines(tmp_path / "messages", lines)
    result = invoke("evaluate", folder, "--model", model, "--rules", RULES, "--out", tmp_path / "report")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "batch_t.jsonl:5" in result.stderr
    assert "cyberbullismo" not in result.stderr


@pytest.mark.parametrize("content", [b"", b"no model", None], ids=["empty", "other", "absent"])
def test_a_file_that_is_no_model_is_one_sentence(
    content: bytes | None, invoke: Invoke, messages: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.skops"
    if content is not None:
        wrong.write_bytes(content)
    result = invoke("evaluate", messages, "--model", wrong, "--rules", RULES, "--out", tmp_path / "report")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"The model {wrong} cannot be used" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "report").exists()


def test_rules_that_cannot_be_used_are_named(invoke: Invoke, messages: Path, model: Path, tmp_path: Path) -> None:
    broken = tmp_path / "rules.yaml"
    broken.write_text("service: {}\n", encoding="utf-8")
    result = invoke("evaluate", messages, "--model", model, "--rules", broken, "--out", tmp_path / "report")
    assert (result.exit_code, result.stdout) == (2, "")
    assert str(broken.name) in result.stderr


def test_a_place_that_cannot_be_written_blames_the_place(
    invoke: Invoke, messages: Path, model: Path, tmp_path: Path
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("", encoding="utf-8")
    result = invoke("evaluate", messages, "--model", model, "--rules", RULES, "--out", blocked / "report")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "refused to read or write" in result.stderr
