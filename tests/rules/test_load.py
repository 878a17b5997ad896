"""A rules file is accepted whole or refused with every problem, each with line and remedy."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.builders import (
    OTHERS,
    PLACES,
    PROJECTS,
    RULES,
    SERVICE,
    build_rules,
    line_of,
    problems_of,
    rules_text,
)
from triage.rules import Mailbox, MailboxRole, Problem, Rules, RulesError, doubts_about, load_rules, parse_rules
from triage.rules.forwarding import ForwardAs
from triage.rules.types import Envelope, OpeningSpan
from triage.vocabulary import Mode


def test_a_good_file_becomes_plain_frozen_objects() -> None:
    rules = build_rules()
    assert rules.project_of == {
        "Altavilla": "nord",
        "Borgonuovo": "nord",
        "Campofiorito": "nord",
        "Dossobuono": "sud",
        "Erbezzo": "sud",
    }
    assert rules.mailboxes == {
        "generale": Mailbox(
            name="generale",
            line=line_of(rules.text, "generale:"),
            folder="INBOX",
            role=MailboxRole.INBOX,
            address="famiglie@agency.example",
            old_mail_days=3,
            max_message_mb=40,
            hold_if_moved=True,
            pec=False,
            poll_seconds=60,
        )
    }
    assert [rule.line for rule in rules.rules] == [line_of(rules.text, f"- name: {rule.name}") for rule in rules.rules]
    assert rules.service.own_addresses == ("famiglie@agency.example", "centri@agency.example", "@old-agency.example")
    assert rules.service.opening_hours == (
        OpeningSpan(0, time(9, 0), time(12, 30)),
        OpeningSpan(0, time(14, 0), time(16, 0)),
    )
    with pytest.raises(FrozenInstanceError):
        rules.version = "other"  # type: ignore[misc]


def test_the_version_is_that_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(rules_text(), encoding="utf-8")
    loaded = load_rules(path, PLACES)
    assert (loaded.version, loaded.text) == (build_rules().version, rules_text())
    assert len(loaded.version) == 12
    assert build_rules(others=OTHERS + "# a remark\n").version != loaded.version


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "rules.yaml:1: the file cannot be read"),
        (b"a: 1\nb: \xe0\n", "rules.yaml:2: the text is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem_too(tmp_path: Path, content: bytes | None, what: str) -> None:
    path = tmp_path / "rules.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RulesError) as caught:
        load_rules(path, PLACES)
    assert what in str(caught.value)


def test_the_agency_is_open_by_local_time_and_never_in_between() -> None:
    service = build_rules().service
    summer_monday = [
        datetime(2026, 7, 6, hour, minute, tzinfo=UTC) for hour, minute in ((6, 59), (7, 0), (10, 29), (10, 30))
    ]
    assert [service.is_open(now) for now in summer_monday] == [False, True, True, False]
    assert service.is_open(datetime(2026, 12, 7, 8, 0, tzinfo=UTC))
    assert not service.is_open(datetime(2026, 7, 7, 8, 0, tzinfo=UTC))


def test_a_project_takes_the_services_mode_unless_it_has_its_own() -> None:
    projects = PROJECTS.replace("    name: Ente Sud\n", "    name: Ente Sud\n    mode: proposta\n")
    modes = {code: project.mode for code, project in build_rules(projects=projects).projects.items()}
    assert modes == {"nord": Mode.AUTOMATIC, "sud": Mode.PROPOSAL}
    shadow = build_rules(service=SERVICE.replace("  mode: automatico\n", ""), projects=projects)
    assert shadow.projects["nord"].mode is Mode.SHADOW


CASES = [
    (
        "mode: automatico",
        "mode: auto",
        "service.mode: the value is none of those allowed",
        "'ombra', 'proposta' or 'automatico'",
    ),
    ("confirmed: true", "confirmed: NO", 'projects.nord.addresses.default.confirmed: "NO" is neither', "true or false"),
    ("  name: Agenzia di prova\n", "", '"service.name" is missing', 'add a line "name: ..."'),
    ("  phone: 000 000000", "  telephone: 000", 'unknown key "service.telephone"', 'did you mean "phone"'),
    ("  phone: 000 000000\n", "", "acknowledgements tell families", "write the telephone number"),
    ("domains: [nord", "domain: [nord", 'unknown key "projects.nord.domain"', 'did you mean "domains"'),
    ("09:00-12:30", "9-12", '"9-12" is no span of time', "09:00-12:30"),
    ("09:00-12:30", "12:30-09:00", "ends before it begins", "earlier time first"),
    ("to: sud@sud.example", "to: sud.example", "cannot be used as an address: it has no @", "one address"),
    ("to: sud@sud.example", "to: nord@nord.example", "nord@nord.example is nord's too, on line", "its own address"),
    ("to: sud@sud.example", "to: Famiglie+x@AGENCY.example", "is one of our own", "the project's own address"),
    ("to: sud@sud.example", "to: x@old-agency.example", "is one of our own", "the project's own address"),
    ("default: {to: sud", "other: {to: sud", 'no address named "default"', "name the address for families default"),
    ("domains: [nord.example]", "domains: [agency.example]", "agency.example is our own domain", "delete it"),
    ("domains: [nord.example]", 'domains: ["@nord.example"]', "is no domain", "without @"),
    ("  sud:", "  scoperto:", '"scoperto" means something else already', "another code"),
    ("  sud:", "  Sud:", '"Sud" is no code', "lower-case"),
    ("ambiti: [Nord]", "ambiti: [Nrod]", 'no ambito is called "Nrod"', 'did you mean "Nord"'),
    ("[Dossobuono, Erbezzo]", "[Dossobuono, Erbezo]", 'no comune is called "Erbezo"', 'did you mean "Erbezzo"'),
    ("[Dossobuono, Erbezzo]", "[Dossobuono, Dossobuono]", "Dossobuono is already in this area", "delete it"),
    ("ambiti: [Nord]", "ambiti: [Nord], except_comuni: [Erbezzo]", "Erbezzo is not in this area", "delete it"),
    ("{ambiti: [Nord]}", "{}", "nord has no comune", "ambiti or comuni"),
    ("name: reclami", "name: urgenti", 'the rule "urgenti" has the name of line', "rename one"),
    ("argomento: reclamo", "argomento: lamentela", '"lamentela" is no topic', "orientamento"),
    ("argomento: reclamo", "argument: reclamo", 'unknown key "rules.4.when.argument"', 'did you mean "argomento"'),
    ("territorio: nord", "territorio: nor", '"nor" is neither a project nor an answer of the guide', '"nord"'),
    ("forward: nord.piano", "forward: nord.pian", 'nord has no address named "pian"', '"piano"'),
    ("forward: nord.piano", "forward: nrd", 'no project is called "nrd"', '"nord"'),
    ("forward: nord.piano", "forward: nord.xyzw", 'no address named "xyzw"', "write one of: default, piano"),
    ("forward: nord.piano", "forward: qqqq", 'no project is called "qqqq"', "write one of: nord, sud, territorio"),
    ("[Dossobuono, Erbezzo]", "[Dossobuono, Qqqq]", 'no comune is called "Qqqq"', "official name of a comune"),
    ("ambiti: [Nord]", "ambiti: [Qqqq]", 'no ambito is called "Qqqq"', "write one of: Nord, Ovest, Sud"),
    ("urgente: true", "casella: qqqq", 'no mailbox is called "qqqq"', "write one of: generale"),
    ("territorio: nord", "territorio: qqqq", '"qqqq" is neither a project nor', "write one of: nord, sud, scoperto"),
    ("forward: nord.piano", "forward: Nord!", "this is no destination", "project.address"),
    ("forward: territorio", "forward: territorio.piano", "only a named project has further addresses", "code"),
    ("{hold: reclamo}", "{hold: reclamo, file: automatic}", "it must say exactly one thing", "forward, hold, file"),
    ("{hold: reclamo}", "{hold: boh}", "the value is none of those allowed", "'urgente'"),
    ("{hold: reclamo}", "reclamo", "keys are expected below this", "key: value"),
    ("urgente: true", "casella: genrale", 'no mailbox is called "genrale"', '"generale"'),
    ("urgente: true", "lingua: ita", '"ita" is no language code', "two lower-case letters"),
    ("urgente: true", "mittente: []", "the list is empty", "at least one item"),
    ("enabled: true", "enabled: true, per_hour_total: many", '"many" is no whole number', "digits only"),
    ("enabled: true", "enabled: true, per_hour_total: 0", "the number is too small", "at least 1"),
    ("enabled: true", "enabled: true, reverse_path: x@other.example", "is not among own_addresses", "add it"),
    ("enabled: true", "enabled: true, dedicated_address: x@other.example", "is not among own_addresses", "add it"),
    ("enabled: true", "enabled: true, envelope: dedicated", "no address is given", "dedicated_address"),
    (
        "enabled: true",
        "enabled: true, envelope: empty",
        "the value is none of those allowed",
        "'none', 'dedicated' or 'plus'",
    ),
    (
        "enabled: true",
        "enabled: true, envelope: plus, reverse_path: centri@agency.example",
        "the envelope is plus",
        "delete the line reverse_path",
    ),
    (
        "enabled: true",
        "enabled: true, dedicated_address: centri@agency.example, reverse_path: centri@agency.example",
        "the old form of dedicated_address",
        "delete",
    ),
    (
        "enabled: true",
        "enabled: true, return_path: from",
        "the value is none of those",
        "'none' or 'from_if_dmarc_pass'",
    ),
    (
        "enabled: true",
        "enabled: true, return_path: from_if_dmarc_pass",
        "needs results of your own mail server",
        "service.authserv_id",
    ),
    (
        "enabled: true",
        "enabled: true, web_forms: [{from: modulo@site.example, requires: dkim}]",
        "must be proved by your own mail server",
        "service.authserv_id",
    ),
    ("enabled: true", "enabled: true, undo_minutes: 2000", "the number is too large", "at most 1440"),
    ("generale: {", "generale: {envelope: dedicated, ", "no address is given", "dedicated_address"),
    ("mode: automatico", "authserv_id: mx a", '"mx a" is no name of a server', "first word"),
    ("mode: automatico", "closed_days: 2026-13-01", '"2026-13-01" is no day', "11-13"),
    ("reperibile@oncall.example", "famiglie@agency.example", "is an address that the service reads", "person's own"),
    ("to: capo@oncall.example", "to: famiglie@agency.example", "is an address that the service reads", "person's own"),
    ('at: "08:30"', 'at: "8.30"', '"8.30" is no time of day', "write it like 08:30"),
    ("sistemi@oncall.example", "centri@agency.example", "is an address that the service reads", "person's own"),
    ("acknowledgements:", "acknowledgments:", 'unknown section "acknowledgments"', 'did you mean "acknowledgements"'),
    ("generale: {", "generale: {role: junk, ", "no mailbox has the role inbox", "give one"),
    ("generale: {", "generale: {poll_seconds: 1:00, ", '"1:00" is no whole number', "digits only"),
]


REPORTED_AT = {
    '"service.name" is missing': "service:",
    "acknowledgements tell families": "acknowledgements:",
    'no address named "default"': "  sud:",
    "no mailbox has the role inbox": "mailboxes:",
}
"""Problems that are reported at another line than the one that was changed."""


@pytest.mark.parametrize(("good", "bad", "what", "remedy"), CASES)
def test_a_mistake_is_named_with_its_line_and_a_remedy(good: str, bad: str, what: str, remedy: str) -> None:
    text = rules_text()
    broken = text.replace(good, bad, 1)
    assert broken != text
    found = problems_of(broken)
    assert len(found) == 1, found
    words, _, advice = found[0].partition("Remedy: ")
    assert what in words
    assert remedy in advice
    line = line_of(broken, REPORTED_AT[what]) if what in REPORTED_AT else line_of(text, good.strip())
    assert words.startswith(f"rules.yaml:{line}: ")


@pytest.mark.parametrize("key", ["remind_after_days: 3", "weekly_digest: true"])
def test_a_reminder_needs_the_link_by_which_a_project_answers(key: str) -> None:
    text = rules_text(projects=PROJECTS.replace("    centre: Centro Sud\n", f"    centre: Centro Sud\n    {key}\n"))
    [problem] = problems_of(text)
    name = key.partition(":")[0]
    assert f"rules.yaml:{line_of(text, key)}" in problem or f"line {line_of(text, key)}" in problem
    assert f"{name} needs an answer that sud cannot give: takes_charge is not true" in problem
    assert "write takes_charge: true" in problem
    assert problems_of(text.replace(f"    {key}\n", f"    {key}\n    takes_charge: true\n")) == []


def test_the_breaker_opens_at_the_limit_for_everybody_unless_it_has_its_own() -> None:
    limits = build_rules(others="acknowledgements: {per_hour_total: 50}\n").acknowledgements
    assert (limits.breaker_sent_per_hour, limits.breaker_returned_per_hour, limits.per_mailbox_per_hour) == (
        50,
        20,
        120,
    )
    own = build_rules(others="acknowledgements: {breaker_sent_per_hour: 30}\n").acknowledgements
    assert own.breaker_sent_per_hour == 30


def test_a_project_without_the_address_that_a_rule_means_is_told_which_it_has() -> None:
    text = rules_text(
        projects=PROJECTS.replace("default: {to: nord@", "famiglie: {to: nord@"),
        rules=RULES.replace("forward: nord.piano", "forward: nord"),
    )
    (said,) = [problem for problem in problems_of(text) if 'nord has no address named "default"' in problem]
    assert said.endswith(
        'Remedy: write "forward: nord.famiglie" or "forward: nord.piano", or give nord an address "default".'
    )


def test_all_problems_come_at_once_in_order_of_lines() -> None:
    """A faulty value in one item hides neither another's nor what is wrong between sections."""
    text = (
        rules_text()
        .replace("mode: automatico", "mode: auto")
        .replace("[Dossobuono, Erbezzo]", "[Dossobuono, Erbezzo, Altavilla]")
        .replace("argomento: reclamo", "argomento: lamentela")
        .replace("forward: nord.piano", "forward: nord.pian")
    )
    found = problems_of(text)
    assert [int(problem.split(":")[1]) for problem in found] == [
        line_of(text, part) for part in ("mode: auto", "Altavilla", "lamentela", "nord.pian")
    ]


