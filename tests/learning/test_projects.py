"""No project's name is learnt: renaming projects or adding one changes no comune's score (design, decision 6)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.decide.test_properties import renamed
from tests.learning.builders import RULES_PATH, SHIPPED, ignore, labelled_messages, write_lines
from triage.classify import Classifier
from triage.classify.acceptance import UNTAUGHT
from triage.classify.artefact import dump_weights, load_weights
from triage.classify.examples import build_message
from triage.classify.territory import load_gazetteer
from triage.classify.topics import Weights
from triage.knowledge import known_places
from triage.learning import CARD_FILE, MODEL_FILE, train
from triage.rules import Rules, parse_rules

SWAPPED = {"crema": "mantova", "mantova": "oglio_po", "oglio_po": "crema"}
SUZZARA = """projects:
  suzzara:
    name: Azienda Socialis
    centre: Un luogo per tutte le famiglie
    contact: centro@suzzara.example
    mode: automatico
    addresses: {default: {to: centro@suzzara.example, confirmed: true}}
    area: {ambiti: [Suzzara]}
"""


def shipped_text() -> str:
    return RULES_PATH.read_text(encoding="utf-8")


def swapped_rules() -> Rules:
    return parse_rules(renamed(shipped_text(), SWAPPED), "routing_rules.yaml", known_places())


def rules_with_a_sixth() -> Rules:
    return parse_rules(shipped_text().replace("\nprojects:\n", "\n" + SUZZARA, 1), "routing_rules.yaml", known_places())


def learnt(folder: Path, lines: list[dict[str, Any]], rules: Rules) -> bytes:
    train(write_lines(folder / "examples", lines), folder, rules=rules, seed=7, progress=ignore)
    assert (folder / CARD_FILE).exists()
    return (folder / MODEL_FILE).read_bytes()


@pytest.fixture(scope="module")
def octets(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return learnt(tmp_path_factory.mktemp("shipped"), labelled_messages(6), SHIPPED)


def without_trust(octets: bytes) -> bytes:
    """The model but for its trust in destinations, which rules alone define."""
    return dump_weights(replace(load_weights(octets), acceptance=UNTAUGHT))


def test_the_changed_rules_are_changed() -> None:
    swapped = swapped_rules()
    assert swapped.project_of == {comune: SWAPPED.get(code, code) for comune, code in SHIPPED.project_of.items()}
    assert len(rules_with_a_sixth().projects) == 6
    assert rules_with_a_sixth().project_of["Gonzaga"] == "suzzara"


def test_other_names_for_the_projects_give_the_same_model_bit_for_bit(octets: bytes, tmp_path: Path) -> None:
    """Rules and labels renamed alike: nothing that is learnt, the trust included, can tell."""
    lines = [
        {**line, **{name: SWAPPED.get(line[name], line[name]) for name in ("territorio", "destinazione")}}
        for line in labelled_messages(6)
    ]
    assert learnt(tmp_path, lines, swapped_rules()) == octets


@pytest.mark.parametrize("rules", [swapped_rules(), rules_with_a_sixth()], ids=["permuted", "a sixth"])
def test_other_rules_change_nothing_but_the_trust(rules: Rules, octets: bytes, tmp_path: Path) -> None:
    other = learnt(tmp_path, labelled_messages(6), rules)
    assert without_trust(other) == without_trust(octets)
    texts = ("Abito a Gonzaga e cerco un corso", "Siamo di Crema ma lui vive a Mantova", "Chiamo da Suzzara, frazione")
    messages = [build_message({"text": text}) for text in texts]
    before, after = ([one.comune_scores for one in _classify(found, messages)] for found in (octets, other))
    assert before == after
    assert all(before)


def _classify(octets: bytes, messages: list[Any]) -> list[Any]:
    weights: Weights = load_weights(octets)
    return Classifier(weights, load_gazetteer(), "m").classify(messages)
