"""The learned judge of places: which mention decides, from its role, its words and its rivals.

Enters a message, its mentions and what the rules of the guide say of them (:class:`PlaceScores`);
leaves corrected scores. One logistic score for each mention and one for "none of them", a softmax
over them (conditional logit, McFadden 1974). The rules' own probability is where the model starts,
so it needs to learn only where the rules fail, and evidence stays readable. It sees words around a
place, never the place: no comune can be learnt by heart.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from triage.classify.folding import fold
from triage.classify.territory.gazetteer import Gazetteer
from triage.classify.territory.scoring import HOME, PlaceScores, claimed_comuni, spread
from triage.classify.territory.spelling import normal
from triage.vocabulary import InboundMessage, PlaceMention, Role

Features = Mapping[str, float]

RULE = "rule"
NONE_RULE = "none:rule"
DEAD = "dead"
STARTING_WEIGHTS: Mapping[str, float] = {RULE: 1.0, NONE_RULE: 1.0, DEAD: -8.0}
"""Before anything is learnt the model says what the rules say."""

_FIRST_PERSON = re.compile(r"\b(?:mi[oaei]?|ho|abbiamo|siamo|sono|vorrei|noi|nostr[oaie]|i|my|we|am|sunt|je|nous)\b")
_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"[!?\n]|\.\s")
_REACH = 90
_FLOOR = 0.02


@dataclass(frozen=True, slots=True)
class RankerWeights:
    """Terms, sorted, and the weight of each; ``several`` are those of the second question."""

    terms: tuple[str, ...]
    weights: npt.NDArray[np.float32]
    several_terms: tuple[str, ...]
    several: npt.NDArray[np.float32]


NO_PLACES = RankerWeights((), np.zeros(0, dtype=np.float32), (), np.zeros(0, dtype=np.float32))
"""Nothing learnt: the rules' scores stand."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mention with its features and the comuni that remain possible; ``("",)`` outside, ``("?",)`` unknown."""

    mention: PlaceMention
    comuni: tuple[str, ...]
    features: Features


class PlaceRanker:
    """Applies :class:`RankerWeights`; immutable, safe to share between threads."""

    def __init__(self, weights: RankerWeights, gazetteer: Gazetteer) -> None:
        self._weights = dict(zip(weights.terms, map(float, weights.weights), strict=True))
        self._several = dict(zip(weights.several_terms, map(float, weights.several), strict=True))
        self._gazetteer = gazetteer

    def rank(self, message: InboundMessage, mentions: Sequence[PlaceMention], rules: PlaceScores) -> PlaceScores:
        """Scores of comuni that are to replace the rules' ones; reasons stay."""
        if not mentions or not self._weights:
            return rules
        found = candidates(message, mentions, rules, self._gazetteer)
        ranked = self._ranked(message, found, rules)
        if not self._several:
            return ranked
        logit = _dot(self._several, several_features(message, found, ranked))
        return replace(ranked, several=1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit)))))

    def rank_places(self, message: InboundMessage, mentions: Sequence[PlaceMention], rules: PlaceScores) -> PlaceScores:
        """The same with the rules' own ``several``: what the second question is learnt from."""
        return self._ranked(message, candidates(message, mentions, rules, self._gazetteer), rules)

    def _ranked(self, message: InboundMessage, found: Sequence[Candidate], rules: PlaceScores) -> PlaceScores:
        if _home_unknown(found) or _only_codes(found) or _only_denied(found):
            return rules
        none = none_features(message, found, rules)
        logits = [_dot(self._weights, none), *(_dot(self._weights, one.features) for one in found)]
        top = max(logits)
        shares = [math.exp(logit - top) for logit in logits]
        total = math.fsum(shares)
        return blend(rules, found, [share / total for share in shares], self._gazetteer)


def _only_denied(found: Sequence[Candidate]) -> bool:
    """Nothing but places that are told as no home: to propose one of them would mislead whoever decides."""
    roles = {one.mention.role for one in found if DEAD not in one.features}
    return roles == {Role.NEGATED}


