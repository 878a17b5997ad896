"""What a person reads in a message about places, the service reads too."""

from __future__ import annotations

import pytest

from tests.classify.territory.invented import ALL, Case, build
from triage.classify.territory import PlaceScores, find_places, load_gazetteer, score_places
from triage.vocabulary import InboundMessage, PlaceMention, Role

GAZETTEER = load_gazetteer()


def field_text(message: InboundMessage, where: str) -> str:
    return {
        "subject": message.subject,
        "text": message.new_text,
        "quoted": message.quoted_text,
        "signature": message.signature,
        "author": message.author.display_name,
        "domain": message.author.addr_spec,
    }[where]


def winner(scores: PlaceScores) -> str:
    if scores.several >= 0.45:
        return "several"
    if scores.outside >= 0.5:
        return "outside"
    if scores.unstated >= 0.5:
        return "unstated"
    best = max(scores.comune_scores, key=lambda comune: scores.comune_scores[comune])
    return best if scores.comune_scores[best] >= 0.5 else "spread"


def written(case: Case, mention: PlaceMention) -> str:
    return field_text(case.message, mention.where)[mention.start : mention.end]


@pytest.mark.parametrize("case", ALL, ids=range(len(ALL)))
def test_the_winner_is_the_place_a_reader_would_name(case: Case) -> None:
    mentions = find_places(case.message, GAZETTEER)
    assert winner(score_places(mentions, GAZETTEER)) == case.winner


@pytest.mark.parametrize("case", [case for case in ALL if case.role is not None], ids=lambda case: case.place)
def test_a_mention_has_the_role_its_context_gives(case: Case) -> None:
    roles = {m.role for m in find_places(case.message, GAZETTEER) if written(case, m) == case.place}
    assert roles == {case.role}


def test_there_are_at_least_150_invented_messages_and_none_twice() -> None:
    assert len(ALL) >= 150
    assert len({(c.text, c.subject, c.signature, c.quoted) for c in ALL}) == len(ALL)


@pytest.mark.parametrize(
    "text",
    [
        "ordine n. 26013",
        "prot. 26013 del 3/11",
        "matricola 46043",
        "Badge 46043",
        "codice cliente è 26041",
        "26013 euro",
    ],
)
def test_a_number_of_five_digits_is_not_always_a_postal_code(text: str) -> None:
    assert find_places(build(f"Vorrei informazioni. {text}"), GAZETTEER) == ()
    assert [one.kind for one in find_places(build("Anna, via Po 3, 26013 Crema"), GAZETTEER)][:1] == ["cap"]


def test_a_hamlet_named_like_a_town_elsewhere_is_told_apart() -> None:
    (alone,) = find_places(build("Abitiamo a Rovereto."), GAZETTEER)
    assert (alone.kind, alone.role) == ("homonym", Role.RESIDENCE)
