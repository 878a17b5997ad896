"""A small country and a small rules file, so that each test shows only what it is about."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from triage.rules import Rules, RulesError, parse_rules

ROOT = Path(__file__).parents[2]

PLACES: Mapping[str, str] = {
    "Altavilla": "Nord",
    "Borgonuovo": "Nord",
    "Campofiorito": "Nord",
    "Dossobuono": "Sud",
    "Erbezzo": "Sud",
    "Fontanelle": "Ovest",
    "Gambara": "Ovest",
}

SERVICE = """
service:
  name: Agenzia di prova
  address: famiglie@agency.example
  own_addresses: [centri@agency.example, "@old-agency.example"]
  mode: automatico
  phone: 000 000000
  accessibility_contact: barriers@agency.example
  opening_hours: {monday: [09:00-12:30, 14:00-16:00]}
mailboxes:
  generale: {address: famiglie@agency.example}
"""

PROJECTS = """
projects:
  nord:
    name: Ente Nord
    centre: Centro Nord
    contact: nord@nord.example
    addresses:
      default: {to: nord@nord.example, confirmed: true}
      piano: {to: piano@nord-plan.example, confirmed: true}
    domains: [nord.example]
    area: {ambiti: [Nord]}
  sud:
    name: Ente Sud
    centre: Centro Sud
    contact: sud@sud.example
    addresses: {default: {to: sud@sud.example, confirmed: true}}
    area: {comuni: [Dossobuono, Erbezzo]}
"""

RULES = """
rules:
  - name: urgenti
    when: {urgente: true}
    then: {hold: urgente}
  - name: automatiche
    when: {automatico: true, argomento: non_pertinente}
    then: {file: automatic}
  - name: non per noi
    when: {argomento: non_pertinente}
    then: {file: not_for_us}
  - name: reclami
    when: {argomento: reclamo}
    then: {hold: reclamo}
  - name: enti
    when: {territorio: nord, argomento: rete}
    then: {forward: nord.piano}
  - name: al progetto
    when: {argomento: [orientamento, genitorialita, ascolto, laboratori, eventi, rete]}
    then: {forward: territorio}
"""

OTHERS = """
acknowledgements: {enabled: true}
urgent: {on_call: [reperibile@oncall.example]}
alarms: {addresses: [sistemi@oncall.example]}
daily_digest: {to: capo@oncall.example, at: "08:30"}
"""


def rules_text(service: str = SERVICE, projects: str = PROJECTS, rules: str = RULES, others: str = OTHERS) -> str:
    """A whole rules file from its four parts."""
    return service + projects + rules + others


def build_rules(service: str = SERVICE, projects: str = PROJECTS, rules: str = RULES, others: str = OTHERS) -> Rules:
    """The rules of a whole file from its four parts."""
    return parse_rules(rules_text(service, projects, rules, others), "rules.yaml", PLACES)


def problems_of(text: str, places: Mapping[str, str] = PLACES) -> list[str]:
    """What is wrong with a text, as an administrator reads it; empty when nothing is."""
    try:
        parse_rules(text, "rules.yaml", places)
    except RulesError as error:
        return str(error).splitlines()
    return []


def line_of(text: str, part: str, occurrence: int = 1) -> int:
    """The line, from 1, on which ``part`` stands for the n-th time."""
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if part in line]
    return lines[occurrence - 1]


def official_places() -> dict[str, str]:
    """Comune to ambito, as the service ships them."""
    path = ROOT / "triage" / "classify" / "territory" / "data" / "comuni.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {row["comune"]: row["ambito"] for row in csv.DictReader(file)}
