"""Where a message may go: the service's best answers as buttons, and a person's choice made whole.

Pure: a classification, the rules and what was decided enter; three :class:`Proposal` leave, each another project's
(fewer where the rules know fewer), the decision's own first. The rules are asked as if the message were not urgent and
could leave: what holds it is the reader's to weigh.
The decision's own answer is as likely as the decision says; the others share what is left: the page has one scale.
A centre that handed exactly this message back, or from which a person corrected it away, comes last, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from triage.acts.centres import Choice
from triage.decide.matching import Facts, OpenRules
from triage.decide.territory import territory_of
from triage.decide.trust import topic_probabilities
from triage.rules import Rules
from triage.rules.types import DEFAULT_ADDRESS
from triage.vocabulary import (
    SPECIAL_TERRITORIES,
    TOPICS,
    UNCOVERED,
    UNSTATED,
    Classification,
    Decision,
    InboundMessage,
)

MOST = 3
NONE: Mapping[str, str] = MappingProxyType({})
LEAST = 0.01
"""Probability below which an answer is offered as a key, and not as what the service would do."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One answer; ``likely`` only puts answers in order and in words."""

    project: str
    address_key: str
    topic: str
    likely: float
    turned_down: str = ""
    """Why it comes last, as a code of ``record.turned_down``; empty: nothing is against it."""

    @property
    def code(self) -> str:
        return f"{self.project}.{self.address_key}"

    @property
    def has_grounds(self) -> bool:
        """Whether anything in the message speaks for it."""
        return self.likely >= LEAST


def proposals_of(
    message: InboundMessage,
    decision: Decision | None,
    classification: Classification,
    rules: Rules,
    mailbox: str,
    turned_down: Mapping[str, str] = NONE,
) -> tuple[Proposal, ...]:
    """The best answer of each project, most probable first, but the decision's own before all.

    ``turned_down``: by project why this message is not for it.
    """
    open_rules = OpenRules(rules, _facts(message, classification, mailbox))
    sums: dict[tuple[str, str], dict[str, float]] = {}
    topics = topic_probabilities(classification)
    for territory, share in territory_of(classification, rules).scores.items():
        for topic, weight in topics.items():
            outcome = open_rules.outcome(territory, topic)
            if outcome.project:
                by_topic = sums.setdefault((outcome.project, outcome.address_key), {})
                by_topic[topic] = by_topic.get(topic, 0.0) + share * weight
    own = _own(decision, rules)
    found = [_proposal(where, by_topic) for where, by_topic in sums.items()]
    topic = own.topic if own is not None else max(topics, key=lambda one: (topics[one], one))
    found += [_without_grounds(project, topic, open_rules) for project in rules.projects]
    if own is None or own.project in turned_down:
        left = sum(one.likely for one in found if one.project not in turned_down)
        found = _in_order(_as_left(one, left, turned_down) for one in found)
    else:
        rest = 1.0 - sum(one.likely for one in found if one.project == own.project)
        share = (1.0 - own.likely) / rest if rest > 0 else 0.0
        others = (replace(one, likely=min(one.likely * share, 1.0)) for one in found if one.project != own.project)
        found = [own, *_in_order(replace(one, turned_down=turned_down.get(one.project, "")) for one in others)]
    best: dict[str, Proposal] = {}
    for one in found:
        best.setdefault(one.project, one)
    return tuple(best.values())[:MOST]


def _in_order(found: Iterable[Proposal]) -> list[Proposal]:
    return sorted(found, key=lambda one: (bool(one.turned_down), -one.likely, one.code))


def _as_left(one: Proposal, left: float, turned_down: Mapping[str, str]) -> Proposal:
    """How likely an answer is once it is known for whom the message is not."""
    why = turned_down.get(one.project, "")
    if not turned_down or why:
        return replace(one, turned_down=why)
    return replace(one, likely=min(one.likely / left, 1.0) if left > 0 else 0.0)


def _without_grounds(project: str, topic: str, open_rules: OpenRules) -> Proposal:
    """A project that nothing speaks for, at the address that the rules give to the topic."""
    outcome = open_rules.outcome(project, topic)
    return Proposal(project, outcome.address_key if outcome.project == project else DEFAULT_ADDRESS, topic, 0.0)


def _proposal(where: tuple[str, str], by_topic: Mapping[str, float]) -> Proposal:
    topic = max(by_topic, key=lambda one: (by_topic[one], one))
    return Proposal(*where, topic, sum(by_topic.values()))


def _own(decision: Decision | None, rules: Rules) -> Proposal | None:
    if decision is None or decision.project not in rules.projects:
        return None
    return Proposal(decision.project, decision.address_key or DEFAULT_ADDRESS, decision.topic, decision.confidence)


def _facts(message: InboundMessage, classification: Classification, mailbox: str) -> Facts:
    return Facts(
        language=classification.language,
        urgent=False,
        automatic=classification.automatic,
        author=message.author.addr_spec,
        subject=message.subject,
        mailbox=mailbox,
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person filled in: codes, and a comune as they typed it."""

    centre: str = ""
    comune: str = ""
    territory: str = ""
    topic: str = ""


def choice_of(asked: Asked, rules: Rules, topic: str) -> Choice | str:
    """A whole choice; or, as a sentence for staff, what is missing. ``topic``: the message's, where none was chosen.

    Without a centre the comune's own is taken, at the address that the rules give to the topic.
    """
    comune = _official(asked.comune, rules)
    if asked.comune.strip() and not comune:
        return "Questo comune non è nell'elenco delle due province: scegli il nome tra quelli proposti."
    if asked.topic and asked.topic not in TOPICS:
        return "Questo argomento non esiste."
    if asked.territory and asked.territory not in (*rules.projects, *SPECIAL_TERRITORIES):
        return "Questa zona non esiste."
    if asked.centre:
        project, _, key = asked.centre.partition(".")
        known = rules.projects.get(project)
        if known is None or (key or DEFAULT_ADDRESS) not in known.addresses:
            return "Questo centro non c'è nelle regole."
        return Choice(project, key or DEFAULT_ADDRESS, comune, "" if comune else asked.territory, asked.topic)
    territory = rules.project_of.get(comune, UNCOVERED) if comune else asked.territory or UNSTATED
    facts = Facts(language="it", urgent=False, automatic=False, author="", subject="", mailbox="")
    outcome = OpenRules(rules, facts).outcome(territory, asked.topic or topic)
    if outcome.project:
        return Choice(outcome.project, outcome.address_key, comune, "" if comune else asked.territory, asked.topic)
    if comune and territory == UNCOVERED:
        return f"Per {comune} non c'è un centro: scegline uno tu, oppure indica un altro ufficio."
    return "Scrivi il comune oppure scegli il centro: da soli zona e argomento non bastano."


def _official(comune: str, rules: Rules) -> str:
    typed = " ".join(comune.split()).casefold()
    return next((name for name in rules.places if name.casefold() == typed), "")
