"""Examples in the rules file run through the very decision that real mail gets."""

from __future__ import annotations

import pytest

from tests.rules.builders import RULES as RULES_TEXT
from tests.rules.builders import SERVICE, build_rules, line_of
from triage.decide import check_examples


def with_examples(rule: str, *examples: str) -> tuple[str, list[tuple[int, str]]]:
    """The rules' text with examples added to one rule, and what is wrong with them."""
    lines = []
    for line in RULES_TEXT.splitlines():
        lines.append(line)
        if line == f"  - name: {rule}":
            lines += ["    examples:", *(f"      - {example}" for example in examples)]
    shadow = SERVICE.replace("mode: automatico", "mode: ombra")
    rules = build_rules(service=shadow, rules="\n".join(lines) + "\n")
    return rules.text, [(problem.line, problem.what) for problem in check_examples(rules)]


@pytest.mark.parametrize(
    ("rule", "example"),
    [
        ("al progetto", "{given: {comune: Altavilla, argomento: ascolto}, expect: {forward: nord}}"),
        ("al progetto", "{given: {territorio: sud, argomento: rete}, expect: {forward: territorio}}"),
        ("al progetto", "{given: {comune: Gambara, argomento: ascolto}, expect: {hold: territorio_scoperto}}"),
        ("al progetto", "{given: {territorio: scoperto, argomento: ascolto}, expect: {hold: territorio_scoperto}}"),
        ("al progetto", "{given: {territorio: multiplo, argomento: ascolto}, expect: {hold: territorio_multiplo}}"),
        ("al progetto", "{given: {territorio: fuori_ats, argomento: eventi}, expect: {hold: territorio_fuori}}"),
        (
            "al progetto",
            "{given: {comune: Erbezzo, argomento: eventi, lingua: ro}, expect: {hold: lingua_da_verificare}}",
        ),
        ("enti", "{given: {comune: Altavilla, argomento: rete, automatico: true}, expect: {forward: nord.piano}}"),
        ("urgenti", "{given: {comune: Altavilla, argomento: rete, urgente: true}, expect: {hold: urgente}}"),
        (
            "automatiche",
            "{given: {comune: Altavilla, argomento: non_pertinente, automatico: true}, expect: {file: automatic}}",
        ),
        ("non per noi", "{given: {comune: Altavilla, argomento: non_pertinente}, expect: {hold: forse_non_per_noi}}"),
    ],
)
def test_an_example_that_holds_is_no_problem_in_any_mode(rule: str, example: str) -> None:
    assert with_examples(rule, example)[1] == []


@pytest.mark.parametrize(
    ("rule", "example", "what"),
    [
        (
            "al progetto",
            "{given: {comune: Erbezzo, argomento: ascolto}, expect: {forward: nord}}",
            'the example of "al progetto" fails: it gives forward: sud by the rule "al progetto" on line ',
        ),
        (
            "enti",
            "{given: {comune: Altavilla, argomento: rete}, expect: {forward: nord}}",
            'the example of "enti" fails: it gives forward: nord.piano by the rule "enti" on line ',
        ),
        (
            "non per noi",
            "{given: {comune: Altavilla, argomento: non_pertinente}, expect: {file: not_for_us}}",
            'the example of "non per noi" fails: it gives hold: forse_non_per_noi by the rule "non per noi" on line ',
        ),
        (
            "reclami",
            "{given: {comune: Altavilla, argomento: altro_servizio}, expect: {hold: reclamo}}",
            'the example of "reclami" fails: it gives hold: nessuna_regola',
        ),
        (
            "al progetto",
            "{given: {comune: Altavilla, argomento: rete}, expect: {forward: nord.piano}}",
            'the example of "al progetto" is decided by "enti" on line ',
        ),
    ],
)
def test_an_example_that_fails_is_reported_with_its_line(rule: str, example: str, what: str) -> None:
    text, found = with_examples(rule, example)
    assert [line for line, _ in found] == [line_of(text, example)]
    assert found[0][1].startswith(what)


def test_a_territory_that_no_comune_has_cannot_be_imagined() -> None:
    text = """
projects:
  tutto:
    {name: T, centre: C, contact: c, addresses: {default: {to: t@all.example, confirmed: true}},
     area: {ambiti: [Nord, Sud, Ovest]}}
"""
    rules = build_rules(
        projects=text,
        rules="""rules:
  - name: scoperti
    when: {territorio: scoperto}
    then: {hold: territorio_scoperto}
    examples: [{given: {territorio: scoperto, argomento: rete}, expect: {hold: territorio_scoperto}}]
""",
    )
    assert [problem.what for problem in check_examples(rules)] == [
        'the example of "scoperti" cannot be made: no comune means scoperto'
    ]
