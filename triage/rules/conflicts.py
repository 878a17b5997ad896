"""Rules that cannot do what they say: never reached, covered by another, at odds with another, or without effect.

In: valid rules. Out: findings as values, worded where they are shown (``doubts`` for ``triage check``, the page in
Italian). Nothing is claimed that is not so for every message (``reach``); what would take too long is not claimed.

Two rules are at odds where both ask for some messages, neither asks for all of the other's, and the first sends
them elsewhere than the second wants: the order alone decides, perhaps not as meant. That the careful one comes first
(what it holds, a later rule would forward) is the usual way to write an exception and no finding, nor is a narrower
rule before a wider one. A subject that holds the words of two rules by chance is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from triage.rules.reach import ANOTHER, Kind, Reach, UndecidedError, is_narrower, target, within
from triage.rules.types import ANY_PROJECT, File, Forward, MailboxRole, Rule, Rules
from triage.vocabulary import NOBODY, STAFF


class Fault(StrEnum):
    """What is wrong with a rule."""

    IMPOSSIBLE = "impossible"
    """No message at all is as it asks."""
    SHADOWED = "shadowed"
    """One earlier rule takes all its messages."""
    UNREACHABLE = "unreachable"
    """Several earlier rules together take all its messages."""
    CONFLICT = "conflict"
    """It and an earlier rule want some messages to go to different places."""
    POWERLESS = "powerless"
    """It decides, but what it says never happens: its messages always wait for a person."""


class Why(StrEnum):
    """Why a rule is without effect."""

    URGENT = "urgente"
    LANGUAGE = "lingua"
    AUTHOR = "mittente"
    JUNK = "casella"
    TERRITORY = "territorio"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of one rule. ``others``: the earlier rules concerned; ``sample``: a message that shows a conflict."""

    fault: Fault
    rule: Rule
    others: tuple[Rule, ...] = ()
    sample: Kind | None = None
    why: Why | None = None

    @property
    def repeats(self) -> bool:
        """Whether the rules that take its messages all do what it would do."""
        return all(other.then == self.rule.then for other in self.others)


def find_faults(rules: Rules) -> tuple[Finding, ...]:
    """Every fault, in the order of the rules; of a rule that never decides nothing more is said."""
    reach = Reach(rules)
    found: list[Finding] = []
    dead: set[int] = set()
    for position, rule in enumerate(rules.rules):
        try:
            never = _never(reach, rules, position)
        except UndecidedError:
            never = None
        if never is not None:
            dead.add(position)
            found.append(never)
            continue
        found += [
            conflict
            for earlier in range(position)
            if earlier not in dead and (conflict := _conflict(reach, rules, earlier, position)) is not None
        ]
        why = _why_powerless(reach, rules, position, rule)
        if why is not None:
            found.append(Finding(Fault.POWERLESS, rule, why=why))
    return tuple(found)


def nobody_asks_for(rules: Rules) -> Kind | None:
    """A message that no rule asks for, and that therefore waits for a person; ``None``: each has its rule."""
    reach = Reach(rules)
    everything = within(reach.everything, mailbox=frozenset(rules.mailboxes))
    try:
        return reach.free(everything, len(rules.rules)) if everything is not None else None
    except UndecidedError:
        return None


def _never(reach: Reach, rules: Rules, position: int) -> Finding | None:
    rule = rules.rules[position]
    if not all(reach.box(position)):
        return Finding(Fault.IMPOSSIBLE, rule)
    if reach.free(reach.box(position), position) is not None:
        return None
    takers = tuple(rules.rules[number] for number in reach.takers(position))
    return Finding(Fault.SHADOWED if len(takers) == 1 else Fault.UNREACHABLE, rule, takers)


def _conflict(reach: Reach, rules: Rules, first: int, second: int) -> Finding | None:
    common = reach.common(first, second)
    if common is None or reach.is_within(first, second) or reach.is_within(second, first):
        return None
    earlier, later = rules.rules[first], rules.rules[second]
    # Urgent mail waits whatever these two say.
    calm = within(common, urgent=frozenset({False}))
    for territory in sorted(map(str, common[0])) if calm is not None else ():
        wins, loses = target(earlier, territory, rules), target(later, territory, rules)
        if not _matters(wins, loses):
            continue
        part = within(common, urgent=frozenset({False}), territory=frozenset({territory}))
        try:
            sample = reach.free(part, first) if part is not None else None
        except UndecidedError:
            return None
        if sample is not None:
            return Finding(Fault.CONFLICT, later, (earlier,), sample)
    return None


def _matters(wins: tuple[str, str], loses: tuple[str, str]) -> bool:
    """Whether it is no small matter that the first wins; what is held for a person, and what is filed, is careful."""
    if wins == loses or wins[0] == STAFF:
        return False
    return not (wins[0] == NOBODY and loses[0] in (NOBODY, STAFF))


def _why_powerless(reach: Reach, rules: Rules, position: int, rule: Rule) -> Why | None:
    box = reach.box(position)
    if isinstance(rule.then, Forward | File) and rule.when.urgent:
        return Why.URGENT
    if not isinstance(rule.then, Forward):
        return None
    if rule.when.languages is not None and not rule.when.languages & set(rules.thresholds.languages):
        return Why.LANGUAGE
    if rule.when.authors is not None and all(_is_staff(pattern, rules) for pattern in rule.when.authors):
        return Why.AUTHOR
    boxes = [rules.mailboxes[str(name)] for name in box[5] if name != ANOTHER]
    if rule.when.mailboxes is not None and all(one.role is MailboxRole.JUNK for one in boxes):
        return Why.JUNK
    if rule.then.project == ANY_PROJECT and not set(map(str, box[0])) & set(rules.projects):
        return Why.TERRITORY
    return None


def _is_staff(pattern: str, rules: Rules) -> bool:
    """Whether everybody whom a pattern names is ours or a project's, whose mail always waits."""
    known = [*rules.service.own_addresses]
    for project in rules.projects.values():
        known += [address.to for address in project.addresses.values()]
        known += [f"@{domain}" for domain in project.domains]
    return any(is_narrower(pattern, wide) for wide in known)
