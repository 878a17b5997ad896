"""``python -m benchmarks.same_answers [--messages N]``: whether masking changes what a model answers.

Classifies invented messages as they are and pseudonymised, with the shipped model, and counts equal answers. The
messages are drawn from those that had no part in training, the same ones each time.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Mapping
from pathlib import Path

from triage.classify import load_classifier
from triage.classify.examples import read_examples
from triage.classify.territory import load_gazetteer
from triage.learning.figures import wilson
from triage.pseudonyms import pseudonymised
from triage.vocabulary import Classification

SEED = 20261129


def main() -> None:
    """Print the shares."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--messages", type=int, default=1770)
    arguments.add_argument("--examples", type=Path, default=Path("models/evaluation"))
    chosen = arguments.parse_args()
    examples, _ = read_examples(chosen.examples)
    drawn = random.Random(SEED).sample(list(examples), min(chosen.messages, len(examples)))  # noqa: S311 - no secret
    gazetteer = load_gazetteer()
    classifier = load_classifier(Path("models/model.skops").read_bytes())
    plain = classifier.classify([one.message for one in drawn])
    masked = classifier.classify([pseudonymised(one.message, gazetteer) for one in drawn])
    for name, asked in ASKED.items():
        same = sum(asked(one) == asked(other) for one, other in zip(plain, masked, strict=True))
        share = wilson(same, len(drawn))
        told = f"{100 * same / len(drawn):5.1f} %  ({100 * (share.low or 0):.1f} to {100 * (share.high or 0):.1f})"
        print(f"{name:28} {same:5} of {len(drawn):5}  {told}")


def place(one: Classification) -> str:
    """The likeliest place, or that there is none."""
    scores = {**one.comune_scores, "outside": one.outside, "unstated": one.unstated}
    return max(sorted(scores), key=scores.__getitem__)


ASKED: Mapping[str, Callable[[Classification], object]] = {
    "topic": lambda one: one.topic,
    "place": place,
    "to be read today": lambda one: one.urgent,
    "on-call alert": lambda one: one.alert,
    "machine or person": lambda one: one.automatic,
    "topic and place": lambda one: (one.topic, place(one)),
}


if __name__ == "__main__":
    main()
