"""Two small models, trained once: the second learnt other labels, so that the two answer differently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.classify.small_set import small_examples, write_examples
from triage.knowledge import known_places
from triage.learning import train
from triage.rules import Rules, load_rules

ROOT = Path(__file__).parents[2]
RULES: Rules = load_rules(ROOT / "routing_rules.yaml", known_places())


def unwatched(_done: int, _total: int, _what: str = "") -> None:
    """Progress that nobody watches."""


def placed_examples() -> list[dict[str, Any]]:
    """The small set with the labels of place that a comparison needs."""
    return [
        {**one, "territorio": "non_indicato", "destinazione": "nessuna" if one["automatico"] else "operatori"}
        for one in small_examples()
    ]


def corrections() -> list[dict[str, Any]]:
    """Three messages that persons settled: all say that orders of the day are complaints."""
    texts = ("Che orari fate la domenica?", "Quando aprite il lunedì?", "Dove siete?")
    return [
        {
            **placed_examples()[0],
            "id": f"c-{number}",
            "writer": f"famiglia-{number}",
            "situation": f"corretto-{number}",
            "batch": "correzioni",
            "text": text,
            "argomento": "reclamo",
            "date": f"2026-11-0{number + 1}",
            "settled_by": "operatrice-1",
        }
        for number, text in enumerate(texts)
    ]


def make_model(
    folder: Path, *, of: list[dict[str, Any]] | None = None, also: list[dict[str, Any]] | None = None
) -> Path:
    """The model file of a training in ``folder``, with its card beside it."""
    examples = write_examples(folder / "examples", of or placed_examples())
    more = None if also is None else write_examples(folder / "corrections", also)
    train(examples, folder, rules=RULES, seed=7, progress=unwatched, also=more)
    return folder / "model.skops"
