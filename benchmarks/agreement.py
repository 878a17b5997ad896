"""``python -m benchmarks.agreement``: how far two readers of the same message agree, for every label that both gave.

The second reader saw neither the first labels nor what a message was written for. Where a label was settled
afterwards, the first reader's own one counts (``settled.jsonl``). Agreement with a 95 % interval (Wilson's) and
Cohen's kappa, which leaves out what two readers who guess by the labels' frequencies would agree on anyway. No model
takes part; of ``models/evaluation`` labels alone are read.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn.metrics import cohen_kappa_score

from benchmarks.inbox import ROOT
from triage.learning.figures import Share, wilson

LABELS = ("territorio", "argomento", "urgente", "lingua", "automatico")
WHOLE = "all but the contested"
CONTESTED = "contested"
"""Drawn because the model was sure of another label: no measure of how readers agree on mail as it comes."""

Pair = tuple[Mapping[str, Any], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one label in one group of messages."""

    group: str
    label: str
    same: Share
    kappa: float | None
    """``None`` where both gave one label only, so that nothing could differ."""


def main(arguments: Sequence[str] | None = None) -> list[Agreement]:
    """Print one line for each group of messages and label."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.agreement", description=__doc__)
    options.add_argument(
        "folders", nargs="*", type=Path, default=[ROOT / "models/training", ROOT / "models/evaluation"]
    )
    groups: dict[str, list[Pair]] = defaultdict(list)
    for folder in options.parse_args(arguments).folders:
        for group, pair in pairs(folder):
            groups[group].append(pair)
            if group != CONTESTED:
                groups[WHOLE].append(pair)
    found = [_agreement(group, label, groups[group]) for group in sorted(groups) for label in LABELS]
    print("| messages | n | label | agree % | 95 % interval | kappa |\n| --- | --- | --- | --- | --- | --- |")
    for one in found:
        print(_row(one))
    return found


def pairs(folder: Path) -> Iterator[tuple[str, Pair]]:
    """(group, (first reader's labels, second reader's)) of one folder of messages."""
    first = {record["id"]: record for path in sorted(folder.glob("*.jsonl")) for record in _records(path)}
    for settled in _records(folder / "second_reader" / "settled.jsonl"):
        raw = {label: both["first"] for label, both in settled.items() if label != "id"}
        first[settled["id"]] = {**first[settled["id"]], **raw}
    for second in _records(folder / "second_reader" / "labels.jsonl"):
        yield second.get("sample") or f"reader {second['reader']}", (first[second["id"]], second)


def _records(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def _agreement(group: str, label: str, both: Sequence[Pair]) -> Agreement:
    first, second = [str(one[label]) for one, _ in both], [str(other[label]) for _, other in both]
    same = wilson(sum(one == other for one, other in zip(first, second, strict=True)), len(both))
    if len({*first, *second}) == 1:
        return Agreement(group, label, same, None)
    return Agreement(group, label, same, float(cohen_kappa_score(first, second)))


def _row(one: Agreement) -> str:
    same = one.same
    shares = [100 * (value or 0.0) for value in (same.share, same.low, same.high)]
    kappa = "" if one.kappa is None else f"{one.kappa:.3f}"
    return f"| {one.group} | {same.n} | {one.label} | {shares[0]:.1f} | {shares[1]:.1f} to {shares[2]:.1f} | {kappa} |"


if __name__ == "__main__":
    main()
