"""From labelled messages to a model file and its card.

Enters a folder of JSON lines, leaves ``model.skops`` and ``card.json`` in another. Refused: data
that are no examples (``ExamplesError``), fewer than two writers (``ValueError``). Deterministic: the
same examples and seed give the same octets.
"""

from __future__ import annotations

import json
import math
import platform
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from triage.classify.artefact import digest, dump_weights
from triage.classify.examples import Example, ExampleFile, read_examples
from triage.classify.fitting import (
    FOLDS,
    HEAD_STRENGTH,
    TOPIC_STRENGTH,
    Labelled,
    OutOfFold,
    calibrate,
    cross_validate,
    fewest_writers,
    fit,
    group_kindred,
)
from triage.classify.prepare import Prepared, prepare
from triage.classify.territory import load_gazetteer
from triage.classify.topics import Matrix, Weights, favour_not_for_us, sigmoid, softmax
from triage.classify.urgency import judge_urgency, phrase_lists
from triage.vocabulary import TOPICS

MODEL_FILE = "model.skops"
CARD_FILE = "card.json"


@dataclass(frozen=True, slots=True)
class Share:
    """``right`` of ``n``, with the 95 % Wilson interval; all ``None`` where n is 0."""

    right: int
    n: int
    share: float | None
    low: float | None
    high: float | None


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


def train(examples: Path, out: Path, *, seed: int, progress: Callable[[int, int, str], None]) -> ModelCard:
    """Read ``examples``/*.jsonl, fit, cross-validate by group, write model and card into ``out``.

    ``progress(done, total, what)`` is called between steps. Raises ``ExamplesError`` or ``ValueError``
    for data that cannot be learnt from, ``OSError`` when ``out`` cannot be written.
    """
    read, files = read_examples(examples)
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
    # The optimiser has no randomness; the seed orders the examples, so that no order of files is favoured.
    order = np.random.default_rng(seed).permutation(len(labelled))
    read, prepared = tuple(read[i] for i in order), [prepared[i] for i in order]
    labelled = [labelled[i] for i in order]
    seen = cross_validate(labelled, progress)
    progress(FOLDS, FOLDS + 1, "last fit")
    weights = calibrate(fit(labelled), labelled, seen)
    octets = dump_weights(weights)
    card = _card(octets, seed, read, files, prepared, labelled, seen, weights)
    out.mkdir(parents=True, exist_ok=True)
    (out / MODEL_FILE).write_bytes(octets)
    text = json.dumps(asdict(card), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    (out / CARD_FILE).write_text(text, encoding="utf-8")
    progress(FOLDS + 1, FOLDS + 1, "done")
    return card


def wilson(right: int, n: int) -> Share:
    """The 95 % score interval of a proportion (Wilson 1927)."""
    if n == 0:
        return Share(0, 0, None, None, None)
    z = 1.959964
    share = right / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Share(right, n, round(share, 4), round(max(0.0, centre - half), 4), round(min(1.0, centre + half), 4))


def _card(
    octets: bytes,
    seed: int,
    read: Sequence[Example],
    files: Sequence[ExampleFile],
    prepared: Sequence[Prepared],
    labelled: Sequence[Labelled],
    seen: OutOfFold,
    weights: Weights,
) -> ModelCard:
    truth = [TOPICS.index(one.topic) for one in labelled]
    probabilities = softmax(seen.topic_logits / weights.topic.temperature)
    machines = [number for number, made in enumerate(prepared) if made.automatic.answers_nothing]
    probabilities = favour_not_for_us(probabilities, machines, TOPICS)
    guess = [int(number) for number in probabilities.argmax(axis=1)]
    confusion = {topic: dict.fromkeys(TOPICS, 0) for topic in TOPICS}
    for right, guessed in zip(truth, guess, strict=True):
        confusion[TOPICS[right]][TOPICS[guessed]] += 1
    sha256 = digest(octets)
    writers = {one.writer for one in read}
    return ModelCard(
        statement=(
            f"Misurato su {len(read)} messaggi inventati, ciascuno da un modello che non ha visto nulla dello stesso "
            "autore né della stessa situazione. Non è una misura su posta vera. I segni scelti a mano e gli elenchi di "
            "frasi di pericolo li ha scritti chi aveva letto una parte di questi messaggi: per quelli le misure "
            "sono ottimistiche (confronta i lotti in measures.by_batch; vedi models/training/README.md)."
        ),
        sha256=sha256,
        model_version=sha256[:12],
        seed=seed,
        data={
            "messages": len(read),
            "writers": len(writers),
            "groups": len({one.group for one in labelled}),
            "files": [asdict(file) for file in files],
            "topics": dict(sorted(Counter(one.topic for one in read).items())),
            "languages": dict(sorted(Counter(one.language for one in read).items())),
            "urgent": sum(one.urgent for one in read),
            "automatic": sum(one.automatic for one in read),
            "natural_mix": False,
            "second_reader": False,
        },
        measures=_measures(read, prepared, labelled, seen, weights, truth, probabilities),
        confusion=confusion,
        settings={
            "features": "parole e coppie per campo, luoghi mascherati; segni scelti a mano; forma; segnali di pericolo",
            "fewest_writers_per_term": fewest_writers(len(writers)),
            "terms": {name: len(field.terms) for name, field in weights.fields.items()},
            "extras": len(weights.extras),
            "topic_strength": TOPIC_STRENGTH,
            "head_strength": HEAD_STRENGTH,
            "folds": FOLDS,
            "topic_temperature": weights.topic.temperature,
            "urgent_threshold": weights.urgent_threshold,
            "automatic_threshold": weights.automatic_threshold,
        },
        versions={
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "scikit-learn", "scipy", "skops", "py3langid")},
        },
        phrase_lists=tuple(
            {"language": language, "status": status, "signed_by": signed} for language, status, signed in phrase_lists()
        ),
    )


