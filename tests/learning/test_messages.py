"""The messages that teach and those that measure are strangers to each other, and each is told by its reader."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

MODELS = Path(__file__).parent.parent.parent / "models"
SHARED = 0.15
"""Share of six-word sequences that two messages may have in common: greetings and the names of offices."""


def records(folder: Path) -> Iterator[Mapping[str, Any]]:
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


@pytest.fixture(scope="module")
def taught() -> list[Mapping[str, Any]]:
    return list(records(MODELS / "training"))


@pytest.fixture(scope="module")
def measured() -> list[Mapping[str, Any]]:
    return list(records(MODELS / "evaluation"))


def sequences(record: Mapping[str, Any]) -> set[str]:
    words = re.findall(r"\w+", f"{record['subject']}\n{record['text']}".lower())
    return {" ".join(words[start : start + 6]) for start in range(len(words) - 5)}


def test_every_message_has_an_id_of_its_own(taught: list[Mapping[str, Any]], measured: list[Mapping[str, Any]]) -> None:
    assert [key for key, times in Counter(one["id"] for one in (*taught, *measured)).items() if times > 1] == []


@pytest.mark.parametrize("field", ["writer", "situation", "batch"])
def test_who_and_what_is_measured_was_never_taught(
    taught: list[Mapping[str, Any]], measured: list[Mapping[str, Any]], field: str
) -> None:
    assert {one[field] for one in taught} & {one[field] for one in measured} == set()


def test_no_measured_message_shares_its_wording_with_a_taught_one(
    taught: list[Mapping[str, Any]], measured: list[Mapping[str, Any]]
) -> None:
    where: dict[str, set[str]] = defaultdict(set)
    for one in taught:
        for sequence in sequences(one):
            where[sequence].add(one["id"])
    alike = []
    for one in measured:
        own = sequences(one)
        met = Counter(other for sequence in own for other in where.get(sequence, ()))
        alike += [(one["id"], other) for other, times in met.items() if times > SHARED * len(own)]
    assert alike == []


def test_the_evaluation_is_large_enough_and_of_twelve_briefs(measured: list[Mapping[str, Any]]) -> None:
    assert len(measured) >= 1_700
    assert len({one["batch"] for one in measured}) >= 12
    assert sum(one["urgente"] for one in measured) >= 300


@pytest.mark.parametrize("folder", ["training", "evaluation"])
def test_second_readers_labels_belong_to_messages(folder: str) -> None:
    known = {one["id"]: one for one in records(MODELS / folder)}
    labels = list(records(MODELS / folder / "second_reader"))
    assert labels
    assert {one["id"] for one in labels} <= set(known)
