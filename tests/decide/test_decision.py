"""What happens to a message, one case for each clause of the guide and the design."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.decide.builders import RULES, classification, close_to, context, message
from tests.rules.builders import PROJECTS, SERVICE, build_rules, line_of
from triage.decide import decide, filing_folder, forwards_at_once
from triage.rules import MailboxRole, Rules
from triage.vocabulary import (
    Action,
    Classification,
    Decision,
    Defect,
    InboundMessage,
    PlaceMention,
    Reason,
    Role,
    RuleTried,
)


def decided(
    content: Classification | None = None, received: InboundMessage | None = None, rules: Rules = RULES, **about: Any
) -> Decision:
    return decide(received or message(), content or classification(), rules, context(**about))


def hold_codes(decision: Decision) -> list[str]:
    """The reasons that hold, without what merely explains."""
    explaining = {"regola_applicata", "territorio", "archiviata"}
    return [reason.code for reason in decision.reasons if reason.code not in explaining]


def tried(*names: str) -> tuple[RuleTried, ...]:
    """These rules asked, the last of them matching."""
    return tuple(RuleTried(name, line_of(RULES.text, f"name: {name}"), name == names[-1]) for name in names)


def test_a_clear_request_goes_to_the_project_of_its_territory() -> None:
    names = ("urgenti", "automatiche", "non per noi", "reclami", "enti", "al progetto")
    assert decided(classification(reasons=(Reason("luogo", {"comune": "Altavilla"}),))) == Decision(
        action=Action.FORWARD,
        destination="nord",
        territory="nord",
        topic="orientamento",
        urgent=False,
        language="it",
        automatic=False,
        acknowledge=True,
        confidence=close_to(0.97 * 0.99),
        project="nord",
        address_key="default",
        forward_path="nord@nord.example",
        rules_tried=tried(*names),
        reasons=(
            Reason("regola_applicata", {"rule": "al progetto", "line": line_of(RULES.text, "name: al progetto")}),
            Reason("territorio", {"territory": "nord", "score": 0.97}),
            Reason("luogo", {"comune": "Altavilla"}),
        ),
        rules_version=RULES.version,
        model_version="m1",
    )


def test_urgent_mail_is_held_whatever_else_it_is() -> None:
    """Guide, section 6: ``urgente`` wins over everything; the proposal stays for the person."""
    calm = decided()
    assert decided(classification(urgent=True)) == replace(
        calm,
        action=Action.HOLD,
        destination="operatore",
        urgent=True,
        confidence=1.0,
        rules_tried=tuple(replace(rule, matched=rule.name in {"urgenti", "al progetto"}) for rule in calm.rules_tried),
        reasons=(
            Reason("urgente", {"avvisa": False}),
            Reason("regola_applicata", {"rule": "urgenti", "line": line_of(RULES.text, "name: urgenti")}),
            Reason(
                "senza_urgenza",
                {
                    "action": "inoltra",
                    "destination": "nord",
                    "confidence": close_to(0.97 * 0.99),
                    "rule": "al progetto",
                    "line": line_of(RULES.text, "name: al progetto"),
                },
            ),
            *calm.reasons[1:],
        ),
    )


def test_every_rule_that_is_said_to_apply_was_tried_and_held() -> None:
    """Urgent mail is asked for twice; what is told of one time must not contradict the other."""
    for topic in ("orientamento", "reclamo", "non_pertinente", "rete"):
        found = decided(classification(topic=topic, urgent=True))
        held = {rule.name for rule in found.rules_tried if rule.matched}
        (applied,) = [reason.params["rule"] for reason in found.reasons if reason.code == "regola_applicata"]
        (otherwise,) = [reason.params["rule"] for reason in found.reasons if reason.code == "senza_urgenza"]
        assert applied == "urgenti"
        assert held == {applied, otherwise}
        assert len({rule.line for rule in found.rules_tried}) == len(found.rules_tried)


@pytest.mark.parametrize("topic", ["non_pertinente", "reclamo", "altro_servizio", "rete"])
def test_urgent_wins_over_every_topic_and_over_proof_of_a_machine(topic: str) -> None:
    found = decided(classification(topic=topic, urgent=True, automatic=True, automatic_proved=True))
    assert (found.action, found.destination, found.reasons[0].code) == (Action.HOLD, "operatore", "urgente")


def test_urgent_mail_is_held_even_when_no_rule_mentions_it() -> None:
    rules = build_rules(rules="rules: [{name: tutto, when: {}, then: {forward: nord}}]\n")
    found = decided(classification(urgent=True), rules=rules)
    assert (found.action, found.destination, found.project) == (Action.HOLD, "operatore", "nord")
    assert found.rules_tried == decided(rules=rules).rules_tried
    assert [reason.code for reason in found.reasons][:2] == ["urgente", "senza_urgenza"]


def test_an_alert_is_urgent_too() -> None:
    found = decided(classification(alert=True))
    assert (found.urgent, found.reasons[0]) == (True, Reason("urgente", {"avvisa": True}))


def test_a_project_may_want_urgent_mail_at_once_as_well() -> None:
    """Design, decision 4: held for a person, and forwarded now; only what would have gone anyway."""
    eager = build_rules(
        projects=PROJECTS.replace("    name: Ente Nord\n", "    name: Ente Nord\n    urgent_forward_now: true\n")
    )
    at_once = decided(classification(urgent=True), rules=eager)
    assert (at_once.action, forwards_at_once(at_once), at_once.forward_path) == (Action.HOLD, True, "nord@nord.example")
    assert not forwards_at_once(decided(classification(urgent=True)))
    assert not forwards_at_once(decided(classification(urgent=True, language="ro"), rules=eager))
    assert not forwards_at_once(decided(classification(), rules=eager))


@pytest.mark.parametrize(
    ("topic", "destination", "codes"),
    [
        ("reclamo", "operatore", ["reclamo"]),
        ("sperimentazione", "operatore", ["nessuna_regola"]),
        ("altro_servizio", "operatore", ["nessuna_regola"]),
        ("non_pertinente", "nessuna", ["forse_non_per_noi"]),
    ],
)
def test_topics_that_no_project_answers_wait_for_a_person(topic: str, destination: str, codes: list[str]) -> None:
    """What no rule matches is held too."""
    found = decided(classification(topic=topic))
    assert (found.action, found.destination, hold_codes(found)) == (Action.HOLD, destination, codes)
    assert (found.project, found.forward_path) == ("", "")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"comune_scores": {"Fontanelle": 1.0}, "outside": 0.0, "unstated": 0.0}, "territorio_scoperto"),
        ({"comune_scores": {}, "outside": 1.0, "unstated": 0.0}, "territorio_fuori"),
        ({"comune_scores": {}, "outside": 0.0, "unstated": 1.0}, "territorio_non_indicato"),
        ({"comune_scores": {"Altavilla": 0.5, "Erbezzo": 0.5}, "several": 1.0}, "territorio_multiplo"),
    ],
)
def test_a_territory_that_is_no_projects_waits_for_a_person(changes: dict[str, Any], code: str) -> None:
    found = decided(classification(**changes))
    assert (found.action, found.destination, hold_codes(found)) == (Action.HOLD, "operatore", [code])


def test_a_rule_may_choose_a_projects_other_address() -> None:
    found = decided(classification(topic="rete"))
    assert (found.project, found.address_key, found.forward_path) == ("nord", "piano", "piano@nord-plan.example")


def test_proven_machine_mail_is_filed_unseen() -> None:
    found = decided(classification(topic="non_pertinente", automatic=True, automatic_proved=True))
    assert (found.action, found.destination, found.acknowledge) == (Action.FILE, "nessuna", False)
    assert filing_folder(found, RULES) == ("Smistati", "Automatici")


@pytest.mark.parametrize("proof", [(False, False), (True, False)])
def test_what_only_the_text_suggests_waits_for_a_person(proof: tuple[bool, bool]) -> None:
    """Design, decision 9."""
    found = decided(classification(topic="non_pertinente", automatic=proof[0], automatic_proved=proof[1]))
    assert (found.action, hold_codes(found)) == (Action.HOLD, ["forse_non_per_noi"])
    assert filing_folder(found, RULES) is None


@pytest.mark.parametrize("proved", [False, True])
def test_what_may_hide_danger_is_never_among_what_is_dismissed_together(proved: bool) -> None:
    found = decided(
        classification(
            topic="non_pertinente",
            automatic=True,
            automatic_proved=proved,
            reasons=(Reason("pericolo_non_escluso", {"probability": 0.91}),),
        )
    )
    assert (found.action, hold_codes(found)[0]) == (Action.HOLD, "forse_pericolo")
    assert "forse_non_per_noi" not in hold_codes(found)


def test_a_rule_cannot_file_what_may_concern_a_family() -> None:
    rules = build_rules(rules="rules: [{name: via, when: {}, then: {file: automatic}}]\n")
    found = decided(classification(topic="eventi", automatic=True, automatic_proved=True), rules=rules)
    assert (found.action, hold_codes(found)) == (Action.HOLD, ["forse_non_per_noi"])


def test_a_lists_convocation_is_forwarded_and_not_acknowledged() -> None:
    found = decided(classification(topic="rete", automatic=True, automatic_proved=True))
    assert (found.action, found.destination, found.acknowledge) == (Action.FORWARD, "nord", False)
    assert filing_folder(found, RULES) == ("Smistati", "Inoltrati")


def test_too_little_confidence_waits_with_the_proposal() -> None:
    found = decided(classification(topic_scores={"orientamento": 0.8, "altro_servizio": 0.2}))
    assert (found.action, found.destination, found.forward_path) == (Action.HOLD, "nord", "nord@nord.example")
    assert found.reasons[0] == Reason("fiducia_bassa", {"confidence": 0.776, "threshold": 0.9})
    assert found.confidence == close_to(0.97 * 0.8)


def test_topics_that_lead_to_the_same_project_do_not_lower_confidence() -> None:
    found = decided(classification(topic_scores={"orientamento": 0.5, "ascolto": 0.3, "rete": 0.2}))
    assert (found.action, found.confidence) == (Action.FORWARD, close_to(0.97))


def test_a_name_in_no_list_waits_for_a_person() -> None:
    """Only a school's place is known, and something else looks like the family's."""
    said = (*classification().reasons, Reason("nome_sconosciuto", {"where": "text", "start": 0, "end": 4}))
    assert hold_codes(decided(classification(reasons=said)))[0] == "altro_luogo"


@pytest.mark.parametrize("role", [Role.WORK, Role.RELATIVES, Role.HOSPITAL, Role.OTHER])
def test_where_only_somebody_elses_place_is_named_the_message_waits(role: Role) -> None:
    """Whatever was learnt of such letters: where she works, where the mother-in-law lives, is no home."""
    theirs = PlaceMention("text", 0, 4, "comune", ("Altavilla",), role, 0.0)
    assert hold_codes(decided(classification(places=(theirs,)))) == ["luoghi_altrui"]
    home = PlaceMention("text", 9, 14, "comune", ("Altavilla",), Role.RESIDENCE, 0.9)
    assert decided(classification(places=(theirs, home))).action is Action.FORWARD


def test_a_hamlet_named_like_a_town_elsewhere_waits_unless_something_confirms_it() -> None:
    hamlet = PlaceMention("text", 0, 4, "homonym", ("Altavilla",), Role.RESIDENCE, 0.9)
    school = PlaceMention("text", 9, 14, "comune", ("Altavilla",), Role.SCHOOL, 0.75)
    assert hold_codes(decided(classification(places=(hamlet,)))) == ["altro_luogo"]
    assert decided(classification(places=(hamlet, school))).action is Action.FORWARD


def test_what_nobody_here_can_read_is_not_sent_unread() -> None:
    said = (Reason("lingua_non_letta", {"code": "pl"}),)
    assert "forse_pericolo" in hold_codes(decided(classification(reasons=said, language="it")))


def test_rival_places_are_named() -> None:
    found = decided(classification(comune_scores={"Altavilla": 0.6, "Dossobuono": 0.4}, outside=0.0, unstated=0.0))
    assert hold_codes(found) == ["fiducia_bassa", "luoghi_in_gara"]
    assert found.reasons[1] == Reason("luoghi_in_gara", {"first": "nord", "second": "sud", "second_score": 0.4})


def test_a_rule_about_the_author_is_as_sure_as_its_author() -> None:
    """The administrator says where this school's mail goes: the place in the text does not matter."""
    rules = build_rules(
        rules="rules: [{name: scuola, when: {mittente: '@school.example'}, then: {forward: sud}}]\n",
    )
    content = classification(comune_scores={}, outside=0.0, unstated=1.0)
    found = decided(content, message(author="prof@mail.School.example"), rules)
    assert (found.action, found.destination, found.confidence) == (Action.FORWARD, "sud", close_to(1.0))
    assert decided(content, rules=rules).reasons[0].code == "nessuna_regola"


