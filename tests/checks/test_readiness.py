"""What is missing before a project may go further: one list, and the page refuses exactly what binds in it."""

from __future__ import annotations

from dataclasses import replace

from tests.checks.builders import proposed
from tests.checks.test_modes import ENOUGH, _settle
from triage.acts import modes
from triage.acts.people import Person
from triage.readiness import Readiness, before_automatic, readiness
from triage.record import Store
from triage.review.check_words import condition_text
from triage.rules import Rules
from triage.vocabulary import Mode


def _file(rules: Rules) -> dict[str, Mode]:
    return {code: project.mode for code, project in rules.projects.items()}


def _of(store: Store, rules: Rules, project: str = "crema") -> Readiness:
    with store.read("readiness") as tx:
        return next(one for one in readiness(tx, rules, _file(rules)) if one.project == project)


def _missing(one: Readiness) -> set[str]:
    return {point.code for point in one.points if not point.met}


def test_what_binds_is_what_the_page_refuses(store: Store, proposing: Rules, anna: Person) -> None:
    before = _of(store, proposing)
    assert (before.mode, before.next_step, before.ready) == (Mode.PROPOSAL, Mode.AUTOMATIC, False)
    assert {point.code for point in before.points if point.binds and not point.met} == {"promessa", "centro"}
    _settle(store, proposed(store, proposing, ENOUGH))
    after = _of(store, proposing)
    assert after.ready
    with store.write("raise", "anna") as tx:
        assert modes.raise_mode(tx, proposing, _file(proposing), anna, "crema").ok


def test_comuni_that_ats_has_not_confirmed_stand_in_the_way(store: Store, proposing: Rules, anna: Person) -> None:
    _settle(store, proposed(store, proposing, ENOUGH))
    crema = replace(proposing.projects["crema"], area_confirmed=False)
    unsure = replace(proposing, projects={**proposing.projects, "crema": crema})
    found = _of(store, unsure)
    (area,) = [point for point in found.points if point.code == "area"]
    assert (area.met, area.binds, area.remedy.startswith("46 are only likely")) == (False, True, True)
    with store.write("raise", "anna") as tx:
        assert modes.raise_mode(tx, unsure, _file(unsure), anna, "crema").code == "conditions"
    every = replace(crema, comuni_confirmed=frozenset(unsure.project_of))
    assert _of(store, replace(unsure, projects={**unsure.projects, "crema": every})).ready


def test_advice_is_told_and_stops_nobody(store: Store, proposing: Rules, anna: Person) -> None:
    _settle(store, proposed(store, proposing, ENOUGH))
    quiet = replace(
        proposing,
        urgent=replace(proposing.urgent, on_call=()),
        acknowledgements=replace(proposing.acknowledgements, enabled=True),
    )
    found = _of(store, quiet)
    assert {"reperibile", "ricevute"} <= _missing(found)
    assert found.ready
    remedies = {point.code: point.remedy for point in found.points if not point.met}
    assert remedies["ricevute"] == "triage check --connect: generale"


def test_in_ombra_the_next_step_is_proposta_and_the_file_says_so(store: Store, rules: Rules) -> None:
    projects = {code: replace(one, mode=Mode.SHADOW) for code, one in rules.projects.items()}
    found = _of(store, replace(rules, projects=projects))
    assert (found.mode, found.next_step) == (Mode.SHADOW, Mode.PROPOSAL)
    assert {"persone", "non_ombra"} <= _missing(found)


def test_a_service_that_is_itself_in_ombra_calls_nobody_and_lets_nobody_rise(
    store: Store, proposing: Rules, anna: Person
) -> None:
    _settle(store, proposed(store, proposing, ENOUGH))
    silent = replace(proposing, service=replace(proposing.service, mode=Mode.SHADOW))
    found = _of(store, silent)
    assert {point.code for point in found.points if point.binds and not point.met} == {"servizio"}
    with store.write("raise", "anna") as tx:
        standing = modes.standings(tx, silent, _file(silent))[1][0]
        assert [condition_text(one) for one in standing.conditions if not one.met] == [
            "Il servizio intero è in ombra: non avvisa nessuno, neanche di un possibile pericolo. "
            "Si cambia nel file delle regole, sotto «service»."
        ]
        assert modes.raise_mode(tx, silent, _file(silent), anna, "crema").code == "conditions"


def test_what_rules_alone_lack_is_told_before_there_is_a_record(rules: Rules) -> None:
    assert not [text for text in before_automatic(rules) if text.startswith("crema")]
    crema = rules.projects["crema"]
    address = replace(crema.addresses["default"], confirmed=False)
    bare = replace(crema, area_confirmed=False, addresses={"default": address})
    told = list(before_automatic(replace(rules, projects={**rules.projects, "crema": bare})))
    assert told[0].startswith("crema: somebody there must answer a test mail")
    assert told[1].startswith("crema: 46 comuni are only likely")
