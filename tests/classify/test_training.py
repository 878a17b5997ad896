"""From examples to a model file, and what the reader of model files refuses."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from tests.classify.letters import letter
from tests.classify.small_set import small_examples, write_examples
from triage.classify import ArtefactError, load_classifier
from triage.classify.artefact import digest, dump_weights, load_weights
from triage.classify.examples import ExamplesError, build_message, read_examples
from triage.classify.fitting import fewest_writers, group_kindred
from triage.knowledge import known_places
from triage.learning import CARD_FILE, MODEL_FILE, train
from triage.learning.figures import wilson
from triage.rules import Rules, load_rules

TRAIN = """
import sys
from pathlib import Path
from triage.knowledge import known_places
from triage.learning import train
from triage.rules import load_rules
rules = load_rules(Path(sys.argv[3]), known_places())
train(Path(sys.argv[1]), Path(sys.argv[2]), rules=rules, seed=7, progress=lambda done, total, what: None)
"""


RULES_PATH = Path(__file__).parents[2] / "routing_rules.yaml"
RULES: Rules = load_rules(RULES_PATH, known_places())


def ignore(done: int, total: int, what: str) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train(write_examples(folder / "examples", small_examples()), folder, rules=RULES, seed=7, progress=ignore)
    return folder


def test_a_trained_model_can_be_loaded_and_used(trained: Path) -> None:
    octets = (trained / MODEL_FILE).read_bytes()
    classifier = load_classifier(octets)
    answer = classifier.classify([letter("Vorrei iscrivere mio figlio al laboratorio di argilla")])[0]
    assert answer.topic == "laboratori"
    assert answer.model_version == digest(octets)[:12]
    assert load_classifier(trained / MODEL_FILE).version == classifier.version


def test_reading_and_writing_a_model_gives_the_same_octets(trained: Path) -> None:
    octets = (trained / MODEL_FILE).read_bytes()
    assert dump_weights(load_weights(octets)) == octets


def test_the_same_command_gives_the_same_octets_in_other_processes(trained: Path, tmp_path: Path) -> None:
    """Other hash seeds and other object addresses must not show in the file."""
    for hash_seed in ("1", "2"):
        out = tmp_path / hash_seed
        command = [sys.executable, "-c", TRAIN, str(trained / "examples"), str(out), str(RULES_PATH)]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": hash_seed}, timeout=120)
        assert (out / MODEL_FILE).read_bytes() == (trained / MODEL_FILE).read_bytes()
        assert (out / CARD_FILE).read_text() == (trained / CARD_FILE).read_text()


def test_the_card_says_what_was_learnt_from_and_how_it_was_measured(trained: Path) -> None:
    card = json.loads((trained / CARD_FILE).read_text())
    assert card["statement"].startswith("Misurato su 14 messaggi inventati")
    assert card["sha256"] == digest((trained / MODEL_FILE).read_bytes())
    assert card["data"]["files"][0]["count"] == 14
    assert card["data"]["writers"] == 4
    assert sum(sum(row.values()) for row in card["confusion"].values()) == 14
    topic = card["measures"]["topic"]
    assert topic["n"] == 14
    assert topic["low"] <= topic["share"] <= topic["high"]


def test_progress_reaches_its_end(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    train(
        write_examples(tmp_path / "examples", small_examples()),
        tmp_path,
        rules=RULES,
        seed=7,
        progress=lambda done, total, _: steps.append((done, total)),
    )
    assert steps[-1][0] == steps[-1][1]


def test_a_pickle_is_refused() -> None:
    with pytest.raises(ArtefactError):
        load_classifier(pickle.dumps({"format": "triage-classify-1"}))


def test_a_pickle_is_refused_before_it_can_run(tmp_path: Path) -> None:
    trap = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (trap,))

    with pytest.raises(ArtefactError):
        load_classifier(pickle.dumps(Trap()))
    assert not trap.exists()


@pytest.mark.parametrize(
    "content",
    [
        skops.io.dumps({"format": "other"}),
        skops.io.dumps(["format"]),
        skops.io.dumps({"format": "triage-classify-1"}),
        skops.io.dumps({"format": "triage-classify-1", "topics": LogisticRegression()}),
        skops.io.dumps({"format": Path.touch}),
        b"",
        b"PK\x03\x04 no archive",
    ],
    ids=["format", "list", "empty", "estimator", "function", "nothing", "broken"],
)
def test_files_of_another_kind_are_refused(content: bytes) -> None:
    with pytest.raises(ArtefactError):
        load_classifier(content)


def test_a_model_with_a_foreign_type_slipped_in_is_refused(trained: Path) -> None:
    with pytest.raises(ArtefactError):
        load_classifier(tampered(trained, "__class__", "Popen"))


def test_a_model_whose_weights_were_exchanged_is_refused(trained: Path) -> None:
    """Each array is a file in the archive; another order no longer fits the terms."""
    source = zipfile.ZipFile(trained / MODEL_FILE)
    names = [name for name in source.namelist() if name.endswith(".npy")]
    swapped = dict(zip(names, reversed(names), strict=True))
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(swapped.get(name, name)))
    with pytest.raises(ArtefactError):
        load_classifier(result.getvalue())


def test_a_model_with_another_hash_than_registered_is_refused(trained: Path) -> None:
    octets = (trained / MODEL_FILE).read_bytes()
    assert load_classifier(octets, expected_sha256=digest(octets))
    with pytest.raises(ArtefactError):
        load_classifier(octets, expected_sha256="0" * 64)


def test_every_cut_model_file_is_refused(trained: Path) -> None:
    octets = (trained / MODEL_FILE).read_bytes()
    for length in range(0, len(octets), max(1, len(octets) // 20)):
        with pytest.raises(ArtefactError):
            load_classifier(octets[:length])


def test_one_writers_messages_and_one_situations_share_a_fold() -> None:
    groups = group_kindred(["a", "a", "b", "c", "d"], ["1", "2", "2", "3", "4"])
    assert groups[0] == groups[1] == groups[2]
    assert len(set(groups)) == 3


def test_terms_need_three_writers_once_there_are_enough() -> None:
    assert [fewest_writers(count) for count in (2, 4, 11, 12, 300)] == [1, 2, 2, 3, 3]


def test_a_word_of_one_writer_only_is_not_learnt(tmp_path: Path) -> None:
    examples = small_examples()
    for example in examples:
        if example["writer"] == "w1":
            example["text"] += " zampirone"
    train(write_examples(tmp_path / "examples", examples), tmp_path, rules=RULES, seed=7, progress=ignore)
    terms = load_weights((tmp_path / MODEL_FILE).read_bytes()).fields["text"].terms
    assert "non" in terms
    assert not [term for term in terms if "zampirone" in term]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"argomento": "boh"}, "argomento"),
        ({"urgente": "si"}, "urgente"),
        ({"text": None}, "text"),
        ({"id": "t-001"}, "t-001"),
    ],
)
def test_examples_with_a_wrong_label_are_refused_by_name_and_line(
    change: dict[str, Any], complaint: str, tmp_path: Path
) -> None:
    examples = small_examples()
    examples[0].update(change)
    with pytest.raises(ExamplesError, match=complaint) as raised:
        read_examples(write_examples(tmp_path, examples))
    assert "sabato" not in str(raised.value)


def test_a_folder_without_examples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExamplesError):
        read_examples(tmp_path)


def test_one_writer_alone_cannot_be_learnt_from(tmp_path: Path) -> None:
    examples = [{**example, "writer": "w1"} for example in small_examples()]
    with pytest.raises(ValueError, match="two writers"):
        train(write_examples(tmp_path / "examples", examples), tmp_path, rules=RULES, seed=7, progress=ignore)


def test_an_example_becomes_the_message_that_parse_would_have_left() -> None:
    headers = {"Content-Type": 'multipart/report; report-type="delivery-status"; boundary=x', "Return-Path": "<>"}
    message = build_message({"subject": "s", "text": "t", "quoted": "q", "signature": "f", "headers": headers})
    assert (message.content_type, message.content_type_params["report-type"]) == ("multipart/report", "delivery-status")
    assert (message.reverse_path, message.quoted_text, message.signature) == ("", "q", "f")
    assert build_message({"text": "t"}).reverse_path is None


def test_the_interval_is_wilsons() -> None:
    share = wilson(8, 10)
    assert (share.share, share.low, share.high) == (0.8, 0.4902, 0.9433)
    assert wilson(0, 0).share is None


def tampered(folder: Path, key: str, value: str) -> bytes:
    """The model with one more object of another type in it."""
    source = zipfile.ZipFile(folder / MODEL_FILE)
    schema = json.loads(source.read("schema.json"))
    schema["content"]["topics"] = {
        key: value,
        "__module__": "subprocess",
        "__loader__": "ObjectNode",
        "__id__": 10**6,
        "content": {},
    }
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as target:
        for name in source.namelist():
            target.writestr(name, json.dumps(schema) if name == "schema.json" else source.read(name))
    return result.getvalue()
