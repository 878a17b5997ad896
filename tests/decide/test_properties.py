"""What holds for every message: totality, determinism, renaming projects, no answer to machines."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decide.builders import AUTHOR, NOW, OUR_ADDRESS, RULES, close_to, context, history, message
from tests.rules.builders import PLACES, PROJECTS, ROOT, build_rules, official_places, rules_text
from triage.decide import AckHistory, DecisionContext, decide, may_acknowledge, may_forward, territory_of
from triage.decide.trust import PERHAPS_NOT_FOR_US
from triage.rules import MailboxRole, Rules, parse_rules
from triage.vocabulary import (
    NOBODY,
    PROJECT_TOPICS,
    SPECIAL_TERRITORIES,
    STAFF,
    TOPICS,
    Action,
    Address,
    Classification,
    Defect,
    InboundMessage,
    Mode,
    PlaceMention,
    Role,
)

COMUNI = st.sampled_from([*PLACES, "Altrove"])
ANY_NUMBER = st.floats(allow_nan=True, allow_infinity=True)
PROBABILITY = st.floats(0, 1)
ADDRESS = st.one_of(
    st.sampled_from(["", AUTHOR, OUR_ADDRESS, "x@nord.example", "noreply@x.example", "a b", "x" * 999 + "@x.example"]),
    st.text(max_size=30),
)

PLACE = st.builds(
    PlaceMention,
    where=st.just("text"),
    start=st.just(0),
    end=st.just(1),
    kind=st.sampled_from(["comune", "area", "cap", "prefix", "outside", "unknown"]),
    comuni=st.lists(COMUNI, max_size=4).map(tuple),
    role=st.sampled_from(Role),
    weight=PROBABILITY,
)


def classifications(number: st.SearchStrategy[float]) -> st.SearchStrategy[Classification]:
    return st.builds(
        Classification,
        comune_scores=st.dictionaries(COMUNI, number, max_size=5),
        outside=number,
        unstated=number,
        several=number,
        places=st.lists(PLACE, max_size=4).map(tuple),
        topic=st.sampled_from(TOPICS),
        topic_scores=st.dictionaries(st.sampled_from(TOPICS), number, max_size=4),
        urgent=st.booleans(),
        alert=st.booleans(),
        language=st.sampled_from(["it", "en", "ro", "", "zz"]),
        language_confidence=number,
        automatic=st.booleans(),
        automatic_proved=st.booleans(),
        reasons=st.just(()),
        model_version=st.just("m"),
    )


CONTEXTS = st.builds(
    DecisionContext,
    mailbox=st.sampled_from(["generale", "altra"]),
    role=st.sampled_from(MailboxRole),
    internal_date=st.sampled_from([None, NOW]),
    is_old=st.booleans(),
    received_count=st.integers(0, 60),
    is_own_loop=st.booleans(),
    defects=st.sampled_from([(), (Defect("charset"),)]),
)


@st.composite
def messages(draw: st.DrawFn) -> InboundMessage:
    authors = tuple(Address("", address) for address in draw(st.lists(ADDRESS, max_size=2)))
    fields = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["Auto-Submitted", "Precedence", "List-Id", "X-Ricevuta", "Return-Path", "Subject"]),
                st.text(max_size=15),
            ),
            max_size=4,
        )
    )
    return replace(
        message(),
        author=authors[0] if authors else Address("", ""),
        authors=authors,
        sender=draw(st.sampled_from([None, Address("", "x@y.example")])),
        recipients=tuple(Address("", address) for address in draw(st.lists(ADDRESS, max_size=2))),
        reverse_path=draw(st.none() | ADDRESS),
        subject=draw(st.text(max_size=20)),
        header_fields=tuple(fields),
    )


@settings(max_examples=300, deadline=None)
@given(messages(), classifications(ANY_NUMBER), CONTEXTS, st.booleans())
def test_deciding_is_total_deterministic_and_keeps_its_promises(
    received: InboundMessage, content: Classification, about: DecisionContext, ignore_modes: bool
) -> None:
    decision = decide(received, content, RULES, about, ignore_modes=ignore_modes)
    assert decide(received, content, RULES, about, ignore_modes=ignore_modes) == decision
    assert decision.destination in {*RULES.projects, STAFF, NOBODY}
    assert decision.territory in {*RULES.projects, *SPECIAL_TERRITORIES}
    assert 0.0 <= decision.confidence <= 1.0
    assert decision.reasons
    assert bool(decision.project) == bool(decision.forward_path) == bool(decision.address_key)
    if decision.urgent:
        assert (decision.action, decision.destination) == (Action.HOLD, STAFF)
    if decision.action is Action.FILE:
        assert content.automatic_proved
        assert content.topic == "non_pertinente"
    if decision.action is Action.FORWARD:
        assert decision.destination == decision.project
        assert decision.topic in PROJECT_TOPICS
        assert decision.confidence >= RULES.thresholds.min_confidence
        assert may_forward(decision, decision.forward_path, RULES).allowed


@settings(max_examples=300, deadline=None)
@given(messages(), classifications(PROBABILITY), CONTEXTS, st.integers(0, 200), st.booleans())
def test_nothing_automatic_and_nobody_of_ours_is_ever_acknowledged(
    received: InboundMessage, content: Classification, about: DecisionContext, sent: int, accepted: bool
) -> None:
    before: AckHistory = history(total_last_hour=sent, forward_accepted=accepted)
    decision = decide(received, content, RULES, about)
    verdict = may_acknowledge(received, decision, RULES, before, NOW, about)
    assert verdict.allowed == (not verdict.reasons) == bool(verdict.forward_path)
    if verdict.allowed:
        assert not content.automatic
        assert content.topic != "non_pertinente"
        assert received.reverse_path
        assert not RULES.is_own(verdict.forward_path)
        assert not RULES.project_of_address(verdict.forward_path)
        assert received.author.addr_spec
        assert not about.is_old
        assert sent < RULES.acknowledgements.per_hour_total


@settings(max_examples=200, deadline=None)
@given(classifications(PROBABILITY).map(lambda content: replace(content, automatic=False, urgent=False, alert=False)))
def test_an_allowed_answer_needs_an_unmarked_message(content: Classification) -> None:
    """The same message as above, ordinary: it is answered, so the property above can fail."""
    decision = decide(message(), content, RULES, context())
    verdict = may_acknowledge(message(), decision, RULES, history(), NOW, context())
    perhaps_not = content.topic_scores.get("non_pertinente", 0.0) >= PERHAPS_NOT_FOR_US
    assert verdict.allowed == (content.topic != "non_pertinente" and not perhaps_not)


def renamed(text: str, names: dict[str, str]) -> str:
    """The rules' text with project codes swapped, wherever a code is written."""
    pattern = re.compile(r"(?<![\w@.-])(" + "|".join(names) + r")(?=[:},.]| *$)(?!\.example)", re.MULTILINE)
    return pattern.sub(lambda found: names[found[1]], text)


