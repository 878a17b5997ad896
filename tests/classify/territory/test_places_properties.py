"""Facts that hold for every text: nothing raises, offsets point at words, probabilities sum to 1."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.classify.territory.invented import ALL, Case, build
from tests.cost import without_others_garbage
from triage.classify.territory import PLACE_TOKEN, find_places, load_gazetteer, mask_places, score_places
from triage.classify.territory.spelling import read
from triage.vocabulary import Address, InboundMessage, PlaceMention, Role

GAZETTEER = load_gazetteer()

NAMES = st.sampled_from(sorted(GAZETTEER.names))
CUES = st.sampled_from(sorted(GAZETTEER.cues))
CODES = st.sampled_from([*GAZETTEER.caps, "0386 123456", "(MN)", "(BS)", "via", "non", ".", "\n", ",", "Крема"])
LOOKS_LIKE_MAIL = st.lists(NAMES | CUES | CODES | st.text(max_size=6), max_size=25).map(" ".join)
ANY_TEXT = st.text(max_size=300) | LOOKS_LIKE_MAIL | LOOKS_LIKE_MAIL.map(str.title) | LOOKS_LIKE_MAIL.map(str.upper)


def fields(message: InboundMessage) -> dict[str, str]:
    return {
        "subject": message.subject,
        "text": message.new_text,
        "quoted": message.quoted_text,
        "signature": message.signature,
        "author": message.author.display_name,
        "domain": message.author.addr_spec,
    }


@settings(max_examples=150, deadline=None)
@given(text=ANY_TEXT, subject=ANY_TEXT, signature=ANY_TEXT, quoted=ANY_TEXT, name=st.text(max_size=30))
@example(text="Abito a Cade\u0300, İzano, ﬁesco \u00adCre\u00adma", subject="\x00", signature="", quoted="", name="")
def test_any_text_gives_mentions_inside_it_and_probabilities_that_sum_to_one(
    text: str, subject: str, signature: str, quoted: str, name: str
) -> None:
    message = build(text, subject, signature, quoted, Address(name, f"info@comune.{name}.test"))
    mentions = find_places(message, GAZETTEER)
    for mention in mentions:
        assert 0 <= mention.start < mention.end <= len(fields(message)[mention.where])
        assert 0.0 <= mention.weight <= 1.0
        assert set(mention.comuni) <= set(GAZETTEER.comuni)
        assert (mention.kind in {"outside", "unknown"}) == (mention.comuni == ())
    scores = score_places(mentions, GAZETTEER)
    parts = [*scores.comune_scores.values(), scores.outside, scores.unstated]
    assert all(-1e-9 <= part <= 1 + 1e-9 for part in parts)
    assert math.isclose(sum(parts), 1.0, abs_tol=1e-9)
    assert 0.0 <= scores.several <= 1.0
    for where in ("subject", "text", "quoted", "signature"):
        mask_places(fields(message)[where], [mention for mention in mentions if mention.where == where])


@settings(max_examples=100, deadline=None)
@given(text=ANY_TEXT)
def test_a_reading_knows_where_each_word_stands(text: str) -> None:
    reading = read(text)
    assert len(reading.words) == len(reading.starts) == len(reading.ends) == len(reading.gaps)
    assert reading.padded.split() == list(reading.words)
    for index in range(len(reading.words)):
        assert text[reading.starts[index] : reading.ends[index]] == reading.raw(index) != ""


@pytest.mark.parametrize("name", sorted(GAZETTEER.comuni))
def test_every_comune_is_found_as_a_home_under_its_official_name(name: str) -> None:
    for text in (f"Buongiorno, abitiamo a {name} da anni.", f"ABITIAMO A {name.upper()} DA ANNI, SALUTI"):
        mentions = [m for m in find_places(build(text), GAZETTEER) if name in m.comuni]
        assert [(m.role, text[m.start : m.end].lower(), m.comuni) for m in mentions] == [
            (Role.RESIDENCE, name.lower(), (name,))
        ]
        scores = score_places(mentions, GAZETTEER)
        assert scores.comune_scores[name] >= 0.97
        assert scores.several == 0.0


@pytest.mark.parametrize(
    ("before", "after"),
    [("Abito a Crema.", "abito a crema."), ("Siamo di Torre de' Picenardi.", "siamo di torre de’ picenardi.")],
)
def test_case_and_apostrophes_change_nothing(before: str, after: str) -> None:
    def scores(text: str) -> dict[str, float]:
        return dict(score_places(find_places(build(text), GAZETTEER), GAZETTEER).comune_scores)

    assert scores(before) == scores(after) != {}


@pytest.mark.parametrize("case", ALL, ids=range(len(ALL)))
def test_finding_twice_gives_the_same(case: Case) -> None:
    assert find_places(case.message, GAZETTEER) == find_places(case.message, GAZETTEER)


def in_text(text: str) -> list[PlaceMention]:
    return [mention for mention in find_places(build(text), GAZETTEER) if mention.where == "text"]


def test_masked_text_holds_no_place_but_keeps_common_words() -> None:
    text = "Grazie, abito a Castel d'Ario (46033) e il laboratorio di Ostiglia mi piace."
    masked = mask_places(text, in_text(text))
    assert masked == (f"Grazie, abito a {PLACE_TOKEN} ({PLACE_TOKEN}) e il laboratorio di {PLACE_TOKEN} mi piace.")


def test_masking_passes_over_mentions_that_lie_outside_the_text() -> None:
    stray = PlaceMention("text", 3, 90, "comune", ("Crema",), Role.OTHER, 0.6)
    assert mask_places("abc def", [stray]) == "abc def"


def test_the_gazetteer_is_loaded_once() -> None:
    assert load_gazetteer() is GAZETTEER


@pytest.mark.parametrize(
    "phrase",
    [
        "Abito a Crema. ",
        "Crema ",
        "abito ",
        "Gabbiana e Levata a ",
        "Vive a Xyzzabco ",
        "sta a \n",
        "46010 0386 123456 ",
    ],
)
def test_a_long_hostile_text_costs_in_proportion_to_its_length(phrase: str) -> None:
    def seconds(count: int) -> float:
        message = build(phrase * count)
        with without_others_garbage():
            start = time.process_time()
            score_places(find_places(message, GAZETTEER), GAZETTEER)
            return time.process_time() - start

    seconds(10)
    short = min(seconds(200) for _ in range(3))
    # Ten times as long may cost 10 times as much, with slack for a busy machine; the square would be 100 times.
    assert seconds(2000) < 40 * short + 0.2
