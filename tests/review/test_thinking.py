"""What the page says of the service's answer: one scale of words, whole sentences, names in the place of codes."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from tests.record.builders import a_decision
from tests.review.office import DEMO_RULES, MODEL
from triage.acts.centres import Choice
from triage.classify import load_classifier
from triage.decide import DecisionContext, decide
from triage.demo.load import demo_messages
from triage.knowledge import known_places
from triage.parse import parse
from triage.review.keys import ACTS
from triage.review.proposals import MOST, Asked, Proposal, choice_of, proposals_of
from triage.review.thinking import sure, thinks, waits_because, why
from triage.review.words import likely_word, sureness
from triage.rules import Rules, load_rules
from triage.rules.types import MailboxRole
from triage.vocabulary import OUTSIDE, SEVERAL, STAFF, UNCOVERED, UNSTATED, Action, Decision, InboundMessage, Reason

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
CONTEXT = DecisionContext("generale", MailboxRole.INBOX, NOW, False, 3, False, ())
SENTENCE = re.compile(r"[A-ZÈ«].*[^\s:.,]\.")
NOT_PLAIN = re.compile(r"\.\.|: \.|Zona: Zona|probabilità|\d ?%|\b[a-z]+_[a-z_]+\b(?!\.)")
Judged = tuple[InboundMessage, Decision, tuple[Proposal, ...]]


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules(DEMO_RULES, known_places())


@pytest.fixture(scope="module")
def inbox(rules: Rules) -> list[Judged]:
    """Every message of the demo as the page sees it."""
    messages = [parse(octets) for _, octets, _ in demo_messages(NOW)]
    found = []
    for message, classification in zip(messages, load_classifier(MODEL).classify(messages), strict=True):
        decision = decide(message, classification, rules, CONTEXT)
        found.append((message, decision, proposals_of(message, decision, classification, rules, "generale")))
    return found


def test_the_first_proposal_is_as_likely_as_the_page_says_that_the_service_is_sure(inbox: list[Judged]) -> None:
    own = [(decision, proposals) for _, decision, proposals in inbox if decision.project and not decision.urgent]
    assert len(own) > 20
    for decision, (first, *others) in own:
        assert sure(decision).startswith(likely_word(first.likely).capitalize())
        assert (first.project, first.topic) == (decision.project, decision.topic)
        assert first.likely + sum(one.likely for one in others) <= 1.0001


def test_a_centre_that_handed_the_message_back_comes_last_and_says_so(rules: Rules, inbox: list[Judged]) -> None:
    classifier = load_classifier(MODEL)
    message, decision, (first, second, _) = next(one for one in inbox if one[1].project and not one[1].urgent)
    (classification,) = classifier.classify([message])

    def proposed(turned_down: dict[str, str]) -> tuple[Proposal, ...]:
        return proposals_of(message, decision, classification, rules, "generale", turned_down)

    others = proposed({first.project: "restituito"})
    assert first.project not in {one.project for one in others}, "there are three others"
    assert not any(one.turned_down for one in others)
    assert sum(one.likely for one in others) <= 1.0001
    every = {code: "corretto" for code in rules.projects if code != second.project}
    best, *rest = proposed(every)
    assert (best.project, best.turned_down) == (second.project, "")
    assert [one.turned_down for one in rest] == ["corretto", "corretto"]
    kept, *_ = proposed({second.project: "restituito"})
    assert (kept.project, kept.likely) == (first.project, first.likely), "it is not for another: this one stays"


def test_three_different_projects_are_offered_and_the_first_is_what_the_service_thinks(
    rules: Rules, inbox: list[Judged]
) -> None:
    for _, decision, proposals in inbox:
        assert len({one.project for one in proposals}) == len(proposals) == 3
        if decision.project:
            first = proposals[0]
            assert (first.code, first.topic) == (f"{decision.project}.{decision.address_key}", decision.topic)
            assert first.likely == decision.confidence
        others = [one.likely for one in proposals[1 if decision.project else 0 :]]
        assert others == sorted(others, reverse=True)
        choices = [choice_of(Asked(one.code, topic=one.topic), rules, one.topic) for one in proposals]
        assert all(isinstance(one, Choice) for one in choices)


def test_no_key_is_kept_for_a_proposal_that_there_never_is() -> None:
    assert sum(act.startswith("proposta_") for act in ACTS) == MOST


def test_what_waits_because_it_is_not_sure_enough_is_not_called_sure() -> None:
    unsure = a_decision(Action.HOLD, confidence=0.96, reasons=(Reason("fiducia_bassa", {"confidence": 0.96}),))
    assert sure(unsure) == "Quasi certo: quasi sempre giusto, non abbastanza per inviarlo da solo."
    assert sureness(0.02) == "Poco probabile: quasi mai giusto"


def test_all_that_the_page_says_is_whole_sentences_without_codes_or_numbers(rules: Rules, inbox: list[Judged]) -> None:
    for message, decision, _ in inbox:
        waits = [waits_because(decision.reasons[0].code, decision, rules)] if decision.action == Action.HOLD else []
        for said in (*why(decision, message, rules), *waits, sure(decision)):
            assert SENTENCE.fullmatch(said), said
            assert NOT_PLAIN.search(said.partition("«")[0]) is None, said
        assert NOT_PLAIN.search(thinks(decision, rules)) is None


@pytest.mark.parametrize("territory", [UNSTATED, UNCOVERED, OUTSIDE, SEVERAL])
def test_a_place_that_is_none_is_told_once(rules: Rules, territory: str) -> None:
    said = thinks(a_decision(Action.HOLD, destination=STAFF, project="", territory=territory), rules)
    assert said.startswith("Serve una persona. ")
    assert "Zona:" not in said


def test_a_centre_is_named_without_a_preposition(rules: Rules) -> None:
    said = "Centro proposto: Azienda Speciale Consortile Oglio Po. Argomento: Informazioni e orientamento."
    assert thinks(a_decision(Action.HOLD), rules) == said


def test_a_projects_mail_and_a_language_are_named_as_people_name_them(rules: Rules) -> None:
    reasons = (Reason("dal_progetto", {"project": "crema"}), Reason("lingua_da_verificare", {"language": "ar"}))
    said = waits_because("dal_progetto", a_decision(Action.HOLD, reasons=reasons), rules)
    assert said == "Arriva dal centro Comune di Crema. Lingua da verificare: arabo."