SWAPPED = {"nord": "sud", "sud": "nord"}
SWAPPED_RULES = parse_rules(renamed(rules_text(), SWAPPED), "rules.yaml", PLACES)


@settings(max_examples=300, deadline=None)
@given(messages(), classifications(PROBABILITY), CONTEXTS)
def test_permuting_project_codes_only_relabels(
    received: InboundMessage, content: Classification, about: DecisionContext
) -> None:
    """Design, decision 6: no comune's score, no action and no address depends on a project's name."""
    scores_before = dict(content.comune_scores)
    decision = decide(received, content, RULES, about)
    relabelled = decide(received, content, SWAPPED_RULES, about)
    assert relabelled.action is decision.action
    assert relabelled.confidence == decision.confidence
    assert relabelled.forward_path == decision.forward_path
    assert relabelled.address_key == decision.address_key
    for before, after in (
        (decision.destination, relabelled.destination),
        (decision.territory, relabelled.territory),
        (decision.project, relabelled.project),
    ):
        assert after == SWAPPED.get(before, before)
    assert [reason.code for reason in relabelled.reasons] == [reason.code for reason in decision.reasons]
    assert content.comune_scores == scores_before
    swapped_scores = {SWAPPED.get(code, code): score for code, score in territory_of(content, RULES).scores.items()}
    assert territory_of(content, SWAPPED_RULES).scores == swapped_scores


def test_the_swapped_rules_are_swapped() -> None:
    assert SWAPPED_RULES.project_of == {comune: SWAPPED[code] for comune, code in RULES.project_of.items()}
    assert SWAPPED_RULES.projects["sud"].addresses["piano"].to == "piano@nord-plan.example"


SIXTH = """
  ovest:
    name: Ente Ovest
    centre: Centro Ovest
    contact: ovest@west.example
    addresses: {default: {to: ovest@west.example, confirmed: true}}
    area: {ambiti: [Ovest]}
"""


def west(rules: Rules) -> tuple[Action, str, str, float]:
    content = Classification(
        comune_scores={"Fontanelle": 0.6, "Gambara": 0.4},
        outside=0.0,
        unstated=0.0,
        several=0.0,
        places=(),
        topic="ascolto",
        topic_scores={"ascolto": 1.0},
        urgent=False,
        alert=False,
        language="it",
        language_confidence=1.0,
        automatic=False,
        automatic_proved=False,
        reasons=(),
        model_version="m",
    )
    decision = decide(message(), content, rules, context())
    return decision.action, decision.destination, decision.forward_path, close_to(decision.confidence)


def test_a_further_project_is_added_in_the_file_alone() -> None:
    assert west(RULES) == (Action.HOLD, STAFF, "", 1.0)
    assert west(build_rules(projects=PROJECTS + SIXTH)) == (Action.FORWARD, "ovest", "ovest@west.example", 1.0)


def test_a_sixth_project_joins_the_shipped_five() -> None:
    """Suzzara has had its own centre since July 2024: taking it up is an edit of the file."""
    text = (ROOT / "routing_rules.yaml").read_text(encoding="utf-8")
    suzzara = """projects:
  suzzara:
    name: Azienda Socialis
    centre: Un luogo per tutte le famiglie
    contact: centro@suzzara.example
    mode: automatico
    addresses: {default: {to: centro@suzzara.example, confirmed: true}}
    area: {ambiti: [Suzzara]}
"""
    rules = parse_rules(text.replace("\nprojects:\n", "\n" + suzzara, 1), "routing_rules.yaml", official_places())
    assert len(rules.projects) == 6
    assert rules.project_of["Gonzaga"] == "suzzara"
    assert rules.projects["suzzara"].mode is Mode.AUTOMATIC
