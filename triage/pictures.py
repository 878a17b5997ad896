"""Small pictures of numbers as SVG: bars, and lines over time. No script, no style: any page's policy lets them in.

In: names and numbers. Out: one ``<svg>`` with a title and a description for those who do not see it; the table with the
same numbers stands beside it and is the caller's. Lines differ by dashes and marks too, never by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 480, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 34, 34
_LINE_HEIGHT, _LABEL = 30, 170
_COLOURS = ("#0066cc", "#b3261e", "#3d6b21", "#7a3e9d", "#8a5a00", "#17324d")
_DASHES = ("", "7 4", "2 3", "10 3 2 3", "4 2", "1 3")
_DARK = "#17324d"

Number = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Series:
    """One line; a point without a value breaks it."""

    name: str
    points: tuple[tuple[float, float | None], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at ``x``; ``dashed``: with a line through the whole picture."""

    x: float
    text: str
    dashed: bool = False


def plain(value: float) -> str:
    """A whole number as Italians write it."""
    return f"{value:,.0f}".replace(",", ".")


def lines(
    name: str,
    title: str,
    description: str,
    series: Sequence[Series],
    *,
    ticks: Sequence[tuple[float, str]] = (),
    top: float | None = None,
    number: Number = plain,
    marks: Sequence[Mark] = (),
) -> str:
    """Lines from 0 to ``top`` (or the largest value); ``name`` is this picture's own on its page, ``ticks`` along x."""
    xs = [x for one in series for x, _ in one.points] or [0.0]
    highest = top or _round_up(max([1.0, *(y for one in series for _, y in one.points if y is not None)]))
    first, last = min(xs), max(max(xs), min(xs) + 1e-9)

    def across(x: float) -> str:
        return f"{_LEFT + (x - first) / (last - first) * (_WIDTH - _LEFT - _RIGHT):.1f}"

    def up(y: float) -> str:
        return f"{_HEIGHT - _BOTTOM - y / highest * (_HEIGHT - _TOP - _BOTTOM):.1f}"

    parts = []
    for quarter in range(5):
        value = highest * quarter / 4
        parts.append(f'<path d="M{_LEFT} {up(value)}H{_WIDTH - _RIGHT}" stroke="#d9dadb"/>')
        parts.append(_text(_LEFT - 6, float(up(value)) + 4, number(value), anchor="end"))
    parts += [_text(float(across(x)), _HEIGHT - _BOTTOM + 16, label, anchor="middle") for x, label in ticks]
    for at, one in enumerate(series):
        colour, dash = _COLOURS[at % len(_COLOURS)], _DASHES[at % len(_DASHES)]
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        for run in _runs(one.points):
            path = " ".join(f"{across(x)},{up(y)}" for x, y in run)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"{dashes}/>')
            if len(run) == 1:
                parts.append(f'<circle cx="{across(run[0][0])}" cy="{up(run[0][1])}" r="3" fill="{colour}"/>')
        left = _LEFT + at * (_WIDTH - _LEFT) / max(1, len(series))
        parts.append(f'<path d="M{left:.0f} 14h24" stroke="{colour}" stroke-width="2.5"{dashes}/>')
        parts.append(_text(left + 29, 18, one.name, colour=colour))
    for mark in marks:
        if mark.dashed:
            parts.append(
                f'<path d="M{across(mark.x)} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="{_DARK}" stroke-dasharray="4 3"/>'
            )
            parts.append(_text(float(across(mark.x)) + 3, _TOP - 4, mark.text))
        else:
            turn = f' transform="rotate(-35 {across(mark.x)} {_HEIGHT - _BOTTOM + 10})"'
            parts.append(
                _text(float(across(mark.x)), _HEIGHT - _BOTTOM + 10, mark.text, anchor="end", more=turn, size=10)
            )
    return _picture(name, title, description, _HEIGHT, parts)


def bars(
    name: str, title: str, description: str, rows: Sequence[tuple[str, float | None]], number: Number = plain
) -> str:
    """Lying bars, one a row; a value that is not shown has none, and says so."""
    longest = max([1.0, *(value for _, value in rows if value is not None)])
    parts = []
    for at, (label, value) in enumerate(rows):
        y = at * _LINE_HEIGHT
        parts.append(_text(_LABEL - 8, y + 20, _short(label), anchor="end"))
        length = (value or 0.0) / longest * (_WIDTH - _LABEL - 60)
        if value:
            parts.append(f'<rect x="{_LABEL}" y="{y + 6}" width="{length:.1f}" height="18" fill="{_COLOURS[0]}"/>')
        parts.append(_text(_LABEL + length + 6, y + 20, "non mostrato" if value is None else number(value)))
    return _picture(name, title, description, max(1, len(rows)) * _LINE_HEIGHT, parts)


def _round_up(value: float) -> float:
    """The least top whose quarters are round numbers."""
    size = 10.0 ** math.floor(math.log10(max(value, 4.0) / 4))
    return next(4 * step * size for step in (1, 2, 2.5, 5, 10) if 4 * step * size >= value)


def _runs(points: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is None:
            runs.append([])
        else:
            runs[-1].append((x, y))
    return [run for run in runs if run]


def _short(label: str) -> str:
    return label if len(label) <= 26 else f"{label[:25].rstrip()}…"


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", colour: str = _DARK, more: str = "", size: int = 12
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"{more}>'
        f"{escape(text)}</text>"
    )


def _picture(name: str, title: str, description: str, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-labelledby="{name}-titolo {name}-testo" class="grafico">'
        f'<title id="{name}-titolo">{escape(title)}</title>'
        f'<desc id="{name}-testo">{escape(description)}</desc>{"".join(parts)}</svg>'
    )
