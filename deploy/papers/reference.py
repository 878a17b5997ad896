"""The administrator's reference: every setting, every key of the rules, every reason for waiting.

Enters: the README's tables, which tests hold to the program, and the JSON Schema of ``routing_rules.yaml``. Leaves: the
text of each page by its path under ``docs/``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from triage.rules.schema import published_schema

ROOT = Path(__file__).parents[2]
MADE = "<!-- Made by `make pages`: change README.md or triage/rules/meanings.py, not this page. -->\n\n"

_TITLES = {
    "RulesFile": "The whole file",
    "ServiceSection": "`service`",
    "OpeningHoursSection": "`service.opening_hours`",
    "FoldersSection": "`service.folders`",
    "MailboxSection": "`mailboxes`, each",
    "ProjectSection": "`projects`, each",
    "AddressSection": "`projects`: each of `addresses`",
    "AreaSection": "`projects`: `area`",
    "RuleSection": "`rules`, each",
    "WhenSection": "`rules`: `when`",
    "StepSection": "`rules`: `then`, and `expect` of an example",
    "ExampleSection": "`rules`: each of `examples`",
    "GivenSection": "`rules`: `given` of an example",
    "ThresholdsSection": "`thresholds`",
    "ForwardsSection": "`forwards`",
    "AcknowledgementsSection": "`acknowledgements`",
    "WebFormSection": "`acknowledgements`: each of `web_forms`",
    "UrgentSection": "`urgent`",
    "AlarmsSection": "`alarms`",
    "DailyDigestSection": "`daily_digest`",
    "RetentionSection": "`retention`",
    "OfficeSection": "`offices`, each",
    "ProtocolSection": "`protocol`",
}
"""Sections in the order of the file; one that the schema has besides follows under its own name."""


def pages() -> dict[str, str]:
    """Every page that is made, by its path under ``docs/``."""
    return {
        "admin/settings.md": settings_page(),
        "admin/rules.md": rules_page(),
        "admin/reasons.md": reasons_page(),
        "decisions.md": decisions_page(),
    }


def settings_page() -> str:
    """The environment, and what accounts by OAuth need besides."""
    return (
        "# Settings\n\n"
        + MADE
        + "Secrets and facts of the machine stand in the environment. [What staff decide](rules.md) stands in\n"
        + "`routing_rules.yaml`.\n\n"
        + _of_readme("### The environment", "### The rules").replace("### The environment", "## The environment", 1)
        + _of_readme("### Microsoft 365 and Google", "### The staff page").replace("### ", "## ", 1)
    )


def reasons_page() -> str:
    """Why a message waits, and what to do."""
    table = _of_readme("### Why a message waits", "## Limits").replace("### ", "# ", 1)
    title, _, rest = table.partition("\n\n")
    return f"{title}\n\n{MADE}{rest}"


def decisions_page() -> str:
    """The records of what is hard to undo, by number."""
    rows = []
    for path in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        number, _, title = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ").partition(" ")
        rows.append(f"- [{number}](decisions/{path.name}) {title}")
    return (
        "# Decisions\n\n"
        + MADE
        + "Choices that are hard to undo: context, decision, consequences, what else was tried.\n\n"
        + "\n".join(rows)
        + "\n"
    )


def rules_page() -> str:
    """Every key of ``routing_rules.yaml``."""
    schema: dict[str, Any] = json.loads(published_schema())
    parts = schema["$defs"]
    sections = {"RulesFile": schema} | {name: part for name, part in parts.items() if "properties" in part}
    order = [*_TITLES, *sorted(sections.keys() - _TITLES.keys())]
    written = [_section(_TITLES.get(name, name), sections[name], parts) for name in order]
    return (
        "# The keys of routing_rules.yaml\n\n"
        + MADE
        + "Every value is text as it is written: `NO`, `01234` and `12:30` stay what they are. An unknown key, and\n"
        + "one that stands twice, is refused with its line. `triage check` reads the file; `triage check --schema`\n"
        + "prints the schema for editors. [Recipes](recipes.md) show whole changes.\n\n"
        + "\n".join(written)
    )


def _section(title: str, section: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    required = set(section.get("required", []))
    lines = (
        [f"## {title}", "", section.get("description", "").replace("``", "`"), ""]
        if "$schema" not in section
        else [
            f"## {title}",
            "",
        ]
    )
    lines += ["| Key | Value | If left out | Meaning |", "| --- | --- | --- | --- |"]
    for key, shape in section["properties"].items():
        left_out = "required" if key in required else _default(shape)
        value = _value(shape, parts).replace("|", "\\|")
        lines.append(f"| `{key}` | {value} | {left_out} | {shape['description']} |")
    return "\n".join(lines) + "\n"


def _default(shape: Mapping[str, Any]) -> str:
    value = shape.get("default")
    if value in (None, [], {}) or isinstance(value, dict):
        return ""
    return f"`{json.dumps(value, ensure_ascii=False)}`" if not isinstance(value, str) else f"`{value}`"


def _value(shape: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """A shape in words."""
    if "$ref" in shape:
        name = shape["$ref"].rpartition("/")[2]
        return _value(parts[name], parts) if "enum" in parts[name] else "a section of its own"
    if "anyOf" in shape:
        told = [_value(one, parts) for one in shape["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(told))
    if "enum" in shape:
        return ", ".join(f"`{one}`" for one in shape["enum"])
    if "const" in shape:
        return f"`{shape['const']}`"
    if shape.get("type") == "array":
        return f"a list of: {_value(shape.get('items', {}), parts)}"
    return _plain(shape)


def _plain(shape: Mapping[str, Any]) -> str:
    kind = shape.get("type")
    if kind == "object" and isinstance(shape.get("additionalProperties"), dict):
        return "sections by a name of yours"
    if kind in ("integer", "number"):
        least = shape.get("ge", shape.get("minimum", shape.get("gt")))
        most = shape.get("le", shape.get("maximum"))
        word = "a whole number" if kind == "integer" else "a number"
        over = "above 0" if shape.get("gt") == 0 else f"from {least:g}" if least is not None else ""
        return f"{word} {over} to {most:g}".replace("  ", " ") if most is not None else word
    return {"boolean": "`true`, `false`", "string": "text", "object": "a section of its own"}.get(str(kind), "text")


def _of_readme(begin: str, end: str) -> str:
    """A part of the README, with its links as they are seen from ``docs/admin``."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    part = begin + text.partition(begin)[2].partition(end)[0]
    return re.sub(r"\]\(docs/", "](../", part)
