"""A hamlet that nobody knows leads to a person, not to the wrong office."""

from __future__ import annotations

from pathlib import Path

from benchmarks.hidden_aliases import measure
from triage.classify.territory.gazetteer import load_gazetteer

MODEL = Path(__file__).parents[2] / "models" / "model.skops"


def test_messages_of_a_hamlet_that_is_not_known_wait_for_a_person() -> None:
    before = load_gazetteer().names["vicomoscano"].comuni
    messages, right, forwarded, wrong = measure({"Vicomoscano", "Casalbellotto", "Ombriano", "San Bernardino"}, MODEL)
    assert messages > 20
    assert forwarded < messages / 4, "hardly any is sure enough without its place"
    assert wrong <= messages / 50
    assert right < messages / 2, "the names were hidden, else this shows nothing"
    assert load_gazetteer().names["vicomoscano"].comuni == before, "and are known again afterwards"
