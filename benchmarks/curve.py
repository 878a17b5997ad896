"""``python -m benchmarks.curve``: what more messages would bring, for every target, on messages of other writers.

Models are taught with an eighth, a quarter, half and all of the training messages but one held-out set; the smaller
parts lie within the larger ones, and kin writers stay together. Each answers the whole held-out set as the service
would. The held-out set was an evaluation set before: its briefs had no part in writing the rest. Lists and features
are today's for every size, so that the curve shows messages alone. Nothing here is a measure on real mail.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from benchmarks.inbox import ROOT
from benchmarks.taught import Piece, make_ready, teach
from triage.classify.examples import read_examples
from triage.classify.fitting import group_kindred
from triage.knowledge import known_places
from triage.learning.answers import answer
from triage.learning.figures import share
from triage.rules import Rules, load_rules

FIGURES = (
    "topic",
    "gate",
    "urgent_found",
    "urgent_false_alarms",
    "territory",
    "coverage",
    "forwarded_wrong",
)
"""In the order of the table's columns; ``triage.learning.figures`` says what each counts."""
_BATCH = 500


def main(arguments: Sequence[str] | None = None) -> list[tuple[int, dict[str, str]]]:
    """Print one line for each size; returns the lines as sizes and percentages."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.curve", description=__doc__)
    options.add_argument("--parts", type=int, nargs="+", default=[8, 4, 2, 1], help="one in so many messages is learnt")
    options.add_argument("--held-out", default="eu", help="end of the names of the files that are answered")
    options.add_argument("--examples", type=Path, default=ROOT / "models/training")
    chosen = options.parse_args(arguments)

    rules = load_rules(ROOT / "routing_rules.yaml", known_places())
    read, files = read_examples(chosen.examples)
    batches = _batches(chosen.examples, chosen.held_out)
    pieces = [make_ready(one) for one in read]
    asked = [one for one in pieces if one.example.batch in batches]
    rest = [one for one in pieces if one.example.batch not in batches]
    if not asked or not rest:
        options.error(f"of {len(files)} files some must be held out and some left to learn from")
    print(f"Answered: {len(asked)} messages of the batches {min(batches)} to {max(batches)}.")
    print(" ".join(["learnt".rjust(7), *(name.rjust(22) for name in FIGURES)]), flush=True)
    lines = []
    for part in chosen.parts:
        taught = one_in(rest, part)
        figures = _measure(taught, asked, rules)
        print(" ".join([str(len(taught)).rjust(7), *(figures[name].rjust(22) for name in FIGURES)]), flush=True)
        lines.append((len(taught), figures))
    return lines


def _batches(folder: Path, ending: str) -> set[str]:
    """The briefs of the held-out files."""
    lines = [line for path in folder.glob(f"*_{ending}.jsonl") for line in path.read_text("utf-8").splitlines()]
    return {str(json.loads(line)["batch"]) for line in lines}


def one_in(pieces: Sequence[Piece], part: int) -> list[Piece]:
    """About one in ``part`` of the messages: whole groups of kin writers and situations, of every smaller part too."""
    groups = group_kindred([one.example.writer for one in pieces], [one.example.situation for one in pieces])
    first: dict[int, str] = {}
    for one, group in zip(pieces, groups, strict=True):
        first[group] = min(first.get(group, one.example.identity), one.example.identity)
    drawn = {group: int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 2**32 for group, name in first.items()}
    return [one for one, group in zip(pieces, groups, strict=True) if drawn[group] < 1 / part]


def _measure(taught: Sequence[Piece], asked: Sequence[Piece], rules: Rules) -> dict[str, str]:
    classifier = teach(taught, rules, 1).classifier
    answers = []
    for start in range(0, len(asked), _BATCH):
        some = asked[start : start + _BATCH]
        answers += answer(classifier, [one.example for one in some], [one.prepared for one in some], rules)
    found = {name: share(answers, name) for name in FIGURES}
    return {
        name: f"{100 * one.share:.1f} ({100 * one.low:.1f}-{100 * one.high:.1f})"
        for name, one in found.items()
        if one.share is not None and one.low is not None and one.high is not None
    } | {name: "-" for name, one in found.items() if one.share is None}


if __name__ == "__main__":
    main()