@pytest.mark.parametrize(
    ("when", "matching"),
    [
        ("oggetto_contiene: TAVOLO  di rete", {"subject": "R: tavolo di\n rete, verbale"}),
        ("casella: generale", {}),
        ("lingua: [it, ro]", {}),
        ("automatico: false", {}),
        ("mittente: anna.rossi@family.example", {"author": "Anna.Rossi+scuola@FAMILY.example"}),
    ],
)
def test_each_condition_of_a_rule(when: str, matching: dict[str, Any]) -> None:
    rules = build_rules(rules=f"rules: [{{name: r, when: {{{when}}}, then: {{forward: sud}}}}]\n")
    assert decided(received=message(**matching), rules=rules).project == "sud"
    other = message(author="altro@family.example", subject="altro")
    content = classification(language="uk", automatic=True)
    assert decided(content, other, rules, mailbox="altra").project == ""


@pytest.mark.parametrize(
    ("received", "about", "codes"),
    [
        (message(), {"is_own_loop": True}, ["da_noi"]),
        (message(author="Famiglie+x@AGENCY.example"), {}, ["da_noi"]),
        (message(author="nessuno@mail.old-agency.example"), {}, ["da_noi"]),
        (message(author="operatrice@nord.example"), {}, ["dal_progetto"]),
        (message(author="SUD@sud.example"), {}, ["dal_progetto"]),
        (message(), {"received_count": 51}, ["troppi_passaggi"]),
        (message(), {"defects": (Defect("charset"), Defect("boundary"))}, ["difetti_gravi"]),
        (message(), {"role": MailboxRole.JUNK}, ["posta_indesiderata"]),
        (message(author=""), {}, ["difetti_gravi"]),
        (message(author="anna@[192.0.2.1]"), {}, ["difetti_gravi"]),
    ],
)
def test_doubtful_origins_wait_with_the_proposal(
    received: InboundMessage, about: dict[str, Any], codes: list[str]
) -> None:
    found = decided(received=received, **about)
    assert (found.action, found.destination, hold_codes(found)) == (Action.HOLD, "nord", codes)


