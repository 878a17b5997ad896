"""The ``rules:`` section as plain objects, with every name in it checked.

In: rule sections that are well-formed one by one, and the names that the other sections declare.
Out: rules in the file's order, and problems: a project, address, mailbox or comune that does not
exist, two rules of one name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from triage.rules import schema
from triage.rules.areas import near, near_comune
from triage.rules.problems import Problem
from triage.rules.types import (
    ANY_PROJECT,
    DEFAULT_ADDRESS,
    Condition,
    Example,
    File,
    Forward,
    Given,
    Hold,
    ProtocolRules,
    Rule,
    Step,
)
from triage.rules.yaml_tree import Mapping as TreeMapping
from triage.rules.yaml_tree import line_at
from triage.vocabulary import SPECIAL_TERRITORIES

Path = tuple[str | int, ...]


def build_rules(
    sections: Mapping[int, schema.RuleSection],
    names: Callable[[str], tuple[str, ...]],
    places: Mapping[str, str],
    tree: TreeMapping,
    source: str,
) -> tuple[tuple[Rule, ...], tuple[Problem, ...]]:
    """The rules in order; ``names`` gives the names that a section of the file declares."""
    builder = _Builder(names, places, tree, source)
    rules = tuple(builder.rule(index, section) for index, section in sections.items())
    return rules, tuple(builder.problems)


def build_protocol(
    section: schema.ProtocolSection,
    names: Callable[[str], tuple[str, ...]],
    places: Mapping[str, str],
    tree: TreeMapping,
    source: str,
) -> tuple[ProtocolRules, tuple[Problem, ...]]:
    """What must be registered, with every name in it checked."""
    builder = _Builder(names, places, tree, source)
    when = tuple(builder.condition(one, ("protocol", "when", position)) for position, one in enumerate(section.when))
    return ProtocolRules(section.pec, when), tuple(builder.problems)


class _Builder:
    """Builds one rule after the other and remembers what it could not resolve."""

    def __init__(
        self, names: Callable[[str], tuple[str, ...]], places: Mapping[str, str], tree: TreeMapping, source: str
    ) -> None:
        self._projects = names("projects")
        self._mailboxes = names("mailboxes")
        self._places = places
        self._tree = tree
        self._source = source
        self._lines_by_name: dict[str, int] = {}
        self.problems: list[Problem] = []

    def rule(self, index: int, section: schema.RuleSection) -> Rule:
        path: Path = ("rules", index)
        line = line_at(self._tree, *path)
        first = self._lines_by_name.setdefault(section.name, line)
        if first != line:
            self._add(f'the rule "{section.name}" has the name of line {first}', "rename one", *path, "name")
        return Rule(
            name=section.name,
            line=line,
            when=self.condition(section.when, (*path, "when")),
            then=self._step(section.then, (*path, "then")),
            acknowledgement=section.acknowledgement or "",
            examples=tuple(
                self._example(example, (*path, "examples", position))
                for position, example in enumerate(section.examples)
            ),
        )

    def _add(self, what: str, remedy: str, *path: str | int) -> None:
        self.problems.append(Problem(self._source, line_at(self._tree, *path), what, remedy))

    def condition(self, when: schema.WhenSection, path: Path) -> Condition:
        """What a "when" asks for."""
        for position, territory in enumerate(when.territorio or ()):
            self._check_territory(territory, (*path, "territorio", position))
        for position, mailbox in enumerate(when.casella or ()):
            self._check_mailbox(mailbox, (*path, "casella", position))
        return Condition(
            territories=_set(when.territorio),
            topics=_set(when.argomento),
            languages=_set(when.lingua),
            urgent=when.urgente,
            automatic=when.automatico,
            authors=when.mittente,
            subject_contains=when.oggetto_contiene,
            mailboxes=_set(when.casella),
        )

    def _step(self, section: schema.StepSection, path: Path) -> Step:
        if section.hold is not None:
            return Hold(section.hold)
        if section.file is not None:
            return File(section.file)
        project, _, key = (section.forward or "").partition(".")
        key = key or DEFAULT_ADDRESS
        if project == ANY_PROJECT:
            if key != DEFAULT_ADDRESS:
                self._add("only a named project has further addresses", "write a project's code", *path, "forward")
        elif project not in self._projects:
            remedy = near(project, (*self._projects, ANY_PROJECT))
            self._add(f'no project is called "{project}"', remedy, *path, "forward")
        elif key not in (keys := self._address_keys(project)):
            self._add(f'{project} has no address named "{key}"', _address_remedy(project, key, keys), *path, "forward")
        return Forward(project, key)

    def _example(self, section: schema.ExampleSection, path: Path) -> Example:
        given = section.given
        if given.territorio:
            self._check_territory(given.territorio, (*path, "given", "territorio"))
        if given.comune and given.comune not in self._places:
            what = f'no comune is called "{given.comune}"'
            self._add(what, near_comune(given.comune, self._places), *path, "given", "comune")
        if given.casella:
            self._check_mailbox(given.casella, (*path, "given", "casella"))
        return Example(
            line=line_at(self._tree, *path),
            given=Given(
                territory=given.territorio or "",
                comune=given.comune or "",
                topic=given.argomento,
                language=given.lingua,
                urgent=given.urgente,
                automatic=given.automatico,
                author=given.mittente,
                subject=given.oggetto or "",
                mailbox=given.casella or (self._mailboxes[0] if self._mailboxes else ""),
            ),
            expect=self._step(section.expect, (*path, "expect")),
        )

    def _check_territory(self, territory: str, path: Path) -> None:
        known = (*self._projects, *SPECIAL_TERRITORIES)
        if territory not in known:
            self._add(f'"{territory}" is neither a project nor an answer of the guide', near(territory, known), *path)

    def _check_mailbox(self, mailbox: str, path: Path) -> None:
        if mailbox not in self._mailboxes:
            self._add(f'no mailbox is called "{mailbox}"', near(mailbox, self._mailboxes), *path)

    def _address_keys(self, project: str) -> tuple[str, ...]:
        node: object = self._tree
        for step in ("projects", project, "addresses"):
            node = node.items.get(step) if isinstance(node, TreeMapping) else None
        return tuple(node.items) if isinstance(node, TreeMapping) else ()


def _address_remedy(project: str, key: str, keys: tuple[str, ...]) -> str:
    if key == DEFAULT_ADDRESS and keys:
        named = " or ".join(f'"forward: {project}.{known}"' for known in keys[:3])
        return f'write {named}, or give {project} an address "{DEFAULT_ADDRESS}"'
    return near(key, keys, "" if keys else f"write its addresses under projects.{project}.addresses")


def _set(values: tuple[str, ...] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(values)
