"""The numbers of /andamento as tables that may be shown: twelve whole weeks and the present one, small counts hidden.

In: the volumes of each week and the rules. Out: rows of counts, ``None`` where one is not shown. Weeks begin on Monday
in Rome; the present one is called unfinished. Its counts grow while somebody looks, which tells no more than *Smistati*
does to the same people; what is saved has whole weeks only, since it goes further.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise

from triage.articles import with_article
from triage.hiding import Table, hide_together
from triage.record.figures import Volume
from triage.review.times import ROME
from triage.review.words import project_name, topic_name
from triage.rules.types import Rules
from triage.vocabulary import NOBODY, STAFF, TOPICS, Action

WEEKS = 12
UNFINISHED = " (in corso)"
WAYS = ("da solo", "lo decide una persona", "senza inoltro previsto")
"""How a message that belongs to a centre went, and those that belong to none."""
LANGUAGE_NAMES = {
    "it": "Italiano",
    "en": "Inglese",
    "ro": "Romeno",
    "pa": "Punjabi",
    "hi": "Hindi",
    "ur": "Urdu",
    "ar": "Arabo",
    "fr": "Francese",
    "sq": "Albanese",
    "uk": "Ucraino",
    "zh": "Cinese",
    "es": "Spagnolo",
    "bn": "Bengalese",
    "pt": "Portoghese",
    "ru": "Russo",
    "de": "Tedesco",
}


@dataclass(frozen=True, slots=True)
class Counted:
    """One table: names of its rows and columns, and what may be shown."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    table: Table


@dataclass(frozen=True, slots=True)
class Trends:
    """Volumes by week and centre, by week and way; by topic; by language."""

    centres: Counted
    ways: Counted
    topics: Counted
    languages: Counted


def weeks_until(now: datetime, number: int = WEEKS) -> list[tuple[datetime, datetime]]:
    """The last whole weeks and the present one, oldest first: begin, and end (excluded)."""
    today = now.astimezone(ROME).date()
    monday = today - timedelta(days=today.weekday())
    begins = [datetime.combine(monday - timedelta(weeks=back), time(), ROME) for back in range(number, -2, -1)]
    return list(pairwise(begins))


def week_name(begin: datetime, *, unfinished: bool = False) -> str:
    """``dal 16/11``: its Monday."""
    return with_article("dal", f"{begin.day}/{begin.month}") + (UNFINISHED if unfinished else "")


def trends_of(
    rules: Rules, weeks: Sequence[tuple[datetime, datetime]], volumes: Sequence[Sequence[Volume]], now: datetime
) -> Trends:
    """All four tables of the same messages, hidden together."""
    destinations = _in_order(volumes, lambda one: one.destination, (*rules.projects, STAFF, NOBODY))
    topics = _in_order(volumes, lambda one: one.topic, TOPICS)
    languages = _in_order(volumes, lambda one: one.language, tuple(LANGUAGE_NAMES))
    languages.sort(key=lambda code: -sum(one.count for week in volumes for one in week if one.language == code))
    names = tuple(week_name(begin, unfinished=end > now) for begin, end in weeks)
    centres, ways, by_topic, by_language = hide_together(
        [
            [_counts(week, lambda one: one.destination, destinations) for week in volumes],
            [_counts(week, _way, WAYS) for week in volumes],
        ],
        [
            _counts([one for week in volumes for one in week], lambda one: one.topic, topics),
            _counts([one for week in volumes for one in week], lambda one: one.language, languages),
        ],
    )
    return Trends(
        Counted(names, tuple(project_name(rules, code) for code in destinations), centres),
        Counted(names, WAYS, ways),
        Counted(tuple(topic_name(code) for code in topics), ("Messaggi",), by_topic),
        Counted(
            tuple(LANGUAGE_NAMES.get(code, code or "non riconosciuta") for code in languages),
            ("Messaggi",),
            by_language,
        ),
    )


def coverage(ways: Table) -> list[float | None]:
    """By week the share of messages for a centre that left without a person; ``None`` where it would tell too much."""
    shares: list[float | None] = []
    for alone, with_person, _ in ways.cells:
        known = alone is not None and with_person is not None and alone + with_person > 0
        shares.append(
            alone / (alone + with_person) if known and alone is not None and with_person is not None else None
        )
    return shares


def quantile(spans: Sequence[timedelta], share: float) -> timedelta | None:
    """The span that this share of all does not exceed; ``None`` of fewer than five: they could be somebody's."""
    if len(spans) < 5:
        return None
    return sorted(spans)[min(len(spans) - 1, int(share * len(spans)))]


def _way(one: Volume) -> str:
    if one.destination in (STAFF, NOBODY):
        return WAYS[2]
    return WAYS[0] if one.action == Action.FORWARD else WAYS[1]


def _counts(volumes: Sequence[Volume], of: Callable[[Volume], str], keys: Sequence[str]) -> list[int]:
    counts: Counter[str] = Counter()
    for one in volumes:
        counts[of(one)] += one.count
    return [counts[key] for key in keys]


def _in_order(volumes: Sequence[Sequence[Volume]], of: Callable[[Volume], str], known: Sequence[str]) -> list[str]:
    """The keys that occur, known ones first and in their order."""
    found = {of(one) for week in volumes for one in week}
    return [key for key in known if key in found] + sorted(found - set(known))
