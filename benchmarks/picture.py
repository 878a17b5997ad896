"""The lines of a simulation as a table for a terminal and as one small SVG.

Enters figures, leaves text. The table has every number of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.office import Line

HEAD = (
    f"{'until':>6} {'n':>4} {'model':>5} {'sent':>5} {'wrong':>5} {'error':>7} {'coverage':>8} {'held':>6} "
    f"{'audit':>7} {'unknown':>8} {'new':>4} {'sums':>14}  events"
)
_WIDTH, _HEIGHT, _EDGE = 640, 260, 40
_COLOURS = {"coverage": "#0066cc", "held": "#5c6f82", "error of forwards": "#b3261e"}


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

    def x(at: float) -> float:
        return _EDGE + at / last * (_WIDTH - 2 * _EDGE)

    def y(value: float) -> float:
        return _HEIGHT - _EDGE - value * (_HEIGHT - 2 * _EDGE)

    curves = {
        "coverage": [(line.until, line.coverage) for line in lines],
        "held": [(line.until, line.held / line.messages) for line in lines],
        "error of forwards": [(line.until, line.wrong / line.forwarded) for line in lines if line.forwarded],
    }
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="10" role="img"><title>Coverage, held mail and error of forwards over {last} messages</title>',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
    ]
    for quarter in range(5):
        level = y(quarter / 4)
        parts.append(f'<path d="M{_EDGE} {level:.1f}H{_WIDTH - _EDGE}" stroke="#dddddd"/>')
        parts.append(f'<text x="{_EDGE - 4}" y="{level + 3:.1f}" text-anchor="end">{25 * quarter} %</text>')
    for number, (name, points) in enumerate(curves.items()):
        path = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{_COLOURS[name]}" stroke-width="2"/>')
        parts.append(f'<text x="{_EDGE + 130 * number}" y="14" fill="{_COLOURS[name]}">{name}</text>')
    changed = next((line.until - line.messages for line in lines if line.shifted), None)
    if changed is not None:
        parts.append(f'<path d="M{x(changed):.1f} {_EDGE}V{_HEIGHT - _EDGE}" stroke="#333" stroke-dasharray="4 3"/>')
        parts.append(f'<text x="{x(changed) + 3:.1f}" y="{_EDGE - 4}">other words</text>')
    for line in lines:
        for event in line.events:
            word = event.split()[0].rstrip(":") if " promoted" not in event else "promoted"
            parts.append(
                f'<text x="{x(line.until):.1f}" y="{_HEIGHT - _EDGE + 10}" text-anchor="end" '
                f'transform="rotate(-35 {x(line.until):.1f} {_HEIGHT - _EDGE + 10})">{word}</text>'
            )
    return "".join([*parts, "</svg>\n"])
