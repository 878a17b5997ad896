"""Who may forward by itself: what must be true, who may switch, and what the file's word is against the page's."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.checks.builders import proposed
from triage.acts import modes
from triage.acts.people import Person
from triage.knowledge import Knowledge
from triage.modes import with_modes
from triage.record import Store
from triage.record.destinations import note_destination_moved
from triage.record.incidents import open_incidents
from triage.record.modes import PERSON, set_switch, switches
from triage.record.samples import Label, label_by_settlement
from triage.record.staff_acts import acts_about
from triage.rules import Rules
from triage.vocabulary import Mode

ROOT = Path(__file__).parents[2]
SHIPPED = (ROOT / "routing_rules.yaml").read_text(encoding="utf-8")
ENOUGH = 112
"""Without an error, at 3 %: for all together; for one project 5 % is enough."""


def _file(rules: Rules) -> dict[str, Mode]:
    return {code: project.mode for code, project in rules.projects.items()}


def _settle(store: Store, keys: list[int], destination: str = "crema") -> None:
    with store.write("settle") as tx:
        for key in keys:
            label_by_settlement(tx, key, None, Label(destination))


def _missing(store: Store, rules: Rules, project: str = "crema") -> set[str]:
    with store.read("look") as tx:
        _, standings = modes.standings(tx, rules, _file(rules))
    (standing,) = [one for one in standings if one.project.code == project]
    return {condition.code for condition in standing.conditions if not condition.met}


def test_without_proof_nothing_rises(store: Store, proposing: Rules, anna: Person) -> None:
    assert _missing(store, proposing) == {"promessa", "centro"}
    with store.write("raise", "anna") as tx:
        done = modes.raise_mode(tx, proposing, _file(proposing), anna, "crema")
        assert switches(tx) == {}
    assert (done.ok, done.code) == (False, "conditions")


def test_enough_settled_proposals_without_an_error_let_a_project_rise(
    store: Store, proposing: Rules, anna: Person
) -> None:
    _settle(store, proposed(store, proposing, ENOUGH - 1))
    assert _missing(store, proposing) == {"promessa"}
    _settle(store, proposed(store, proposing, 1))
    assert _missing(store, proposing) == set()
    with store.write("raise", "anna") as tx:
        assert modes.raise_mode(tx, proposing, _file(proposing), anna, "crema").ok
    with store.read("look") as tx:
        now = with_modes(proposing, switches(tx))
        assert [act["act"] for act in acts_about(tx, "project", 0)] == ["mode_raised"]
    assert now.projects["crema"].mode is Mode.AUTOMATIC
    assert now.projects["mantova"].mode is Mode.PROPOSAL


def test_a_project_without_proof_of_its_own_does_not_rise_with_the_others(store: Store, proposing: Rules) -> None:
    _settle(store, proposed(store, proposing, ENOUGH))
    assert _missing(store, proposing, "mantova") == {"centro"}


def test_one_error_makes_it_take_more(store: Store, proposing: Rules) -> None:
    keys = proposed(store, proposing, ENOUGH)
    _settle(store, keys)
    _settle(store, keys[:1], "mantova")
    assert _missing(store, proposing) == {"promessa", "centro"}


def test_an_unconfirmed_or_sick_address_stands_in_the_way(store: Store, proposing: Rules) -> None:
    crema = proposing.projects["crema"]
    address = replace(crema.addresses["default"], confirmed=False)
    unsure = replace(
        proposing, projects={**proposing.projects, "crema": replace(crema, addresses={"default": address})}
    )
    assert "indirizzi" in _missing(store, unsure)
    with store.write("moved") as tx:
        note_destination_moved(tx, "crema", crema.addresses["default"].to)
    assert "salute" in _missing(store, proposing)


def test_lowering_is_always_allowed(store: Store, rules: Rules, anna: Person) -> None:
    with store.write("lower", "anna") as tx:
        assert modes.lower_mode(tx, rules, _file(rules), anna, "crema").ok
        assert with_modes(rules, switches(tx)).projects["crema"].mode is Mode.PROPOSAL


def test_a_project_that_is_in_ombra_by_the_file_stays_there(store: Store, proposing: Rules, anna: Person) -> None:
    _settle(store, proposed(store, proposing, ENOUGH))
    shadow = {**_file(proposing), "crema": Mode.SHADOW}
    with store.write("raise", "anna") as tx:
        assert not modes.raise_mode(tx, proposing, shadow, anna, "crema").ok


@pytest.mark.parametrize("said", [Mode.SHADOW, Mode.PROPOSAL])
def test_the_file_is_the_newer_word_when_it_says_something_else(
    store: Store, rules: Rules, anna: Person, said: Mode
) -> None:
    with store.write("lower", "anna") as tx:
        modes.lower_mode(tx, rules, _file(rules), anna, "crema")
        found = switches(tx)
    edited = replace(rules, projects={**rules.projects, "crema": replace(rules.projects["crema"], mode=said)})
    assert with_modes(edited, found).projects["crema"].mode is said


def test_a_switch_that_the_file_has_ended_does_not_come_back_with_the_old_mode(
    store: Store, tmp_path: Path, anna: Person
) -> None:
    path = tmp_path / "rules.yaml"
    knowledge = Knowledge(store, path, ROOT / "models" / "model.skops")

    def say(mode: str) -> Mode:
        path.write_text(re.sub("mode: (automatico|ombra|proposta)", f"mode: {mode}", SHIPPED), encoding="utf-8")
        assert knowledge.import_files() == ()
        knowledge.look_again()
        return knowledge.in_force().rules.projects["crema"].mode

    assert say("proposta") is Mode.PROPOSAL
    with store.write("raise", "anna") as tx:
        set_switch(tx, "crema", Mode.AUTOMATIC, Mode.PROPOSAL, Mode.PROPOSAL, PERSON)
    knowledge.look_again()
    assert knowledge.in_force().rules.projects["crema"].mode is Mode.AUTOMATIC
    assert say("ombra") is Mode.SHADOW
    assert say("proposta") is Mode.PROPOSAL, "nobody has raised it again"


def test_drift_opens_an_incident_that_raising_again_closes(store: Store, rules: Rules, anna: Person) -> None:
    with store.write("drift") as tx:
        modes.lower_for_drift(tx, rules, _file(rules), "crema")
        assert [row["kind"] for row in open_incidents(tx)] == ["drift"]
        lowered = with_modes(rules, switches(tx))
    assert lowered.projects["crema"].mode is Mode.PROPOSAL


def test_nobody_switches_what_is_not_in_the_rules(store: Store, rules: Rules, anna: Person) -> None:
    with store.write("lower", "anna") as tx:
        assert modes.lower_mode(tx, rules, {}, anna, "altrove").code == "unknown"
        assert modes.raise_mode(tx, rules, {}, anna, "altrove").code == "unknown"
