"""What happens where a hamlet is not in the gazetteer: a fifth of the aliases is hidden, five times over.

``python -m benchmarks.hidden_aliases [--model FILE]``

Read are the training messages whose deciding place is a hidden alias. The model has learnt from them, but of
these names it now knows nothing; what is wanted is a message that waits, not one that goes astray.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from triage.classify import load_classifier
from triage.classify.examples import build_message
from triage.classify.prepare import prepare
from triage.classify.territory import gazetteer
from triage.classify.territory.spelling import spellings
from triage.classify.territory.tables import Row, rows
from triage.knowledge import known_places
from triage.learning.answers import _decide
from triage.rules import load_rules
from triage.vocabulary import Action

ROOT = Path(__file__).parent.parent
ROUNDS = 5


def main() -> None:
    """Print one line a round and the sum."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--model", type=Path, default=ROOT / "models" / "model.skops")
    chosen = arguments.parse_args()
    aliases = [row["name"] for row in rows("aliases.csv")]
    random.Random(1).shuffle(aliases)  # noqa: S311 - the same parts every time
    total = [0, 0, 0, 0]
    for number in range(ROUNDS):
        hidden = set(aliases[number::ROUNDS])
        counts = measure(hidden, chosen.model)
        total = [have + more for have, more in zip(total, counts, strict=True)]
        print(f"round {number + 1}, {len(hidden)} of {len(aliases)} aliases hidden: {_told(counts)}")
    print(f"together: {_told(total)}")


def measure(hidden: set[str], model: Path) -> list[int]:
    """Messages decided by a hidden alias; of these right, forwarded, forwarded and wrong."""
    paths = sorted((ROOT / "models/training").glob("*.jsonl"))
    lines = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").split("\n") if line]
    gone = {spelling for name in hidden for spelling in spellings(name)}
    concerned = [line for line in lines if _decided_by(line, gone)]
    rules = load_rules(ROOT / "routing_rules.yaml", known_places())
    with without(hidden):
        classifier = load_classifier(model)
        messages = [build_message(line) for line in concerned]
        decisions = [
            _decide(message, judged, rules)
            for message, judged in zip(
                messages,
                classifier.judge(messages, [prepare(one, gazetteer.load_gazetteer()) for one in messages]),
                strict=True,
            )
        ]
    counts = [len(concerned), 0, 0, 0]
    for line, decision in zip(concerned, decisions, strict=True):
        forwarded = decision.action is Action.FORWARD
        counts[1] += decision.territory == line["territorio"]
        counts[2] += forwarded
        counts[3] += forwarded and decision.destination != line["destinazione"]
    return counts


def _decided_by(line: dict[str, object], gone: set[str]) -> bool:
    mentions = line["mentions"]
    assert isinstance(mentions, list)
    wins = [set(spellings(mention["text"])) for mention in mentions if mention["wins"]]
    return bool(wins) and all(spelled & gone for spelled in wins)


@contextmanager
def without(hidden: set[str]) -> Iterator[None]:
    """The gazetteer as it were without these aliases."""

    def fewer(name: str) -> tuple[Row, ...]:
        return tuple(row for row in rows(name) if name != "aliases.csv" or row["name"] not in hidden)

    with mock.patch.object(gazetteer, "rows", fewer):
        _forget()
        try:
            yield
        finally:
            _forget()


def _forget() -> None:
    """Everything that the modules of places remember was made from the gazetteer."""
    for name, module in list(sys.modules.items()):
        if name.startswith("triage.classify.territory"):
            for value in vars(module).values():
                if callable(forget := getattr(value, "cache_clear", None)):
                    forget()


def _told(counts: list[int]) -> str:
    messages, right, forwarded, wrong = counts
    return f"{messages} messages, territory found otherwise {right}, forwarded {forwarded}, of these wrong {wrong}"


if __name__ == "__main__":
    main()
