"""The page that staff read: sound HTML, numbers beside every picture, and no word of any message."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from tests.learning.builders import SHIPPED, labelled_messages, made, whole, write_lines
from tests.learning.conftest import Answered
from triage.learning.answers import Answer
from triage.learning.evaluation import Evaluation, evaluate, summarise
from triage.learning.figures import QUESTIONS
from triage.learning.report import page
from triage.vocabulary import Action, Reason


def varied() -> list[Answer]:
    """Forwards from sure to unsure, a fifth of them wrong, and some of every other kind."""
    answers = [
        made(
            identity=f"m-{n:03}",
            writer=f"w{n % 12}",
            batch=f"lotto <{n % 3}>",
            confidence=0.3 + 0.69 * n / 120,
            destination="mantova" if n % 5 == 0 else "crema",
            action=Action.FORWARD if n >= 60 else Action.HOLD,
            topic="rete" if n % 7 == 0 else "ascolto",
            true_language="ro" if n % 9 == 0 else "it",
        )
        for n in range(120)
    ]
    return [*answers, made(true_urgent=True, identity="u-1"), made(true_automatic=True, identity="a-1")]


@pytest.fixture(scope="module")
def found() -> Evaluation:
    return summarise(varied(), "abc123", SHIPPED, invented=True)


class Nesting(HTMLParser):
    """Fails at the first element that is closed in the wrong place or not at all."""

    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def test_the_page_is_sound_html(found: Evaluation) -> None:
    reader = Nesting()
    reader.feed(page(found))
    reader.close()
    assert reader.open == []


def test_the_page_stands_alone(found: Evaluation) -> None:
    """It opens from a disk without a network, and runs nothing."""
    text = page(found)
    assert text.startswith("<!doctype html><html lang=it>")
    tree = LexborHTMLParser(text)
    assert tree.css("script, link, img, iframe, object") == []
    assert not tree.css("[href], [src]")
    assert "url(" not in text
    assert "@import" not in text


def test_every_picture_is_followed_by_a_table_with_its_numbers(found: Evaluation) -> None:
    tree = LexborHTMLParser(page(found))
    pictures = tree.css("svg")
    assert len(pictures) == 2
    rows = {"Fiducia promessa e risposte giuste": found.reliability, "Inoltrando prima i più sicuri": found.coverage}
    for picture in pictures:
        assert picture.attributes["role"] == "img"
        assert picture.attributes["aria-label"]
        table = following(picture)
        assert table.tag == "table"
        caption = table.css_first("caption")
        assert caption is not None
        points = rows.pop(caption.text())
        assert len(picture.css("circle")) == len(points) > 3
        shown = [[float(cell.text()) for cell in row.css("td")] for row in table.css("tr")[1:]]
        assert len(shown) > 3
        assert [row for row in shown if row not in [list(point.values()) for point in points]] == []
    assert rows == {}


def following(node: LexborNode) -> LexborNode:
    after = node.next
    assert after is not None
    return after


def test_every_figure_is_in_the_table_with_cases_interval_and_target(found: Evaluation) -> None:
    table = LexborHTMLParser(page(found)).css("table")[0]
    rows = [[cell.text() for cell in row.css("td")] for row in table.css("tr")[1:]]
    assert len(rows) == len(QUESTIONS) - 2, "found and false of automatic mail are one figure here"
    by_title = {row[0]: row for row in rows}
    wrong = next(row for title, row in by_title.items() if title.startswith("Inoltri sbagliati"))
    # 60 of the 120 and both last ones are forwarded; 12 of the 60 are wrong.
    assert wrong[1:3] == ["12 su 62", "19,4 %"]
    assert wrong[5] == "al più 1 %"
    assert all(row[1].count(" su ") == 1 for row in rows)


def test_invented_messages_are_called_so_and_real_ones_are_not(found: Evaluation) -> None:
    real = summarise(varied(), "abc123", SHIPPED, invented=False)
    assert "messaggi inventati" in page(found)
    assert "non è una misura su posta vera" in page(found)
    assert "inventati" not in page(real)
    assert "messaggi veri" in page(real)


def test_names_from_the_data_cannot_become_markup(found: Evaluation) -> None:
    text = page(found)
    assert "lotto &lt;1&gt;" in text
    assert "lotto <1>" not in text


def test_the_worst_mistakes_come_first_wrong_forwards_before_all(found: Evaluation) -> None:
    rows = found.worst
    assert [row["id"] for row in rows[:3]] == ["u-1", "m-115", "m-110"]
    actions = [row["esito"] for row in rows]
    assert actions == sorted(actions, key=lambda action: action != "inoltra")
    assert "u-1" in {row["id"] for row in rows}, "a danger that was not seen is a mistake wherever it went"
    assert all(row["destinazione"][0] != row["destinazione"][1] for row in rows if row["id"] != "u-1")


def test_the_curves_say_what_was_promised_and_what_it_costs(found: Evaluation) -> None:
    assert sum(row["n"] for row in found.reliability) == 122
    assert all(row["from"] <= row["promised"] <= row["from"] + 0.1 for row in found.reliability)
    last = found.coverage[-1]
    assert (last["forwards"], last["wrong"]) == (122, round(24 / 122, 4))
    assert [row["forwards"] for row in found.coverage] == sorted(row["forwards"] for row in found.coverage)


def test_an_evaluation_of_nothing_urgent_and_nothing_forwarded_is_still_a_page() -> None:
    held = summarise([made(action=Action.HOLD, project="", destination="operatore")], "m", SHIPPED, invented=True)
    assert held.coverage == []
    reader = Nesting()
    reader.feed(page(held))
    assert reader.open == []


SECRETS = {
    "subject": "oggettosegreto",
    "text": "Abito a Crema, parolasegreta",
    "from_name": "Nomesegreto",
    "quoted": "citazionesegreta",
    "signature": "firmasegreta",
}


def test_no_word_of_a_message_is_in_the_report(answered: Answered, tmp_path: Path) -> None:
    """Wrongly answered, so that the message is in the list of mistakes too."""
    lines = [
        {**line, **SECRETS, "argomento": "rete", "urgente": True, "destinazione": "mantova"}
        for line in labelled_messages(2)
    ]
    read = evaluate(write_lines(tmp_path, lines), whole(answered[0]), SHIPPED, invented=True, progress=lambda *_: None)
    assert read.messages == 16
    assert len(read.worst) == 16
    written = (page(read) + json.dumps(asdict(read))).lower()
    assert "t-00-0" in written
    assert [word for word in SECRETS.values() if word.split()[-1].lower() in written] == []


def test_it_says_why_what_is_due_to_a_project_waits() -> None:
    """A message counts under each of its reasons; what a person would get anyway is not asked about."""
    behind = Reason("territorio", {"territory": "crema"})
    unsure, danger = Reason("fiducia_bassa"), Reason("forse_pericolo")
    held = summarise(
        [
            made(identity="sent"),
            made(identity="unsure", action=Action.HOLD, reasons=(unsure, behind)),
            made(identity="wrong", action=Action.HOLD, reasons=(unsure, behind), destination="mantova"),
            made(identity="both", action=Action.HOLD, reasons=(unsure, danger, behind)),
            made(identity="staff's", action=Action.HOLD, reasons=(danger, behind), true_destination="operatore"),
        ],
        "abc123",
        SHIPPED,
        invented=True,
    ).held
    assert (held["due"], held["waiting"]) == (4, 3)
    assert held["reasons"] == [
        {"reason": "fiducia_bassa", "n": 3, "alone": 2, "alone_right": 1},
        {"reason": "forse_pericolo", "n": 1, "alone": 0, "alone_right": 0},
    ]


def test_the_page_words_why_they_wait(found: Evaluation) -> None:
    text = LexborHTMLParser(page(found)).text()
    assert "Perché aspettano una persona" in text
    assert f"Dei {found.held['due']} messaggi che spettano a un progetto, {found.held['waiting']} aspettano" in text
