"""Staff whom the rules name are told once on a working day how much waits: counts and links, nothing of any message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy

import pytest

from tests.dispatch.builders import ANNA, RULES, Desk, a_mail
from tests.dispatch.notices import Caller
from tests.servers.smtp_sink import SmtpSink
from triage.dispatch.notice_stage import NoticeStage
from triage.rules import Rules
from triage.rules.digest import DigestRules
from triage.vocabulary import Mode

STAFF = ("ufficio@oncall.example", "capo@oncall.example")
PAGE = "https://smistamento.agency.example"


def telling(*to: str) -> Rules:
    """Without opening hours Monday to Friday are working days."""
    service = replace(RULES.service, opening_hours=())
    return replace(RULES, service=service, daily_digest=DigestRules(to or STAFF))


@pytest.fixture
def caller(desk: Desk, smtp_sink: SmtpSink) -> Caller:
    desk.rules = telling()
    return Caller(desk, smtp_sink.port)


def digests(sink: SmtpSink) -> list[tuple[str, str]]:
    """Who got a digest, and its text."""
    read = [(one.forward_paths[0], message_from_bytes(one.octets, policy=policy.default)) for one in sink.messages]
    return [(to, str(mail.get_content())) for to, mail in read if "che cosa aspetta" in str(mail["Subject"])]


def pass_days(caller: Caller, days: int) -> None:
    for _ in range(days * 24):
        caller.pass_time(timedelta(hours=1))


def test_each_is_told_once_on_a_working_day_while_something_waits(
    desk: Desk, smtp_sink: SmtpSink, caller: Caller
) -> None:
    """It begins on a Wednesday at ten: told on Thursday, then on Friday, Monday and Tuesday."""
    desk.take_in(a_mail(subject="nessun luogo"))
    pass_days(caller, 1)
    assert [to for to, _ in digests(smtp_sink)] == list(STAFF)
    pass_days(caller, 5)
    assert [to for to, _ in digests(smtp_sink)] == list(STAFF) * 4


def test_it_holds_counts_and_nothing_of_any_message(desk: Desk, smtp_sink: SmtpSink, caller: Caller) -> None:
    desk.take_in(
        a_mail(subject="nessun luogo"), a_mail("Altro\n", subject="oggi"), a_mail("Terzo\n", subject="reclamo")
    )
    pass_days(caller, 1)
    text = digests(smtp_sink)[0][1]
    assert "- 1 da leggere oggi: possibile pericolo" in text
    assert "- 2 da decidere" in text
    assert "Si decide nella pagina dello smistamento della posta." in text
    for secret in ("Anna", ANNA, "nessun luogo", "reclamo"):
        assert secret not in text


def test_it_leads_to_the_page_where_its_address_is_known(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.rules = telling(STAFF[0])
    caller = Caller(desk, smtp_sink.port)
    caller.stage = NoticeStage(
        desk.store,
        desk.knowledge.as_knowledge(),
        caller.stage._ways["mail"].submission,  # type: ignore[index]
        caller._second,
        "teller",
        page=PAGE,
    )
    desk.take_in(a_mail(subject="nessun luogo"))
    pass_days(caller, 1)
    assert f"Per decidere: {PAGE}/da-decidere" in digests(smtp_sink)[0][1]


@pytest.mark.parametrize(
    "change",
    [
        lambda rules: replace(rules, daily_digest=DigestRules()),
        lambda rules: replace(rules, service=replace(rules.service, mode=Mode.SHADOW)),
    ],
)
def test_nobody_is_told_whom_the_rules_do_not_name_and_nobody_in_shadow(
    desk: Desk, smtp_sink: SmtpSink, caller: Caller, change: Callable[[Rules], Rules]
) -> None:
    desk.take_in(a_mail(subject="nessun luogo"))
    desk.rules = change(desk.rules)
    pass_days(caller, 2)
    assert digests(smtp_sink) == []


def test_nothing_that_waits_is_nothing_to_tell(desk: Desk, smtp_sink: SmtpSink, caller: Caller) -> None:
    desk.take_in(a_mail())
    desk.send()
    pass_days(caller, 2)
    assert digests(smtp_sink) == []


def test_what_arrives_after_the_mornings_hour_waits_for_the_next_day(
    desk: Desk, smtp_sink: SmtpSink, caller: Caller
) -> None:
    pass_days(caller, 1)
    desk.take_in(a_mail(subject="nessun luogo"))
    for _ in range(12):
        caller.pass_time(timedelta(hours=1))
    assert digests(smtp_sink) == []


def test_on_a_day_that_the_agency_calls_closed_nobody_is_told(desk: Desk, smtp_sink: SmtpSink, caller: Caller) -> None:
    """It begins on a Wednesday at ten; the Thursday is closed."""
    closed = f"{desk.clock.now() + timedelta(days=1):%Y-%m-%d}"
    desk.rules = replace(desk.rules, service=replace(desk.rules.service, closed_days=(closed,)))
    desk.take_in(a_mail(subject="nessun luogo"))
    pass_days(caller, 1)
    assert digests(smtp_sink) == []
    pass_days(caller, 1)
    assert [to for to, _ in digests(smtp_sink)] == list(STAFF)
