"""How far two readers agree: the first reader's own labels count, and what is contested stays apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.agreement import CONTESTED, WHOLE, Agreement, main


def write(path: Path, *records: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")


def labels(name: str, topic: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "territorio": "crema",
        "argomento": topic,
        "urgente": False,
        "lingua": "it",
        "automatico": False,
        **more,
    }


@pytest.fixture
def found(tmp_path: Path) -> dict[tuple[str, str], Agreement]:
    first = [("a", "ascolto"), ("b", "ascolto"), ("c", "rete"), ("d", "rete"), ("e", "eventi")]
    second = [("a", "ascolto"), ("b", "rete"), ("c", "rete"), ("d", "rete")]
    write(tmp_path / "batch.jsonl", *(labels(name, topic) for name, topic in first))
    write(
        tmp_path / "second_reader" / "labels.jsonl",
        *(labels(name, topic, sample="random") for name, topic in second),
        labels("e", "rete", sample=CONTESTED),
    )
    # "d" was first read as "eventi", and settled as "rete" afterwards.
    write(
        tmp_path / "second_reader" / "settled.jsonl", {"id": "d", "argomento": {"first": "eventi", "settled": "rete"}}
    )
    return {(one.group, one.label): one for one in main([str(tmp_path)])}


def test_the_first_label_counts_and_not_the_settled_one(found: dict[tuple[str, str], Agreement]) -> None:
    assert (found["random", "argomento"].same.right, found["random", "argomento"].same.n) == (2, 4)


def test_kappa_leaves_out_what_chance_would_agree_on(found: dict[tuple[str, str], Agreement]) -> None:
    # First: ascolto 2, rete 1, eventi 1; second: ascolto 1, rete 3. Chance: (2 * 1 + 1 * 3) / 16; seen: 2 / 4.
    assert found["random", "argomento"].kappa == pytest.approx((0.5 - 5 / 16) / (1 - 5 / 16))


def test_where_nothing_could_differ_there_is_no_kappa(found: dict[tuple[str, str], Agreement]) -> None:
    assert found["random", "urgente"].kappa is None


def test_what_is_contested_is_no_part_of_the_whole(found: dict[tuple[str, str], Agreement]) -> None:
    assert found[WHOLE, "argomento"].same.n == 4
    assert found[CONTESTED, "argomento"].same.n == 1
