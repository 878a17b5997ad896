"""What the words behind a folder's "=" mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from triage.knowledge import known_places
from triage.labelling import Label, LabelError, Source, label_of, source_of
from triage.rules import Rules, load_rules


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules(Path(__file__).parent.parent / "routing_rules.yaml", known_places())


@pytest.mark.parametrize(
    ("text", "project", "comune", "topic"),
    [
        ("crema", "crema", "", ""),
        ("Crema", "", "Crema", ""),
        ("crema/eventi", "crema", "", "eventi"),
        ("Torre de' Picenardi/rete", "", "Torre de' Picenardi", "rete"),
        ("non_pertinente", "", "", "non_pertinente"),
        ("/reclamo", "", "", "reclamo"),
    ],
)
def test_a_label_is_a_project_a_comune_a_topic_or_two_of_them(
    rules: Rules, text: str, project: str, comune: str, topic: str
) -> None:
    assert label_of(text, rules) == Label(text, project, comune, topic)


@pytest.mark.parametrize(
    ("text", "said"), [("cremma", '"crema"'), ("crema/event", '"eventi"'), ("Viadanna", "Viadana")]
)
def test_a_word_that_means_nothing_is_refused_with_what_is_near(rules: Rules, text: str, said: str) -> None:
    with pytest.raises(LabelError, match=said):
        label_of(text, rules)


def test_the_label_stands_behind_the_last_equals_sign(rules: Rules) -> None:
    assert source_of("INBOX/a=b=crema", rules, is_folder=True) == Source("INBOX/a=b", True, Label("crema", "crema"))
    assert source_of("INBOX", rules, is_folder=True) == Source("INBOX", True, Label())


def test_a_comune_stands_for_the_project_that_has_it(rules: Rules) -> None:
    assert label_of("Viadana", rules).project_under(rules) == "oglio_po"
    assert label_of("Cremona", rules).project_under(rules) == ""