def test_fifty_hops_are_still_allowed() -> None:
    assert decided(received_count=50).action is Action.FORWARD


@pytest.mark.parametrize(
    ("about", "action"),
    [
        ({"is_own_loop": True}, Action.HOLD),
        ({"received_count": 51}, Action.HOLD),
        ({"defects": (Defect("boundary"),)}, Action.HOLD),
        ({"role": MailboxRole.JUNK}, Action.FILE),
    ],
)
def test_what_stops_proven_machine_mail_from_being_filed(about: dict[str, Any], action: Action) -> None:
    content = classification(topic="non_pertinente", automatic=True, automatic_proved=True, language="zh")
    assert decided(content, message(author=""), **about).action is action


def test_another_language_waits_with_the_proposal() -> None:
    found = decided(classification(language="ro"))
    assert (found.action, found.destination, hold_codes(found)) == (Action.HOLD, "nord", ["lingua_da_verificare"])
    assert decided(classification(language="en")).action is Action.FORWARD


@pytest.mark.parametrize(
    ("mode", "confirmed", "code"),
    [
        ("ombra", "true", "modo_ombra"),
        ("proposta", "true", "modo_proposta"),
        ("automatico", "false", "indirizzo_non_confermato"),
    ],
)
def test_modes_and_confirmations_hold(mode: str, confirmed: str, code: str) -> None:
    """Design, decisions 6 and 8; ``triage classify`` sets them aside."""
    rules = build_rules(
        service=SERVICE.replace("mode: automatico", f"mode: {mode}"),
        projects=PROJECTS.replace(
            "to: nord@nord.example, confirmed: true", f"to: nord@nord.example, confirmed: {confirmed}"
        ),
    )
    found = decided(rules=rules)
    assert (found.action, found.forward_path, hold_codes(found)) == (Action.HOLD, "nord@nord.example", [code])
    set_aside = decide(message(), classification(), rules, context(), ignore_modes=True)
    assert (set_aside.action, hold_codes(set_aside)) == (Action.FORWARD, [])


def test_in_ombra_nothing_is_filed_either() -> None:
    rules = build_rules(service=SERVICE.replace("mode: automatico", "mode: ombra"))
    found = decided(classification(topic="non_pertinente", automatic=True, automatic_proved=True), rules=rules)
    assert (found.action, hold_codes(found)) == (Action.HOLD, ["modo_ombra"])


def test_the_order_of_rules_alone_breaks_ties() -> None:
    one, other = (
        "{name: a, when: {argomento: orientamento}, then: {forward: nord}}",
        "{name: b, when: {}, then: {forward: sud}}",
    )
    assert decided(rules=build_rules(rules=f"rules: [{one}, {other}]\n")).project == "nord"
    assert decided(rules=build_rules(rules=f"rules: [{other}, {one}]\n")).project == "sud"
