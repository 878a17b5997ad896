"""The notation of the phrase lists, which people who do not program write and sign."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.classify.folding import fold
from triage.classify.notation import PhraseError
from triage.classify.phrases import PhraseBook


def found(phrase: str, text: str) -> list[str]:
    return [text[match.start : match.end] for match in PhraseBook([("k", phrase)]).find(fold(text))]


@pytest.mark.parametrize(
    ("phrase", "text", "expected"),
    [
        ("mi picchia", "Lui MI  picchia.", ["MI  picchia"]),
        ("mi picchia", "mi picchiava", []),
        ("picchia*", "picchiato e impicchiato", ["picchiato"]),
        ("*picchia*", "impicchiato", ["impicchiato"]),
        ("mena/picchia forte", "mi mena forte", ["mena forte"]),
        ("mette ... mani addosso", "mette sempre le mani addosso", ["mette sempre le mani addosso"]),
        ("mette ... mani", "mette via. Poi le mani", []),
        ("mette ... le? mani", "mette sempre forte mani", ["mette sempre forte mani"]),
        ("zitta ... le? mani addosso", "zitta lui a volte mani addosso", ["zitta lui a volte mani addosso"]),
        ("zitta ... le? mani addosso", "zitta lui a volte le mani addosso", ["zitta lui a volte le mani addosso"]),
        ("mette ... mani", "mette a b c d e mani", []),
        ("non ce? la faccio", "non la faccio più", ["non la faccio"]),
        ("perché piange", "perche' PIANGE", ["perche' PIANGE"]),
        ("l'ha detto", "l’ha detto", ["l’ha detto"]),
        ("打我", "他打我了", ["打我"]),
        ("拿走 ... 护照", "拿走了我的护照", ["拿走了我的护照"]),
    ],
)
def test_the_notation(phrase: str, text: str, expected: list[str]) -> None:
    assert found(phrase, text) == expected


@pytest.mark.parametrize("phrase", ["", "...", "... mani", "mani ...", "mi? picchia", "a/ b", "*", "è"])
def test_phrases_that_could_match_anything_are_refused(phrase: str) -> None:
    with pytest.raises(PhraseError):
        PhraseBook([("k", phrase)])


def test_an_empty_book_finds_nothing() -> None:
    assert PhraseBook([]).find("qualunque cosa") == ()


@given(st.text(max_size=300))
def test_folding_keeps_every_offset(text: str) -> None:
    assert len(fold(text)) == len(text)
