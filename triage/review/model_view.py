"""Models as the pages show them: card, comparison with the model in force, what stands against promoting."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from triage.promotion import PAUSE, Known
from triage.record import Transaction
from triage.record.identity import MODEL
from triage.record.model_papers import Paper, newest_comparison
from triage.record.versions import How, steps
from triage.review.model_words import FIGURES, OUTCOMES, VERDICTS, caution_words, percent


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of a card."""

    title: str
    over: str
    right: int
    n: int
    share: str
    interval: str


@dataclass(frozen=True, slots=True)
class PairView:
    """One measure of both models."""

    title: str
    now: str
    then: str
    only_now: int
    only_then: int
    outcome: str
    hard: bool


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """A comparison that was kept."""

    at: datetime
    messages: int
    writers: int
    verdict: str
    safe: bool
    held_out: bool
    cautions: tuple[str, ...]
    pairs: tuple[PairView, ...]


@dataclass(frozen=True, slots=True)
class Against:
    """What stands against putting a model in force; nothing: it may be done at once."""

    forbidden: str = ""
    """Why it cannot be done at all."""
    reasons: tuple[str, ...] = ()
    """Why it is done only by somebody who insists and says why."""
    compared: ComparisonView | None = None


def figures_of(card: Mapping[str, Any]) -> tuple[Figure, ...]:
    """The measures of a card (its JSON)."""
    measures = card.get("measures", {})
    found = []
    for name, (title, over) in FIGURES.items():
        one = measures.get(name)
        if isinstance(one, Mapping) and one.get("n"):
            interval = f"tra {percent(one.get('low'))} e {percent(one.get('high'))}"
            found.append(Figure(title, over, int(one["right"]), int(one["n"]), percent(one["share"]), interval))
    return tuple(found)


def card_of(known: Known) -> Mapping[str, Any]:
    """The whole card as JSON; empty without one."""
    return dict(json.loads(known.card.octets)) if known.card is not None else {}


def comparison_view(paper: Paper | None) -> ComparisonView | None:
    """A kept comparison in words."""
    if paper is None:
        return None
    content = paper.content
    pairs = tuple(
        PairView(
            FIGURES[pair["name"]][0],
            percent(pair["champion"]["share"]),
            percent(pair["challenger"]["share"]),
            pair["only_champion"],
            pair["only_challenger"],
            OUTCOMES.get(pair["outcome"], pair["outcome"]),
            pair["hard"],
        )
        for pair in content["pairs"]
        if pair["n"] and pair["name"] in FIGURES
    )
    return ComparisonView(
        at=paper.at,
        messages=content["messages"],
        writers=content["writers"],
        verdict=VERDICTS.get(content["verdict"], content["verdict"]),
        safe=content["verdict"] != "unsafe",
        held_out=content["held_out"],
        cautions=tuple(map(caution_words, content["cautions"])),
        pairs=pairs,
    )


def against(tx: Transaction, known: Known, in_force: str) -> Against:
    """As ``triage models promote`` asks it, with what was kept of a comparison."""
    if known.version == in_force:
        return Against(forbidden="Questo modello è già in vigore.")
    if not known.intact:
        return Against(forbidden="Il file di questo modello è stato alterato: non si può usare.")
    if known.card is None:
        return Against(forbidden="Questo modello non ha la sua scheda: non si può mettere in vigore.")
    compared = comparison_view(newest_comparison(tx, in_force, known.version)) if in_force else None
    reasons = []
    if in_force and compared is None:
        reasons.append("Non è stato confrontato con il modello in vigore.")
    if compared is not None and not compared.safe:
        reasons.append("Nel confronto peggiora in qualcosa che non deve peggiorare.")
    if compared is not None and not compared.held_out:
        reasons.append("Il confronto non è una prova giusta: uno dei due modelli aveva già imparato da quei messaggi.")
    if is_hasty(tx, tx.now):
        reasons.append("Un altro modello è stato messo in vigore da meno di una settimana: è presto per giudicarlo.")
    return Against(reasons=tuple(reasons), compared=compared)


def is_hasty(tx: Transaction, now: datetime, pause: timedelta = PAUSE) -> bool:
    """Whether a model was promoted too short a time ago."""
    return any(step.how is How.PROMOTED and now - step.at < pause for step in steps(tx, MODEL))
