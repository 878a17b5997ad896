"""YAML text in, a tree that knows the line of every key and value out.

Every scalar stays the string that was written: YAML 1.1 would read the province ``NO`` as false,
the postal code ``00100`` as 64 and ``12:30`` as 750. Refused, each as a problem with its line:
duplicate keys, anchors and aliases, tags, ``null``, keys that are not plain text, several
documents, nesting deeper than any rules file needs, and text that is no YAML.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from triage.rules.problems import Problem, RulesError

DEEPEST = 12
"""Levels of nesting; a real file has six. Bounds recursion on hostile text."""
LONGEST = 1_000_000
"""Characters; a rules file with a hundred projects has about 60,000."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value as written, always text."""

    value: str
    line: int


@dataclass(slots=True)
class Sequence:
    """A list of nodes."""

    line: int
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Mapping:
    """Keys with the line on which each stands, and their nodes."""

    line: int
    items: dict[str, Node] = field(default_factory=dict)
    key_lines: dict[str, int] = field(default_factory=dict)


Node = Scalar | Sequence | Mapping


def read_tree(text: str, source: str) -> Mapping:
    """The tree of a rules file.

    Raises:
        RulesError: the text is no YAML mapping, or uses something that is refused (see above).
    """
    reader = _Reader(source)
    if len(text) > LONGEST:
        raise RulesError((Problem(source, 1, "the file is too long", f"keep it under {LONGEST} characters"),))
    try:
        root = reader.read(yaml.parse(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        reader.add(line, f"this is not YAML: {error.problem}", "check the indentation, colons and quotes around here")
        raise RulesError(tuple(reader.problems)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        reader.add(line, "a character that YAML does not allow", "delete the invisible character")
        raise RulesError(tuple(reader.problems)) from None
    if not isinstance(root, Mapping):
        reader.add(1, "the file holds no sections", "start from the routing_rules.yaml that came with the service")
        raise RulesError(tuple(reader.problems))
    if reader.problems:
        raise RulesError(tuple(reader.problems))
    return root


def plain(node: Node) -> object:
    """The node as strings, lists and dictionaries, for validation."""
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {key: plain(item) for key, item in node.items.items()}


def line_at(node: Node, *path: str | int) -> int:
    """The line of what ``path`` names, or of the deepest part of it that exists."""
    line = node.line
    for step in path:
        if isinstance(node, Mapping) and isinstance(step, str) and step in node.items:
            line = node.key_lines[step]
            node = node.items[step]
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            line = node.line
        else:
            break
    return line


class _Reader:
    """Builds the tree from parser events, so that anchors and tags are seen and not resolved."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.problems: list[Problem] = []

    def add(self, line: int, what: str, remedy: str) -> None:
        self.problems.append(Problem(self._source, line, what, remedy))

    def read(self, events: Iterator[yaml.Event]) -> Node | None:
        """The first document's tree; a second document is a problem."""
        root: Node | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self.add(_line(event), "a second document starts here", 'delete the line "---"')
                    return root
            elif isinstance(event, yaml.NodeEvent):
                root = self._node(event, events, depth=0)
        return root

    def _node(self, event: yaml.NodeEvent, events: Iterator[yaml.Event], depth: int) -> Node:
        line = _line(event)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self.add(line, "anchors and aliases (& and *) are not allowed", "write the value out again")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.AliasEvent):
            return Scalar("", line)
        if isinstance(event, yaml.CollectionStartEvent) and event.tag is not None:
            self.add(line, "tags (!) are not allowed", "delete the tag")
        if depth >= DEEPEST:
            self.add(line, "nested too deeply", "compare the indentation with the sample file")
            raise RulesError(tuple(self.problems))
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(line, events, depth)
        return self._mapping(line, events, depth)

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        line = _line(event)
        if event.tag is not None:
            self.add(line, "tags (!) are not allowed", "delete the tag, or put the value in quotes")
        if event.style is None and event.value in ("null", "Null", "NULL", "~"):
            self.add(line, f'"{event.value}" is no value', "leave the key out, or put the word in quotes")
        return Scalar(event.value, line)

    def _sequence(self, line: int, events: Iterator[yaml.Event], depth: int) -> Sequence:
        sequence = Sequence(line)
        for event in events:
            if not isinstance(event, yaml.NodeEvent):
                break
            sequence.items.append(self._node(event, events, depth + 1))
        return sequence

    def _mapping(self, line: int, events: Iterator[yaml.Event], depth: int) -> Mapping:
        mapping = Mapping(line)
        for event in events:
            if not isinstance(event, yaml.NodeEvent):
                break
            key = self._node(event, events, depth + 1)
            value_event = next(events)
            if not isinstance(value_event, yaml.NodeEvent):  # the parser yields a value for every key
                break
            value = self._node(value_event, events, depth + 1)
            if not isinstance(key, Scalar):
                self.add(key.line, "a key must be plain text", "write the key as one word before the colon")
            elif key.value in mapping.items:
                first = mapping.key_lines[key.value]
                self.add(key.line, f'"{key.value}" is here twice, first on line {first}', "keep one of the two")
            else:
                mapping.items[key.value] = value
                mapping.key_lines[key.value] = key.line
        return mapping


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return mark.line + 1 if mark is not None else 1
