"""Warnings: what is allowed and yet probably a mistake."""

from __future__ import annotations

import pytest

from tests.rules.builders import OTHERS, PROJECTS, SERVICE, build_rules, line_of
from triage.rules import doubts_about


def doubts(*whens_and_thens: str) -> list[str]:
    """The warnings about rules that are given one a line."""
    rules = "rules:\n" + "".join(f"  - {{name: r{n}, {text}}}\n" for n, text in enumerate(whens_and_thens, start=1))
    return [problem.what for problem in doubts_about(build_rules(rules=rules))]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("{}", "{territorio: nord}"),
        ("{argomento: [rete, eventi]}", "{argomento: rete, territorio: nord}"),
        ("{mittente: '@school.example'}", "{mittente: Anna@mail.school.example}"),
        ("{oggetto_contiene: tavolo}", "{oggetto_contiene: Tavolo di rete}"),
        ("{lingua: [ro, uk]}", "{lingua: uk, urgente: true}"),
        ("{automatico: true}", "{automatico: true, casella: generale}"),
    ],
)
def test_a_rule_behind_one_as_wide_can_never_match(earlier: str, later: str) -> None:
    found = doubts(f"when: {earlier}, then: {{hold: regola}}", f"when: {later}, then: {{hold: reclamo}}")
    assert [what.rpartition(" on line ")[0] for what in found] == ['the rule "r2" can never match and contradicts "r1"']


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("{territorio: nord}", "{}"),
        ("{argomento: rete}", "{argomento: [rete, eventi]}"),
        ("{urgente: true}", "{urgente: false}"),
        ("{mittente: anna@school.example}", "{mittente: '@school.example'}"),
        ("{oggetto_contiene: tavolo di rete}", "{oggetto_contiene: tavolo}"),
        ("{lingua: ro}", "{territorio: nord}"),
    ],
)
def test_a_narrower_or_different_rule_first_is_no_doubt(earlier: str, later: str) -> None:
    assert doubts(f"when: {earlier}, then: {{hold: regola}}", f"when: {later}, then: {{hold: reclamo}}") == []


def test_a_shadowed_rule_that_says_the_same_repeats() -> None:
    assert "repeats" in doubts("when: {}, then: {hold: regola}", "when: {urgente: true}, then: {hold: regola}")[0]


def test_automatic_without_anybody_on_call_is_doubtful() -> None:
    rules = build_rules(others=OTHERS.replace("urgent: {on_call: [reperibile@oncall.example]}", ""))
    assert [problem.what for problem in doubts_about(rules)] == [
        "nord is in automatico and nobody is told of urgent mail"
    ]


@pytest.mark.parametrize(("mode", "warned"), [("proposta", True), ("automatico", True), ("ombra", False)])
def test_a_project_that_goes_on_in_a_service_in_ombra_is_doubtful(mode: str, warned: bool) -> None:
    projects = PROJECTS.replace("    name: Ente Sud\n", f"    name: Ente Sud\n    mode: {mode}\n")
    rules = build_rules(service=SERVICE.replace("mode: automatico", "mode: ombra"), projects=projects)
    told = f"sud is in {mode}, but the service itself in ombra: nobody is told of possible danger"
    assert [problem.what for problem in doubts_about(rules)] == [told] * warned


def test_an_unconfirmed_address_of_an_automatic_project_is_doubtful() -> None:
    projects = PROJECTS.replace("piano@nord-plan.example, confirmed: true", "piano@nord-plan.example, confirmed: false")
    rules = build_rules(projects=projects)
    assert [(problem.line, problem.what) for problem in doubts_about(rules)] == [
        (
            line_of(rules.text, "piano@nord-plan.example"),
            "nord is in automatico, but nobody has confirmed piano@nord-plan.example: its mail is held",
        )
    ]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("", "the accessibility statement of the staff page names no address to write to"),
        *(
            (
                f"accessibility_contact: {address}",
                f"who reports a barrier would write to {address}, whose mail is sorted",
            )
            for address in ("Famiglie@agency.example", "centri@agency.example")
        ),
        ("accessibility_contact: somebody@old-agency.example", None),
    ],
)
def test_who_cannot_use_the_page_needs_an_address_that_people_read(line: str, what: str | None) -> None:
    rules = build_rules(service=SERVICE.replace("accessibility_contact: barriers@agency.example", line))
    found = [(problem.line, problem.what) for problem in doubts_about(rules)]
    assert found == ([(line_of(rules.text, "service:"), what)] if what else [])


def test_the_small_file_of_these_tests_is_without_doubt() -> None:
    assert doubts_about(build_rules()) == ()
