"""What persons settled or corrected, as labelled examples: JSON lines in, corrections out.

The training files' format with three more fields: ``date`` (the day it was settled), ``settled_by``
(who did it: only a person's act is a label) and, where wanted, ``weight`` (it counts as so many
messages). ``territorio`` and ``destinazione`` must be there. Refused, with ``ExamplesError`` naming
file, line and field: all else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from triage.classify.examples import Example, ExampleFile, ExamplesError, read_examples

HEAVIEST = 10
_NOBODY = frozenset({"triage", "model", "modello", "rules", "regole"})


@dataclass(frozen=True, slots=True)
class Correction:
    """One message as a person settled it."""

    example: Example
    settled_on: date
    weight: int


def read_corrections(folder: Path) -> tuple[tuple[Correction, ...], tuple[ExampleFile, ...]]:
    """All ``*.jsonl`` of a folder in order of name. Raises ``ExamplesError``."""
    examples, files = read_examples(folder)
    extras = [_extras(where, fields) for where, fields in _lines(folder)]
    found = [Correction(example, *extra) for example, extra in zip(examples, extras, strict=True)]
    return tuple(found), files


def dates_of(folder: Path) -> dict[str, date]:
    """The day of each message of a folder that has one, by ``id``. Raises ``ExamplesError`` for what is no day."""
    return {str(fields["id"]): _date(where, fields) for where, fields in _lines(folder) if "date" in fields}


def corrections_in_card(
    found: Sequence[Correction],
    files: Sequence[ExampleFile],
    settled: Sequence[date],
    by_folder: Sequence[date] = (),
    read_at: datetime | None = None,
) -> dict[str, Any]:
    """What a model's card says of the corrections it learnt: counts and days, nobody's name.

    ``settled`` are the days of those that were read from the record, ``read_at`` is when, ``by_folder`` the days of
    those from sorted folders.
    """
    real = [*settled, *by_folder]
    days = sorted([*(one.settled_on for one in found), *real])
    return {
        "messages": len(found) + len(real),
        "from_record": len(settled),
        **({"from_folders": len(by_folder)} if by_folder else {}),
        "read_at": read_at.isoformat() if read_at is not None else None,
        "weight": sum(one.weight for one in found) + len(real),
        "from": days[0].isoformat() if days else None,
        "to": days[-1].isoformat() if days else None,
        "files": [asdict(file) for file in files],
    }


def _lines(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    # ``read_examples`` has been here before: every line is an object with an id.
    for path in sorted(folder.glob("*.jsonl")):
        for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if text.strip():
                yield f"{path.name}:{number}", json.loads(text)


def _extras(where: str, fields: Mapping[str, Any]) -> tuple[date, int]:
    for name in ("territorio", "destinazione"):
        if not fields.get(name):
            raise ExamplesError(f"{where}: field {name!r} is missing: a correction says where the message belongs")
    who = fields.get("settled_by")
    if not isinstance(who, str) or not who.strip() or who.strip().lower() in _NOBODY:
        raise ExamplesError(f"{where}: field 'settled_by' names no person: only a person's act is a label")
    weight = fields.get("weight", 1)
    if type(weight) is not int or not 1 <= weight <= HEAVIEST:
        raise ExamplesError(f"{where}: field 'weight' is no whole number from 1 to {HEAVIEST}")
    return _date(where, fields), weight


def _date(where: str, fields: Mapping[str, Any]) -> date:
    try:
        return date.fromisoformat(fields["date"])
    except (KeyError, TypeError, ValueError):
        raise ExamplesError(f"{where}: field 'date' is missing or no day such as 2026-11-20") from None
