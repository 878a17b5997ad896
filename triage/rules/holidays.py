"""When somebody reads: opening hours, and the days on which all Italy is closed. A date in, yes or no out. Pure.

The national holidays of law 260/1949 with its later changes, the last being 4 October from 2026 on
(law 151/2025). Days of one town's patron saint differ from office to office and stand in the rules.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, time, timedelta

_FIXED = frozenset({(1, 1), (1, 6), (4, 25), (5, 1), (6, 2), (8, 15), (11, 1), (12, 8), (12, 25), (12, 26)})
_SAINT_FRANCIS = (10, 4)
_SAINT_FRANCIS_SINCE = 2026


@dataclass(frozen=True, slots=True)
class OpeningSpan:
    """Someone reads from ``begin`` to ``end``, local time, on ``weekday`` (Monday is 0)."""

    weekday: int
    begin: time
    end: time


def is_holiday(day: date) -> bool:
    """Whether a day is a national holiday in Italy. Ordinary Sundays are a matter of opening hours."""
    month_day = (day.month, day.day)
    if month_day in _FIXED or (month_day == _SAINT_FRANCIS and day.year >= _SAINT_FRANCIS_SINCE):
        return True
    easter = easter_sunday(day.year)
    return day in (easter, easter + timedelta(days=1))


def is_closed(day: date, closed_days: Collection[str]) -> bool:
    """Whether all Italy is closed on a day, or the office by its own list (``2026-12-24``, ``11-13``)."""
    return is_holiday(day) or f"{day:%Y-%m-%d}" in closed_days or f"{day:%m-%d}" in closed_days


def easter_sunday(year: int) -> date:
    """Easter in the Gregorian calendar, by the method of Meeus, Jones and Butcher."""
    golden = year % 19
    century, rest = divmod(year, 100)
    leap_centuries, century_rest = divmod(century, 4)
    moon = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap_centuries - moon + 15) % 30
    leap_years, year_rest = divmod(rest, 4)
    weekday = (32 + 2 * century_rest + 2 * leap_years - epact - year_rest) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)
