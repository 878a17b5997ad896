"""What is saved opens in an Italian spreadsheet, and nothing in it is run."""

from __future__ import annotations

import csv

import pytest

from triage.spreadsheets import cell, to_csv


def test_semicolons_a_mark_for_utf_8_and_decimal_commas() -> None:
    assert to_csv(["Città", "Quota"], [["Crema", 0.25], ["Rodigo", None]]) == (
        b"\xef\xbb\xbf" + "Città;Quota\r\nCrema;0,25\r\nRodigo;\r\n".encode()
    )


@pytest.mark.parametrize(
    "text", ["=1+1", "+39 0373", "-2", "@cmd", "\t=1", "  =1", "\r=1", "\x00=1", "＝1", '=HYPERLINK("http://x")']
)
def test_what_begins_like_a_formula_is_text(text: str) -> None:
    assert cell(text).startswith("'")


def test_numbers_stay_numbers_also_below_zero() -> None:
    assert [cell(value) for value in (3, -3, -0.5, 1_000)] == ["3", "-3", "-0,5", "1000"]


def test_a_cell_with_a_separator_or_a_line_end_stays_one_cell() -> None:
    text = to_csv(["a"], [['x;"y"\nz']]).decode("utf-8-sig")
    assert list(csv.reader(text.splitlines(keepends=True), delimiter=";"))[1] == ['x;"y"\nz']
