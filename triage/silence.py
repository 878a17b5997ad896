"""Whether a mailbox is silent at a time at which, by its own history, something should have come. Pure.

How much arrived in which hours enters, and a judgement leaves. Each hour of the week has what usually comes in it; a
silence is as surprising as all the hours that it has outlasted together. Nights and week ends, in which little comes,
add next to nothing; days on which the country or the office is closed add nothing; in weeks in which less comes than
usual every hour adds less.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

HISTORY = timedelta(weeks=8)
"""So far back goes what is usual: with more, a change of habits would be noticed too late."""
YOUNG = timedelta(weeks=4)
"""With less history nothing is known to be usual."""
SHORTEST = 3
"""Whole hours that any mailbox may be silent."""
RARE = math.log(1_000_000)
"""So improbable must a silence be, if hours were independent and the estimate exact; neither is."""
LONGER = 1.5
"""And so much longer than the longest but one of the history: mail comes in bursts. The longest itself may have been
a breakdown."""
LATELY = (timedelta(days=2), timedelta(days=7))
"""How far back the present level of the mail is looked for: the lower of the two counts."""
ENOUGH = 5.0
"""Messages to be expected in such a time, below which it says nothing about the level."""

_HOUR = timedelta(hours=1)
_Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Silence:
    """How long nothing has come, and whether that is out of the ordinary."""

    since: datetime
    """The end of the last hour in which something arrived."""
    hours: int
    """Whole hours since then in which something could have come."""
    unusual: bool


@dataclass(frozen=True, slots=True)
class _Usual:
    """What an hour of the week brings."""

    messages: float
    surprise: float
    """How surprising it is that nothing came: the negative logarithm of its probability."""


def judge(
    arrivals: Mapping[datetime, int], now: datetime, zone: tzinfo, is_closed: Callable[[date], bool]
) -> Silence | None:
    """Judge the present silence; ``None``: there is too little history to say anything.

    ``arrivals``: how many messages came in an hour, by its beginning in UTC; hours without any are absent.
    """
    known = [hour for hour in arrivals if now - HISTORY <= hour <= now]
    if not known or now - min(known) < YOUNG:
        return None
    last = max(known)
    hours = list(_open_hours(min(known), now, zone, is_closed))
    past = [(hour, cell) for hour, cell in hours if hour <= last]
    usual = _usual(past, arrivals)
    level = _level(past, arrivals, usual, last)
    present = [usual[cell] for hour, cell in hours if hour > last and cell in usual]
    weight = sum(min(each.surprise, level * each.messages) for each in present)
    silences = sorted(_silences(past, arrivals, usual))
    longest = silences[-2] if len(silences) > 1 else 0.0
    unusual = len(present) >= SHORTEST and weight >= RARE and weight > LONGER * longest
    return Silence(last + _HOUR, len(present), unusual)


def _open_hours(
    first: datetime, now: datetime, zone: tzinfo, is_closed: Callable[[date], bool]
) -> Iterator[tuple[datetime, _Cell]]:
    """Every whole hour up to now that lies on no closed day, with its place in the local week."""
    closed: dict[date, bool] = {}
    hour = first
    while hour + _HOUR <= now:
        local = hour.astimezone(zone)
        day = local.date()
        if day not in closed:
            closed[day] = is_closed(day)
        if not closed[day]:
            yield hour, (day.weekday(), local.hour)
        hour += _HOUR


def _usual(past: Sequence[tuple[datetime, _Cell]], arrivals: Mapping[datetime, int]) -> dict[_Cell, _Usual]:
    seen, heard, came = Counter[_Cell](), Counter[_Cell](), Counter[_Cell]()
    for hour, cell in past:
        seen[cell] += 1
        heard[cell] += hour in arrivals
        came[cell] += arrivals.get(hour, 0)
    # One hour more than there were: what came every time may fail to come by chance.
    return {cell: _Usual(came[cell] / count, -math.log(1 - heard[cell] / (count + 1))) for cell, count in seen.items()}


def _level(
    past: Sequence[tuple[datetime, _Cell]],
    arrivals: Mapping[datetime, int],
    usual: Mapping[_Cell, _Usual],
    last: datetime,
) -> float:
    """How much comes at present, as a share of what is usual; at most 1. August is no breakdown."""
    level = 1.0
    for span in LATELY:
        lately = [(hour, cell) for hour, cell in past if hour > last - span]
        expected = sum(usual[cell].messages for _, cell in lately)
        if expected >= ENOUGH:
            level = min(level, sum(arrivals.get(hour, 0) for hour, _ in lately) / expected)
    return level


def _silences(
    past: Sequence[tuple[datetime, _Cell]], arrivals: Mapping[datetime, int], usual: Mapping[_Cell, _Usual]
) -> Iterator[float]:
    """How surprising each silence of the history was."""
    weight = 0.0
    for hour, cell in past:
        if hour in arrivals:
            yield weight
            weight = 0.0
        else:
            weight += usual[cell].surprise