def blend(
    rules: PlaceScores, found: Sequence[Candidate], probabilities: Sequence[float], gazetteer: Gazetteer
) -> PlaceScores:
    """Probabilities of "none" and of each candidate as scores of comuni, outside and unstated."""
    scores: dict[str, float] = defaultdict(float)
    for one, probability in zip(found, probabilities[1:], strict=True):
        spread(one.mention, one.comuni, probability, scores, gazetteer)
    outside = scores.pop("", 0.0)
    unstated = scores.pop("?", 0.0) + probabilities[0]
    return replace(rules, comune_scores=dict(scores), outside=outside, unstated=unstated)


def candidates(
    message: InboundMessage, mentions: Sequence[PlaceMention], rules: PlaceScores, gazetteer: Gazetteer
) -> tuple[Candidate, ...]:
    """Every mention with what the model sees of it."""
    comuni = claimed_comuni(mentions)
    distinct = {group for mention, group in zip(mentions, comuni, strict=True) if mention.weight > 0}
    homes = {
        group
        for mention, group in zip(mentions, comuni, strict=True)
        if mention.role in {Role.RESIDENCE, Role.MOVING_TO} and mention.weight > 0.8
    }
    best = max((mention.weight for mention in mentions), default=0.0)
    found: list[Candidate] = []
    for number, (mention, group) in enumerate(zip(mentions, comuni, strict=True)):
        text = text_of(message, mention.where)
        if _is_dead(text, mention, gazetteer):
            found.append(Candidate(mention, group, {DEAD: 1.0}))
            continue
        capital = text[mention.start : mention.start + 1].isupper()
        features = _of_mention(mention, group, rules, best, len(distinct), capital)
        features["otherhome"] = float(bool(homes - {group}))
        features["first"], features["last"] = float(number == 0), float(number == len(mentions) - 1)
        rivals = [other for other in mentions if other.comuni != mention.comuni and other.weight > 0]
        if rivals:
            rival = max(rivals, key=lambda other: other.weight)
            features[f"against={mention.role}|{rival.role}"] = 1.0
        features.update(_context(text, mention.start, mention.end))
        found.append(Candidate(mention, group, features))
    return tuple(found)


def _home_unknown(found: Sequence[Candidate]) -> bool:
    """ "Abito a X", X in no list, and no home or desk that we know: what is learnt must not outvote the question."""
    known = max((one.mention.weight for one in found if one.mention.kind != "unknown"), default=0.0)
    return known <= HOME and any(one.mention.kind == "unknown" for one in found)


def _only_codes(found: Sequence[Candidate]) -> bool:
    """A CAP or a landline prefix and nothing else: the guide says what it decides, whatever the letter is about."""
    kinds = {one.mention.kind for one in found if one.mention.weight > 0}
    return bool(kinds) and kinds <= {"cap", "prefix"}


def none_features(message: InboundMessage, found: Sequence[Candidate], rules: PlaceScores) -> Features:
    """What speaks for "no place decides": an advertisement's or a machine's places are nobody's home."""
    places = len({one.comuni for one in found})
    features = {
        "none": 1.0,
        f"none:places={min(places, 4)}": 1.0,
        NONE_RULE: math.log(rules.unstated + _FLOOR),
        "none:writes": float(bool(_FIRST_PERSON.search(fold(message.new_text[:3000])))),
    }
    for word in _WORD.findall(fold(f"{message.subject} {message.new_text[:1500]}")):
        features[f"none:w={word}"] = 0.3
    return features


