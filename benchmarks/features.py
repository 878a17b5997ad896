"""``python -m benchmarks.features``: what each group of features costs, and what it earns.

``[--messages N] [--passes N] [--learn N] [--folds N] [--seed N] [--model FILE]``

Cost: the shipped classifier answers messages in batches of 100 as it is, and with one group left out of its vectoriser;
the difference is the group's. Variants take turns, the processor's time of one core counts, of the best pass. A group
that is left out is neither looked for nor turned into columns; what only explains an answer stays.

Earnings: models are fitted without the group and asked out of fold. The part is drawn by the seed from all training
messages, whole writers and situations at a time, until ``--learn`` messages are met: 3,000 of some 15,000, so every
figure is lower than the shipped model's, and only differences count. ``topic``: right topics. ``danger``: urgent
messages found by the head where it raises 5 % of the others (the phrase lists raise more beside it, whatever is left
out here). ``machine``: right about person or machine by the head alone. ``place``: messages whose comune, or that there
is none, is the first guess. A negative figure: better without, within chance (``+-``: one standard error of ``all``).

Set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 for one core. Nothing is read of ``models/evaluation``.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from benchmarks.inbox import ROOT
from triage.classify import Classifier, load_classifier, prepare, topics
from triage.classify.examples import Example, read_examples
from triage.classify.fitting import Labelled, OutOfFold, fit, group_kindred, logits, shuffled
from triage.classify.fitting_places import PlaceExample, fit_places, place_example
from triage.classify.prepare import Prepared
from triage.classify.territory import PlaceRanker, load_gazetteer
from triage.classify.topics import TopicText
from triage.classify.urgency import UrgencyCues
from triage.classify.wordspace import PIECES
from triage.vocabulary import TOPICS, InboundMessage

BATCH = 100
ALARMS = 0.05
"""Share of the harmless messages that the head may raise."""
_NO_CUES = UrgencyCues((), 0, 0, False, 0)
_Row = dict[str, float]


def main(arguments: Sequence[str] | None = None) -> list[tuple[str, _Row]]:
    """Measure and print the table; a line a group."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.features", description=__doc__)
    options.add_argument("--messages", type=int, default=1000, help="messages that are timed")
    options.add_argument("--passes", type=int, default=5, help="rounds of all variants; the best counts")
    options.add_argument("--learn", type=int, default=3000, help="messages that are learnt from and asked")
    options.add_argument("--folds", type=int, default=3)
    options.add_argument("--seed", type=int, default=20261125)
    options.add_argument("--model", type=Path, default=ROOT / "models" / "model.skops")
    chosen = options.parse_args(arguments)

    examples = read_examples(ROOT / "models" / "training")[0]
    part = _draw(examples, chosen.learn, chosen.seed)
    timed = [one.message for one in part[:: max(1, len(part) // chosen.messages)]][: chosen.messages]
    costs = _costs(load_classifier(chosen.model), timed, chosen.passes)
    print(
        f"cost: {len(timed)} messages in batches of {BATCH}, best of {chosen.passes}; earnings: {len(part)} messages "
        f"of {len({one.writer for one in part})} writers, {chosen.folds} folds; ms a message, shares in points\n"
        f"{'left out':<16}{'ms':>7}{'costs':>8}" + "".join(f"{name:>9}{'earns':>7}" for name in _MEASURES),
        flush=True,
    )
    table: list[tuple[str, _Row]] = []
    for name in ("", *GROUPS):
        found = _earnings(part, name, chosen.folds, chosen.seed) | {"ms": costs[name]}
        table.append((name, found))
        print(_line(name, found, table[0][1]), flush=True)
    shares = (f"{name} +-{100 * _error(table[0][1][name], part, name):.1f}" for name in _MEASURES)
    print("one standard error of the first line: " + ", ".join(shares))
    return table


@dataclass(frozen=True, slots=True)
class _Stand:
    """What stands in for a function of the vectoriser while a group is left out."""

    module: ModuleType
    name: str
    instead: Callable[..., object]


def _without_words(*blocks: str) -> Callable[..., TopicText]:
    make = topics.make_topic_text

    def made(*given: object) -> TopicText:
        text = make(*given)  # type: ignore[arg-type]
        return TopicText({name: words for name, words in text.words.items() if name not in blocks}, text.extras)

    return made


GROUPS: Mapping[str, tuple[_Stand, ...]] = {
    "stems": (_Stand(prepare, "make_topic_text", _without_words("subject", "text", "signature")),),
    "pieces of words": (_Stand(prepare, "make_topic_text", _without_words(PIECES)),),
    "concepts": (_Stand(topics, "count_concepts", lambda *_: {}),),
    "signs": (_Stand(topics, "_found_signs", lambda *_: ()),),
    "places": (_Stand(prepare, "find_places", lambda *_: ()),),
    "shape": (_Stand(prepare, "_shape", lambda *_: {}),),
    "danger cues": (_Stand(prepare, "find_cues", lambda *_: _NO_CUES),),
}
"""The groups of ``triage.classify.topics``, and the places, which are masked in all the others."""

_MEASURES = ("topic", "danger", "machine", "place")


@contextmanager
def left_out(group: str) -> Iterator[None]:
    """The vectoriser of this process without a group of ``GROUPS`` while it lasts; "" is the whole."""
    with ExitStack() as stack:
        for stand in GROUPS.get(group, ()):
            stack.enter_context(patch.object(stand.module, stand.name, stand.instead))
        yield


def _draw(examples: Sequence[Example], count: int, seed: int) -> list[Example]:
    """Whole groups of kindred messages in an order of chance, until there are enough."""
    groups = group_kindred([one.writer for one in examples], [one.situation for one in examples])
    order = shuffled(max(groups) + 1, seed)
    members: dict[int, list[Example]] = {number: [] for number in order}
    for group, one in zip(groups, examples, strict=True):
        members[group].append(one)
    drawn: list[Example] = []
    for number in order:
        if len(drawn) >= count:
            break
        drawn += members[number]
    return drawn


def _costs(classifier: Classifier, messages: Sequence[InboundMessage], passes: int) -> dict[str, float]:
    """Milliseconds a message of the whole answer without each group; "" is with all of them."""
    best = dict.fromkeys(("", *GROUPS), math.inf)
    for number in range(passes + 1):
        for name in best:
            with left_out(name):
                begun = time.process_time()
                for start in range(0, len(messages), BATCH):
                    classifier.classify(messages[start : start + BATCH])
                spent = 1000 * (time.process_time() - begun) / len(messages)
            if number:  # the first round fills what is remembered of words
                best[name] = min(best[name], spent)
    return best


def _earnings(examples: Sequence[Example], group: str, folds: int, seed: int) -> _Row:
    """Out of fold, what models know that were fitted without the group."""
    gazetteer = load_gazetteer()
    with left_out(group):
        ready = [prepare.prepare(one.message, gazetteer) for one in examples]
    kin = group_kindred([one.writer for one in examples], [one.situation for one in examples])
    labelled = [_labelled(*one) for one in zip(examples, ready, kin, strict=True)]
    places = [place_example(one, made.places, gazetteer) for one, made in zip(examples, ready, strict=True)]
    fold_of = {number: place % folds for place, number in enumerate(shuffled(max(kin) + 1, seed))}
    folded = np.asarray([fold_of[number] for number in kin])
    seen = OutOfFold.empty(len(examples))
    placed = np.zeros(len(examples), dtype=bool)
    for fold in range(folds):
        known, asked = (np.flatnonzero(there).tolist() for there in (folded != fold, folded == fold))
        logits(fit([labelled[at] for at in known]), [labelled[at] for at in asked], seen, asked)
        if group in {"", "places"}:  # nothing else of the vectoriser is seen by the judge of places
            ranker = PlaceRanker(fit_places([places[at] for at in known], gazetteer), gazetteer)
            placed[asked] = [_is_placed(ranker, examples[at], places[at]) for at in asked]
    truth = np.asarray([TOPICS.index(one.topic) for one in examples])
    urgent, machine = (np.asarray([getattr(one, name) for one in examples]) for name in ("urgent", "automatic"))
    return {
        "topic": float((seen.topic_logits.argmax(axis=1) == truth).mean()),
        "danger": _found(seen.urgent_logits, urgent),
        "machine": float(((seen.automatic_logits >= 0) == machine).mean()),
        "place": float(placed.mean()) if group in {"", "places"} else math.nan,
    }


def _labelled(example: Example, made: Prepared, group: int) -> Labelled:
    return Labelled(made.topic_text, example.topic, example.urgent, example.automatic, example.writer, group)


def _is_placed(ranker: PlaceRanker, example: Example, place: PlaceExample) -> bool:
    scores = ranker.rank(example.message, place.mentions, place.rules)
    first = max(scores.comune_scores, key=lambda name: scores.comune_scores[name], default="")
    known = bool(first) and scores.comune_scores[first] > max(scores.outside, scores.unstated)
    return (first if known else "") == (example.comune if example.comune in load_gazetteer().comuni else "")


def _found(scores: npt.NDArray[np.float32], urgent: npt.NDArray[np.bool_]) -> float:
    """Share of the urgent that is above all but ``ALARMS`` of the others."""
    if not urgent.any() or urgent.all():
        return math.nan
    return float((scores[urgent] > np.quantile(scores[~urgent], 1 - ALARMS)).mean())


def _error(share: float, part: Sequence[Example], name: str) -> float:
    count = sum(one.urgent for one in part) if name == "danger" else len(part)
    return math.sqrt(share * (1 - share) / max(count, 1))


def _line(name: str, found: _Row, whole: _Row) -> str:
    costs = "" if not name else f"{whole['ms'] - found['ms']:.2f}"
    cells = []
    for measure in _MEASURES:
        known = not math.isnan(found[measure])
        cells.append(f"{100 * found[measure]:.1f}" if known else "")
        cells.append(f"{100 * (whole[measure] - found[measure]):+.1f}" if known and name else "")
    return f"{name or 'nothing':<16}{found['ms']:>7.2f}{costs:>8}" + "".join(
        f"{cell:>{9 if number % 2 == 0 else 7}}" for number, cell in enumerate(cells)
    )


if __name__ == "__main__":
    main()
