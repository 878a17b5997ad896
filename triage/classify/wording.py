"""The Italian sentence for a reason: what staff read beside a message.

Enters a ``Reason`` of classify or decide, leaves one sentence. Nothing is refused: an unknown code
is shown as it is, since a page that fails helps nobody. The sentences live in ``data/wording.yaml``,
the names of codes in ``data/codes.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from triage.classify.lists import read_lists
from triage.vocabulary import Reason


def explain(reason: Reason) -> str:
    """One plain sentence in Italian; parameters that are missing are left out, never shown as blanks."""
    template = _templates().get(reason.code)
    if template is None:
        return f"Motivo: {reason.code.replace('_', ' ')}."
    values = {name: _worded(name, value) for name, value in reason.params.items()}
    values["dove"] = _WHERE.get(str(reason.params.get("where", "")), "")
    filled = _PLACEHOLDER.sub(lambda match: values.get(match.group(1), ""), template)
    return _BLANK_END.sub(".", _BLANK_BRACKETS.sub("", filled))


def known_codes() -> frozenset[str]:
    """Every code that has a sentence of its own."""
    return frozenset(_templates())


def language_names() -> Mapping[str, str]:
    """Languages by code, in Italian."""
    return _names()["language"]


_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_BLANK_BRACKETS = re.compile(r" \((?:[^()]*[^\w()%])?\)")
_BLANK_END = re.compile(r"[:\s]+\.$")

_WHERE = {"subject": "nell'oggetto", "text": "nel testo", "signature": "nella firma", "quoted": "nel testo citato"}

_CODE_LENGTHS = (2, 3)
"""Letters of a language's code (ISO 639)."""
_PERCENT = frozenset({"probability", "confidence", "threshold", "score", "second_score"})


_NAMED_LIKE: Mapping[str, str] = {
    "code": "language",
    "first": "territory",
    "second": "territory",
    "project": "territory",
    "destination": "territory",
}
"""Parameters whose values are named as those of another one."""


def word_code(name: str, value: str) -> str:
    """A parameter's value in Italian; a project's code is written like a name, and what is no code stays."""
    kind = _NAMED_LIKE.get(name, name)
    known = _names().get(kind, {}).get(value)
    if known is not None:
        return known
    if kind == "language" and len(value) in _CODE_LENGTHS and value.islower():
        return f"un'altra ({value})"
    return value.replace("_", " ").title() if kind == "territory" and value.islower() else value


def _worded(name: str, value: str | int | float | bool) -> str:
    if name in _PERCENT and isinstance(value, (int, float)):
        return f"{round(100 * value)} %"
    return word_code(name, str(value))


@lru_cache(maxsize=1)
def _names() -> Mapping[str, Mapping[str, str]]:
    raw = read_lists(Path(__file__).parent / "data" / "codes.yaml")
    return {str(name): {str(code): str(words) for code, words in codes.items()} for name, codes in raw.items()}


@lru_cache(maxsize=1)
def _templates() -> Mapping[str, str]:
    path = Path(__file__).parent / "data" / "wording.yaml"
    raw = read_lists(path)
    return {str(code): str(sentence) for code, sentence in raw.items()}
