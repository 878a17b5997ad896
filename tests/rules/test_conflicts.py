"""Rules that cannot do what they say: each kind is found, and none is claimed of a rule that can."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.builders import OTHERS, SERVICE, build_rules
from triage.decide import DecisionContext, decide
from triage.decide.examples import imagined_classification, imagined_message
from triage.decide.matching import Facts, OpenRules
from triage.rules import doubts_about
from triage.rules.conflicts import Fault, Finding, Why, find_faults, nobody_asks_for
from triage.rules.reach import Kind, Reach, is_narrower
from triage.rules.types import Given, MailboxRole, Rule, Rules
from triage.vocabulary import SPECIAL_TERRITORIES, TOPICS, Action

MAILBOXES = """
  scarti: {address: famiglie@agency.example, folder: Junk, role: junk}
"""


def ruled(*whens_and_thens: str, others: str = "") -> Rules:
    """Rules that are given one a line, named r1, r2, ..."""
    lines = "rules:\n" + "".join(f"  - {{name: r{n}, {text}}}\n" for n, text in enumerate(whens_and_thens, start=1))
    return build_rules(service=SERVICE.rstrip() + MAILBOXES, rules=lines, others=OTHERS + others)


def faults(*whens_and_thens: str, others: str = "") -> list[tuple[str, str, list[str]]]:
    """Which fault each rule has, and because of which others."""
    found = find_faults(ruled(*whens_and_thens, others=others))
    return [(one.rule.name, str(one.fault), [other.name for other in one.others]) for one in found]


# --------------------------------------------------------------------------- each kind is found


def test_several_rules_together_leave_nothing_for_a_later_one() -> None:
    assert faults(
        "when: {argomento: rete, territorio: nord}, then: {hold: regola}",
        "when: {argomento: rete, territorio: [sud, scoperto, fuori_ats]}, then: {hold: regola}",
        "when: {argomento: eventi}, then: {hold: regola}",
        "when: {territorio: [multiplo, non_indicato]}, then: {hold: regola}",
        "when: {argomento: rete}, then: {forward: territorio}",
    ) == [("r5", "unreachable", ["r1", "r2", "r4"])]


def test_both_answers_to_yes_or_no_take_everything() -> None:
    assert faults(
        "when: {urgente: true}, then: {hold: regola}",
        "when: {urgente: false}, then: {hold: regola}",
        "when: {}, then: {hold: reclamo}",
    ) == [("r3", "unreachable", ["r1", "r2"])]


def test_a_rule_that_comes_again_is_shadowed_by_the_first() -> None:
    assert faults(
        "when: {mittente: '@school.example'}, then: {hold: regola}",
        "when: {mittente: Anna@mail.school.example}, then: {hold: reclamo}",
    ) == [("r2", "shadowed", ["r1"])]


def test_a_territory_without_comuni_is_no_message_s() -> None:
    everywhere = "when: {territorio: scoperto}, then: {hold: regola}"
    rules = build_rules(rules=f"rules:\n  - {{name: r1, {everywhere}}}\n")
    assert find_faults(rules) == ()
    covered = build_rules(
        projects=rules.text[rules.text.index("projects:") : rules.text.index("rules:\n")].replace(
            "comuni: [Dossobuono, Erbezzo]", "ambiti: [Sud, Ovest]"
        ),
        rules=f"rules:\n  - {{name: r1, {everywhere}}}\n",
    )
    assert [one.fault for one in find_faults(covered)] == [Fault.IMPOSSIBLE]
    assert any("no message is as it asks" in problem.what for problem in doubts_about(covered))


def test_two_desks_for_the_same_messages_are_at_odds() -> None:
    first = "when: {argomento: [rete, eventi]}, then: {forward: territorio}"
    second = "when: {territorio: nord, argomento: [rete, ascolto]}, then: {forward: nord.piano}"
    [found] = find_faults(ruled(first, second))
    assert (found.fault, found.rule.name, found.others[0].name) == (Fault.CONFLICT, "r2", "r1")
    assert found.sample is not None
    assert (found.sample.territory, found.sample.topic) == ("nord", "rete")
    assert "such as argomento: rete, territorio: nord" in doubts_about(ruled(first, second))[0].what


def test_a_forward_before_a_hold_that_wants_some_of_it_is_at_odds_and_the_other_order_is_not() -> None:
    forward, hold = (
        "when: {argomento: rete}, then: {forward: nord}",
        "when: {territorio: sud}, then: {hold: regola}",
    )
    assert faults(forward, hold) == [("r2", "conflict", ["r1"])]
    assert faults(hold, forward) == []


def test_what_only_earlier_rules_decide_is_no_conflict_of_later_ones() -> None:
    both = "when: {territorio: nord, argomento: rete}, then: {hold: regola}"
    assert (
        faults(
            both,
            "when: {argomento: rete}, then: {forward: sud}",
            "when: {territorio: nord}, then: {forward: nord}",
        )
        == []
    )


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("when: {urgente: true}, then: {forward: nord}", Why.URGENT),
        ("when: {urgente: true}, then: {file: not_for_us}", Why.URGENT),
        ("when: {lingua: [ro, uk]}, then: {forward: territorio}", Why.LANGUAGE),
        ("when: {mittente: '@nord.example'}, then: {forward: nord}", Why.AUTHOR),
        ("when: {mittente: centri@agency.example}, then: {forward: nord}", Why.AUTHOR),
        ("when: {casella: scarti}, then: {forward: territorio}", Why.JUNK),
        ("when: {territorio: [scoperto, multiplo]}, then: {forward: territorio}", Why.TERRITORY),
    ],
)
def test_a_rule_whose_mail_always_waits_is_without_effect(rule: str, why: Why) -> None:
    assert [(one.fault, one.why) for one in find_faults(ruled(rule))] == [(Fault.POWERLESS, why)]
    assert "has no effect" in doubts_about(ruled(rule))[0].what


@pytest.mark.parametrize(
    "rule",
    [
        "when: {lingua: [ro, en]}, then: {forward: territorio}",
        "when: {mittente: ['@nord.example', '@school.example']}, then: {forward: nord}",
        "when: {casella: [scarti, generale]}, then: {forward: territorio}",
        "when: {territorio: [scoperto, nord]}, then: {forward: territorio}",
        "when: {urgente: true}, then: {hold: regola}",
    ],
)
def test_a_rule_that_some_message_follows_has_its_effect(rule: str) -> None:
    assert faults(rule) == []


def test_what_no_rule_asks_for_is_named() -> None:
    free = nobody_asks_for(ruled("when: {argomento: [rete, eventi]}, then: {hold: regola}"))
    assert free is not None
    assert free.topic not in ("rete", "eventi")
    assert nobody_asks_for(ruled("when: {}, then: {hold: regola}")) is None


def test_a_question_that_would_take_too_long_is_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triage.rules.reach.MOST_STEPS", 0)
    assert faults("when: {urgente: true}, then: {hold: regola}", "when: {urgente: true}, then: {hold: reclamo}") == []


@pytest.mark.parametrize(
    ("narrow", "wide", "is_so"),
    [
        ("anna@mail.school.example", "@school.example", True),
        ("@mail.school.example", "@school.example", True),
        ("@school.example", "@mail.school.example", False),
        ("@school.example", "anna@school.example", False),
        ("Anna+rete@School.example", "anna@school.example", True),
        ("@other-school.example", "@school.example", False),
    ],
)
def test_one_sender_s_pattern_lies_within_another_s(narrow: str, wide: str, is_so: bool) -> None:
    assert is_narrower(narrow, wide) is is_so


# --------------------------------------------------------------------------- nothing is claimed that is not so

TERRITORIES = ("nord", "sud", *SPECIAL_TERRITORIES)
PATTERNS = ("@school.example", "@mail.school.example", "anna@school.example", "bo@mail.school.example", "@nord.example")
SENDERS = (
    *("anna@school.example", "bo@mail.school.example", "ANNA+x@school.example", "carla@school.example", ""),
    *(
        "dario@mail.school.example",
        "ente@nord.example",
        "lia@example.org",
        "SRS0=ab=cd=school.example=anna@relay.example",
    ),
)
WORDS = ("tavolo", "Tavolo di rete", "rete", "bando")
SUBJECTS = ("", "tavolo", "TAVOLO  di rete", "bando e tavolo", "di rete", "auguri")
LANGUAGES = ("it", "en", "ro", "uk")


@dataclass(frozen=True)
class Asked:
    """One message as rules may ask about it."""

    territory: str
    topic: str
    facts: Facts


def _some(values: Sequence[str], most: int = 3) -> st.SearchStrategy[list[str] | None]:
    return st.none() | st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True)


CONDITIONS = st.fixed_dictionaries(
    {
        "territorio": _some(TERRITORIES, 5),
        "argomento": _some(TOPICS, 6),
        "lingua": _some(LANGUAGES),
        "urgente": st.sampled_from([None, None, "true", "false"]),
        "automatico": st.sampled_from([None, None, "true", "false"]),
        "mittente": st.none() | _some(PATTERNS),
        "oggetto_contiene": st.none() | _some(WORDS),
        "casella": st.none() | _some(("generale", "scarti")),
    }
)
STEPS = st.sampled_from(
    ["{forward: territorio}", "{forward: nord}", "{forward: nord.piano}", "{hold: regola}", "{file: not_for_us}"]
)


def some_messages(number: int) -> list[Asked]:
    """Messages at random, the same for the same number."""
    draw = random.Random(number)  # noqa: S311 - a test's draw
    return [
        Asked(
            draw.choice(TERRITORIES),
            draw.choice(TOPICS),
            Facts(
                language=draw.choice(LANGUAGES),
                urgent=draw.random() < 0.3,
                automatic=draw.random() < 0.3,
                author=draw.choice(SENDERS),
                subject=draw.choice(SUBJECTS),
                mailbox=draw.choice(["generale", "scarti", "tolta"]),
            ),
        )
        for _ in range(60)
    ]


def _line(when: dict[str, list[str] | str | None], then: str) -> str:
    keys = ", ".join(
        f"{key}: {value if isinstance(value, str) else [*value]}" for key, value in when.items() if value is not None
    )
    return f"when: {{{keys}}}, then: {then}"


def _first(rules: Rules, asked: Asked) -> str:
    rule = OpenRules(rules, asked.facts).outcome(asked.territory, asked.topic).rule
    return rule.name if rule is not None else ""


def _as_asked(kind: Kind) -> Asked:
    author = (
        f"zaira.zeta{kind.author}" if kind.author.startswith("@") else kind.author or "zaira.zeta@elsewhere.example"
    )
    facts = Facts(kind.language or "zz", kind.urgent, kind.automatic, author, kind.subject, kind.mailbox or "tolta")
    return Asked(kind.territory, kind.topic, facts)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(CONDITIONS, STEPS), min_size=1, max_size=7), st.integers(0, 1_000_000))
def test_a_rule_called_unreachable_never_decides_and_every_other_one_does(
    written: list[tuple[dict[str, list[str] | str | None], str]], number: int
) -> None:
    messages = some_messages(number)
    rules = ruled(*(_line(when, then) for when, then in written))
    found = find_faults(rules)
    never = {one.rule.name for one in found if one.fault in (Fault.IMPOSSIBLE, Fault.SHADOWED, Fault.UNREACHABLE)}
    assert never.isdisjoint(_first(rules, asked) for asked in messages)
    reach = Reach(rules)
    for position, rule in enumerate(rules.rules):
        if rule.name not in never:
            sample = reach.free(reach.box(position), position)
            assert sample is not None
            assert _first(rules, _as_asked(sample)) == rule.name
    for one in found:
        if one.fault is Fault.CONFLICT:
            _assert_at_odds(rules, one)
        elif one.fault is Fault.POWERLESS:
            assert not any(_forwards(rules, asked, one.rule.name) for asked in messages)
        elif one.fault in (Fault.SHADOWED, Fault.UNREACHABLE):
            assert _takes_all(rules, one, messages)
    free = nobody_asks_for(rules)
    if free is None:
        assert all(_first(rules, asked) for asked in messages if asked.facts.mailbox in rules.mailboxes)
    else:
        assert _first(rules, _as_asked(free)) == ""


def _takes_all(rules: Rules, one: Finding, messages: list[Asked]) -> bool:
    """Without the others before it the rule would still decide nothing: those that are named suffice."""
    named = {other.line for other in one.others}
    fewer = [rule for rule in rules.rules if rule.line in named or rule is one.rule]
    left = build_like(rules, fewer)
    return all(_first(left, asked) != one.rule.name for asked in messages)


def build_like(rules: Rules, chosen: Sequence[Rule]) -> Rules:
    """The same rules with only these."""
    return replace(rules, rules=tuple(rule for rule in rules.rules if rule in chosen))


def _assert_at_odds(rules: Rules, one: Finding) -> None:
    assert one.sample is not None
    asked = _as_asked(one.sample)
    assert _first(rules, asked) == one.others[0].name
    alone = OpenRules(build_like(rules, [one.rule]), asked.facts).outcome(asked.territory, asked.topic)
    wins = OpenRules(rules, asked.facts).outcome(asked.territory, asked.topic)
    assert alone.rule is not None
    assert (alone.destination, alone.address_key) != (wins.destination, wins.address_key)


def _forwards(rules: Rules, asked: Asked, name: str) -> bool:
    """Whether the whole decision forwards this message by that rule."""
    given_message = Given(
        asked.territory,
        "",
        asked.topic,
        asked.facts.language,
        asked.facts.urgent,
        asked.facts.automatic,
        asked.facts.author or "lia@example.org",
        asked.facts.subject,
        asked.facts.mailbox,
    )
    box = rules.mailboxes.get(asked.facts.mailbox)
    context = DecisionContext(asked.facts.mailbox, box.role if box else MailboxRole.INBOX, None, False, 1, False)
    decision = decide(
        imagined_message(given_message),
        imagined_classification(given_message, rules),
        rules,
        context,
        ignore_modes=True,
    )
    by = next((str(r.params["rule"]) for r in decision.reasons if r.code == "regola_applicata"), "")
    return decision.action is Action.FORWARD and by == name
