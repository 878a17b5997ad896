"""What the service would answer to labelled messages, by the very functions that decide real mail.

Enters examples and a classifier, or the examples alone: then each is answered by a model that saw
nothing of its writer or situation. Leaves classifications, decisions and the signs of trust.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from sklearn.model_selection import GroupKFold

from triage.classify import Classifier
from triage.classify.classifier import Judged
from triage.classify.examples import Example
from triage.classify.fitting import FOLDS, Labelled, OutOfFold, calibrate, fit, logits, repeated
from triage.classify.fitting_places import PlaceExample, fit_places
from triage.classify.prepare import Prepared
from triage.classify.territory import load_gazetteer
from triage.classify.topics import Weights
from triage.decide import DecisionContext, decide
from triage.learning.hidden import TAUGHT_PART, Hidden, without_place
from triage.learning.settled import Lesson, places_of, topics_of
from triage.rules import MailboxRole, Rules
from triage.vocabulary import Address, Decision, InboundMessage

OUT_OF_FOLD = "out of fold"
"""Stands for the version of a model that lives only to answer what it has not seen."""
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """One example, what was found in it and what would be done with it."""

    example: Example
    judged: Judged
    decision: Decision

    @property
    def right(self) -> bool:
        """Whether the destination is the labelled one."""
        return self.decision.destination == self.example.destination


def answer(
    classifier: Classifier, examples: Sequence[Example], prepared: Sequence[Prepared], rules: Rules
) -> list[Answer]:
    """Answers of one classifier; modes and confirmations are set aside."""
    judged = classifier.judge([example.message for example in examples], prepared)
    return [
        Answer(example, one, _decide(example.message, one, rules))
        for example, one in zip(examples, judged, strict=True)
    ]


def decide_again(one: Answer, rules: Rules) -> Answer:
    """The same answer decided anew, after its classification was changed."""
    return replace(one, decision=_decide(one.example.message, one.judged, rules))


def answer_out_of_fold(
    examples: Sequence[Example],
    prepared: Sequence[Prepared],
    labelled: Sequence[Labelled],
    places: Sequence[PlaceExample],
    rules: Rules,
    progress: Progress,
    times: Sequence[int] | None = None,
    hidden: Sequence[Hidden] = (),
    settled: Sequence[Lesson] = (),
) -> tuple[OutOfFold, list[Answer], list[Answer]]:
    """The heads' raw scores and the answers, each from models that never met the example's group.

    ``times``: how often each example counts while learning (once unless said); it is answered once. ``hidden``:
    examples without their place; those of the taught part are learnt from, the others answered (the third value).
    ``settled`` are real messages: every model learns from them, none is measured on them.
    """
    groups = [one.group for one in labelled]
    count = min(FOLDS, len(set(groups)))
    if count < 2:
        raise ValueError("training needs messages of at least two writers, to test on one what the other taught")
    gazetteer = load_gazetteer()
    folds: list[tuple[Sequence[int], Weights]] = []
    seen = OutOfFold.empty(len(examples))
    for number, (train, test) in enumerate(GroupKFold(n_splits=count).split(groups, groups=groups)):
        progress(number, count + 2, "cross-validation")
        taught = repeated(train, times or [1] * len(examples))
        known = [*(places[position] for position in taught), *without_place(hidden, train), *places_of(settled)]
        weights = fit([labelled[position] for position in taught], topics_of(settled))
        weights = replace(weights, places=fit_places(known, gazetteer))
        logits(weights, [labelled[position] for position in test], seen, test)
        folds.append(([int(position) for position in test], weights))
    progress(count, count + 2, "calibration")
    found: list[Answer | None] = [None] * len(examples)
    without: list[Answer] = []
    for test, weights in folds:
        # Temperatures and thresholds are a few numbers for all messages together.
        weights = calibrate(weights, labelled, seen)
        classifier = Classifier(weights, gazetteer, OUT_OF_FOLD)
        answers = answer(classifier, [examples[i] for i in test], [prepared[i] for i in test], rules)
        for position, one in zip(test, answers, strict=True):
            found[position] = one
        without += _answer_hidden(weights, examples, hidden, set(test), rules)
    return seen, [one for one in found if one is not None], without


def _answer_hidden(
    weights: Weights, examples: Sequence[Example], hidden: Sequence[Hidden], test: set[int], rules: Rules
) -> list[Answer]:
    """Of the parts that are not taught those in ``test``, each with the gazetteer that lacks its place."""
    found: list[Answer] = []
    asked = [one for one in hidden if one.part != TAUGHT_PART and one.position in test]
    for gazetteer, group in groupby(asked, key=lambda one: one.gazetteer):
        some = list(group)
        classifier = Classifier(weights, gazetteer, OUT_OF_FOLD)
        found += answer(classifier, [examples[one.position] for one in some], [one.prepared for one in some], rules)
    return found


def _decide(message: InboundMessage, judged: Judged, rules: Rules) -> Decision:
    context = DecisionContext(
        mailbox=next(iter(rules.mailboxes)),
        role=MailboxRole.INBOX,
        internal_date=None,
        is_old=False,
        received_count=1,
        is_own_loop=False,
    )
    # Examples have no addresses; somebody wrote them, and could be answered.
    author = Address(message.author.display_name, "persona@example.org")
    return decide(
        replace(message, author=author, authors=(author,)), judged.classification, rules, context, ignore_modes=True
    )
