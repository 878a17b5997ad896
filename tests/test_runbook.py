"""Whoever is called at night finds the alarm in the runbook, and what to do first."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
COMPUTED = {
    # where the kind is an argument or made of one: the kinds that it may be
    "knowledge.py": {"rules", "rules_superseded", "model"},
    "intake/presence.py": {"unlisted", "not_vanished", "filed_still_there"},
}
"""Modules that compute the kind; a module that is not here names it by a constant."""
LABELS = ["Means", "Mail meanwhile", "First step", "Call"]


def incident_kinds() -> Iterator[tuple[str, str]]:
    """Every kind of incident with its module, from the calls that open one."""
    texts = {
        path.relative_to(ROOT / "triage").as_posix(): path.read_text("utf-8")
        for path in (ROOT / "triage").rglob("*.py")
    }
    trees = {name: ast.parse(text) for name, text in texts.items() if "open_incident" in text}
    constants = {
        f"triage.{name.removesuffix('.py').replace('/', '.')}.{target.id}": value
        for name, tree in trees.items()
        for target, value in _constants(tree)
    }
    for name, tree in trees.items():
        module = f"triage.{name.removesuffix('.py').replace('/', '.')}"
        imported = {
            alias.asname or alias.name: f"{node.module}.{alias.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for call in ast.walk(tree):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "open_incident"):
                continue
            kind = call.args[1]
            if isinstance(kind, ast.Constant):
                yield name, str(kind.value)
            elif isinstance(kind, ast.Name) and f"{module}.{kind.id}" in constants:
                yield name, constants[f"{module}.{kind.id}"]
            elif isinstance(kind, ast.Name) and imported.get(kind.id) in constants:
                yield name, constants[imported[kind.id]]
            else:
                assert name in COMPUTED, f"{name}:{call.lineno}: say in COMPUTED which kinds these are"
                yield from ((name, one) for one in COMPUTED[name])


def _constants(tree: ast.Module) -> Iterator[tuple[ast.Name, str]]:
    """Names of a module that stand for a text, also of a pair."""
    for node in tree.body:
        if not isinstance(node, ast.Assign):
            continue
        (target,) = node.targets
        pairs = (
            zip(target.elts, node.value.elts, strict=True)
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
            else [(target, node.value)]
        )
        for one, value in pairs:
            if isinstance(one, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield one, value.value


def health_codes() -> set[str]:
    """What "triage check --health" may find besides incidents."""
    text = (ROOT / "triage" / "record" / "health.py").read_text(encoding="utf-8")
    return set(re.findall(r'Finding\("([a-z_]+)"', text))


def entries() -> dict[str, list[str]]:
    """By code the labels of its entry, in their order."""
    parts = re.split(r"^### `([a-z_]+)`$", RUNBOOK, flags=re.MULTILINE)[1:]
    return {
        code: re.findall(r"^- \*\*(.+?):\*\* \S", text.partition("\n## ")[0], re.MULTILINE)
        for code, text in zip(parts[::2], parts[1::2], strict=True)
    }


def test_every_kind_of_incident_has_its_entry_and_no_entry_is_left_over() -> None:
    kinds = {kind for _, kind in incident_kinds()}
    assert {"mailbox", "submission", "unanswered", "rules_superseded", "secret_ends"} <= kinds
    assert set(entries()) == kinds | health_codes()


def test_every_entry_says_what_it_means_what_happens_what_to_do_and_whom_to_call() -> None:
    assert {code: labels for code, labels in entries().items() if labels != LABELS} == {}
