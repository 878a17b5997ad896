"""Dates are written as they are said."""

from __future__ import annotations

import pytest

from triage.articles import with_article


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
