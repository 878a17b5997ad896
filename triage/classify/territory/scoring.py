"""From mentions to probabilities of comuni, by the labelling guide's section 1.

Enters: the mentions of one message. Leaves: :class:`PlaceScores`. Nothing is refused. The strongest
mention decides; mentions of equal strength in different comuni compete; a name, area, CAP or prefix
that several comuni share spreads its probability over them, so that whoever maps comuni to answers
sees whether they differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from triage.classify.territory.gazetteer import Gazetteer
from triage.vocabulary import PlaceMention, Reason, Role

MARGIN = 0.015
"""Weights nearer than this are equal: their places compete."""
DOUBT = 0.05
"""A place this little weaker than the winner, in another comune, takes a share of its probability."""
DOUBT_SHARE = 0.18
HOME = 0.8
"""A residence weighs more than this."""
LONG_LIST = 4
"""More places than this side by side are a programme or a newsletter, not somebody's home."""

# How sure one undisputed mention in its usual strength makes us: (usual weight, probability).
_CONFIDENCE: Mapping[Role, tuple[float, float]] = {
    Role.REQUESTED_DESK: (1.0, 0.98),
    Role.RESIDENCE: (0.9, 0.98),
    Role.MOVING_TO: (0.95, 0.97),
    Role.SCHOOL: (0.75, 0.92),
    Role.OTHER: (0.6, 0.82),
    Role.SIGNATURE: (0.56, 0.86),
    Role.ORGANISATION: (0.5, 0.8),
    Role.QUOTED: (0.37, 0.75),
}
_CODE_CONFIDENCE: Mapping[str, tuple[float, float]] = {"cap": (0.5, 0.95), "prefix": (0.45, 0.97)}
_SEVERAL: Mapping[Role, float] = {
    Role.RESIDENCE: 0.75,
    Role.MOVING_TO: 0.5,
    Role.REQUESTED_DESK: 0.45,
    Role.SCHOOL: 0.5,
}
_REASONS: Mapping[Role, str] = {
    Role.REQUESTED_DESK: "luogo_sportello",
    Role.RESIDENCE: "luogo_residenza",
    Role.MOVING_TO: "luogo_trasferimento",
    Role.SCHOOL: "luogo_scuola",
    Role.SIGNATURE: "luogo_firma",
    Role.ORGANISATION: "luogo_organizzazione",
    Role.QUOTED: "luogo_citato",
    Role.OTHER: "luogo_nominato",
}
_SAYS_NOTHING = frozenset(
    {
        Role.WORK,
        Role.RELATIVES,
        Role.HOSPITAL,
        Role.STREET,
        Role.SURNAME,
        Role.COMMON_WORD,
        Role.FOOTER,
        Role.NEGATED,
    }
)
_OUTSIDE = ("",)
_UNKNOWN = ("?",)


