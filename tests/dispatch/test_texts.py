"""The sentences themselves, whole: a change of wording is a change that somebody must want."""

from __future__ import annotations

from datetime import datetime

import pytest

from triage.dispatch import texts
from triage.vocabulary import TOPICS

MOMENT = datetime(2026, 3, 1, 9, 5)  # noqa: DTZ001 - a local time as it is shown


def test_notice() -> None:
    assert texts.notice_text(4711, "2A-23456789", MOMENT) == (
        """\
C'è un messaggio che una persona deve leggere oggi.

Messaggio numero 4711, codice 2A-23456789, ricevuto il 1 marzo 2026, ore 09.05.

Per riservatezza questa mail non dice di che cosa si tratta.
Il messaggio si trova nella casella condivisa, tra quelli da decidere."""
    )


@pytest.mark.parametrize(
    ("octets", "words"),
    [(0, "0 byte"), (1023, "1023 byte"), (1024, "1 kB"), (300_000, "293 kB"), (5_500_000, "5,2 MB")],
)
def test_sizes_are_written_as_italians_write_them(octets: int, words: str) -> None:
    assert texts.readable_size(octets) == words


def test_every_topic_has_a_name_for_people() -> None:
    assert set(texts.TOPIC_NAMES) == set(TOPICS)


def test_first_of_the_month_is_written_out() -> None:
    assert texts.italian_date(MOMENT) == "1 marzo 2026, ore 09.05"
