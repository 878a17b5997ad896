"""Every mention of a place in a message, and why it is mentioned.

Enters: a message and the gazetteer. Leaves: mentions with offsets into the field they stand in. Nothing
is refused: a message without places gives none. Pure and total.

Beside the contract's fields, ``where`` may be ``author`` (offsets in the author's display name) and
``domain`` (offsets in the author's addr-spec): an organisation's own area, weak evidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from triage.classify.territory.abbreviated import doubtful_cuts, find_abbreviated
from triage.classify.territory.codes import find_codes
from triage.classify.territory.corrected import told_instead, with_corrections
from triage.classify.territory.gazetteer import Gazetteer, Name
from triage.classify.territory.heard import heard_names
from triage.classify.territory.longer import is_beginning
from triage.classify.territory.lookalikes import CueHit, NameHit
from triage.classify.territory.quoted import share_at
from triage.classify.territory.roles import ADDRESS, NO_CUE, Judged, judge
from triage.classify.territory.scripts import OTHER_SCRIPTS, find_in_scripts, role_by_script
from triage.classify.territory.secondhand import FRAMES
from triage.classify.territory.spelling import Gap, Reading, normal, read
from triage.classify.territory.typos import PLAIN_PREPOSITIONS, misspelt
from triage.classify.territory.unlisted import homes_elsewhere
from triage.vocabulary import Address, InboundMessage, PlaceMention, Role

READ_AT_MOST = 40_000
"""Characters of a field that are searched; nobody tells where they live on page twenty."""
TYPO_SHARE = 0.85
"""A misspelt name weighs this much of what the right spelling would."""
DECIDES = 0.7
"""From this weight on, a place is where the family lives, goes to school or asks for a desk."""
_AUTHOR = 0.45
_DOMAIN = 0.42
_OUTSIDE_WITHOUT_A_HOME = 0.35
"""A town elsewhere that is named in passing ("fino a domani a Roma") hardly ever is the answer."""
_ORGANISATION_HOST = re.compile(
    r"(?i)(?:^|[.@-])(?:comune|comunedi|ic|istituto|scuola|liceo|biblioteca)[.-]?([a-z-]{4,})"
)


def find_places(message: InboundMessage, gazetteer: Gazetteer) -> tuple[PlaceMention, ...]:
    """All mentions in subject, new text, quoted text, signature and author, in that order."""
    fresh = [_Field("subject", message.subject, gazetteer), _Field("text", message.new_text, gazetteer)]
    mentions = [mention for field in fresh for mention in field.mentions()]
    if not any(mention.weight >= DECIDES and mention.kind != "unknown" for mention in mentions):
        mentions = [mention for field in fresh for mention in field.mentions(with_typos=True)]
    mentions += _in_signature(message.signature, gazetteer)
    mentions += _in_quoted(message.quoted_text, message.author, gazetteer)
    mentions += _of_author(message.author, gazetteer)
    return tuple(mentions)


class _Field:
    """One text, read once and searched at most twice."""

    def __init__(self, where: str, text: str, gazetteer: Gazetteer) -> None:
        self.where = where
        self.gazetteer = gazetteer
        self.reading = read(text[:READ_AT_MOST], gazetteer.words["abbreviation"])
        self.doubtful = doubtful_cuts(self.reading, gazetteer)
        self.hits, self.cues, self.beginnings = _hits(self.reading, gazetteer, self.doubtful)
        self.both_homes = any(phrase in self.reading.padded for phrase in gazetteer.words["both_homes"])

    def mentions(self, with_typos: bool = False) -> list[PlaceMention]:
        hits = self.hits
        if with_typos:
            taken = self.doubtful.union(index for hit in hits for index in range(hit.first, hit.last + 1))
            homes, others = _cue_ends(self.cues)
            guesses = misspelt(self.reading, taken, homes, others, self.gazetteer)
            hits = tuple(sorted((*hits, *filter(self._is_new, guesses)), key=lambda hit: hit.first))
        judged = judge(self.reading, hits, self.cues, self.gazetteer, lenient=self.where == "signature")
        judged, found = told_instead(self.reading, with_corrections(self.reading, judged), self.where, self.gazetteer)
        found += [self._mention(one) for one in judged if not one.hit.typo or _typo_is_placed(self.reading, one)]
        found += find_codes(self.reading, self.where, self.gazetteer)
        found += homes_elsewhere(self.reading, hits, self.cues, self.where, self.gazetteer)
        if OTHER_SCRIPTS.search(self.reading.text):
            found += find_in_scripts(self.reading, self.where, self.gazetteer)
        return sorted(found, key=lambda mention: (mention.start, mention.end))

    def _is_new(self, guess: NameHit) -> bool:
        """Not the name that was refused since a longer one begins with it, with a letter or two behind."""
        refused = self.beginnings.get(guess.first)
        return refused is None or refused.comuni != guess.name.comuni

    def _mention(self, one: Judged) -> PlaceMention:
        name = one.hit.name
        kind, comuni = _with_province_sign(self.reading, one.hit, self.gazetteer)
        weight = one.weight * TYPO_SHARE if one.hit.typo else one.weight
        role = one.role
        if self.both_homes and role in {Role.RELATIVES, Role.RESIDENCE}:
            role, weight = Role.RESIDENCE, 0.9  # a child with two homes by turns, two families
        start, end = self.reading.starts[one.hit.first], self.reading.ends[one.hit.last]
        if one.distance == NO_CUE:
            role, weight = role_by_script(self.reading.text, start, end, self.gazetteer) or (role, weight)
        if kind == "outside" and role not in {Role.RESIDENCE, Role.MOVING_TO}:
            weight = 0.0 if name.foreign_country else min(weight, _OUTSIDE_WITHOUT_A_HOME)
        if name.elsewhere and kind == "hamlet":
            kind = "homonym"
        return PlaceMention(self.where, start, end, kind, comuni, role, round(weight, 4))


def _hits(
    reading: Reading, gazetteer: Gazetteer, doubtful: frozenset[int]
) -> tuple[tuple[NameHit, ...], tuple[CueHit, ...], dict[int, Name]]:
    """Names and cues in the text; of names that overlap the longest stands. And where longer names begin like ours."""
    names: list[NameHit] = []
    cues: list[CueHit] = []
    beginnings: dict[int, Name] = {}
    padded = reading.padded
    for end, phrase in gazetteer.finder.iter(padded):
        start = end - len(phrase) + 1
        if padded[start - 1] != " " or padded[end + 1] != " ":
            continue
        first = reading.word_at[start]
        last = first + phrase.count(" ")
        if any(reading.gaps[index] is Gap.HARD for index in range(first + 1, last + 1)):
            continue
        name = gazetteer.names.get(phrase)
        if name is not None and is_beginning(reading, first, last, name, gazetteer):
            beginnings |= dict.fromkeys(range(first, last + 1), name)
        elif name is not None:
            names.append(NameHit(first, last, name))
        cues += [CueHit(first, last, cue) for cue in gazetteer.cues.get(phrase, ())]
    names = [hit for hit in names if not _is_in_a_cue(reading, hit, cues)]
    names += find_abbreviated(reading, gazetteer)
    chosen: list[NameHit] = []
    taken: set[int] = set()
    for hit in sorted(names, key=lambda hit: (hit.first - hit.last, hit.first)):
        span = range(hit.first, hit.last + 1)
        if taken.isdisjoint(span):
            chosen.append(hit)
            taken |= set(span)
    chosen += _heard(reading, taken, doubtful | beginnings.keys(), gazetteer)
    free = [cue for cue in cues if taken.isdisjoint(range(cue.first, cue.last + 1))]
    return tuple(sorted(chosen, key=lambda hit: hit.first)), _outermost(free), beginnings


def _heard(reading: Reading, taken: set[int], doubtful: frozenset[int], gazetteer: Gazetteer) -> list[NameHit]:
    """Names with fewer or more letters than they have, but the same sound; their words are then taken."""
    known = heard_names(gazetteer)
    found: list[NameHit] = []
    for first, word in enumerate(reading.words):
        if first in taken or first in doubtful or not word.isascii() or not known.may_begin(word):
            continue
        for last in range(min(first + known.longest, len(reading.words)) - 1, first - 1, -1):
            span = range(first, last + 1)
            if not taken.isdisjoint(span) or any(reading.gaps[index] is Gap.HARD for index in span[1:]):
                continue
            name = known.meant(reading.words[first : last + 1])
            if name is not None:
                found.append(NameHit(first, last, name))
                taken |= set(span)
                break
    return found


def _is_in_a_cue(reading: Reading, hit: NameHit, cues: list[CueHit]) -> bool:
    """ "Fa calcio a Goito": a common word inside a longer phrase that we know is no comune of Calcio."""
    return (
        hit.name.common == "strict"
        and not reading.capital(hit.first)
        and any(cue.first <= hit.first and hit.last <= cue.last and cue.first < cue.last for cue in cues)
    )


def _outermost(cues: list[CueHit]) -> tuple[CueHit, ...]:
    """Cues that are not part of a longer one ("abito" in "non abito a"); subjects and frames stay."""
    staying = {"subject", *FRAMES}
    spans = sorted(
        {(cue.first, cue.last) for cue in cues if cue.cue.side not in staying}, key=lambda span: (span[0], -span[1])
    )
    outer: set[tuple[int, int]] = set()
    reached = -1
    for first, last in spans:
        if last > reached:
            outer.add((first, last))
            reached = last
    kept = [cue for cue in cues if cue.cue.side in staying or (cue.first, cue.last) in outer]
    return tuple(sorted(kept, key=lambda cue: cue.first))


def _cue_ends(cues: tuple[CueHit, ...]) -> tuple[frozenset[int], frozenset[int]]:
    """Last words of cues that stand left of a place: those of home and school, and the others."""
    left = [cue for cue in cues if cue.cue.side == "left"]
    homes = frozenset(cue.last for cue in left if cue.cue.role in {Role.RESIDENCE, Role.MOVING_TO, Role.SCHOOL})
    return homes, frozenset(cue.last for cue in left if cue.cue.role is not Role.FOOTER) - homes


def _typo_is_placed(reading: Reading, one: Judged) -> bool:
    """A slip counts as a place only with a cue beside it, or a capital after a preposition."""
    if one.role in {Role.SURNAME, Role.STREET, Role.COMMON_WORD}:
        return False
    if one.distance <= 1 or (reading.capital(one.hit.first) and one.hit.first > 0):
        return True
    before = reading.words[one.hit.first - 1] if one.hit.first else ""
    return one.hit.name.kind == "comune" and before in PLAIN_PREPOSITIONS


def _with_province_sign(reading: Reading, hit: NameHit, gazetteer: Gazetteer) -> tuple[str, tuple[str, ...]]:
    """ "(BS)" and "Vicentino" make a place an outside one; "(MN)" and "(CR)" leave only that province's comuni."""
    comuni = hit.name.comuni
    after = hit.last + 1
    if after < len(reading.words):
        sign = reading.raw(after)
        if (
            reading.words[after] in gazetteer.words["elsewhere"]
            and reading.gaps[after] is Gap.NONE
            and reading.text[reading.starts[after]].isupper()
        ):
            return "outside", ()
        bracketed = reading.text[reading.ends[hit.last] : reading.starts[after]].strip() == "("
        if sign in gazetteer.words["sigla_outside"] and (bracketed or not reading.shouting):
            return "outside", ()
        if sign in {"MN", "CR"}:
            there = tuple(name for name in comuni if gazetteer.comuni[name].province == sign)
            return hit.name.kind, there or comuni
    return hit.name.kind, comuni


