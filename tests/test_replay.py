"""Other rules are tried on the mail that has come: what would go elsewhere, with nothing written and nothing sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.dispatch.builders import (
    ANNA,
    NORD,
    RULES,
    SUD,
    Desk,
    a_mail,
    change_project,
    classify_by_subject,
    from_family,
)
from tests.dispatch.conftest import make_desk as make_desk
from tests.fakes import ChosenClassifier
from tests.rules.builders import PLACES, rules_text
from tests.rules.builders import RULES as RULES_PART
from tests.servers.smtp_sink import SmtpSink
from triage.reading import ParsedMessages
from triage.record.tables import messages, octet_chunks, octets
from triage.replay import Replay, place_of, replay
from triage.rules import Rules, parse_rules
from triage.vocabulary import Mode

CLASSIFIER = ChosenClassifier(classify_by_subject)


@pytest.fixture
def desk(make_desk: Callable[..., Desk], smtp_sink: SmtpSink) -> Desk:
    return make_desk(smtp_sink.port)


def ruled(part: str) -> Rules:
    """The small country's rules with another list of rules."""
    return parse_rules(rules_text(rules=part), "altre.yaml", PLACES)


TO_SUD = ruled(
    RULES_PART.replace("rules:\n", "rules:\n  - {name: prova, when: {oggetto_contiene: orari}, then: {forward: sud}}\n")
)


def run(desk: Desk, then: Rules, now: Rules | None = None, days: int = 90, **options: object) -> Replay:
    since = desk.clock.now() - timedelta(days=days)
    return replay(desk.store, now or desk.rules, then, CLASSIFIER, ParsedMessages(), since, **options)  # type: ignore[arg-type]  # a chosen classifier


def test_what_would_go_elsewhere_is_named_and_nothing_is_written_or_sent(desk: Desk, smtp_sink: SmtpSink) -> None:
    keys = desk.take_in(
        from_family(1, subject="Orari"), from_family(2, subject="sud"), from_family(3, subject="reclamo")
    )
    steps, sent = list(desk.store.steps), list(smtp_sink.messages)
    found = run(desk, TO_SUD)
    assert (found.messages, found.differing, found.complete) == (3, 1, True)
    [one] = found.differences
    assert (one.message_id, one.now.forward_path, one.then.forward_path, one.then.rule) == (keys[0], NORD, SUD, "prova")
    assert dict(found.moves) == {("nord.default", "sud.default"): 1}
    assert (list(desk.store.steps), list(smtp_sink.messages)) == (steps, sent)


def test_the_same_rules_change_nothing(desk: Desk) -> None:
    desk.take_in(*(from_family(n) for n in range(5)), from_family(9, subject="pericolo"))
    found = run(desk, RULES)
    assert (found.messages, found.differing) == (6, 0)
    assert found.by_itself_now == found.by_itself_then == 5


def test_what_waits_instead_of_leaving_is_told_with_its_reason(desk: Desk) -> None:
    desk.take_in(a_mail())
    held = ruled(RULES_PART.replace("then: {forward: territorio}", "then: {hold: regola}"))
    [one] = run(desk, held).differences
    assert (place_of(one.now), place_of(one.then)) == ("nord.default", "hold:regola")


def test_modes_only_change_what_leaves_by_itself(desk: Desk) -> None:
    desk.take_in(a_mail(), from_family(1, subject="sud"))
    found = run(desk, change_project(RULES, "nord", mode=Mode.PROPOSAL))
    assert (found.differing, found.by_itself_now, found.by_itself_then) == (0, 2, 1)


def test_only_the_days_that_are_asked_for_are_looked_at(desk: Desk) -> None:
    desk.take_in(a_mail())
    desk.advance(timedelta(days=10))
    desk.take_in(from_family(1, subject="Orari"))
    assert run(desk, TO_SUD, days=5).messages == 1
    assert run(desk, TO_SUD, days=15).messages == 2


def test_a_further_message_of_a_family_stays_with_its_case(desk: Desk) -> None:
    [first] = desk.take_in(a_mail(message_id="<uno@family.example>", subject="domanda"))
    desk.send()
    [second] = desk.take_in(a_mail("Ancora io.\n", subject="Orari", headers=[("In-Reply-To", "<uno@family.example>")]))
    assert desk.message(second).case_id == desk.message(first).case_id
    assert run(desk, TO_SUD).differing == 0, "its case is at Nord: a rule about the subject does not move it"


def test_content_that_is_no_longer_kept_is_counted_and_reports_are_passed_over(desk: Desk) -> None:
    [key, _] = desk.take_in(from_family(1), from_family(2))
    with desk.store.write("erase") as tx:
        sha256 = tx.execute(sa.select(messages.c.sha256).where(messages.c.id == key)).scalar_one()
        tx.execute(sa.delete(octet_chunks).where(octet_chunks.c.sha256 == sha256))
        tx.execute(sa.delete(octets).where(octets.c.sha256 == sha256))
    found = run(desk, RULES)
    assert (found.messages, found.without_content) == (1, 1)


def test_a_look_that_is_ended_early_says_how_far_it_came(desk: Desk) -> None:
    desk.take_in(*(from_family(n) for n in range(120)))
    told: list[int] = []

    def enough(count: int) -> bool:
        told.append(count)
        return False

    found = run(desk, RULES, goes_on=enough)
    assert (found.complete, found.messages, told) == (False, 100, [100])
    assert found.oldest is not None
    assert run(desk, RULES).messages == 120


def test_a_place_that_the_family_named_counts_as_when_it_was_decided(desk: Desk) -> None:
    [key] = desk.take_in(a_mail(subject="nessun luogo", author=f"Anna <{ANNA}>"))
    with desk.store.write("named") as tx:
        tx.execute(sa.update(messages).where(messages.c.id == key).values(comune_given="Dossobuono"))
    moved = replace(RULES, project_of={**RULES.project_of, "Dossobuono": "nord"})
    [one] = run(desk, moved).differences
    assert (one.now.project, one.then.project) == ("sud", "nord")
