"""Dates are written as they are said."""

from __future__ import annotations

from datetime import datetime

import pytest

from triage.articles import with_article
from triage.review.times import ROME, when
from triage.review.trend_tables import week_name


@pytest.mark.parametrize(
    ("article", "date", "said"),
    [
        ("il", "7 maggio 2026", "il 7 maggio 2026"),
        ("il", "8 maggio 2026", "l'8 maggio 2026"),
        ("dal", "11 novembre 2026, ore 8.05", "dall'11 novembre 2026, ore 8.05"),
        ("al", "18 novembre 2026", "al 18 novembre 2026"),
        ("del", "1 marzo 2026", "del 1 marzo 2026"),
        ("del", "8 marzo 2026", "dell'8 marzo 2026"),
    ],
)
def test_an_article_before_a_vowel_is_elided(article: str, date: str, said: str) -> None:
    assert with_article(article, date) == said


@pytest.mark.parametrize(("month", "day", "said"), [(6, 8, "dall'8/6"), (1, 11, "dall'11/1"), (11, 16, "dal 16/11")])
def test_a_week_is_named_with_its_article(month: int, day: int, said: str) -> None:
    assert week_name(datetime(2026, month, day, tzinfo=ROME)) == said


def test_one_o_clock_is_elided() -> None:
    now = datetime(2026, 11, 30, 14, 0, tzinfo=ROME)
    assert when(datetime(2026, 11, 30, 1, 5, tzinfo=ROME), now) == "oggi all'1:05"
    assert when(datetime(2026, 11, 30, 11, 5, tzinfo=ROME), now) == "oggi alle 11:05"
