"""The tables of docs/quality.md, made from the report that ``triage evaluate`` wrote (docs/quality/report.json)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE, REPORT = "docs/quality.md", "docs/quality/report.json"
_MEASURES = {
    "forwarded_wrong": ("Forwards that were wrong", "at most 1 %"),
    "acknowledged_machines": ("Machines acknowledged", "0"),
    "filed_persons": ("Of what is filed unseen, a person's", "0"),
    "urgent_found": ("To be read today: found", "95 %"),
    "urgent_false_alarms": ("To be read today: false alarms", "at most 5 %"),
    "alert_false": ("On-call alert: false alarms", "at most 0.5 %"),
    "alert_found": ("On-call alert: found", "reported"),
    "territory": ("Territory", "95 %"),
    "language": ("Language", "97 %"),
    "automatic_right": ("Automatic or person", "99 %"),
    "gate": ("A project's, staff's or nobody's", "93 %"),
    "topic": ("Topic", "88 %"),
    "coverage": ("Forwarded of what a project should get", "80 %"),
    "destination": ("Destination", ""),
}
_GROUPED = {
    "territory": "territory",
    "topic": "topic",
    "gate": "gate",
    "urgent_found": "urgent found",
    "urgent_false_alarms": "false alarms",
    "forwarded_wrong": "wrong forwards",
    "coverage": "coverage",
}
_PARTS = ("measures", "held", "brief", "language")


def quality_page() -> str:
    """The page as it stands, with each part between its two marks made anew."""
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    report = json.loads((ROOT / REPORT).read_text(encoding="utf-8"))
    for part in _PARTS:
        before, mark, rest = page.partition(f"<!-- {part} -->\n")
        _, end, after = rest.partition(f"<!-- end {part} -->")
        if not mark or not end:
            raise ValueError(f"{PAGE} lacks the marks of the part {part!r}")
        page = before + mark + "\n" + "\n".join(_table(part, report)) + "\n\n" + end + after
    return page


def _table(part: str, report: Mapping[str, Any]) -> Iterator[str]:
    if part == "measures":
        yield "| Measure | Cases | Share | Interval | Between writers | Target |"
        yield "| --- | --- | --- | --- | --- | --- |"
        for name, (words, target) in _MEASURES.items():
            yield _measure(words, report["figures"][name], report["intervals"][name], target)
        return
    if part == "held":
        yield from _held(report["held"])
        return
    yield f"|  | n | {' | '.join(_GROUPED.values())} |"
    yield f"| {' | '.join(['---'] * (len(_GROUPED) + 2))} |"
    groups = report["figures"]["by_batch" if part == "brief" else "by_language"]
    for name in sorted(groups):
        cells = (_cell(groups[name][measure]) for measure in _GROUPED)
        yield f"| {name} | {groups[name]['n']} | {' | '.join(cells)} |"


def _held(held: Mapping[str, Any]) -> Iterator[str]:
    yield f"Of {held['due']} messages that a project should get {held['waiting']} wait for a person."
    yield ""
    yield "| Reason (`motivi`) | Messages | For this reason alone | Of these, destination right |"
    yield "| --- | --- | --- | --- |"
    for row in held["reasons"]:
        yield f"| `{row['reason']}` | {row['n']} | {row['alone']} | {row['alone_right']} |"


def _measure(words: str, figure: Mapping[str, float], between: list[float] | None, target: str) -> str:
    spread = f"{_percent(figure['low'])} to {_percent(figure['high'])}"
    writers = f"{_percent(between[0])} to {_percent(between[1])}" if between else ""
    cells = (words, f"{figure['right']} of {figure['n']}", f"{_percent(figure['share'])} %", spread, writers, target)
    return f"| {' | '.join(cells)} |"


def _cell(figure: Mapping[str, float]) -> str:
    if not figure["n"]:
        return ""
    return f"{_percent(figure['share'])} ({figure['n']}; {figure['low'] * 100:.0f}-{figure['high'] * 100:.0f})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