@dataclass(frozen=True, slots=True)
class PlaceScores:
    """Probabilities: ``comune_scores``, ``outside`` and ``unstated`` sum to 1.

    ``several`` stands apart: that the message is about two families or places. It is said of comuni;
    where both fall under one answer, nothing is lost by it (``comune_scores`` is split between them).
    """

    comune_scores: Mapping[str, float]
    outside: float
    unstated: float
    several: float
    reasons: tuple[Reason, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Claim:
    """A mention with the comuni that remain possible after the others have narrowed it."""

    mention: PlaceMention
    comuni: tuple[str, ...]

    @property
    def weight(self) -> float:
        return self.mention.weight


def score_places(mentions: Sequence[PlaceMention], gazetteer: Gazetteer) -> PlaceScores:
    """Which comune, if any, the message is about."""
    usable = _usable(mentions)
    claims = _narrowed(usable, usable, mentions)
    if not claims:
        return PlaceScores({}, 0.0, 1.0, 0.0)
    by_place: dict[frozenset[str], list[_Claim]] = defaultdict(list)
    for claim in sorted(claims, key=lambda one: -one.weight):
        by_place[frozenset(claim.comuni)].append(claim)
    top = max(claim.weight for claim in claims)
    best = [group for group in by_place.values() if group[0].weight > top - MARGIN]
    best = _home_of_the_undecided(_without_supersets(best), by_place.values())
    best = _family_here(best, by_place.values())
    top = max(group[0].weight for group in best)
    others = [group for group in by_place.values() if group not in best]
    doubts = [group for group in others if group[0].weight > top - DOUBT and not _compatible(group[0], best)]
    confidence = min(_confidence(group) for group in best)
    if len(best) > LONG_LIST:
        confidence *= 0.5
    taken = confidence * DOUBT_SHARE if doubts else 0.0
    scores: dict[str, float] = defaultdict(float)
    for group in best:
        spread(group[0].mention, group[0].comuni, (confidence - taken) / len(best), scores, gazetteer)
    for group in doubts:
        spread(group[0].mention, group[0].comuni, taken / len(doubts), scores, gazetteer)
    outside = scores.pop("", 0.0)
    unstated = scores.pop("?", 0.0)
    rest = 1.0 - outside - unstated - sum(scores.values())
    return PlaceScores(
        comune_scores=dict(scores),
        outside=outside,
        unstated=max(unstated + rest, 0.0),
        several=_several(best),
        reasons=_reasons(best, doubts, gazetteer),
    )


def _usable(mentions: Sequence[PlaceMention]) -> list[PlaceMention]:
    """Mentions that count; quoted ones only when the writer's new words name no place."""
    usable = [mention for mention in mentions if mention.weight > 0 and mention.role not in _SAYS_NOTHING]
    if any(mention.where in {"subject", "text"} for mention in usable):
        usable = [mention for mention in usable if mention.where != "quoted"]
    return usable


def _narrowed(
    claiming: Sequence[PlaceMention], usable: Sequence[PlaceMention], everything: Sequence[PlaceMention]
) -> list[_Claim]:
    """The comuni of each mention that claims some, cut down by usable mentions that share only some of them."""
    negated = {
        comune
        for mention in everything
        if mention.role is Role.NEGATED and len(mention.comuni) == 1
        for comune in mention.comuni
    }
    strongest_first = sorted(usable, key=lambda one: (-one.weight, len(one.comuni)))
    groups = list(dict.fromkeys(one.comuni for one in strongest_first))
    claims: list[_Claim] = []
    for mention in claiming:
        left = list(mention.comuni)
        if len(left) > 1:
            left = [comune for comune in left if comune not in negated] or left
            for group in groups:
                left = [comune for comune in left if comune in group] or left
        claims.append(_Claim(mention, tuple(left) or (_OUTSIDE if mention.kind == "outside" else _UNKNOWN)))
    return claims


def _without_supersets(groups: list[list[_Claim]]) -> list[list[_Claim]]:
    """A wide area beside a comune inside it says nothing more."""
    sets = [frozenset(group[0].comuni) for group in groups]
    return [group for group, own in zip(groups, sets, strict=True) if not any(other < own for other in sets)]


def _home_of_the_undecided(best: list[list[_Claim]], groups: Iterable[list[_Claim]]) -> list[list[_Claim]]:
    """ "The centre of Cremona or of Crema? I live in Casalmorano": who asks for two desks is asked about home."""
    if len(best) < 2 or any(group[0].mention.role is not Role.REQUESTED_DESK for group in best):
        return best
    homes = [group for group in groups if group[0].mention.role in {Role.RESIDENCE, Role.MOVING_TO}]
    homes = [group for group in homes if group[0].weight > HOME]
    return homes if len(homes) == 1 else best


def _family_here(best: list[list[_Claim]], groups: Iterable[list[_Claim]]) -> list[list[_Claim]]:
    """Who lives elsewhere and names a home in the two provinces writes about the family here."""
    here = [
        group
        for group in groups
        if group[0].mention.role in {Role.RESIDENCE, Role.MOVING_TO}
        and group[0].weight > HOME
        and group[0].comuni not in {_OUTSIDE, _UNKNOWN}
    ]
    elsewhere = len(best) == 1 and best[0][0].comuni == _OUTSIDE
    return here if elsewhere and len(here) == 1 else best


def _compatible(claim: _Claim, best: list[list[_Claim]]) -> bool:
    return any(set(claim.comuni) & set(group[0].comuni) for group in best)


def _confidence(group: list[_Claim]) -> float:
    """Probability of the group's place; a second mention in another role or field confirms it."""
    mention = group[0].mention
    usual, sure = _CODE_CONFIDENCE.get(mention.kind) or _CONFIDENCE.get(mention.role, (1.0, 0.5))
    confidence = sure * min(1.0, mention.weight / usual)
    if mention.kind == "unknown":
        return 0.92
    if any((c.mention.where, c.mention.role) != (mention.where, mention.role) for c in group[1:]):
        confidence = 1 - (1 - confidence) * 0.6
    return confidence


def claimed_comuni(mentions: Sequence[PlaceMention]) -> list[tuple[str, ...]]:
    """For each mention the comuni that the usable ones leave; ``("",)`` is outside, ``("?",)`` unknown.

    "Grazie" under a letter is a hamlet's name too: it must not make one comune of a prefix's fifty.
    """
    return [claim.comuni for claim in _narrowed(mentions, _usable(mentions), mentions)]


def spread(
    mention: PlaceMention, comuni: tuple[str, ...], mass: float, scores: dict[str, float], gazetteer: Gazetteer
) -> None:
    """Give ``mass`` to the comuni that a mention may mean: by known shares, else evenly."""
    abroad = gazetteer.outside_prefixes.get(_prefix_of(mention, gazetteer), 0.0)
    if abroad:
        scores[""] = scores.get("", 0.0) + mass * abroad
        mass *= 1 - abroad
    known = gazetteer.shares.get(mention.comuni)
    shares = {comune: known[mention.comuni.index(comune)] for comune in comuni} if known else dict.fromkeys(comuni, 1.0)
    total = sum(shares.values())
    for comune, share in shares.items():
        scores[comune] = scores.get(comune, 0.0) + mass * share / total


def _prefix_of(mention: PlaceMention, gazetteer: Gazetteer) -> str:
    if mention.kind != "prefix":
        return ""
    return next((prefix for prefix, group in gazetteer.prefixes.items() if group == mention.comuni), "")


def _several(best: list[list[_Claim]]) -> float:
    """Two homes, two desks, two schools of equal weight in different comuni."""
    if len(best) < 2:
        return 0.0
    if len(best) > LONG_LIST:
        return 0.3
    return max(_SEVERAL.get(group[0].mention.role, 0.35) for group in best)


def _reasons(best: list[list[_Claim]], doubts: list[list[_Claim]], gazetteer: Gazetteer) -> tuple[Reason, ...]:
    found = [_reason(group[0], gazetteer) for group in best]
    if len(best) > 1 or doubts:
        found.append(Reason("luoghi_in_gara", {"luoghi": len(best) + len(doubts)}))
        found += [_reason(group[0], gazetteer) for group in doubts]
    return tuple(found)


def _reason(claim: _Claim, gazetteer: Gazetteer) -> Reason:
    mention = claim.mention
    params: dict[str, str | int | float | bool] = {
        "where": mention.where,
        "start": mention.start,
        "end": mention.end,
    }
    if mention.kind == "unknown":
        return Reason("luogo_sconosciuto", params)
    if mention.kind == "outside":
        return Reason("fuori_provincia", params)
    if len(claim.comuni) == 1:
        params["comune"] = claim.comuni[0]
        code = {"cap": "luogo_cap", "prefix": "luogo_prefisso"}.get(mention.kind, _REASONS.get(mention.role, ""))
        return Reason(code or "luogo_nominato", params)
    params["comuni"] = len(claim.comuni)
    if mention.kind in {"cap", "prefix"}:
        return Reason("cap_condiviso" if mention.kind == "cap" else "prefisso_condiviso", params)
    if mention.kind in {"area", "centre"}:
        ambiti = {gazetteer.comuni[comune].ambito for comune in claim.comuni}
        if len(ambiti) == 1:
            params["ambito"] = ambiti.pop()
        return Reason("luogo_area" if "ambito" in params else "solo_area_ampia", params)
    return Reason("nome_ambiguo", params)