def test_overlapping_areas_name_both_lines() -> None:
    projects = PROJECTS.replace(
        "area: {comuni: [Dossobuono, Erbezzo]}", "area:\n      ambiti: [Sud]\n      comuni: [Borgonuovo]"
    )
    text = rules_text(projects=projects)
    mine, other = line_of(text, "Borgonuovo"), line_of(text, "ambiti: [Nord]")
    assert problems_of(text) == [
        f"rules.yaml:{mine}: Borgonuovo: claimed by sud on line {mine} and by nord on line {other}. "
        "Remedy: leave it to one project, or list it under except_comuni."
    ]


def test_a_comune_moves_by_naming_it_as_an_exception() -> None:
    projects = PROJECTS.replace("{ambiti: [Nord]}", "{ambiti: [Nord], except_comuni: [Borgonuovo]}").replace(
        "[Dossobuono, Erbezzo]", "[Dossobuono, Erbezzo, Borgonuovo]"
    )
    assert build_rules(projects=projects).project_of["Borgonuovo"] == "sud"


@pytest.mark.parametrize("section", ["service", "mailboxes", "projects", "rules"])
def test_a_missing_section_is_named(section: str) -> None:
    parts = {"service": SERVICE.split("mailboxes:")[0], "mailboxes": "mailboxes:" + SERVICE.split("mailboxes:")[1]}
    parts |= {"projects": PROJECTS, "rules": RULES}
    del parts[section]
    assert any(f'the section "{section}" is missing' in problem for problem in problems_of("".join(parts.values())))


