"""The routing_rules.yaml that comes with the service, and the schema that editors use."""

from __future__ import annotations

import json

import pytest

from tests.rules.builders import ROOT, official_places
from triage.decide import check_examples
from triage.rules import Rules, doubts_about, load_rules
from triage.rules.schema import published_schema
from triage.vocabulary import Mode


@pytest.fixture(scope="module")
def shipped() -> Rules:
    return load_rules(ROOT / "routing_rules.yaml", official_places())


def test_the_five_projects_have_the_addresses_of_the_press_release(shipped: Rules) -> None:
    addresses = {
        (code, key): address.to
        for code, project in shipped.projects.items()
        for key, address in project.addresses.items()
    }
    assert addresses == {
        ("crema", "default"): "orientagiovani@comune.crema.cr.it",
        ("mantova", "default"): "info@centrofamiglieinsieme.it",
        ("ostiglia", "default"): "centrofamiglie@aspdestrasecchia.it",
        ("oglio_po", "default"): "info@consociale.it",
        ("oglio_po", "piano"): "ufficiodipiano@concast.it",
        ("alto_mantovano", "default"): "centrofamigliealtomantovano@csa-coop.it",
    }
    assert shipped.service.address == "pijss.retifamiglia@ats-valpadana.it"


def test_nothing_leaves_until_somebody_switches_it_on(shipped: Rules) -> None:
    assert {project.mode for project in shipped.projects.values()} == {Mode.SHADOW}
    assert not any(a.confirmed for project in shipped.projects.values() for a in project.addresses.values())
    assert not shipped.acknowledgements.enabled


def test_every_project_has_its_comuni(shipped: Rules) -> None:
    counts = {code: list(shipped.project_of.values()).count(code) for code in shipped.projects}
    assert counts == {"crema": 48, "mantova": 14, "ostiglia": 13, "oglio_po": 27, "alto_mantovano": 21}
    without = {ambito for comune, ambito in shipped.places.items() if comune not in shipped.project_of}
    assert without == {"Cremonese", "Suzzara"}


def test_its_examples_hold_and_only_what_ats_must_name_is_missing(shipped: Rules) -> None:
    assert check_examples(shipped) == ()
    assert [problem.what for problem in doubts_about(shipped)] == [
        "the accessibility statement of the staff page names no address to write to"
    ]
    assert all(rule.examples for rule in shipped.rules)


def test_the_published_schema_is_that_of_the_models() -> None:
    """When it is not: write ``triage.rules.schema.published_schema()`` to the file again."""
    assert (ROOT / "docs" / "routing_rules.schema.json").read_text(encoding="utf-8") == published_schema()
    assert json.loads(published_schema())["additionalProperties"] is False
