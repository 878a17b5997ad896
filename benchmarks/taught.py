"""A model as ``triage train`` makes it, from messages that are in memory.

Enters prepared examples, leaves a classifier, and how many words writers use that it has not met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from triage.classify import Classifier
from triage.classify.acceptance import AcceptanceWeights
from triage.classify.examples import Example
from triage.classify.fitting import Labelled, calibrate, fit, group_kindred
from triage.classify.fitting_places import PlaceExample, fit_places, place_example
from triage.classify.prepare import Prepared, prepare
from triage.classify.territory import load_gazetteer
from triage.classify.wordspace import terms_of
from triage.learning.acceptance import learn_acceptance
from triage.learning.answers import Answer, answer_out_of_fold
from triage.rules import Rules

SHARED_BY = 3
"""So many writers of one segment must use a stem: what a large training set asks of a term, too."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One message made ready for training and for answering."""

    example: Example
    prepared: Prepared
    place: PlaceExample


@dataclass(frozen=True, slots=True)
class Model:
    """A classifier with its place in the line of models."""

    number: int
    classifier: Classifier
    acceptance: AcceptanceWeights
    usual_unknown: tuple[float, ...]
    """Of each writer, the share of words that models without that writer did not know; Italian mail."""
    stems: frozenset[str]
    """Of whole words: what it has met of three writers."""


def make_ready(example: Example) -> Piece:
    """Everything about one message that no model changes."""
    gazetteer = load_gazetteer()
    prepared = prepare(example.message, gazetteer)
    return Piece(example, prepared, place_example(example, prepared.places, gazetteer))


def teach(pieces: Sequence[Piece], rules: Rules, number: int) -> Model:
    """Fit, calibrate, and learn the trust out of fold, all from these messages."""
    examples = [one.example for one in pieces]
    prepared = [one.prepared for one in pieces]
    places = [one.place for one in pieces]
    groups = group_kindred([one.writer for one in examples], [one.situation for one in examples])
    labelled = [
        Labelled(made.topic_text, one.topic, one.urgent, one.automatic, one.writer, group)
        for made, one, group in zip(prepared, examples, groups, strict=True)
    ]
    seen, answers, _ = answer_out_of_fold(examples, prepared, labelled, places, rules, lambda *_: None)
    acceptance = learn_acceptance(answers, groups)
    gazetteer = load_gazetteer()
    weights = calibrate(fit(labelled), labelled, seen)
    weights = replace(weights, places=fit_places(places, gazetteer), acceptance=acceptance)
    usual = tuple(float(np.mean(shares)) for shares in unknown_words(answers).values())
    return Model(
        number,
        Classifier(weights, gazetteer, f"model {number}"),
        acceptance,
        usual,
        frozenset(weights.fields["text"].terms),
    )


def new_words(model: Model, pieces: Sequence[Piece]) -> frozenset[str]:
    """Stems that the model never met and three writers of these pieces use; Italian mail.

    Slips and names are one writer's own. What three share would have entered the vocabulary.
    """
    writers: dict[str, set[str]] = {}
    for one in pieces:
        if one.prepared.language.code == "it":
            for stem in {stem for word in one.prepared.topic_text.words["text"] for stem in terms_of("text", word)}:
                if stem not in model.stems:
                    writers.setdefault(stem, set()).add(one.example.writer)
    return frozenset(stem for stem, who in writers.items() if len(who) >= SHARED_BY)


def unknown_words(answers: Sequence[Answer]) -> dict[str, list[float]]:
    """Each writer's shares of unknown words, of Italian mail: other languages have hardly any known ones."""
    found: dict[str, list[float]] = {}
    for one in answers:
        if one.judged.classification.language == "it":
            found.setdefault(one.example.writer, []).append(one.judged.signs["unknown_words"])
    return found
