"""The examples in the rules file, run through the very function that decides real mail.

In: rules. Out: one problem for each example whose message would be treated otherwise, or that an
earlier rule takes away, so that the rule it stands under is not what it tests. Modes and
confirmations are set aside: examples say what the rules mean, not what is switched on.
"""

from __future__ import annotations

from triage.decide.context import DecisionContext
from triage.decide.decision import decide
from triage.rules.problems import Problem
from triage.rules.types import ANY_PROJECT, Example, File, Forward, Given, Hold, MailboxRole, Rule, Rules
from triage.vocabulary import (
    OUTSIDE,
    SEVERAL,
    UNCOVERED,
    UNSTATED,
    Action,
    Address,
    Classification,
    Decision,
    InboundMessage,
)


def check_examples(rules: Rules) -> tuple[Problem, ...]:
    """What is wrong with the examples, in order of lines; nothing when all hold."""
    found = (_check(rules, rule, example) for rule in rules.rules for example in rule.examples)
    return tuple(problem for problem in found if problem is not None)


def _check(rules: Rules, rule: Rule, example: Example) -> Problem | None:
    try:
        classification = imagined_classification(example.given, rules)
    except LookupError:
        what = f'the example of "{rule.name}" cannot be made: no comune means {example.given.territory}'
        return Problem(rules.source, example.line, what, "write another territorio, or a comune")
    mailbox = rules.mailboxes.get(example.given.mailbox)
    context = DecisionContext(
        mailbox=example.given.mailbox,
        role=mailbox.role if mailbox else MailboxRole.INBOX,
        internal_date=None,
        is_old=False,
        received_count=1,
        is_own_loop=False,
    )
    decision = decide(imagined_message(example.given), classification, rules, context, ignore_modes=True)
    matched = next((tried for tried in decision.rules_tried if tried.matched), None)
    if not _as_expected(decision, example):
        by = f' by the rule "{matched.name}" on line {matched.line}' if matched else ""
        what = f'the example of "{rule.name}" fails: it gives {_in_words(decision)}{by}'
        return Problem(rules.source, example.line, what, "mend the rule, its place in the order, or the example")
    if matched is None or matched.line != rule.line:
        by = f'"{matched.name}" on line {matched.line}' if matched else "no rule"
        what = f'the example of "{rule.name}" is decided by {by}, so it tests another rule'
        return Problem(rules.source, example.line, what, "move the example there, or this rule up")
    return None


def _as_expected(decision: Decision, example: Example) -> bool:
    match example.expect:
        case Forward(project, address_key):
            wanted = decision.territory if project == ANY_PROJECT else project
            return decision.action is Action.FORWARD and (decision.project, decision.address_key) == (
                wanted,
                address_key,
            )
        case Hold(code):
            return decision.action is Action.HOLD and code in [reason.code for reason in decision.reasons]
        case File(folder):
            filed = [reason.params.get("folder") for reason in decision.reasons if reason.code == "archiviata"]
            return decision.action is Action.FILE and filed == [folder]


def _in_words(decision: Decision) -> str:
    """The decision in the words of the rules file."""
    match decision.action:
        case Action.FORWARD:
            key = "" if decision.address_key == "default" else f".{decision.address_key}"
            return f"forward: {decision.project}{key}"
        case Action.FILE:
            return "file: " + next(str(r.params["folder"]) for r in decision.reasons if r.code == "archiviata")
        case Action.HOLD:
            return f"hold: {decision.reasons[0].code}"


def imagined_message(given: Given) -> InboundMessage:
    """The message of an example: only what rules can ask about."""
    author = Address("", given.author)
    return InboundMessage(
        message_id="",
        in_reply_to=(),
        references=(),
        date=None,
        author=author,
        authors=(author,),
        sender=None,
        reply_to=(),
        recipients=(),
        reverse_path=None,
        subject=given.subject,
        new_text="",
        quoted_text="",
        signature="",
        is_forward=False,
        attachments=(),
        header_fields=(),
        content_type="text/plain",
        content_type_params={},
        size=0,
    )


def imagined_classification(given: Given, rules: Rules) -> Classification:
    """A classification that is sure of what the example gives.

    Raises:
        LookupError: no comune has the territory that the example gives.
    """
    comuni, several = _imagined_places(given, rules)
    return Classification(
        comune_scores=comuni,
        outside=1.0 if given.territory == OUTSIDE else 0.0,
        unstated=1.0 if given.territory == UNSTATED else 0.0,
        several=several,
        places=(),
        topic=given.topic,
        topic_scores={given.topic: 1.0},
        urgent=given.urgent,
        alert=False,
        language=given.language,
        language_confidence=1.0,
        automatic=given.automatic,
        automatic_proved=given.automatic,
        reasons=(),
        model_version="example",
    )


def _imagined_places(given: Given, rules: Rules) -> tuple[dict[str, float], float]:
    if given.comune:
        return {given.comune: 1.0}, 0.0
    if given.territory in (OUTSIDE, UNSTATED):
        return {}, 0.0
    first_of: dict[str, str] = {}
    for comune in sorted(rules.places):
        first_of.setdefault(rules.project_of.get(comune, UNCOVERED), comune)
    if given.territory == SEVERAL:
        if len(first_of) < 2:
            raise LookupError(SEVERAL)
        one, other = sorted(first_of.values())[:2]
        return {one: 0.5, other: 0.5}, 1.0
    return {first_of[given.territory]: 1.0}, 0.0