@pytest.mark.parametrize("section", ["service", "mailboxes", "projects", "rules", "thresholds", "alarms"])
@pytest.mark.parametrize("value", ["", "text", "[a, b]", "{}", "{a: {b: c}}", "[[a]]"])
def test_a_section_of_the_wrong_shape_is_a_problem_not_a_crash(section: str, value: str) -> None:
    parts = {"service": "service: x\n", "mailboxes": "mailboxes: x\n", "projects": PROJECTS, "rules": RULES}
    parts[section] = f"{section}: {value}\n"
    assert problems_of("".join(parts.values()))


def test_two_names_for_one_folder_would_read_every_message_twice() -> None:
    text = rules_text(service=SERVICE + "  altra: {address: Famiglie@agency.example}\n")
    assert ["altra is the same folder of the same account as generale" in problem for problem in problems_of(text)] == [
        True
    ]


def test_codes_that_look_like_numbers_or_truth_stay_text() -> None:
    """F111: a comune called NO, a subject 00100, a rule called 12:30."""
    text = rules_text(
        projects=PROJECTS.replace("[Dossobuono, Erbezzo]", "[NO, 015146]"),
        rules=RULES.replace("name: reclami", "name: 12:30").replace(
            "urgente: true", "oggetto_contiene: [00100, yes, 1.10]"
        ),
    )
    rules = parse_rules(text, "rules.yaml", {**PLACES, "NO": "Est", "015146": "Est"})
    assert (rules.project_of["NO"], rules.project_of["015146"]) == ("sud", "sud")
    assert rules.rules[0].when.subject_contains == ("00100", "yes", "1.10")
    assert rules.rules[3].name == "12:30"


