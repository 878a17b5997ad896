"""Which routing rule decides, and how probable it is that its destination is right.

In: the facts of one message and the rules. Out: the first rule that holds and what it says, and the
probability of its destination. The rules are asked once for every pair of territory and topic that
the classification thinks possible; the probability of a destination is the sum over the pairs that
lead to it. Territory and topic are taken as independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from triage.rules.addresses import matches_pattern
from triage.rules.types import ANY_PROJECT, Condition, File, Forward, Hold, Rule, Rules
from triage.vocabulary import NOBODY, OUTSIDE, SEVERAL, STAFF, UNCOVERED, UNSTATED, RuleTried

HOLD_BY_TERRITORY: Mapping[str, str] = {
    UNCOVERED: "territorio_scoperto",
    OUTSIDE: "territorio_fuori",
    SEVERAL: "territorio_multiplo",
    UNSTATED: "territorio_non_indicato",
}
"""Why ``forward: territorio`` holds when the territory is no project's."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules may ask of a message, beside its territory and topic."""

    language: str
    urgent: bool
    automatic: bool
    author: str
    subject: str
    mailbox: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rules say of one message. Exactly one of ``project``, ``hold``, ``folder`` is set."""

    rule: Rule | None
    destination: str
    project: str = ""
    address_key: str = ""
    hold: str = ""
    folder: str = ""


class OpenRules:
    """The rules of one message, once everything but its territory and topic is known."""

    def __init__(self, rules: Rules, facts: Facts) -> None:
        self._rules = rules
        self._open = tuple((rule, _holds_beside_place_and_topic(rule.when, facts)) for rule in rules.rules)

    def outcome(self, territory: str, topic: str) -> Outcome:
        """What the first rule that holds says; held when none does."""
        for rule, is_open in self._open:
            if is_open and _holds_for(rule.when, territory, topic):
                return self._outcome_of(rule, territory)
        return Outcome(None, STAFF, hold="nessuna_regola")

    def tried(self, territory: str, topic: str) -> tuple[RuleTried, ...]:
        """Every rule asked, in order, the one that matched last."""
        asked = []
        for rule, is_open in self._open:
            matched = is_open and _holds_for(rule.when, territory, topic)
            asked.append(RuleTried(rule.name, rule.line, matched))
            if matched:
                break
        return tuple(asked)

    def destinations(self, territories: Mapping[str, float], topics: Mapping[str, float]) -> Mapping[str, float]:
        """Probability of each destination, given those of territories and topics."""
        sums: dict[str, list[float]] = {}
        for territory, territory_score in territories.items():
            for topic, topic_score in topics.items():
                if territory_score > 0.0 and topic_score > 0.0:
                    destination = self.outcome(territory, topic).destination
                    sums.setdefault(destination, []).append(territory_score * topic_score)
        return {destination: min(1.0, math.fsum(scores)) for destination, scores in sums.items()}

    def _outcome_of(self, rule: Rule, territory: str) -> Outcome:
        match rule.then:
            case File(folder):
                return Outcome(rule, NOBODY, folder=folder)
            case Hold(code):
                return Outcome(rule, STAFF, hold=code)
            case Forward(project, address_key):
                wanted = territory if project == ANY_PROJECT else project
                if wanted in self._rules.projects:
                    return Outcome(rule, wanted, project=wanted, address_key=address_key)
                return Outcome(rule, STAFF, hold=HOLD_BY_TERRITORY.get(wanted, "regola"))


def holds(when: Condition, facts: Facts, territory: str, topic: str) -> bool:
    """Whether everything that a condition asks for is so."""
    return _holds_beside_place_and_topic(when, facts) and _holds_for(when, territory, topic)


def _holds_for(when: Condition, territory: str, topic: str) -> bool:
    return (when.territories is None or territory in when.territories) and (when.topics is None or topic in when.topics)


def _holds_beside_place_and_topic(when: Condition, facts: Facts) -> bool:
    return (
        (when.languages is None or facts.language in when.languages)
        and when.urgent in (None, facts.urgent)
        and when.automatic in (None, facts.automatic)
        and (when.mailboxes is None or facts.mailbox in when.mailboxes)
        and (when.authors is None or any(matches_pattern(facts.author, pattern) for pattern in when.authors))
        and (when.subject_contains is None or _contains(facts.subject, when.subject_contains))
    )


def _contains(subject: str, wanted: tuple[str, ...]) -> bool:
    text = " ".join(subject.casefold().split())
    return any(" ".join(words.casefold().split()) in text for words in wanted)
