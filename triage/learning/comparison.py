"""Champion against challenger on the same labelled messages, figure by figure.

Enters a folder of JSON lines, two classifiers and rules; leaves a :class:`Comparison` of plain values.
Each message is answered by both, and only those that one of the two got right say anything (exact
McNemar test). Messages of one writer are kin, so the p-values are somewhat too small.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from scipy.stats import binom

from triage.cards import Card
from triage.classify import Classifier
from triage.classify.examples import ExampleFile, read_examples
from triage.classify.prepare import prepare
from triage.classify.territory import load_gazetteer
from triage.learning.answers import Answer, answer
from triage.learning.corrections import dates_of
from triage.learning.figures import QUESTIONS, Share, share
from triage.rules import Rules

HARD = ("forwarded_wrong", "filed_persons", "acknowledged_machines")
"""What must not become worse, not even by chance."""
ERRORS = frozenset({*HARD, "automatic_false", "urgent_false_alarms", "alert_false"})
"""Questions to which yes is a mistake."""
DOUBT = 0.05
_BATCH = 100


class Outcome(StrEnum):
    """What a pair of answers shows of the challenger."""

    BETTER = "better"
    WORSE = "worse"
    EQUAL = "no difference shown"


class Verdict(StrEnum):
    """The whole comparison in one word."""

    UNSAFE = "unsafe"
    """Worse on a hard figure."""
    BETTER = "better"
    WORSE = "worse"
    MIXED = "mixed"
    """Better at something, worse at something else: a person must weigh it."""
    EQUAL = "equal"


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure of both, over the ``n`` messages at which it was asked of either."""

    name: str
    hard: bool
    n: int
    both_right: int
    only_champion: int
    only_challenger: int
    neither: int
    p_value: float
    outcome: Outcome
    """After Holm's correction for the number of figures; a hard one is worse if it is worse at all."""
    champion: Share
    challenger: Share


@dataclass(frozen=True, slots=True)
class Comparison:
    """All plain values. ``cautions`` say why the messages may be no fair test, ``held_out`` whether they are one."""

    champion: str
    challenger: str
    rules_version: str
    messages: int
    writers: int
    pairs: tuple[Pair, ...]
    verdict: Verdict
    held_out: bool
    cautions: tuple[str, ...]

    def named(self, outcome: Outcome) -> tuple[str, ...]:
        """The figures with this outcome."""
        return tuple(pair.name for pair in self.pairs if pair.outcome is outcome)


@dataclass(frozen=True, slots=True)
class Rival:
    """A model with what is known of its schooling."""

    classifier: Classifier
    card: Card | None


def compare(
    folder: Path, champion: Rival, challenger: Rival, rules: Rules, progress: Callable[[int, int], None]
) -> Comparison:
    """Answer every message of ``folder``/*.jsonl twice. Raises ``ExamplesError`` for data that are no examples."""
    read, files = read_examples(folder)
    gazetteer = load_gazetteer()
    first: list[Answer] = []
    second: list[Answer] = []
    for start in range(0, len(read), _BATCH):
        batch = read[start : start + _BATCH]
        prepared = [prepare(one.message, gazetteer) for one in batch]
        first += answer(champion.classifier, batch, prepared, rules)
        second += answer(challenger.classifier, batch, prepared, rules)
        progress(len(first), len(read))
    pairs = pair_up(first, second)
    learnt, unknown = _cautions(folder, files, {"champion": champion.card, "challenger": challenger.card})
    return Comparison(
        champion=champion.classifier.version,
        challenger=challenger.classifier.version,
        rules_version=rules.version,
        messages=len(read),
        writers=len({one.writer for one in read}),
        pairs=pairs,
        verdict=judge(pairs),
        held_out=not learnt,
        cautions=(*learnt, *unknown),
    )


