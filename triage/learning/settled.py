"""Real messages that persons settled, made ready to be learnt from.

A settlement says where a message belonged and what it was about, never whether there was danger in it: those parts of
the model learn nothing here. Only counts and days of it stand in the card, and of its words the model keeps those that
three writers or more used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from triage.classify.examples import Settled
from triage.classify.fitting import Topical
from triage.classify.fitting_places import PlaceExample, place_example
from triage.classify.prepare import prepare
from triage.classify.territory import Gazetteer


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one settled message teaches. ``place``: nothing where the person named none."""

    on: date
    topic: Topical
    place: PlaceExample | None


def lessons_of(settled: Iterable[Settled], gazetteer: Gazetteer) -> list[Lesson]:
    """One each, in their order; of the messages only what is learnt stays in memory."""
    found: list[Lesson] = []
    for one in settled:
        made = prepare(one.message, gazetteer)
        told = one.comune or one.territory
        place = place_example(one, made.places, gazetteer) if told else None
        found.append(Lesson(one.on, Topical(made.topic_text, one.topic, one.writer), place))
    return found


def topics_of(lessons: Sequence[Lesson]) -> list[Topical]:
    """What they say of topics."""
    return [one.topic for one in lessons]


def places_of(lessons: Sequence[Lesson]) -> list[PlaceExample]:
    """What they say of places."""
    return [one.place for one in lessons if one.place is not None]
