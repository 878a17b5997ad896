"""Which messages a rule can decide, exactly: every condition's values are finitely many kinds of messages.

In: valid rules. Out: for any set of messages that conditions can describe, one message that no rule before a given
one takes, or the proof that there is none. Of senders and subjects, which are endless, only those count that match
as few rules as they can: a sender that is exactly the pattern's, a subject that is exactly the wanted words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from triage.rules.addresses import bare_form
from triage.rules.types import ANY_PROJECT, Condition, File, Forward, Hold, Rule, Rules
from triage.vocabulary import NOBODY, OUTSIDE, SEVERAL, SPECIAL_TERRITORIES, STAFF, TOPICS, UNCOVERED, UNSTATED

ANOTHER = ""
"""Any value that no rule names: another language, another sender, other words, a mailbox that was removed."""

MOST_STEPS = 100_000
"""Boxes looked at for one question; beyond it the answer is "perhaps", and nothing is claimed."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of message, by what rules may ask; ``author`` is a pattern as a rule writes it, ``ANOTHER`` none."""

    territory: str
    topic: str
    language: str
    urgent: bool
    automatic: bool
    mailbox: str
    author: str
    subject: str


Box = tuple[frozenset[object], ...]
"""Messages whose every property is one of some values, in the order of the fields of :class:`Kind`."""


class UndecidedError(Exception):
    """The question would take too long; nothing may be claimed."""


