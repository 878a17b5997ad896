"""Fits the judge of places to labelled mentions.

Enters messages with their candidates and which of them is right, leaves :class:`RankerWeights`.
Conditional logit with a quadratic pull towards the rules' own judgement, solved by L-BFGS: convex
where one mention is right, and always the same for the same examples. A term needs as many writers as a word does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.optimize import minimize

from triage.classify.examples import Example, Settled
from triage.classify.fitting import fewest_writers
from triage.classify.territory import Gazetteer, score_places
from triage.classify.territory.ranking import (
    STARTING_WEIGHTS,
    Candidate,
    Features,
    PlaceRanker,
    RankerWeights,
    candidates,
    none_features,
    several_features,
    text_of,
)
from triage.classify.territory.scoring import PlaceScores
from triage.vocabulary import OUTSIDE, SEVERAL, UNSTATED, InboundMessage, PlaceMention

PULL = 4.0
"""Strength of the pull towards the rules; more than the 0.3, 1, 2 and 3 that were compared out of fold."""
SEVERAL_PULL = 4.0

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PlaceExample:
    """One message's candidates. ``right``: positions that are the answer; empty with ``none``: nothing is."""

    message: InboundMessage
    mentions: tuple[PlaceMention, ...]
    rules: PlaceScores
    found: tuple[Candidate, ...]
    right: tuple[int, ...]
    none: bool
    several: bool
    writer: str


def place_example(
    example: Example | Settled, mentions: tuple[PlaceMention, ...], gazetteer: Gazetteer, *, hidden: bool = False
) -> PlaceExample:
    """What the labels of one message say of its mentions. ``hidden``: the gazetteer lacks the place that decides."""
    rules = score_places(mentions, gazetteer)
    found = candidates(example.message, mentions, rules, gazetteer)
    right = tuple(number for number, one in enumerate(found) if _is_right(example, one))
    return PlaceExample(
        example.message,
        mentions,
        rules,
        found,
        right,
        (hidden or example.territory == UNSTATED) and not right,
        example.territory == SEVERAL,
        example.writer,
    )


def fit_places(examples: Sequence[PlaceExample], gazetteer: Gazetteer) -> RankerWeights:
    """Both questions: which mention decides, and whether two do."""
    terms, weights = _fit_ranker(examples)
    first = PlaceRanker(RankerWeights(terms, weights, (), np.zeros(0, dtype=np.float32)), gazetteer)
    several_terms, several = _fit_several(examples, first)
    return RankerWeights(terms, weights, several_terms, several)


def _is_right(example: Example | Settled, one: Candidate) -> bool:
    if example.comune and example.comune in one.comuni:
        return True
    written = text_of(example.message, one.mention.where)[one.mention.start : one.mention.end]
    won = any(where == one.mention.where and (written in text or text in written) for where, text in example.winning)
    if example.territory == OUTSIDE:
        return won and one.mention.kind == "outside"
    return won and not example.comune and example.territory not in {UNSTATED, SEVERAL}


def _fit_ranker(examples: Sequence[PlaceExample]) -> tuple[tuple[str, ...], npt.NDArray[np.float32]]:
    used = [one for one in examples if one.found and (one.right or one.none) and not one.several]
    sheets = [(none_features(one.message, one.found, one.rules), *(c.features for c in one.found)) for one in used]
    terms = _terms((one.writer, row) for one, sheet in zip(used, sheets, strict=True) for row in sheet)
    if not used:
        return _settled(terms, np.asarray([STARTING_WEIGHTS.get(term, 0.0) for term in terms]))
    rows = _matrix([row for sheet in sheets for row in sheet], terms)
    owner = np.repeat(np.arange(len(used)), [len(sheet) for sheet in sheets])
    right = np.zeros(rows.shape[0], dtype=bool)
    begin = 0
    for one, sheet in zip(used, sheets, strict=True):
        for position in one.right:
            right[begin + 1 + position] = True
        right[begin] = not one.right
        begin += len(sheet)
    start = np.asarray([STARTING_WEIGHTS.get(term, 0.0) for term in terms])

    def loss(weights: Vector) -> tuple[float, Vector]:
        logits = rows @ weights
        every, share = _log_sum(logits, owner, len(used))
        chosen, right_share = _log_sum(np.where(right, logits, -1e30), owner, len(used))
        moved = weights - start
        value = float((every - chosen).sum() + 0.5 * PULL * (moved @ moved))
        return value, np.asarray(rows.T @ (share - right_share) + PULL * moved)

    return _settled(terms, minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x)


def _fit_several(
    examples: Sequence[PlaceExample], ranker: PlaceRanker
) -> tuple[tuple[str, ...], npt.NDArray[np.float32]]:
    used = [one for one in examples if one.found]
    sheets = [
        several_features(one.message, one.found, ranker.rank_places(one.message, one.mentions, one.rules))
        for one in used
    ]
    terms = _terms((one.writer, sheet) for one, sheet in zip(used, sheets, strict=True))
    truth = np.asarray([one.several for one in used], dtype=float)
    if not truth.any():
        return (), np.zeros(0, dtype=np.float32)
    rows = _matrix(sheets, terms)
    # As likely as it is among these: no balancing, since a wrong "two places" costs a forward.
    start = np.asarray([{"b": -4.0, "rule": 4.0}.get(term, 0.0) for term in terms])

    def loss(weights: Vector) -> tuple[float, Vector]:
        logits = rows @ weights
        moved = weights - start
        value = float((np.logaddexp(0.0, logits) - truth * logits).sum() + 0.5 * SEVERAL_PULL * (moved @ moved))
        return value, np.asarray(rows.T @ (1.0 / (1.0 + np.exp(-logits)) - truth) + SEVERAL_PULL * moved)

    return _settled(terms, minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x)


def _terms(rows: Iterable[tuple[str, Features]]) -> tuple[str, ...]:
    writers: dict[str, set[str]] = defaultdict(set)
    for writer, row in rows:
        for name in row:
            writers[name].add(writer)
    needed = fewest_writers(len({one for who in writers.values() for one in who}))
    return tuple(sorted(name for name, who in writers.items() if len(who) >= needed))


def _matrix(rows: Sequence[Features], terms: Sequence[str]) -> sp.csr_matrix:
    columns: Mapping[str, int] = {term: number for number, term in enumerate(terms)}
    data: list[float] = []
    places: list[int] = []
    ends = [0]
    for row in rows:
        for name, value in row.items():
            if name in columns:
                data.append(value)
                places.append(columns[name])
        ends.append(len(places))
    return sp.csr_matrix((data, places, ends), shape=(len(rows), len(terms)))


def _log_sum(logits: Vector, owner: npt.NDArray[np.int_], count: int) -> tuple[Vector, Vector]:
    """Log of the summed exponentials of each message's rows, and each row's share of them."""
    top = np.full(count, -1e30)
    np.maximum.at(top, owner, logits)
    raised = np.exp(logits - top[owner])
    sums = np.bincount(owner, raised, minlength=count)
    return np.asarray(np.log(sums) + top), np.asarray(raised / sums[owner])


def _settled(terms: tuple[str, ...], weights: Vector) -> tuple[tuple[str, ...], npt.NDArray[np.float32]]:
    """Four decimals, like every head: the last bits depend on the processor. Zeros are left out."""
    rounded = np.round(weights, 4)
    kept = [number for number, weight in enumerate(rounded) if weight != 0.0]
    return tuple(terms[number] for number in kept), rounded[kept].astype(np.float32)
