"""Unusual silence, judged on months of invented arrivals: a breakdown is noticed, ordinary quiet never."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from triage.rules.holidays import is_closed, is_holiday
from triage.silence import HISTORY, YOUNG, Silence, judge

ROME = ZoneInfo("Europe/Rome")
HOUR = timedelta(hours=1)
BEGIN = datetime(2026, 2, 2, tzinfo=UTC)
"""A Monday. The half year that follows has both Easter days, 25 April, 1 May, 2 June and a change of clocks."""

VOLUMES = {"busy": 25.0, "ordinary": 4.0, "small": 0.6}
"""Messages an hour while the offices are open; see :func:`rate_at` for the rest of the week."""


def rate_at(hour: datetime, busy: float) -> float:
    """Families write at any time, most of them while offices are open, hardly anybody at night or on holidays."""
    local = hour.astimezone(ROME)
    if local.hour < 6:
        return busy * 0.005
    if local.weekday() >= 5 or is_holiday(local.date()):
        return busy * 0.06
    return busy if 8 <= local.hour < 18 else busy * 0.15


def arrivals(
    busy: float,
    until: datetime,
    seed: int,
    gap: Callable[[datetime], bool] = lambda _: False,
    share: Callable[[datetime], float] = lambda _: 1.0,
) -> dict[datetime, int]:
    """How much came in which hour since :data:`BEGIN`. Days differ: some bring twice as much as others."""
    chance = random.Random(seed)  # noqa: S311
    found, hour, day, mood = {}, BEGIN, BEGIN.date(), 1.0
    while hour < until:
        if hour.date() != day:
            day, mood = hour.date(), chance.lognormvariate(0, 0.4)
        # The gaps of a Poisson stream are exponential; the last one reaches over the end of the hour.
        number, passed, rate = 0, 0.0, rate_at(hour, busy) * mood * share(hour)
        while (passed := passed + chance.expovariate(rate)) < 1:
            number += 1
        if number and not gap(hour):
            found[hour] = number
        hour += HOUR
    return found


def judged(hours: dict[datetime, int], now: datetime, closed: tuple[str, ...] = ()) -> Silence | None:
    known = {hour: number for hour, number in hours.items() if hour <= now}
    return judge(known, now, ROME, lambda day: is_closed(day, closed))


def is_told(hours: dict[datetime, int], now: datetime) -> bool:
    found = judged(hours, now)
    return found is not None and found.unusual


@pytest.mark.parametrize("volume", VOLUMES)
@pytest.mark.parametrize("seed", [1])
def test_f33_half_a_year_of_ordinary_mail_raises_no_alarm(volume: str, seed: int) -> None:
    """Nights, week ends, Easter Monday and the other holidays, the change of clocks; then August, with a fifth."""
    end = BEGIN + timedelta(weeks=30)

    def in_summer(hour: datetime) -> float:
        return {7: 0.7, 8: 0.2 if 8 <= hour.day <= 22 else 0.4}.get(hour.month, 1.0)

    hours = arrivals(VOLUMES[volume], end, seed, share=in_summer)
    now = BEGIN + timedelta(weeks=4, minutes=20)
    told = []
    while now < end:
        if is_told(hours, now):
            told.append(now)
        now += 7 * HOUR  # by and by every hour of the day
    assert told == []


def test_weeks_with_a_tenth_of_the_mail_are_no_breakdown() -> None:
    """Three days after it has sunk so far, a whole Sunday without mail is no surprise any more."""
    sinks = datetime(2026, 7, 20, tzinfo=UTC)
    hours = arrivals(25.0, sinks + timedelta(weeks=3), 17, share=lambda hour: 0.1 if hour >= sinks else 1.0)
    looks = [sinks + timedelta(days=3) + number * HOUR for number in range(18 * 24)]
    assert max(found.hours for now in looks if (found := judged(hours, now)) is not None) >= 12
    assert [now for now in looks if is_told(hours, now)] == []


@pytest.mark.parametrize(("volume", "most"), [("busy", 8), ("ordinary", 10), ("small", 80)])
@pytest.mark.parametrize("seed", [3, 4])
def test_a_mailbox_that_stops_on_a_tuesday_morning_is_noticed(volume: str, most: int, seed: int) -> None:
    """Within hours where much comes, within some working days where little does."""
    stops = datetime(2026, 5, 12, 7, tzinfo=UTC)
    hours = arrivals(VOLUMES[volume], stops, seed)
    waited = next(n for n in range(1, 400) if is_told(hours, stops + n * HOUR))
    assert 3 <= waited <= most


def test_an_earlier_breakdown_does_not_make_the_next_one_usual() -> None:
    """Three days without mail stood in the history; the next breakdown is noticed on the same day all the same."""
    gap = (datetime(2026, 4, 14, 7, tzinfo=UTC), datetime(2026, 4, 17, 7, tzinfo=UTC))
    stops = datetime(2026, 5, 12, 7, tzinfo=UTC)
    hours = arrivals(VOLUMES["busy"], stops, 5, lambda hour: gap[0] <= hour < gap[1])
    assert any(is_told(hours, stops + n * HOUR) for n in range(3, 11))


def test_a_silence_goes_on_over_a_night_and_a_week_end() -> None:
    friday = datetime(2026, 5, 15, 14, tzinfo=UTC)
    hours = arrivals(VOLUMES["busy"], friday, 6)
    assert is_told(hours, friday + 16 * HOUR)
    assert is_told(hours, friday + timedelta(days=3)), "on Monday afternoon it is no news, and not over"


def test_the_first_mail_ends_it() -> None:
    stops = datetime(2026, 5, 12, 7, tzinfo=UTC)
    hours = arrivals(VOLUMES["busy"], stops, 7)
    now = stops + 12 * HOUR
    assert is_told(hours, now)
    assert judged(hours | {now: 1}, now + timedelta(minutes=5)) == Silence(now + HOUR, 0, False)


@pytest.mark.parametrize("weeks", [1, 3])
def test_a_young_service_knows_nothing_yet(weeks: int) -> None:
    stops = BEGIN + timedelta(weeks=weeks)
    hours = arrivals(VOLUMES["busy"], stops, 8)
    assert judged(hours, stops + timedelta(days=2)) is None
    assert timedelta(weeks=weeks, days=2) < YOUNG


def test_of_a_mailbox_without_any_arrival_in_the_history_nothing_is_said() -> None:
    hours = arrivals(VOLUMES["busy"], BEGIN + timedelta(weeks=6), 9)
    assert judged(hours, BEGIN + timedelta(weeks=6) + HISTORY + HOUR) is None
    assert judged({}, BEGIN) is None


def test_a_day_on_which_the_office_is_closed_counts_for_nothing() -> None:
    """The patron saint's day stands in the rules; without it the same silence would be an alarm."""
    patron = date(2026, 5, 12)
    stops = datetime(2026, 5, 11, 21, tzinfo=UTC)
    hours = arrivals(VOLUMES["busy"], stops, 10)
    evening = datetime(2026, 5, 12, 20, tzinfo=UTC)
    plain, closed = judged(hours, evening), judged(hours, evening, (f"{patron:%m-%d}",))
    assert plain is not None
    assert closed is not None
    assert (plain.unusual, closed.unusual) == (True, False)
