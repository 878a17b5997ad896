"""The package's CSV files as rows; the only I/O of territory finding.

Enters: a file name under ``data/``. Leaves: its rows as mappings of column to text.
A missing column or a row of another width is refused with ``ValueError`` naming file and line.
"""

from __future__ import annotations

import csv
from importlib.resources import files

Row = dict[str, str]

COLUMNS: dict[str, tuple[str, ...]] = {
    "comuni.csv": ("comune", "istat_code", "province", "cap", "phone_prefix", "ambito", "confidence"),
    "aliases.csv": ("name", "kind", "comune", "confidence"),
    "areas.csv": ("name", "ambiti", "confidence"),
    "centres.csv": ("name", "comuni", "note"),
    "short_names.csv": ("name", "comune", "share"),
    "former_caps.csv": ("cap", "comune"),
    "common_words.csv": ("level", "names"),
    "outside.csv": ("kind", "names"),
    "outside_comuni.csv": ("province", "names"),
    "exonyms.csv": ("language", "name", "place"),
    "cues.csv": ("role", "side", "reach", "bonus", "weight", "person", "language", "phrases"),
    "script_cues.csv": ("role", "language", "phrases"),
    "words.csv": ("kind", "words"),
}
"""Every file and its columns, in order."""


def rows(name: str) -> tuple[Row, ...]:
    """All rows of a data file. Raises ``ValueError`` for a file that is not as documented."""
    return parse(name, files("triage.classify.territory").joinpath("data").joinpath(name).read_text(encoding="utf-8"))


def parse(name: str, text: str) -> tuple[Row, ...]:
    """The rows of ``text``, which stands in file ``name``. Raises ``ValueError`` as :func:`rows` does."""
    lines = list(csv.reader(text.splitlines()))
    columns = COLUMNS[name]
    if not lines or tuple(lines[0]) != columns:
        raise ValueError(f"{name}: columns are not {', '.join(columns)}")
    for number, line in enumerate(lines, start=1):
        if len(line) != len(columns):
            raise ValueError(f"{name} line {number}: {len(line)} cells, {len(columns)} expected")
    return tuple(dict(zip(columns, line, strict=True)) for line in lines[1:])


def cells(value: str) -> tuple[str, ...]:
    """The parts of a cell that holds several values separated by ``|``."""
    return tuple(part for part in value.split("|") if part)
