"""Text of routing_rules.yaml in, ``Rules`` out, or every problem of the file at once.

Each mailbox, project, rule and section is validated by itself, so that one wrong item does not hide
the faults of the others; then what depends on several items is checked (``assemble``). The comuni
and ambiti that exist come as an argument: the loader knows no geography.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from triage.rules import schema
from triage.rules.assemble import Sections, assemble
from triage.rules.problems import Problem, RulesError
from triage.rules.types import Rules
from triage.rules.values import CodeText
from triage.rules.yaml_tree import Mapping as TreeMapping
from triage.rules.yaml_tree import Node, Sequence, line_at, plain, read_tree

_Section = TypeVar("_Section", bound=schema.Section)
_CODE = TypeAdapter[str](CodeText)
_REQUIRED = ("service", "mailboxes", "projects", "rules")


def load_rules(path: Path, places: Mapping[str, str]) -> Rules:
    """The rules in a file; ``places`` maps every comune's official name to its ambito.

    Raises:
        RulesError: the file cannot be read or used; all its problems are listed.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        problem = Problem(str(path), line, "the text is not UTF-8", "save the file as UTF-8")
        raise RulesError((problem,)) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        problem = Problem(str(path), 1, f"the file cannot be read: {reason}", "check its name and rights")
        raise RulesError((problem,)) from None
    return parse_rules(text, str(path), places)


def parse_rules(text: str, source: str, places: Mapping[str, str]) -> Rules:
    """The rules in a text; ``source`` is what problems call the file.

    Raises:
        RulesError: the text cannot be used; all its problems are listed.
    """
    tree = read_tree(text, source)
    reading = _Reading(source, tree)
    sections = reading.sections()
    version = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    rules, problems = assemble(sections, places, source=source, text=text, version=version)
    problems = (*reading.problems, *problems)
    if rules is None or problems:
        raise RulesError(tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.line)))
    return rules


class _Reading:
    """One file being validated: collects the items that are valid and the problems of the others."""

    def __init__(self, source: str, tree: TreeMapping) -> None:
        self._source = source
        self._tree = tree
        self.problems: list[Problem] = []

    def sections(self) -> Sections:
        self._check_keys()
        return Sections(
            tree=self._tree,
            service=self._one("service", schema.ServiceSection),
            mailboxes=self._named("mailboxes", schema.MailboxSection),
            projects=self._named("projects", schema.ProjectSection),
            rules=self._listed("rules", schema.RuleSection),
            thresholds=self._one("thresholds", schema.ThresholdsSection) or schema.ThresholdsSection(),
            forwards=self._one("forwards", schema.ForwardsSection) or schema.ForwardsSection(),
            acknowledgements=self._one("acknowledgements", schema.AcknowledgementsSection)
            or schema.AcknowledgementsSection(),
            urgent=self._one("urgent", schema.UrgentSection) or schema.UrgentSection(),
            alarms=self._one("alarms", schema.AlarmsSection),
            daily_digest=self._one("daily_digest", schema.DailyDigestSection),
            retention=self._one("retention", schema.RetentionSection) or schema.RetentionSection(),
            protocol=self._one("protocol", schema.ProtocolSection) or schema.ProtocolSection(),
            offices=self._named("offices", schema.OfficeSection),
        )

    def _check_keys(self) -> None:
        known = list(schema.RulesFile.model_fields)
        for key, line in self._tree.key_lines.items():
            if key not in known:
                self._add(line, f'unknown section "{key}"', _suggest(key, known))
        for key in _REQUIRED:
            if key not in self._tree.items:
                self._add(1, f'the section "{key}" is missing', "copy it from the sample file")

    def _one(self, key: str, model: type[_Section]) -> _Section | None:
        if key not in self._tree.items:
            return None
        return self._validate(model, self._tree.items[key], key)

    def _named(self, key: str, model: type[_Section]) -> dict[str, _Section]:
        node = self._tree.items.get(key)
        if node is None:
            return {}
        if not isinstance(node, TreeMapping) or not node.items:
            remedy = "write one name and a colon for each, indented"
            self._add(self._tree.key_lines[key], f'"{key}" lists nothing', remedy)
            return {}
        valid: dict[str, _Section] = {}
        for name, item in node.items.items():
            try:
                _CODE.validate_python(name)
            except ValidationError as error:
                self._report(error, model, (key, name))
                continue
            if (found := self._validate(model, item, key, name)) is not None:
                valid[name] = found
        return valid

    def _listed(self, key: str, model: type[_Section]) -> dict[int, _Section]:
        node = self._tree.items.get(key)
        if node is None:
            return {}
        if not isinstance(node, Sequence) or not node.items:
            self._add(self._tree.key_lines[key], f'"{key}" lists nothing', 'begin each item with "- "')
            return {}
        found = ((index, self._validate(model, item, key, index)) for index, item in enumerate(node.items))
        return {index: item for index, item in found if item is not None}

    def _validate(self, model: type[_Section], node: Node, *path: str | int) -> _Section | None:
        try:
            return model.model_validate(plain(node))
        except ValidationError as error:
            self._report(error, model, path)
            return None

    def _report(self, error: ValidationError, model: type[schema.Section], path: tuple[str | int, ...]) -> None:
        for detail in error.errors(include_url=False, include_input=False):
            where = detail["loc"]
            kind = detail["type"]
            name = str(where[-1]) if where else str(path[-1])
            context = detail.get("ctx", {})
            line = line_at(self._tree, *path, *where)
            if kind == "rules":
                self._add(line, f"{_dotted(path, where)}: {context['what']}", str(context["remedy"]))
            elif kind == "extra_forbidden":
                self._add(line, f'unknown key "{_dotted(path, where)}"', _suggest(name, _fields(model, where)))
            elif kind == "missing":
                self._add(line, f'"{_dotted(path, where)}" is missing', f'add a line "{name}: ..." here')
            else:
                what, remedy = _in_words(kind, context)
                self._add(line, f"{_dotted(path, where)}: {what}", remedy)

    def _add(self, line: int, what: str, remedy: str) -> None:
        self.problems.append(Problem(self._source, line, what, remedy))


