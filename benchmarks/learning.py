"""``python -m benchmarks.learning``: how error, coverage and alarms go while the service learns.

Invented mail in a stream by writer. A first model is taught with what is not in the stream; staff
label what is held and a blind 5 % of what was forwarded; half way other words come into use (see
``benchmarks.stream``); every so many messages a challenger is taught, watched and perhaps promoted
(``benchmarks.office``); three running sums ring when something drifts (``benchmarks.drift``). The same
seed gives the same table. Nothing here is a measure on real mail.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.inbox import ROOT
from benchmarks.office import Line, Office
from benchmarks.picture import HEAD, row, svg, total
from benchmarks.stream import draw, touched
from benchmarks.taught import Model, make_ready, teach
from triage.classify.examples import read_examples
from triage.knowledge import known_places
from triage.rules import Rules, load_rules


def main(arguments: Sequence[str] | None = None) -> list[Line]:
    """Run the simulation, print its table, write its picture."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.learning", description=__doc__)
    options.add_argument("--messages", type=int, default=2000, help="length of the stream")
    options.add_argument("--history", type=int, help="messages of the first model; default: all that are left")
    options.add_argument("--segment", type=int, default=100, help="messages between two lines of the table, at least")
    options.add_argument("--refit", type=int, default=500, help="messages between two challengers")
    options.add_argument("--max-wrong", type=float, help="promised error; default: the strictest that can be shown")
    options.add_argument("--floor", type=float, help="least probability of a forward; default: that of the rules")
    options.add_argument("--seed", type=int, default=20261125)
    options.add_argument("--examples", type=Path, default=ROOT / "models/training")
    options.add_argument("--svg", type=Path, default=ROOT / "var/learning.svg")
    chosen = options.parse_args(arguments)

    history, segments = draw(
        read_examples(chosen.examples)[0], chosen.messages, chosen.history, chosen.segment, chosen.seed
    )
    if not history:
        options.error("the stream takes every message and leaves none for the first model")
    rules = load_rules(ROOT / "routing_rules.yaml", known_places())
    if chosen.floor is not None:
        rules = replace(rules, thresholds=replace(rules.thresholds, min_confidence=chosen.floor))
    known = [make_ready(one) for one in history]
    first = teach(known, rules, 1)
    rules = _promising(rules, first, chosen.max_wrong)
    changed, shifted = touched(segments)
    print(
        f"First model: {len(history)} messages of {len({one.writer for one in history})} writers. Promised error: "
        f"{100 * rules.thresholds.max_wrong:g} %, floor {rules.thresholds.min_confidence:g}.\n"
        f"Stream: {sum(len(segment.examples) for segment in segments)} messages; of the last {shifted}, {changed} "
        f"have other words.\n{HEAD}",
        flush=True,
    )
    office = Office(first, rules, known, chosen.refit, np.random.default_rng(chosen.seed))
    lines: list[Line] = []
    for segment in segments:
        lines.append(office.work([make_ready(one) for one in segment.examples], shifted=segment.shifted))
        print(row(lines[-1]), flush=True)
    print(total([line for line in lines if not line.shifted], "Before"))
    print(total([line for line in lines if line.shifted], "After"))
    chosen.svg.parent.mkdir(parents=True, exist_ok=True)
    chosen.svg.write_text(svg(lines), encoding="utf-8")
    print(f"Picture: {chosen.svg}")
    return lines


def _promising(rules: Rules, model: Model, wanted: float | None) -> Rules:
    """The rules with the error that is asked for, or their own, or the strictest that the model can show."""
    shown = max(rules.thresholds.max_wrong, min(model.acceptance.limits, default=0.0))
    return replace(rules, thresholds=replace(rules.thresholds, max_wrong=shown if wanted is None else wanted))


if __name__ == "__main__":
    main()
