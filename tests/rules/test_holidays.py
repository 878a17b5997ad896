"""The days on which all Italy is closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.rules.builders import SERVICE, build_rules
from triage.rules.holidays import easter_sunday, is_holiday


@pytest.mark.parametrize(
    "day",
    ["2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2028-04-16", "2029-04-01", "2030-04-21", "2038-04-25"],
)
def test_easter_is_when_the_almanac_says(day: str) -> None:
    found = date.fromisoformat(day)
    assert easter_sunday(found.year) == found
    assert is_holiday(found + timedelta(days=1))


def test_a_year_has_exactly_these_holidays() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert [f"{day:%m-%d}" for day in days if is_holiday(day)] == (
        "01-01 01-06 04-05 04-06 04-25 05-01 06-02 08-15 10-04 11-01 12-08 12-25 12-26".split()  # noqa: SIM905
    )


def test_saint_francis_is_a_holiday_again_from_2026_on() -> None:
    assert not is_holiday(date(2025, 10, 4))
    assert is_holiday(date(2027, 10, 4))


WEEKDAYS = "{monday: 09:00-12:30, tuesday: 09:00-12:30, wednesday: 09:00-12:30, thursday: 09:00-12:30}"
EVERY_DAY = SERVICE.replace("{monday: [09:00-12:30, 14:00-16:00]}", WEEKDAYS)


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        (datetime(2026, 4, 7, 8, 0, tzinfo=UTC), True),
        (datetime(2026, 4, 6, 8, 0, tzinfo=UTC), False),  # Easter Monday
        (datetime(2026, 12, 8, 9, 0, tzinfo=UTC), False),
        (datetime(2026, 12, 24, 9, 0, tzinfo=UTC), False),  # this year only
        (datetime(2027, 12, 23, 9, 0, tzinfo=UTC), True),
        (datetime(2025, 11, 13, 9, 0, tzinfo=UTC), False),  # the patron saint, every year
        (datetime(2031, 11, 13, 9, 0, tzinfo=UTC), False),
    ],
)
def test_nobody_reads_on_a_holiday_nor_on_the_offices_own_closed_days(moment: datetime, opens: bool) -> None:
    service = build_rules(service=EVERY_DAY).service
    service = replace(service, closed_days=("2026-12-24", "11-13"))
    assert service.is_open(moment) is opens


def test_a_holiday_is_a_day_in_italy_not_in_greenwich() -> None:
    service = build_rules(service=SERVICE.replace("[09:00-12:30, 14:00-16:00]", "[00:00-01:00]")).service
    # Monday, half past midnight in Italy, is still Sunday in UTC.
    assert service.is_open(datetime(2026, 11, 22, 23, 30, tzinfo=UTC))
    assert not service.is_open(datetime(2026, 4, 5, 22, 30, tzinfo=UTC))  # Easter Monday there