def test_a_problem_reads_as_a_sentence() -> None:
    assert str(Problem("f.yaml", 3, "this is wrong", "do that")) == "f.yaml:3: this is wrong. Remedy: do that."


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_text_gives_rules_or_problems(data: st.DataObject) -> None:
    """Cutting, doubling or replacing a piece of a good file never crashes the reader."""
    text = rules_text()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 60)))
    piece = data.draw(st.text(alphabet=st.sampled_from(list(" \n:-[]{}&*!#'\"ab1è~|>,@%\t")), max_size=8))
    broken = text[:start] + piece + text[end:]
    found = problems_of(broken)
    assert found or isinstance(parse_rules(broken, "rules.yaml", PLACES), Rules)


def test_forwards_have_limits_and_a_project_may_have_its_mail_redirected() -> None:
    rules = build_rules()
    assert (rules.forwards.attachments_mb, rules.forwards.attachments_most) == (10, 20)
    assert {project.forward_as for project in rules.projects.values()} == {ForwardAs.MESSAGE}
    others = OTHERS + "forwards: {attachments_mb: 0, attachments_most: 5}\n"
    projects = PROJECTS.replace("    contact: nord@nord.example\n", "    contact: x\n    forward_as: redirect\n")
    chosen = build_rules(projects=projects, others=others)
    assert (chosen.forwards.attachments_mb, chosen.forwards.attachments_most) == (0, 5)
    assert chosen.projects["nord"].forward_as is ForwardAs.REDIRECT
    [doubt] = [problem for problem in doubts_about(chosen) if "DMARC" in problem.what]
    assert doubt.line == chosen.projects["nord"].line


