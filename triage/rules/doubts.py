"""What is allowed in a rules file and yet probably a mistake: warnings for ``triage check``.

In: valid rules. Out: problems that do not stop the service: rules that can never match because an
earlier one is as wide, automatic projects with nobody on call, addresses nobody has confirmed,
projects whose mail is redirected.
"""

from __future__ import annotations

from triage.rules.addresses import matches_pattern
from triage.rules.forwarding import ForwardAs
from triage.rules.problems import Problem
from triage.rules.types import Condition, Rule, Rules
from triage.vocabulary import Mode


def doubts_about(rules: Rules) -> tuple[Problem, ...]:
    """Warnings, in order of lines."""
    found = [*_shadowed(rules), *_nobody_on_call(rules), *_unconfirmed(rules), *_redirected(rules)]
    return tuple(sorted(found, key=lambda problem: problem.line))


def _shadowed(rules: Rules) -> list[Problem]:
    found = []
    for position, later in enumerate(rules.rules):
        earlier = next((rule for rule in rules.rules[:position] if is_as_wide(rule.when, later.when)), None)
        if earlier is None:
            continue
        found.append(Problem(rules.source, later.line, _shadow_text(earlier, later), "move it up, or delete it"))
    return found


def _shadow_text(earlier: Rule, later: Rule) -> str:
    kind = "repeats" if earlier.then == later.then else "contradicts"
    return f'the rule "{later.name}" can never match and {kind} "{earlier.name}" on line {earlier.line}'


def is_as_wide(earlier: Condition, later: Condition) -> bool:
    """Whether every message that ``later`` matches is matched by ``earlier`` too."""
    return (
        _as_wide_set(earlier.territories, later.territories)
        and _as_wide_set(earlier.topics, later.topics)
        and _as_wide_set(earlier.languages, later.languages)
        and _as_wide_set(earlier.mailboxes, later.mailboxes)
        and earlier.urgent in (None, later.urgent)
        and earlier.automatic in (None, later.automatic)
        and _as_wide_authors(earlier.authors, later.authors)
        and _as_wide_words(earlier.subject_contains, later.subject_contains)
    )


def _as_wide_set(earlier: frozenset[str] | None, later: frozenset[str] | None) -> bool:
    return earlier is None or (later is not None and later <= earlier)


def _as_wide_authors(earlier: tuple[str, ...] | None, later: tuple[str, ...] | None) -> bool:
    if earlier is None or later is None:
        return earlier is None
    return all(any(wide == narrow or matches_pattern(narrow, wide) for wide in earlier) for narrow in later)


def _as_wide_words(earlier: tuple[str, ...] | None, later: tuple[str, ...] | None) -> bool:
    if earlier is None or later is None:
        return earlier is None
    return all(any(wide.casefold() in narrow.casefold() for wide in earlier) for narrow in later)


def _nobody_on_call(rules: Rules) -> list[Problem]:
    automatic = [project for project in rules.projects.values() if project.mode is Mode.AUTOMATIC]
    if not automatic or rules.urgent.on_call:
        return []
    what = f"{automatic[0].code} is in automatico and nobody is told of urgent mail"
    return [Problem(rules.source, automatic[0].line, what, "write an address under urgent.on_call")]


def _unconfirmed(rules: Rules) -> list[Problem]:
    return [
        Problem(
            rules.source,
            address.line,
            f"{project.code} is in automatico, but nobody has confirmed {address.to}: its mail is held",
            "send a test mail, and write confirmed: true when somebody there has answered",
        )
        for project in rules.projects.values()
        if project.mode is Mode.AUTOMATIC
        for address in project.addresses.values()
        if not address.confirmed
    ]


def _redirected(rules: Rules) -> list[Problem]:
    """Of mail from ``@libero.it`` that our server sends on, the receiver may think that it is forged."""
    return [
        Problem(
            rules.source,
            project.line,
            f"{project.code} gets mail redirected: its server may refuse it or take it for spam (DMARC), "
            "and it holds neither case code nor the way to hand it back",
            "have its mail administrator let our server pass, or delete forward_as",
        )
        for project in rules.projects.values()
        if project.forward_as is ForwardAs.REDIRECT
    ]