def _in_words(kind: str, context: Mapping[str, object]) -> tuple[str, str]:
    """What a validator's own complaint means to somebody who does not know it."""
    expected = str(context.get("expected", ""))
    match kind:
        case "enum" | "literal_error":
            return "the value is none of those allowed", f"write {expected}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "keys are expected below this", 'write "key: value" lines, indented'
        case "string_type":
            return "one value is expected here", "write one text after the colon, not a list or a block"
        case "tuple_type" | "list_type":
            return "a list is expected here", "write [one, two], or one item a line beginning with a dash"
        case "greater_than_equal":
            return "the number is too small", f"write at least {context.get('ge')}"
        case "less_than_equal":
            return "the number is too large", f"write at most {context.get('le')}"
        case "too_short":
            return "the list is empty", "write at least one item, or leave the key out"
        case "string_pattern_mismatch":
            return "this is no destination", "write a project's code, project.address, or territorio"
        case _:
            return f"the value does not fit ({kind})", "compare with the sample file"


def _fields(model: type[schema.Section], where: tuple[str | int, ...]) -> Iterable[str]:
    """The keys allowed where an unknown one stands: those of the section that holds it."""
    names: set[str] = set()
    fields: dict[str, object] = {"": model}
    for step in ("", *where[:-1]):
        if isinstance(step, str) and step in fields:
            found = _section_in(fields[step])
            if found is not None:
                fields = {field.alias or name: field.annotation for name, field in found.model_fields.items()}
                names = set(fields)
    return names


def _section_in(annotation: object) -> type[schema.Section] | None:
    """The section that an annotation holds, looking through containers and ``| None``."""
    if isinstance(annotation, type) and issubclass(annotation, schema.Section):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if (found := _section_in(argument)) is not None:
            return found
    return None


def _suggest(word: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(f'"{name}"' for name in close)
    return "delete it, or use one of " + ", ".join(names)


def _dotted(path: tuple[str | int, ...], where: tuple[str | int, ...]) -> str:
    steps = [str(step + 1) if isinstance(step, int) else step for step in (*path, *where)]
    return ".".join(step for step in steps if step != "[key]")
