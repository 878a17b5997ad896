"""Whether an answer will do, said at once, by the code that will read it; and what the answers are as settings.

Enters a question, its answer and the answers before it, leaves what is wrong, with a remedy. Nothing is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from triage.beginning.questions import Kind, Question, items
from triage.beginning.rules_text import rules_text
from triage.knowledge import known_places
from triage.listening import read_listening
from triage.rules import Rules, RulesError, parse_rules
from triage.rules.values import CODE_PATTERN
from triage.settings import SettingsError, load_settings

YES = frozenset({"yes", "y", "true", "sì", "si"})
NO = frozenset({"no", "n", "false"})
_MISSING = "is not set"


@dataclass(slots=True)
class Answers:
    """What was answered so far, with the questions; ``shipped``: the text of the rules file to begin from."""

    shipped: str
    given: dict[str, str] = field(default_factory=dict)
    asked: dict[str, Question] = field(default_factory=dict)

    def keep(self, question: Question, answer: str) -> None:
        """Take an answer that will do."""
        self.given[question.key], self.asked[question.key] = answer, question

    def forget(self, keys: Sequence[str]) -> None:
        """These are to be asked again."""
        for key in keys:
            self.given.pop(key, None)
            self.asked.pop(key, None)

    def together(self, question: Question) -> list[str]:
        """Keys that are asked again with a question when it does not work."""
        if not question.group:
            return [question.key]
        return [key for key, one in self.asked.items() if one.group == question.group]

    def environment(self) -> dict[str, str]:
        """The settings that were answered; an empty answer leaves the setting's own default."""
        return {
            one.variable: self.given[key] for key, one in self.asked.items() if one.variable and self.given[key] != ""
        }

    def rules(self, source: str = "routing_rules.yaml") -> Rules:
        """The rules as answered so far; raises ``RulesError``."""
        return parse_rules(rules_text(self.shipped, self.given), source, known_places())

    def problems(self) -> tuple[str, ...]:
        """What settings and rules say of all answers together."""
        found: list[str] = []
        try:
            boxes = tuple(self.rules().mailboxes)
        except RulesError as error:
            boxes, found = (), [str(problem) for problem in error.problems]
        return (*found, *_said_by_settings(self.environment(), boxes))


def tidied(question: Question, answer: str) -> str:
    """The answer as it is kept: blanks gone, yes and no in one form, a list with one comma between."""
    answer = answer.strip()
    if question.kind is Kind.YES_NO:
        return "yes" if answer.lower() in YES else "no" if answer.lower() in NO else answer
    return ", ".join(items(answer)) if question.kind is Kind.LIST else answer


def wrong_with(question: Question, answer: str, before: Answers) -> str:
    """What is wrong with an answer and what to write instead; empty: it will do. Never repeats a secret."""
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in answer):
        return "A line break or a control character cannot be kept. Write it on one line."
    if "'" in answer and question.variable and question.kind is not Kind.SECRET:
        return "An apostrophe cannot be kept in a settings file. Write it without."
    if question.default is None and not answer:
        return "Something must be said here."
    if question.kind is Kind.YES_NO and answer not in ("yes", "no"):
        return "Write yes or no."
    if question.choices and answer not in question.choices:
        return f"Write one of: {', '.join(question.choices)}."
    if question.key == "mailboxes":
        good = items(answer) and all(re.fullmatch(CODE_PATTERN, name) for name in items(answer))
        return "" if good else "Use lower-case letters, digits and _, beginning with a letter."
    tried = Answers(before.shipped, dict(before.given), dict(before.asked))
    tried.keep(question, answer)
    if question.variable:
        boxes = [name] if (name := question.variable.partition("__")[2].lower()) else ["init"]
        said = _said_by_settings(tried.environment(), boxes)
        told = [text for text in said if text.startswith(f"{question.variable} ") and _MISSING not in text]
        return told[0] if told else ""
    try:
        tried.rules()
    except RulesError as error:
        return f"{error.problems[0].what}. Remedy: {error.problems[0].remedy}."
    return ""


def _said_by_settings(environment: Mapping[str, str], boxes: Sequence[str]) -> list[str]:
    said: list[str] = []
    try:
        load_settings(environment, "init", boxes)
    except SettingsError as error:
        said += error.problems
    try:
        read_listening(environment)
    except SettingsError as error:
        said += error.problems
    return said
