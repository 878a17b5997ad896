"""The rules file with the answers in it: the shipped text, its remarks kept, single values put in their place.

Enters the text and the answers, leaves the text; what it means is for ``triage.rules`` to check. Every project is in
*ombra* and no address is confirmed, whatever the text said. Raises :class:`NoPlaceError` where the text has no place
for an answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import yaml

from triage.beginning.questions import items
from triage.vocabulary import Mode

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+/-]*( [A-Za-z0-9._@+/-]+)*")


class NoPlaceError(Exception):
    """The rules file has no place for an answer; the text says for which."""


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    text: str


def rules_text(shipped: str, answers: Mapping[str, str]) -> str:
    """``shipped`` with what was answered; questions that were not asked yet leave it as it is."""
    root = yaml.compose(shipped, Loader=yaml.SafeLoader)
    if root is None:
        raise NoPlaceError("the rules file is empty")
    edits = sorted(_edits(shipped, root, answers), key=lambda one: one.start, reverse=True)
    text = shipped
    for edit in edits:
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _edits(shipped: str, root: yaml.Node, answers: Mapping[str, str]) -> Iterator[_Edit]:
    if "service_address" in answers:
        yield _value(root, answers["service_address"], "service", "address")
    if "own_addresses" in answers:
        yield _listed(root, items(answers["own_addresses"]), "service", "own_addresses")
    yield from _optional(shipped, root, answers)
    yield from _mailboxes(shipped, root, answers)
    if _find(root, "service", "mode") is not None:
        yield _value(root, Mode.SHADOW, "service", "mode")
    for code, project in _pairs(_at(root, "projects")):
        if _find(project, "mode") is not None:
            yield _value(project, Mode.SHADOW, "mode")
        for key, address in _pairs(_at(project, "addresses")):
            if (given := answers.get(f"address_{code}_{key}")) is not None:
                contact, before = _find(project, "contact"), _at(address, "to")
                if isinstance(contact, yaml.ScalarNode) and contact.value == before.value:
                    # What families are told is the address that is used, not the one that stood here.
                    yield _value(project, given, "contact")
                yield _value(address, given, "to")
            yield _value(address, "false", "confirmed")


def _optional(shipped: str, root: yaml.Node, answers: Mapping[str, str]) -> Iterator[_Edit]:
    """Values that the shipped file only shows as remarks."""
    if answers.get("service_phone"):
        yield _uncommented(shipped, root, scalar(answers["service_phone"]), "service", "phone")
    if answers.get("accessibility_contact"):
        yield _uncommented(shipped, root, scalar(answers["accessibility_contact"]), "service", "accessibility_contact")
    if answers.get("on_call"):
        yield _uncommented(shipped, root, _flow(items(answers["on_call"])), "urgent", "on_call")
    if answers.get("alarms"):
        yield _uncommented(shipped, root, f"{{addresses: {_flow(items(answers['alarms']))}}}", "alarms")


def _mailboxes(shipped: str, root: yaml.Node, answers: Mapping[str, str]) -> Iterator[_Edit]:
    """The first mailbox takes the place of the shipped one; others follow it."""
    names = items(answers.get("mailboxes", ""))
    if not names:
        return
    key, value = _items(_at(root, "mailboxes"))[0]
    yield _Edit(key.start_mark.index, key.end_mark.index, names[0])
    for field in ("folder", "address"):
        if (given := answers.get(f"mailbox_{names[0]}_{field}")) is not None:
            yield _value(value, given, field)
    if answers.get(f"mailbox_{names[0]}_pec") == "yes":
        if _find(value, "pec") is not None:
            yield _value(value, "true", "pec")
        else:
            end = shipped.index("\n", _at(value, "address").end_mark.index)
            yield _Edit(end, end, "\n    pec: true")
    more = "".join(_more(name, answers) for name in names[1:] if f"mailbox_{name}_address" in answers)
    if more:
        end = _end_of_section(shipped, root, "mailboxes")
        yield _Edit(end, end, more)


def _more(name: str, answers: Mapping[str, str]) -> str:
    lines = [
        f"  {name}:",
        f"    folder: {scalar(answers.get(f'mailbox_{name}_folder', 'INBOX'))}",
        "    role: inbox",
        f"    address: {scalar(answers[f'mailbox_{name}_address'])}",
    ]
    lines += ["    pec: true"] if answers.get(f"mailbox_{name}_pec") == "yes" else []
    return "".join(f"{line}\n" for line in lines)


def _end_of_section(shipped: str, root: yaml.Node, section: str) -> int:
    """Behind the last line that belongs to a section: the next one's remarks begin without indentation."""
    keys = [key for key, _ in _items(root)]
    at = next(number for number, key in enumerate(keys) if key.value == section)
    if at + 1 == len(keys):
        return len(shipped)
    lines = shipped[: keys[at + 1].start_mark.index].splitlines(keepends=True)
    while lines and (not lines[-1].strip() or lines[-1].startswith("#")):
        lines.pop()
    return sum(map(len, lines))


# --------------------------------------------------------------------------- nodes and text


def _value(root: yaml.Node, value: str, *path: str) -> _Edit:
    node = _at(root, *path)
    return _Edit(node.start_mark.index, node.end_mark.index, scalar(value))


def _listed(root: yaml.Node, values: Iterable[str], *path: str) -> _Edit:
    """A list, in a line of its own form: a block's end mark lies beyond the remarks that follow it."""
    node = _at(root, *path)
    if not isinstance(node, yaml.SequenceNode) or node.flow_style or not node.value:
        return _Edit(node.start_mark.index, node.end_mark.index, _flow(values))
    between = "\n" + " " * node.start_mark.column
    block = between.join(f"- {scalar(value)}" for value in values)
    return _Edit(node.start_mark.index, node.value[-1].end_mark.index, block)


def _uncommented(shipped: str, root: yaml.Node, value: str, *path: str) -> _Edit:
    """A key with its value, in the place of the remark that shows it; what the remark says behind it stays."""
    if (node := _find(root, *path)) is not None:
        return _Edit(node.start_mark.index, node.end_mark.index, value)
    begin = next(key.start_mark.index for key, _ in _items(root) if key.value == path[0]) if len(path) > 1 else 0
    found = re.compile(rf"(?m)^([ \t]*)# {path[-1]}: .*?([ \t]+#.*)?$").search(shipped, begin)
    if found is None:
        raise NoPlaceError(f"the rules file shows no place for {'.'.join(path)}: write it there by hand")
    return _Edit(found.start(), found.end(), f"{found.group(1)}{path[-1]}: {value}{found.group(2) or ''}")


def scalar(value: str) -> str:
    """A value as YAML that means this text and nothing else."""
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _flow(values: Iterable[str]) -> str:
    return f"[{', '.join(map(scalar, values))}]"


def _at(node: yaml.Node, *path: str) -> yaml.Node:
    found = _find(node, *path)
    if found is None:
        raise NoPlaceError(f"the rules file has no {'.'.join(path)}")
    return found


def _find(node: yaml.Node, *path: str) -> yaml.Node | None:
    found: yaml.Node | None = node
    for step in path:
        found = next((value for key, value in _items(found) if key.value == step), None)
    return found


def _items(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    return node.value if isinstance(node, yaml.MappingNode) else []


def _pairs(node: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    yield from ((str(key.value), value) for key, value in _items(node))
