"""What staff read says one thing in one way."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "triage"
NOT_FOR_STAFF = ("classify/automatic", "parse/")
"""Modules whose Italian is what strangers' mail may say."""

RECEIPT = re.compile(
    r"\bricevut[ae]\b(?! (?:PEC|di (?:avvenuta |presa|accettazione|consegna|non |mancata )))", re.IGNORECASE
)
"""A receipt that is not one of certified mail, whose receipts have their names by law."""
NAMED = re.compile(r"\bconferm[ae] di ricevuta\b", re.IGNORECASE)


def test_what_families_get_is_called_a_confirmation_of_receipt_wherever_staff_read_of_it() -> None:
    """«Ricevuta» alone is the name of PEC receipts and of nothing else."""
    told = dict(_told())
    assert sum(bool(NAMED.search(text)) for text in told.values()) > 10, "the words are looked for in the wrong places"
    assert [f"{place}: {text}" for place, text in told.items() if RECEIPT.search(NAMED.sub("", text))] == []


def _told() -> Iterator[tuple[str, str]]:
    """Every sentence with the place where it stands; codes are no sentences."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(NOT_FOR_STAFF):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            remarks = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in remarks:
                    continue
                if " " in node.value:
                    yield f"{name}:{node.lineno}:{node.col_offset}", node.value
    for path in sorted((PACKAGE / "review" / "templates").glob("*.html")):
        bare = re.sub(r"\{[%{#].*?[%}#]\}|<[^<>]*>", "\n", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for number, line in enumerate(bare.splitlines()):
            yield f"{path.name}:{number}", line
    wording = yaml.safe_load((PACKAGE / "classify" / "data" / "wording.yaml").read_text(encoding="utf-8"))
    yield from wording.items()
    for number, line in enumerate((REPOSITORY / "docs" / "testi.md").read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("###"):
            yield f"testi.md:{number}", line
