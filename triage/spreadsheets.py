"""Tables as CSV for Italian spreadsheets: semicolons, UTF-8 with its mark, and no cell that is taken for a formula.

In: rows of texts and numbers. Out: octets. Pure. What begins like a formula gets an apostrophe in front (OWASP ASVS
5.0, 1.2.10): such a cell could fetch addresses or run programs where the file is opened. Blanks and control
characters before it do not help: some programs skip them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

Cell = str | int | float | None
_BEGINS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""Wide forms are taken for formulas as well."""
_LAST_OF_CONTROLS = 0x1F


def to_csv(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """One table; ``None`` is an empty cell, decimals have a comma."""
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter=";", lineterminator="\r\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow([cell(head) for head in heads])
    writer.writerows([cell(value) for value in row] for row in rows)
    return lines.getvalue().encode("utf-8-sig")


def cell(value: Cell) -> str:
    """One cell's text; numbers stay numbers, also below zero."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".").replace(".", ",")
    if isinstance(value, int):
        return str(value)
    # Controls have no place in a cell; line ends stay inside their quotes.
    text = "".join(sign for sign in value if ord(sign) > _LAST_OF_CONTROLS or sign == "\n")
    return f"'{text}" if text.lstrip().startswith(_BEGINS) else text
