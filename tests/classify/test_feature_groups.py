"""The table of features (``benchmarks.features``) leaves out exactly what it names, and prints a line a group."""

from __future__ import annotations

import pytest

from benchmarks.features import GROUPS, left_out, main
from tests.classify.letters import letter
from triage.classify import prepare
from triage.classify.territory import load_gazetteer
from triage.classify.topics import TopicText
from triage.classify.wordspace import FIELDS

LETTER = letter(
    "Abito a Viadana. Mio marito mi picchia, ho paura. Vorrei un colloquio con la psicologa: quando siete aperti?",
    subject="Iscrizione al laboratorio",
    signature="Anna",
)
WORDS = {"stems": {"subject", "text", "signature"}, "pieces of words": {"pieces"}}
EXTRAS = {
    "concepts": ("concept:", "aside:"),
    "signs": ("sign:", "sign@", "resembles:"),
    "shape": ("words", "links", "question", "signature", "attachments", "why:"),
    "danger cues": ("cue:",),
}


def read(group: str) -> TopicText:
    with left_out(group):
        return prepare.prepare(LETTER, load_gazetteer()).topic_text


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_what_is_left_out_is_gone_and_nothing_else(group: str) -> None:
    whole, without = read(""), read(group)
    assert set(FIELDS) - set(without.words) == WORDS.get(group, set())
    if group == "places":
        assert "viadana" in without.words["text"]
        assert "viadana" not in whole.words["text"]
        return
    gone = set(whole.extras) - set(without.extras)
    assert all(name.startswith(EXTRAS.get(group, ())) for name in gone), gone
    assert bool(gone) == (group in EXTRAS)
    assert set(without.extras) <= set(whole.extras)


def test_afterwards_the_vectoriser_is_whole_again() -> None:
    before = read("")
    for group in GROUPS:
        read(group)
    assert read("") == before


def test_the_table_has_a_line_for_every_group(capsys: pytest.CaptureFixture[str]) -> None:
    """In small: it ends, places earn what nothing else can, and the figures are shares."""
    table = dict(main(["--messages", "20", "--passes", "1", "--learn", "100", "--folds", "2"]))
    assert list(table) == ["", *GROUPS]
    assert table[""]["place"] > table["places"]["place"]
    assert all(0 <= row[name] <= 1 for row in table.values() for name in ("topic", "machine"))
    assert all(row["ms"] > 0 for row in table.values())
    assert len(capsys.readouterr().out.splitlines()) == len(GROUPS) + 4
