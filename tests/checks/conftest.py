"""A record on each engine, and the demo's rules in the mode that a test wants."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.record.conftest import clock, open_store, store  # noqa: F401 - fixtures
from tests.review.office import DEMO_RULES
from triage.acts.people import Person, Role
from triage.knowledge import known_places
from triage.record import Store
from triage.record.people import add_person
from triage.rules import Rules, load_rules
from triage.vocabulary import Mode


@pytest.fixture(scope="session")
def rules() -> Rules:
    """The demo's: everything automatico, every address confirmed, 3 % promised."""
    found = load_rules(DEMO_RULES, known_places())
    return replace(found, thresholds=replace(found.thresholds, max_wrong=0.03))


@pytest.fixture
def proposing(rules: Rules) -> Rules:
    """The same with every project in proposta."""
    projects = {code: replace(one, mode=Mode.PROPOSAL) for code, one in rules.projects.items()}
    return replace(rules, projects=projects)


@pytest.fixture
def anna(store: Store) -> Person:  # noqa: F811
    """Somebody who checks."""
    with store.write("anna") as tx:
        number = add_person(tx, "anna.rossi", "Anna Rossi", Role.OPERATOR, "x")
    return Person(number, "anna.rossi", "Anna Rossi", Role.OPERATOR)