def _in_signature(text: str, gazetteer: Gazetteer) -> list[PlaceMention]:
    if not text:
        return []
    of_organisation = not gazetteer.words["organisation"].isdisjoint(normal(text).split())
    found: list[PlaceMention] = []
    for mention in _Field("signature", text, gazetteer).mentions():
        if mention.kind == "unknown":
            continue
        if mention.role in {Role.WORK, Role.ORGANISATION, Role.SCHOOL, Role.REQUESTED_DESK, Role.OTHER, Role.SIGNATURE}:
            role = Role.ORGANISATION if of_organisation and mention.kind not in {"cap", "prefix"} else Role.SIGNATURE
            weight = 0.5 if role is Role.ORGANISATION else min(ADDRESS, mention.weight or 0.5)
            if mention.kind == "outside":
                weight = min(weight, _OUTSIDE_WITHOUT_A_HOME)
            mention = replace(mention, role=role, weight=weight)
        found.append(mention)
    return found


def _in_quoted(text: str, author: Address, gazetteer: Gazetteer) -> list[PlaceMention]:
    if not text:
        return []
    share = share_at(text, author)
    found: list[PlaceMention] = []
    for mention in _Field("quoted", text, gazetteer).mentions():
        if mention.weight > 0:
            mention = replace(mention, role=Role.QUOTED, weight=round(0.65 * mention.weight * share(mention.start), 4))
        found.append(mention)
    return found


def _of_author(author: Address, gazetteer: Gazetteer) -> Iterable[PlaceMention]:
    """The author's display name and domain, when they are an organisation's."""
    # An address in the place of a name says nothing: whose it is, the true address tells.
    named = "" if "@" in author.display_name else author.display_name
    if not gazetteer.words["organisation"].isdisjoint(normal(named).split()):
        for mention in _Field("author", named, gazetteer).mentions():
            if mention.comuni and mention.role not in {Role.STREET, Role.SURNAME}:
                yield replace(mention, role=Role.ORGANISATION, weight=_AUTHOR)
    for match in _ORGANISATION_HOST.finditer(author.addr_spec, max(author.addr_spec.find("@"), 0)):
        names = gazetteer.by_joined.get(match.group(1).replace("-", "").lower(), ())
        if len(names) == 1 and names[0].kind == "comune" and names[0].comuni:
            yield PlaceMention("domain", *match.span(1), "comune", names[0].comuni, Role.ORGANISATION, _DOMAIN)