def pair_up(champion: Sequence[Answer], challenger: Sequence[Answer]) -> tuple[Pair, ...]:
    """Every figure of two models' answers to the same messages, in the same order."""
    counted = {name: _count(name, champion, challenger) for name in QUESTIONS}
    values = {name: mcnemar(only_first, only_second) for name, (_, only_first, only_second, _) in counted.items()}
    shown = _holm(values)
    pairs = []
    for name, (both, only_first, only_second, neither) in counted.items():
        first, second = share(champion, name), share(challenger, name)
        pairs.append(
            Pair(
                name=name,
                hard=name in HARD,
                n=both + only_first + only_second + neither,
                both_right=both,
                only_champion=only_first,
                only_challenger=only_second,
                neither=neither,
                p_value=round(values[name], 6),
                outcome=_outcome(name, only_second - only_first if name in shown else 0, first, second),
                champion=first,
                challenger=second,
            )
        )
    return tuple(pairs)


def judge(pairs: Sequence[Pair]) -> Verdict:
    """The verdict; a hard figure outweighs all others."""
    if any(pair.hard and pair.outcome is Outcome.WORSE for pair in pairs):
        return Verdict.UNSAFE
    found = {pair.outcome for pair in pairs} - {Outcome.EQUAL}
    if len(found) == 2:
        return Verdict.MIXED
    if not found:
        return Verdict.EQUAL
    return Verdict.BETTER if Outcome.BETTER in found else Verdict.WORSE


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p-value that two models are equally often right where just one of them is."""
    differing = only_first + only_second
    return min(1.0, 2.0 * float(binom.cdf(min(only_first, only_second), differing, 0.5)))


def _count(name: str, champion: Sequence[Answer], challenger: Sequence[Answer]) -> tuple[int, int, int, int]:
    """Messages that both, only the champion, only the challenger, and neither got right."""
    asked, yes = QUESTIONS[name]
    counts = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    for first, second in zip(champion, challenger, strict=True):
        if asked(first) or asked(second):
            # A model that did not forward a message did not forward it wrongly.
            right = [bool(asked(one) and yes(one)) is not (name in ERRORS) for one in (first, second)]
            counts[right[0], right[1]] += 1
    return counts[True, True], counts[True, False], counts[False, True], counts[False, False]


def _outcome(name: str, gain: int, champion: Share, challenger: Share) -> Outcome:
    if name in HARD and _is_worse(name, champion, challenger):
        return Outcome.WORSE
    if gain > 0:
        return Outcome.BETTER
    # More wrong forwards, but of many more forwards, are no larger share of them.
    return Outcome.WORSE if gain < 0 and name not in HARD else Outcome.EQUAL


def _is_worse(name: str, champion: Share, challenger: Share) -> bool:
    if name == "forwarded_wrong":
        # Of what is forwarded: who forwards more may make more mistakes, not a larger share of them.
        return challenger.right * max(champion.n, 1) > champion.right * challenger.n
    return challenger.right > champion.right


def _holm(values: Mapping[str, float]) -> set[str]:
    """Names whose difference stands after Holm's step-down correction (1979)."""
    ordered = sorted(values, key=lambda name: values[name])
    shown: set[str] = set()
    for number, name in enumerate(ordered):
        if values[name] > DOUBT / (len(ordered) - number):
            break
        shown.add(name)
    return shown


def _cautions(
    folder: Path, files: Sequence[ExampleFile], cards: Mapping[str, Card | None]
) -> tuple[list[str], list[str]]:
    """Why the messages are no test, and why that cannot be known."""
    days = dates_of(folder).values()
    learnt, unknown = [], []
    for name, card in cards.items():
        if card is None:
            unknown.append(f"the {name} has no card: whether it learnt from these messages is not known")
            continue
        known = [file.name for file in files if file.sha256 in card.learnt]
        if known:
            learnt.append(f"the {name} learnt from {', '.join(known)}: its answers there are no test")
        early = sum(card.latest is not None and day <= card.latest for day in days)
        if early:
            learnt.append(f"{early} messages are not later than the last correction the {name} learnt ({card.latest})")
    return learnt, unknown