def _measures(
    read: Sequence[Example],
    prepared: Sequence[Prepared],
    labelled: Sequence[Labelled],
    seen: OutOfFold,
    weights: Weights,
    truth: Sequence[int],
    probabilities: Matrix,
) -> dict[str, Any]:
    """Everything but ``language`` and the phrase lists was learnt, and is measured out of fold.

    The two thresholds and the temperature were chosen on the same out-of-fold answers: three numbers
    for all messages, so what they flatter is small, but it is not nothing.
    """
    urgent_probability = sigmoid(seen.urgent_logits)
    automatic_probability = sigmoid(seen.automatic_logits)
    urgency = [
        judge_urgency(made.cues, float(probability), weights.urgent_threshold)
        for made, probability in zip(prepared, urgent_probability, strict=True)
    ]
    urgent = [one.urgent and not made.automatic.proved for one, made in zip(urgency, prepared, strict=True)]
    alert = [one.alert and raised for one, raised in zip(urgency, urgent, strict=True)]
    by_phrase = [bool(made.cues.raised) and not made.automatic.proved for made in prepared]
    automatic = [
        made.automatic.automatic or float(probability) >= weights.automatic_threshold
        for made, probability in zip(prepared, automatic_probability, strict=True)
    ]
    guess = [int(number) for number in probabilities.argmax(axis=1)]
    sure = probabilities.max(axis=1)
    per_topic = {
        topic: {
            "recall": asdict(_share([g == t for t, g in zip(truth, guess, strict=True) if t == number])),
            "precision": asdict(_share([g == t for t, g in zip(truth, guess, strict=True) if g == number])),
        }
        for number, topic in enumerate(TOPICS)
    }
    return {
        "topic": asdict(_share([g == t for t, g in zip(truth, guess, strict=True)])),
        "topic_by_name": per_topic,
        "by_batch": {
            batch: _of_batch(batch, read, guess, truth, urgent) for batch in sorted({one.batch for one in read})
        },
        "topic_when_sure": {
            f"{level:.1f}": asdict(_share([t == g for t, g, p in zip(truth, guess, sure, strict=True) if p >= level]))
            for level in (0.5, 0.7, 0.9)
        },
        "urgent_found": asdict(_share([r for r, one in zip(urgent, labelled, strict=True) if one.urgent])),
        "urgent_false_alarms": asdict(_share([r for r, one in zip(urgent, labelled, strict=True) if not one.urgent])),
        "urgent_found_by_phrases_alone": asdict(
            _share([r for r, one in zip(by_phrase, labelled, strict=True) if one.urgent])
        ),
        "urgent_false_alarms_of_phrases": asdict(
            _share([r for r, one in zip(by_phrase, labelled, strict=True) if not one.urgent])
        ),
        "alert_among_urgent": asdict(_share([r for r, one in zip(alert, labelled, strict=True) if one.urgent])),
        "alert_false": asdict(_share([r for r, one in zip(alert, labelled, strict=True) if not one.urgent])),
        "automatic_found": asdict(_share([r for r, one in zip(automatic, labelled, strict=True) if one.automatic])),
        "automatic_false": asdict(_share([r for r, one in zip(automatic, labelled, strict=True) if not one.automatic])),
        "automatic_proved_false": asdict(
            _share([made.automatic.proved for made, one in zip(prepared, labelled, strict=True) if not one.automatic])
        ),
        "language": asdict(
            _share([made.language.code == one.language for made, one in zip(prepared, read, strict=True)])
        ),
    }


def _of_batch(
    batch: str, read: Sequence[Example], guess: Sequence[int], truth: Sequence[int], urgent: Sequence[bool]
) -> dict[str, Any]:
    chosen = [number for number, one in enumerate(read) if one.batch == batch]
    return {
        "topic": asdict(_share([guess[number] == truth[number] for number in chosen])),
        "urgent_found": asdict(_share([urgent[number] for number in chosen if read[number].urgent])),
        "urgent_false_alarms": asdict(_share([urgent[number] for number in chosen if not read[number].urgent])),
    }


def _share(outcomes: Sequence[bool]) -> Share:
    return wilson(sum(bool(outcome) for outcome in outcomes), len(outcomes))
