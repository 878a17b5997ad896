"""The lines of a simulation as a table for a terminal and as one small SVG.

Enters figures, leaves text. The table has every number of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.office import Line
from triage import pictures
from triage.pictures import Mark, Series

HEAD = (
    f"{'until':>6} {'n':>4} {'model':>5} {'sent':>5} {'wrong':>5} {'error':>7} {'coverage':>8} {'held':>6} "
    f"{'audit':>7} {'unknown':>8} {'new':>4} {'sums':>14}  events"
)


def row(line: Line) -> str:
    """One segment; ``sums`` are the alarms' running sums, of unknown words, new words and the audit."""
    error = f"{100 * line.wrong / line.forwarded:.1f} %" if line.forwarded else "-"
    sums = " ".join(f"{value:>4.1f}" for value in line.sums)
    events = [*(["proposta"] if line.proposing else []), *line.events]
    return (
        f"{line.until:>6} {line.messages:>4} {line.model:>5} {line.forwarded:>5} {line.wrong:>5} {error:>7} "
        f"{100 * line.coverage:>6.1f} % {100 * line.held / line.messages:>4.0f} % "
        f"{line.audited_wrong:>3}/{line.audited:<3} "
        f"{100 * line.unknown:>6.1f} % {line.new_words:>4} {sums}  {'; '.join(events)}"
    ).rstrip()


def total(lines: Sequence[Line], name: str) -> str:
    """The same over many segments, for a summary."""
    sent, wrong = sum(line.forwarded for line in lines), sum(line.wrong for line in lines)
    count, held = sum(line.messages for line in lines), sum(line.held for line in lines)
    if not count:
        return f"{name}: no messages"
    error = f"{wrong} of {sent} wrong ({100 * wrong / sent:.1f} %)" if sent else "nothing forwarded"
    return f"{name}: {count} messages, {error}, {100 * held / count:.0f} % held"


def svg(lines: Sequence[Line]) -> str:
    """Coverage, held and error along the stream; dashed where the words change, marked where something happened."""
    last = max(line.until for line in lines)
    curves = {
        "coverage": [(line.until, line.coverage) for line in lines],
        "held": [(line.until, line.held / line.messages) for line in lines],
        "error of forwards": [(line.until, line.wrong / line.forwarded) for line in lines if line.forwarded],
    }
    changed = next((line.until - line.messages for line in lines if line.shifted), None)
    marks = [Mark(changed, "other words", dashed=True)] if changed is not None else []
    for line in lines:
        for event in line.events:
            word = event.split()[0].rstrip(":") if " promoted" not in event else "promoted"
            marks.append(Mark(line.until, word))
    title = f"Coverage, held mail and error of forwards over {last} messages"
    series = [Series(name, tuple(points)) for name, points in curves.items()]
    return pictures.lines(
        "stream", title, "The numbers stand in the table.", series, top=1.0, number=percent, marks=marks
    )


def percent(value: float) -> str:
    """A share as a whole percentage."""
    return f"{100 * value:.0f} %"
