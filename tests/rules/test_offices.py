"""The address book of offices: what is read of it, and what is said of each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.builders import OTHERS, ROOT, build_rules, line_of, official_places, problems_of, rules_text
from triage.rules import load_rules

OFFICES = """
offices:
  vicino:
    name: Centro vicino
    for: famiglie dell'Ovest
    ambiti: [Ovest]
    comuni: [Erbezzo]
    email: vicino@office.example
    place: via Prima 1
  tutti:
    name: Ufficio di tutti
    for: informazioni
    phone: "116117"
    website: https://www.office.example/aiuto
    sensitive: true
"""


def test_an_office_serves_its_places_or_everybody_and_tells_only_what_is_known() -> None:
    near, all_of_us = build_rules(others=OTHERS + OFFICES).offices.values()
    assert (near.serves("Gambara"), near.serves("Erbezzo"), near.serves("Altavilla")) == (True, True, False)
    assert near.contacts == ("via Prima 1", "mail: vicino@office.example")
    assert (all_of_us.serves("Altavilla"), all_of_us.sensitive) == (True, True)
    assert all_of_us.contacts == ("telefono: 116117", "sito: https://www.office.example/aiuto")
    assert build_rules().offices == {}


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("[Ovest]", "[Ovestt]", 'no ambito is called "Ovestt": did you mean "Ovest"'),
        ("[Erbezzo]", "[Erbezo]", 'no comune is called "Erbezo": did you mean "Erbezzo"'),
        ("email: vicino@office.example", "email: vicino", '"vicino" cannot be used as an address: it has no @'),
        ("website: https://www.office.example/aiuto", "website: office", '"office" is no address of a site: write it'),
        ("for: informazioni", "fro: informazioni", 'unknown key "offices.tutti.fro"'),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_remedy(wrong: str, right: str, said: str) -> None:
    text = rules_text(others=OTHERS + OFFICES.replace(wrong, right))
    found = problems_of(text)
    assert found, "the mistake is noticed"
    assert any(f":{line_of(text, right)}:" in one and all(part in one for part in said.split(": ")) for one in found)


@pytest.mark.parametrize("path", ["routing_rules.yaml", "triage/demo/routing_rules.yaml"])
def test_the_shipped_address_book_names_the_centres_of_the_places_without_a_project(path: str) -> None:
    rules = load_rules(Path(ROOT) / path, official_places())
    for comune in ("Cremona", "Suzzara"):
        assert comune not in rules.project_of
        assert [office.code for office in rules.offices.values() if office.comuni and office.serves(comune)]
    assert {office.phone for office in rules.offices.values()} <= {"", "116117", "1522"}, "no number that is not known"
