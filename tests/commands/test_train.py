"""``triage train``: from labelled examples to a model that can be used."""

from __future__ import annotations

import json
from pathlib import Path

from tests.classify.small_set import small_examples, write_examples
from tests.commands.conftest import Invoke, Record
from tests.learning.rivals import corrections
from tests.record.builders import MovedClock
from triage.acts.people import Person, Role
from triage.record import Store
from triage.record.settlements import Exit, Said, add_settlement
from triage.record.tables import octet_chunks, octets


def test_a_small_set_gives_a_model_a_card_and_the_same_again(invoke: Invoke, tmp_path: Path) -> None:
    examples = write_examples(tmp_path / "examples", small_examples())
    first = invoke("train", "--examples", examples, "--out", tmp_path / "one", "--json")
    second = invoke("train", "--examples", examples, "--out", tmp_path / "two", "--json")
    assert (first.exit_code, second.exit_code) == (0, 0), first.stderr
    told = json.loads(first.stdout)
    card = json.loads((tmp_path / "one" / "card.json").read_text(encoding="utf-8"))
    assert told["sha256"] == card["sha256"] == json.loads(second.stdout)["sha256"]
    assert told["version"] == card["model_version"]
    assert "inventati" in card["statement"]
    letter = tmp_path / "lettera.eml"
    letter.write_bytes(b"From: a@example.org\r\n\r\nAbito a Crema.\r\n")
    assert invoke("classify", letter, settings={"TRIAGE_MODEL": str(tmp_path / "one" / "model.skops")}).exit_code == 0


def test_people_are_told_where_the_model_is(invoke: Invoke, tmp_path: Path) -> None:
    examples = write_examples(tmp_path / "examples", small_examples())
    result = invoke("train", "--examples", examples, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert f"written to {tmp_path / 'out'}" in result.stdout


def test_a_folder_without_examples_is_one_sentence(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("train", "--examples", tmp_path / "none", "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no examples" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_mistake_in_the_examples_is_named_with_its_line(invoke: Invoke, tmp_path: Path) -> None:
    wrong = small_examples()
    wrong[2]["argomento"] = "astrologia"
    result = invoke("train", "--examples", write_examples(tmp_path / "e", wrong), "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "batch_t.jsonl" in result.stderr
    assert "3" in result.stderr
    assert wrong[2]["text"] not in result.stderr


def test_a_place_that_cannot_be_written_is_one_sentence(invoke: Invoke, tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("", encoding="utf-8")
    examples = write_examples(tmp_path / "examples", small_examples())
    result = invoke("train", "--examples", examples, "--out", blocked / "models")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "cannot be read or written" in result.stderr


def test_corrections_are_learnt_beside_the_examples(invoke: Invoke, tmp_path: Path) -> None:
    examples = write_examples(tmp_path / "examples", small_examples())
    also = write_examples(tmp_path / "also", corrections())
    result = invoke("train", "--examples", examples, "--also", also, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert (told["corrections"], told["measures"]["topic"]["n"]) == (3, 17)


def test_a_correction_by_nobody_is_named_with_its_line(invoke: Invoke, tmp_path: Path) -> None:
    rows = corrections()
    del rows[2]["settled_by"]
    examples, also = write_examples(tmp_path / "e", small_examples()), write_examples(tmp_path / "a", rows)
    result = invoke("train", "--examples", examples, "--also", also, "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "batch_t.jsonl:3" in result.stderr
    assert not (tmp_path / "out").exists()


def test_what_persons_settled_in_the_record_is_learnt_as_well(invoke: Invoke, record: Record, tmp_path: Path) -> None:
    examples = write_examples(tmp_path / "examples", small_examples())
    store = Store(f"sqlite:///{record.path}", MovedClock())
    with store.write("settle") as tx:
        said = Said(comune="Crema", topic="laboratori", project="crema")
        add_settlement(tx, Person(None, "cli", "cli", Role.RESPONSIBLE), record.held, Exit.FORWARD, 1, {}, said)
    result = invoke("train", "--examples", examples, "--settled", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert "messaggi veri definiti da persone (1)" in result.stdout
    with store.write("purged") as tx:
        tx.execute(octet_chunks.delete())
        tx.execute(octets.delete())
    store.close()
    told = json.loads(invoke("train", "--examples", examples, "--settled", "--out", tmp_path / "o", "--json").stdout)
    assert (told["corrections"], told["without_content"]) == (0, 1)


def test_where_there_is_no_record_nothing_is_trained_and_one_sentence_says_so(invoke: Invoke, tmp_path: Path) -> None:
    examples = write_examples(tmp_path / "examples", small_examples())
    result = invoke("train", "--examples", examples, "--settled", "--out", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "There is no record" in result.stderr
    assert not (tmp_path / "out").exists()
