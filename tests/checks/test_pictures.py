"""Pictures say what they show, need no style, and let nothing in that was not drawn."""

from __future__ import annotations

from xml.etree import ElementTree

from triage.pictures import Mark, Series, bars, lines

SVG = "{http://www.w3.org/2000/svg}"


def _read(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 - our own


def test_a_picture_has_a_title_and_a_description_that_name_it() -> None:
    picture = _read(bars("centri", "Messaggi", "Una barra per centro", [("Crema", 12), ("Mantova", None)]))
    named = picture.attrib["aria-labelledby"].split()
    assert picture.attrib["role"] == "img"
    assert [part.text for part in picture if part.attrib.get("id") in named] == ["Messaggi", "Una barra per centro"]


def test_a_hidden_number_is_named_as_such_and_has_no_bar() -> None:
    picture = _read(bars("a", "t", "d", [("Crema", 12), ("Mantova", None)]))
    assert len(picture.findall(f"{SVG}rect")) == 1
    assert "non mostrato" in [text.text for text in picture.findall(f"{SVG}text")]


def test_lines_differ_without_colour_and_break_where_a_number_is_hidden() -> None:
    found = lines("a", "t", "d", [Series("uno", ((0, 1), (1, None), (2, 3), (3, 4))), Series("due", ((0, 2), (3, 2)))])
    drawn = _read(found).findall(f"{SVG}polyline")
    assert len(drawn) == 3
    assert {line.attrib.get("stroke-dasharray") for line in drawn} == {None, "7 4"}


def test_names_are_text_and_no_attribute_breaks_the_policy() -> None:
    found = lines("a", "<b>", "d", [Series("<script>", ((0, 0.5),))], marks=[Mark(0, "&", dashed=True), Mark(0, "x")])
    assert "<script>" not in found
    assert "style=" not in found
    assert _read(found).find(f"{SVG}title") is not None