@pytest.mark.parametrize(
    ("written", "what", "remedy"),
    [
        ("forwards: {attachments_mb: 99}", "forwards.attachments_mb: the number is too large", "write at most 50"),
        ("forwards: {attachments_most: 0}", "forwards.attachments_most: the number is too small", "write at least 1"),
        ("forwards: {attachment_mb: 1}", 'unknown key "forwards.attachment_mb"', 'did you mean "attachments_mb"'),
    ],
)
def test_wrong_limits_of_forwards_are_told_with_line_and_remedy(written: str, what: str, remedy: str) -> None:
    text = rules_text(others=f"{OTHERS}{written}\n")
    [problem] = problems_of(text)
    assert f"line {line_of(text, written)}" in problem or f":{line_of(text, written)}" in problem
    assert what in problem
    assert remedy in problem


def test_a_wrong_way_to_forward_is_told_with_those_that_exist() -> None:
    projects = PROJECTS.replace("    contact: nord@nord.example\n", "    contact: x\n    forward_as: bounce\n")
    [problem] = problems_of(rules_text(projects=projects))
    assert "projects.nord.forward_as: the value is none of those allowed" in problem
    assert "'message' or 'redirect'" in problem


def test_a_file_of_an_earlier_release_that_names_a_reverse_path_means_a_dedicated_address() -> None:
    """The last good rules stand in the record: a release that refused them could not start."""
    old = build_rules(others=OTHERS.replace("enabled: true", "enabled: true, reverse_path: centri@agency.example"))
    new = "enabled: true, envelope: dedicated, dedicated_address: centri@agency.example"
    assert old.acknowledgements == build_rules(others=OTHERS.replace("enabled: true", new)).acknowledgements
    assert old.acknowledgements.envelope is Envelope.DEDICATED
    assert build_rules().acknowledgements.envelope is Envelope.NONE


