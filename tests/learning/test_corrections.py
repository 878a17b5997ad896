"""What persons settled is learnt beside the examples; what nobody settled is refused."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.classify.letters import letter
from tests.classify.small_set import write_examples
from tests.learning.rivals import RULES, corrections, make_model, placed_examples, unwatched
from triage.cards import read_card
from triage.classify import load_classifier
from triage.classify.examples import ExamplesError
from triage.learning import train
from triage.learning.corrections import read_corrections


def test_day_and_weight_are_read_with_each_message(tmp_path: Path) -> None:
    rows = corrections()
    rows[1]["weight"] = 3
    found, (file,) = read_corrections(write_examples(tmp_path, rows))
    assert [(one.example.identity, one.settled_on, one.weight) for one in found] == [
        ("c-0", date(2026, 11, 1), 1),
        ("c-1", date(2026, 11, 2), 3),
        ("c-2", date(2026, 11, 3), 1),
    ]
    assert file.count == 3


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("settled_by", ""),
        ("settled_by", None),
        ("settled_by", "Model"),
        ("settled_by", "triage"),
        ("date", "ieri"),
        ("date", None),
        ("weight", 0),
        ("weight", 11),
        ("weight", True),
        ("weight", 1.5),
        ("territorio", ""),
        ("destinazione", None),
    ],
)
def test_what_is_no_persons_settlement_is_refused_with_its_line(tmp_path: Path, field: str, value: Any) -> None:
    rows = corrections()
    rows[1][field] = value
    with pytest.raises(ExamplesError, match=rf"^batch_t\.jsonl:2: field '{field}'") as refused:
        read_corrections(write_examples(tmp_path, rows))
    assert rows[1]["text"] not in str(refused.value)


def test_a_correction_changes_what_the_model_says_and_stands_in_its_card(tmp_path: Path) -> None:
    without = make_model(tmp_path / "without")
    rows = [{**one, "weight": 10} for one in corrections()]
    taught = make_model(tmp_path / "with", also=rows)
    question = letter("Che orari fate la domenica?")
    assert load_classifier(without).classify([question])[0].topic == "orientamento"
    assert load_classifier(taught).classify([question])[0].topic == "reclamo"
    card = read_card((tmp_path / "with" / "card.json").read_bytes())
    assert (card.messages, card.corrections, card.latest) == (17, 3, date(2026, 11, 3))
    assert len(card.learnt) == 2
    plain = json.loads(card.octets)
    assert plain["data"]["corrections"]["weight"] == 30
    assert "14 messaggi inventati e 3 definiti da una persona" in plain["statement"]
    assert "operatrice-1" not in card.octets.decode()
    # Each was measured once, however much it weighs.
    assert plain["measures"]["topic"]["n"] == 17


def test_weight_is_what_so_many_messages_would_be(tmp_path: Path) -> None:
    light = make_model(tmp_path / "light", also=corrections())
    heavy = make_model(tmp_path / "heavy", also=[{**one, "weight": 10} for one in corrections()])

    def complaint(model: Path) -> float:
        return load_classifier(model).classify([letter("Quando aprite?")])[0].topic_scores["reclamo"]

    assert complaint(heavy) > complaint(light)


def test_an_empty_weight_changes_nothing(tmp_path: Path) -> None:
    one = make_model(tmp_path / "one", also=corrections())
    two = make_model(tmp_path / "two", also=[{**row, "weight": 1} for row in corrections()])
    assert one.read_bytes() == two.read_bytes()


def test_a_correction_under_an_examples_name_is_refused(tmp_path: Path) -> None:
    rows = corrections()
    rows[0]["id"] = placed_examples()[0]["id"]
    with pytest.raises(ExamplesError, match="same id"):
        train(
            write_examples(tmp_path / "examples", placed_examples()),
            tmp_path / "out",
            rules=RULES,
            seed=7,
            progress=unwatched,
            also=write_examples(tmp_path / "also", rows),
        )
    assert not (tmp_path / "out").exists()