class Reach:
    """The space of messages under some rules, and each rule's part of it."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._space = _space(rules)
        self._boxes = tuple(self._box(rule.when) for rule in rules.rules)

    def box(self, position: int) -> Box:
        """What a rule asks for, whatever stands before it."""
        return self._boxes[position]

    @property
    def everything(self) -> Box:
        """All messages."""
        return self._space

    def free(self, box: Box, before: int) -> Kind | None:
        """A message of a box that none of the first ``before`` rules takes; ``None``: there is none.

        Raises :class:`UndecidedError`.
        """
        left = next(_left_over(box, self._boxes[:before], _Steps()), None)
        return _one_of(left) if left is not None else None

    def takers(self, position: int) -> tuple[int, ...]:
        """Of the rules before one that can never decide, a smallest set that takes all its messages; in order.

        None of them can be left out. Empty where the rule's own condition holds for no message.
        """
        box = self._boxes[position]
        found = [number for number in range(position) if _common(box, self._boxes[number]) is not None]
        for number in reversed(list(found)):
            others = [self._boxes[other] for other in found if other != number]
            if next(_left_over(box, others, _Steps()), None) is None:
                found.remove(number)
        return tuple(found)

    def common(self, first: int, second: int) -> Box | None:
        """What two rules both ask for."""
        return _common(self._boxes[first], self._boxes[second])

    def is_within(self, inner: int, outer: int) -> bool:
        """Whether every message that one rule asks for is asked for by the other as well."""
        return all(a <= b for a, b in zip(self._boxes[inner], self._boxes[outer], strict=True))

    def _box(self, when: Condition) -> Box:
        territories, topics, languages, urgent, automatic, mailboxes, authors, subjects = self._space
        return (
            _chosen(territories, when.territories),
            _chosen(topics, when.topics),
            _chosen(languages, when.languages),
            urgent if when.urgent is None else frozenset({when.urgent}),
            automatic if when.automatic is None else frozenset({when.automatic}),
            _chosen(mailboxes, when.mailboxes),
            authors if when.authors is None else frozenset(a for a in authors if _written_by(str(a), when.authors)),
            subjects
            if when.subject_contains is None
            else frozenset(s for s in subjects if any(_plain(words) in str(s) for words in when.subject_contains)),
        )


def within(box: Box, **fields: frozenset[object]) -> Box | None:
    """The part of a box whose named fields have one of these values; ``None``: there is none."""
    names = list(Kind.__slots__)
    parts = list(box)
    for name, values in fields.items():
        parts[names.index(name)] &= values
    return tuple(parts) if all(parts) else None


def target(rule: Rule, territory: str, rules: Rules) -> tuple[str, str]:
    """Where a rule sends a message of a territory: project and address, staff, or nobody and the folder."""
    match rule.then:
        case Hold():
            return STAFF, ""
        case File(folder):
            return NOBODY, folder
        case Forward(project, key):
            wanted = territory if project == ANY_PROJECT else project
            return (wanted, key) if wanted in rules.projects else (STAFF, "")


def _space(rules: Rules) -> Box:
    """Every value of every property that a decision may meet (``triage.decide.territory`` for the territories)."""
    whens = [rule.when for rule in rules.rules]
    covered = set(rules.project_of.values())
    uncovered = {UNCOVERED} if set(rules.places) - set(rules.project_of) else set()
    languages = {code for when in whens for code in when.languages or ()}
    authors = {pattern for when in whens for pattern in when.authors or ()}
    words = {_plain(text) for when in whens for text in when.subject_contains or ()}
    return (
        frozenset({*covered, *uncovered, OUTSIDE, SEVERAL, UNSTATED}),
        frozenset(TOPICS),
        frozenset({*languages, ANOTHER}),
        frozenset({True, False}),
        frozenset({True, False}),
        frozenset({*rules.mailboxes, ANOTHER}),
        frozenset({*authors, ANOTHER}),
        frozenset({*words, ANOTHER}),
    )


def _chosen(known: frozenset[object], wanted: frozenset[str] | None) -> frozenset[object]:
    return known if wanted is None else known & wanted


def _written_by(author: str, patterns: Sequence[str]) -> bool:
    return author != ANOTHER and any(is_narrower(author, pattern) for pattern in patterns)


def is_narrower(narrow: str, wide: str) -> bool:
    """Whether whoever matches one pattern (an address or ``@domain``) matches the other, by whatever form.

    What only an address rewritten on its way has in common with another pattern is left out: it is not certain.
    """
    if narrow == wide:
        return True
    narrow_local, narrow_domain = _parts(narrow)
    wide_local, wide_domain = _parts(wide)
    lies_in = narrow_domain == wide_domain or narrow_domain.endswith(f".{wide_domain}")
    return lies_in and wide_local in ("", narrow_local)


def _parts(pattern: str) -> tuple[str, str]:
    if not pattern.startswith("@"):
        return bare_form(pattern)
    return "", bare_form(f"x{pattern}")[1]


def _plain(words: str) -> str:
    """As ``triage.decide.matching`` compares words of a subject."""
    return " ".join(words.casefold().split())


class _Steps:
    """How much work a question has been."""

    def __init__(self) -> None:
        self._left = MOST_STEPS

    def count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise UndecidedError


def _left_over(box: Box, taken: Sequence[Box], steps: _Steps) -> Iterator[Box]:
    """Boxes, without overlap, that make up what is in ``box`` and in none of ``taken``."""
    steps.count()
    if not all(box):
        return
    for number, other in enumerate(taken):
        if _common(box, other) is None:
            continue
        rest = taken[number + 1 :]
        kept = list(box)
        for field, values in enumerate(other):
            outside = kept[field] - values
            if outside:
                yield from _left_over((*kept[:field], outside, *kept[field + 1 :]), rest, steps)
            kept[field] &= values
        return
    yield box


def _common(first: Box, second: Box) -> Box | None:
    both = tuple(a & b for a, b in zip(first, second, strict=True))
    return both if all(both) else None


def _one_of(box: Box) -> Kind:
    """One message of a box, the plainest: no urgency, nothing automatic, nothing that no rule asks about."""
    values: list[object] = [min(part, key=_plainness) for part in box]
    return Kind(*values)  # type: ignore[arg-type]  # in the order of the fields


def _plainness(value: object) -> tuple[bool, str]:
    return (value is True or value in SPECIAL_TERRITORIES, str(value))
