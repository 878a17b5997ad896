"""The Italian article before a date: a day enters in digits, what is said aloud leaves."""

from __future__ import annotations

import re

_BEFORE_A_VOWEL = re.compile(r"(?:8|11)(?!\d)")
_ELIDED = {"il": "l'", "dal": "dall'", "al": "all'", "del": "dell'"}


def with_article(article: str, date: str) -> str:
    """``il 7 maggio``, but ``l'8 maggio`` and ``dall'11``: *otto* and *undici* begin with a vowel.

    ``article`` is one of il, dal, al, del; ``date`` begins with the day in digits.
    """
    return f"{_ELIDED[article]}{date}" if _BEFORE_A_VOWEL.match(date) else f"{article} {date}"