def test_a_form_that_is_ours_or_listed_twice_is_refused() -> None:
    service = SERVICE.replace("phone:", "authserv_id: mx.agency.example\n  phone:")
    form = "{from: %s, requires: dkim}"
    for forms, said in (
        ([form % "famiglie+x@agency.example"], "is one of our own"),
        ([form % "m@site.example", form % "M@site.example"], "is listed twice"),
    ):
        others = OTHERS.replace("enabled: true", f"enabled: true, web_forms: [{', '.join(forms)}]")
        assert [said in problem for problem in problems_of(rules_text(service=service, others=others))] == [True]
    others = OTHERS.replace("enabled: true", "enabled: true, web_forms: [{form: m@site.example, requires: dkim}]")
    assert any('did you mean "from"' in problem for problem in problems_of(rules_text(service=service, others=others)))
    others = OTHERS.replace("enabled: true", f"enabled: true, web_forms: [{form % 'm@site.example'}]")
    assert problems_of(rules_text(service=service, others=others)) == []


def test_a_general_address_that_is_too_long_for_a_tag_is_refused() -> None:
    long = "a" * 40
    text = rules_text(
        service=SERVICE.replace("famiglie@", f"{long}@"), others=OTHERS.replace("enabled: true", "envelope: plus")
    )
    assert any("too long for a plus tag" in problem for problem in problems_of(text))


def test_a_rule_may_name_a_text_by_a_code_only() -> None:
    wrong = RULES.replace("then: {hold: reclamo}", "then: {hold: reclamo}\n    acknowledgement: Corso!")
    (said,) = problems_of(rules_text(rules=wrong))
    assert '"Corso!" is no code' in said


def test_an_area_is_unconfirmed_until_somebody_writes_that_it_is() -> None:
    assert not build_rules().projects["nord"].area_confirmed
    confirmed = PROJECTS.replace("area: {ambiti: [Nord]}", "area: {ambiti: [Nord], confirmed: true}")
    assert build_rules(projects=confirmed).projects["nord"].area_confirmed


def test_a_confirmation_of_an_area_that_is_neither_yes_nor_no_is_named() -> None:
    wrong = PROJECTS.replace("area: {ambiti: [Nord]}", "area: {ambiti: [Nord], confirmed: quasi}")
    [problem] = problems_of(rules_text(projects=wrong))
    line = line_of(rules_text(projects=wrong), "confirmed: quasi")
    assert problem.startswith(f"rules.yaml:{line}: ")
    assert "neither true nor false. Remedy: write true or false." in problem
