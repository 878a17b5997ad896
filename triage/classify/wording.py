"""The Italian sentence for a reason: what staff read beside a message.

Enters a ``Reason`` of classify or decide, leaves one sentence. Nothing is refused: an unknown code
is shown as it is, since a page that fails helps nobody. The sentences live in ``data/wording.yaml``.
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
    return _BLANK_BRACKETS.sub("", _PLACEHOLDER.sub(lambda match: values.get(match.group(1), ""), template))


def known_codes() -> frozenset[str]:
    """Every code that has a sentence of its own."""
    return frozenset(_templates())


_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_BLANK_BRACKETS = re.compile(r" \((?:[^()]*[^\w()])?\)")

_WHERE = {"subject": "nell'oggetto", "text": "nel testo", "signature": "nella firma", "quoted": "nel testo citato"}

_VALUES: Mapping[str, Mapping[str, str]] = {
    "kind": {
        "violenza": "violenza",
        "minaccia": "minacce o persecuzione",
        "minore": "un minore maltrattato, trascurato o solo",
        "autolesione": "farsi del male o non voler vivere",
        "scomparsa": "qualcuno che non si trova",
        "gesto_temuto": "paura di fare del male a qualcuno",
        "bisogno": "mancano cibo, farmaci o un tetto",
        "anziano": "un anziano maltrattato",
        "matrimonio_forzato": "un matrimonio imposto",
    },
    "value": {
        "dsn": "mancata consegna",
        "mdn": "conferma di lettura",
        "feedback": "segnalazione di abuso",
        "tls": "rapporto TLS",
        "other": "altro",
    },
}
_PERCENT = frozenset({"probability", "confidence", "threshold", "score", "second_score"})


def _worded(name: str, value: str | int | float | bool) -> str:
    if name in _PERCENT and isinstance(value, (int, float)):
        return f"{round(100 * value)} %"
    return _VALUES.get(name, {}).get(str(value), str(value))


@lru_cache(maxsize=1)
def _templates() -> Mapping[str, str]:
    path = Path(__file__).parent / "data" / "wording.yaml"
    raw = read_lists(path)
    return {str(code): str(sentence) for code, sentence in raw.items()}