def several_features(message: InboundMessage, found: Sequence[Candidate], ranked: PlaceScores) -> Features:
    """What speaks for two families or two places that each need an answer."""
    chances: dict[tuple[str, ...], float] = {}
    roles: dict[tuple[str, ...], set[Role]] = defaultdict(set)
    for one in found:
        share = ranked.outside if one.comuni == ("",) else sum(ranked.comune_scores.get(c, 0.0) for c in one.comuni)
        chances[one.comuni] = max(chances.get(one.comuni, 0.0), share)
        if DEAD not in one.features:
            roles[one.comuni].add(one.mention.role)
    order = [*sorted(chances.values(), reverse=True), 0.0, 0.0]
    kinds = sorted(chances, key=lambda group: -chances[group])[:2]
    features: dict[str, float] = {
        "b": 1.0,
        "rule": ranked.several,
        "second": order[1],
        "third": order[2],
        "balance": order[1] / (order[0] + 1e-6),
        f"places={min(len(roles), 4)}": 1.0,
    }
    for first in roles.get(kinds[0], ()) if kinds else ():
        for second in roles.get(kinds[1], ()) if len(kinds) > 1 else ():
            features[f"pair={'|'.join(sorted((first, second)))}"] = 1.0
    if len(roles) > 1:
        for word in _WORD.findall(fold(f"{message.subject} {message.new_text[:2000]}")):
            features[f"w={word}"] = 1.0
    return features


def text_of(message: InboundMessage, where: str) -> str:
    """The text in which a mention's offsets count."""
    return {
        "subject": message.subject,
        "text": message.new_text,
        "quoted": message.quoted_text,
        "signature": message.signature,
        "author": message.author.display_name,
        "domain": message.author.addr_spec,
    }.get(where, "")


def _of_mention(
    mention: PlaceMention, group: tuple[str, ...], rules: PlaceScores, best: float, places: int, capital: bool
) -> dict[str, float]:
    if group == ("",):
        chance = rules.outside
    elif group == ("?",):
        chance = rules.unstated
    else:
        chance = sum(rules.comune_scores.get(comune, 0.0) for comune in group)
    return {
        "b": 1.0,
        RULE: math.log(chance + _FLOOR),
        "chance": chance,
        "weight": mention.weight,
        "behind": mention.weight - best,
        "places": min(places, 4) / 4,
        "shared": float(len(group) > 1),
        f"role={mention.role}": 1.0,
        f"kind={mention.kind}": 1.0,
        f"where={mention.where}": 1.0,
        f"role={mention.role}&where={mention.where}": 1.0,
        f"role={mention.role}&kind={mention.kind}": 1.0,
        f"role={mention.role}&capital={capital:d}": 1.0,
        f"role={mention.role}&places={min(places, 3)}": 1.0,
        f"step={int(mention.weight * 10)}": 1.0,
    }


def _context(text: str, start: int, end: int) -> dict[str, float]:
    """The words of the sentence on either side, the nearer the stronger."""
    before = _SENTENCE_END.split(text[max(0, start - _REACH) : start])[-1]
    after = _SENTENCE_END.split(text[end : end + _REACH])[0]
    left, right = _WORD.findall(fold(before))[-8:][::-1], _WORD.findall(fold(after))[:8]
    features: dict[str, float] = {"capital": float(text[start : start + 1].isupper()), "at": start / max(1, len(text))}
    for number, word in enumerate(left):
        if number < 3:
            features[f"left{number}={word}"] = 1.0
        features[f"left={word}"] = 1.0 / (1.0 + number / 3)
    for number, word in enumerate(right):
        if number < 2:
            features[f"right{number}={word}"] = 1.0
        features[f"right={word}"] = 1.0 / (1.0 + number / 3)
    if len(left) > 1:
        features[f"left2={left[1]} {left[0]}"] = 1.0
    features[f"sign={_sign(before.rstrip()[-1:])}{_sign(after.lstrip()[:1])}"] = 1.0
    return features


def _sign(character: str) -> str:
    return "a" if character.isalnum() else character


def _is_dead(text: str, mention: PlaceMention, gazetteer: Gazetteer) -> bool:
    """Thanks are no hamlet: a word that needs strong proof and has none is no candidate."""
    if mention.role is not Role.COMMON_WORD:
        return False
    name = gazetteer.names.get(normal(text[mention.start : mention.end]))
    return name is not None and name.common == "strict" and name.kind != "comune"


def _dot(weights: Mapping[str, float], features: Features) -> float:
    return math.fsum(weights[name] * value for name, value in features.items() if name in weights)
