"""From labelled messages to a model file and its card.

Enters a folder of JSON lines, perhaps one of corrections, and the routing rules; leaves
``model.skops`` and ``card.json`` in another. Refused: data that are no examples (``ExamplesError``),
fewer than two writers (``ValueError``). Deterministic: the same examples, corrections, rules and seed
give the same octets on one kind of processor (the linear algebra library adds in an order that depends on it).
"""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from triage.cards import CARD_FILE, MODEL_FILE
from triage.classify.acceptance import AcceptanceWeights, acceptance_of
from triage.classify.artefact import digest, dump_weights
from triage.classify.examples import Example, ExampleFile, ExamplesError, Settled, read_examples
from triage.classify.fitting import (
    FOLDS,
    HEAD_STRENGTH,
    TOPIC_STRENGTH,
    Labelled,
    calibrate,
    fewest_writers,
    fit,
    group_kindred,
    repeated,
    shuffled,
)
from triage.classify.fitting_places import PULL, fit_places, place_example
from triage.classify.prepare import Prepared, prepare
from triage.classify.territory import load_gazetteer
from triage.classify.topics import Weights
from triage.classify.urgency import phrase_lists
from triage.learning.acceptance import DELTA, learn_acceptance
from triage.learning.answers import Answer, answer_out_of_fold, decide_again
from triage.learning.corrections import Correction, corrections_in_card, read_corrections
from triage.learning.figures import confusion, measure, measure_hidden
from triage.learning.hidden import hide_aliases, without_place
from triage.learning.settled import lessons_of, places_of, topics_of
from triage.rules import Rules


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What the model learnt from and how well it does on writers it never saw. All plain values."""

    statement: str
    sha256: str
    model_version: str
    seed: int
    data: dict[str, Any]
    measures: dict[str, Any]
    confusion: dict[str, dict[str, int]]
    settings: dict[str, Any]
    versions: dict[str, str]
    phrase_lists: tuple[dict[str, str], ...]


def train(
    examples: Path,
    out: Path,
    *,
    rules: Rules,
    seed: int,
    progress: Callable[[int, int, str], None],
    also: Path | None = None,
    settled: Iterable[Settled] = (),
    sorted_by_hand: Iterable[Settled] = (),
    read_at: datetime | None = None,
) -> ModelCard:
    """Read ``examples``/*.jsonl, fit, cross-validate by group, write model and card into ``out``.

    ``also``: a folder of corrections (``triage.learning.corrections``), learnt beside the examples. ``settled``: real
    messages with what persons said of them, learnt but not measured; ``sorted_by_hand`` those that lay in a labelled
    folder (``triage.learning.learnt``), learnt in the same way. ``read_at``: when the record was read.
    ``rules`` say which comuni belong together, for the trust in destinations alone: no model sees
    them. ``progress(done, total, what)`` is called between steps. Raises ``ExamplesError`` or
    ``ValueError`` for data that cannot be learnt from, ``OSError`` when ``out`` cannot be written.
    """
    read, files, corrections, corrected_files = _read(examples, also)
    # The optimisers have no randomness; the seed orders the examples, so that no order of files is favoured.
    read = tuple(read[position] for position in shuffled(len(read), seed))
    gazetteer = load_gazetteer()
    prepared: list[Prepared] = []
    for number, example in enumerate(read):
        if number % 50 == 0:
            progress(number, len(read), "reading")
        prepared.append(prepare(example.message, gazetteer))
    groups = group_kindred([one.writer for one in read], [one.situation for one in read])
    labelled = [
        Labelled(made.topic_text, one.topic, one.urgent, one.automatic, one.writer, group)
        for made, one, group in zip(prepared, read, groups, strict=True)
    ]
    places = [place_example(one, made.places, gazetteer) for one, made in zip(read, prepared, strict=True)]
    weight_of = {one.example.identity: one.weight for one in corrections}
    times = [weight_of.get(one.identity, 1) for one in read]
    hidden = hide_aliases(read, seed)
    by_settlement = lessons_of(settled, gazetteer)
    by_folder = lessons_of(sorted_by_hand, gazetteer)
    lessons = [*by_settlement, *by_folder]
    seen, answers, without = answer_out_of_fold(
        read, prepared, labelled, places, rules, progress, times, hidden, lessons
    )
    acceptance = learn_acceptance(answers, groups)
    progress(FOLDS + 1, FOLDS + 2, "last fit")
    taught = repeated(range(len(read)), times)
    weights = calibrate(fit([labelled[position] for position in taught], topics_of(lessons)), labelled, seen)
    known = [*(places[position] for position in taught), *without_place(hidden, taught), *places_of(lessons)]
    ranker = fit_places(known, gazetteer)
    weights = replace(weights, places=ranker, acceptance=acceptance)
    octets = dump_weights(weights)
    trusted = [_trusted(one, acceptance, rules) for one in answers]
    days = [one.on for one in by_settlement], [one.on for one in by_folder]
    learnt = corrections_in_card(corrections, corrected_files, *days, read_at)
    card = _card(octets, seed, read, files, weights, trusted, len(set(groups)), learnt)
    unknown = measure_hidden([_trusted(one, acceptance, rules) for one in without])
    card = replace(card, measures={**card.measures, "hidden_aliases": unknown})
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(card), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    # The card first: a service that watches the model file finds its card beside it.
    (out / CARD_FILE).write_text(text, encoding="utf-8")
    (out / MODEL_FILE).write_bytes(octets)
    progress(FOLDS + 2, FOLDS + 2, "done")
    return card


def _read(
    examples: Path, also: Path | None
) -> tuple[tuple[Example, ...], tuple[ExampleFile, ...], tuple[Correction, ...], tuple[ExampleFile, ...]]:
    read, files = read_examples(examples)
    if also is None:
        return read, files, (), ()
    corrections, corrected_files = read_corrections(also)
    known = {one.identity for one in read}
    for one in corrections:
        if one.example.identity in known:
            raise ExamplesError(f"an example and a correction have the same id {one.example.identity!r}")
    return (*read, *(one.example for one in corrections)), files, corrections, corrected_files


def _trusted(one: Answer, weights: AcceptanceWeights, rules: Rules) -> Answer:
    """The same answer with the learnt trust; its few weights were fitted on all messages together."""
    acceptance = acceptance_of(weights, one.judged.signs)
    judged = replace(one.judged, classification=replace(one.judged.classification, acceptance=acceptance))
    return decide_again(replace(one, judged=judged), rules)


def _card(
    octets: bytes,
    seed: int,
    read: Sequence[Example],
    files: Sequence[ExampleFile],
    weights: Weights,
    answers: Sequence[Answer],
    groups: int,
    corrections: dict[str, Any],
) -> ModelCard:
    sha256 = digest(octets)
    writers = {one.writer for one in read}
    unmeasured = corrections["from_record"] + corrections.get("from_folders", 0)
    settled = corrections["messages"] - unmeasured
    others = f" e {settled} definiti da una persona" if settled else ""
    also = f" Ha imparato anche da messaggi veri definiti da persone ({unmeasured}), e su quelli non è misurato."
    return ModelCard(
        statement=(
            f"Misurato su {len(read) - settled} messaggi inventati{others}, ciascuno da un modello che non ha visto "
            "nulla dello stesso autore né della stessa situazione. Non è una misura su posta vera. Soglie e fiducia "
            "(pochi numeri) sono state scelte su questi stessi messaggi; i segni scelti a mano e gli elenchi di frasi "
            "di pericolo li ha scritti chi aveva letto una parte dei lotti a, b, c (vedi models/training/README.md)."
            f"{also if unmeasured else ''}"
        ),
        sha256=sha256,
        model_version=sha256[:12],
        seed=seed,
        data={
            "messages": len(read) + corrections["from_record"],
            "writers": len(writers),
            "groups": groups,
            "files": [asdict(file) for file in files],
            "corrections": corrections,
            "topics": dict(sorted(Counter(one.topic for one in read).items())),
            "languages": dict(sorted(Counter(one.language for one in read).items())),
            "territories": dict(sorted(Counter(one.territory for one in read).items())),
            "urgent": sum(one.urgent for one in read),
            "automatic": sum(one.automatic for one in read),
            "natural_mix": False,
        },
        measures=measure(answers),
        confusion=confusion(answers, lambda one: (one.example.topic, one.decision.topic)),
        settings={
            "features": (
                "radici e pezzi di parole per campo, luoghi mascherati; concetti; segni scelti a mano; forma; pericolo"
            ),
            "fewest_writers_per_term": fewest_writers(len(writers)),
            "terms": {name: len(field.terms) for name, field in weights.fields.items()},
            "extras": len(weights.extras),
            "place_terms": len(weights.places.terms),
            "topic_strength": TOPIC_STRENGTH,
            "head_strength": HEAD_STRENGTH,
            "place_pull": PULL,
            "folds": FOLDS,
            "topic_temperature": weights.topic.temperature,
            "urgent_threshold": weights.urgent_threshold,
            "automatic_threshold": weights.automatic_threshold,
            "promise_fails_at_most": DELTA,
            "promises": {
                str(limit): threshold
                for limit, threshold in zip(weights.acceptance.limits, weights.acceptance.thresholds, strict=True)
            },
        },
        versions={
            "python": platform.python_version(),
            **{
                name: version(name)
                for name in ("numpy", "scikit-learn", "scipy", "skops", "py3langid", "pystemmer", "pyahocorasick")
            },
        },
        phrase_lists=tuple(
            {"language": language, "status": status, "signed_by": signed} for language, status, signed in phrase_lists()
        ),
    )
