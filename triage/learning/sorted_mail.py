"""What mail that people have sorted into folders can teach, and where a label looks wrong. Pure.

Enters a message as it was read, its folder's label, and what today's model says of it; leaves one :class:`Judged`.

A folder's label is weaker than a settlement. A topic teaches the topic, and a comune the place. A project teaches no
project, which no model sees: it only rules out the comuni of the others. Where a message names places of exactly one
comune of that project's area, this is the comune; else the label teaches nothing of places. Nothing is learnt of
danger, language or machines, nor of how far a destination may be trusted: people know more than the letter says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from triage.decide import DecisionContext, decide
from triage.decide.territory import territory_of
from triage.labelling import Label
from triage.rules import MailboxRole, Rules
from triage.seals import OWN_FIELD
from triage.vocabulary import Classification, InboundMessage

SURE = 0.95
"""From this probability of another answer on, a label looks wrong."""


class Aside(StrEnum):
    """Why a message teaches nothing."""

    COPY = "copy"
    MACHINE = "machine"
    OWN = "ours or a project's"
    QUOTED = "nothing but quoted text"
    SILENT = "the label says nothing of it"


@dataclass(frozen=True, slots=True)
class Judged:
    """One message under its label. ``comune`` and ``topic``: what it would teach; empty: nothing."""

    name: str
    label: Label
    aside: Aside | None
    agrees: bool
    instead: str
    """What the model is sure of instead; empty: the label does not look wrong."""
    comune: str
    topic: str
    identity: str
    """The same for the same words of the same author."""


@dataclass(slots=True)
class Summary:
    """The messages of one label."""

    messages: int = 0
    usable: int = 0
    aside: dict[str, int] = field(default_factory=dict)
    asked: int = 0
    """Those whose label the model's answer is compared with: the usable ones, and those of which it says nothing."""
    agrees: int = 0
    teaches_place: int = 0
    teaches_topic: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)
    """Names of messages whose label looks wrong, with what the model is sure of instead."""


class Judge:
    """Judges one message after the other, and knows which words it has seen."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._seen: set[str] = set()

    def judge(self, name: str, label: Label, message: InboundMessage, classification: Classification) -> Judged:
        """What one message teaches under its label."""
        identity = identity_of(message)
        comune = label.comune or self._only_comune(label, classification)
        aside = self._aside(message, classification, identity)
        if aside is None and not (comune or label.topic):
            aside = Aside.SILENT
        instead = self._instead(label, classification)
        agrees = self._agrees(label, message, classification)
        self._seen.add(identity)
        if aside not in (None, Aside.SILENT):
            return Judged(name, label, aside, agrees, "", "", "", identity)
        return Judged(name, label, aside, agrees, instead, comune, label.topic, identity)

    def _aside(self, message: InboundMessage, classification: Classification, identity: str) -> Aside | None:
        author = message.author.addr_spec
        if identity in self._seen:
            return Aside.COPY
        if message.header(OWN_FIELD) or self._rules.is_own(author) or self._rules.project_of_address(author):
            return Aside.OWN
        if classification.automatic or message.report is not None:
            return Aside.MACHINE
        return None if message.new_text.strip() else Aside.QUOTED

    def _only_comune(self, label: Label, classification: Classification) -> str:
        """The one comune of the label's project that the message names, if it names exactly one."""
        if not label.project:
            return ""
        named = {
            comune
            for place in classification.places
            if len(place.comuni) == 1 and place.weight > 0
            for comune in place.comuni
            if self._rules.project_of.get(comune) == label.project
        }
        return named.pop() if len(named) == 1 else ""

    def _agrees(self, label: Label, message: InboundMessage, classification: Classification) -> bool:
        """Whether today's model answers as people did, as far as the label goes."""
        context = DecisionContext(next(iter(self._rules.mailboxes)), MailboxRole.INBOX, None, False, 1, False)
        decision = decide(message, classification, self._rules, context, ignore_modes=True)
        best = max(classification.comune_scores, key=lambda name: classification.comune_scores[name], default="")
        return (
            (not label.project or decision.territory == label.project)
            and (not label.comune or best == label.comune)
            and (not label.topic or decision.topic == label.topic)
        )

    def _instead(self, label: Label, classification: Classification) -> str:
        """Another answer that the model is sure of. That a letter names no place contradicts no folder."""
        wanted = label.project_under(self._rules)
        territory = territory_of(classification, self._rules)
        is_another = territory.best in self._rules.projects and territory.best != wanted
        if wanted and is_another and territory.scores[territory.best] >= SURE:
            return territory.best
        topic = max(classification.topic_scores, key=lambda name: classification.topic_scores[name], default="")
        if label.topic and topic != label.topic and classification.topic_scores.get(topic, 0.0) >= SURE:
            return topic
        return ""


def identity_of(message: InboundMessage) -> str:
    """A digest of author, subject and new words: a copy in another folder has the same."""
    parts = (message.author.addr_spec.casefold(), message.subject.strip(), " ".join(message.new_text.split()))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def summed(judged: Iterable[Judged]) -> dict[str, Summary]:
    """By label, in the order in which labels came."""
    found: dict[str, Summary] = {}
    for one in judged:
        here = found.setdefault(one.label.text, Summary())
        here.messages += 1
        if one.aside is not None:
            here.aside[one.aside] = here.aside.get(one.aside, 0) + 1
        if one.aside in (None, Aside.SILENT):
            here.asked += 1
            here.agrees += one.agrees
        if one.aside is None:
            here.usable += 1
            here.teaches_place += bool(one.comune)
            here.teaches_topic += bool(one.topic)
        if one.instead:
            here.wrong.append((one.name, one.instead))
    return found
