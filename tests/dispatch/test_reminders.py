"""A project that takes cases in charge by its link is reminded once, and once a week of what is open; others never."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy

import pytest

from tests.dispatch.builders import ANNA, NORD, OURS, RULES, SUD, Desk, a_mail, change_project, from_family
from tests.dispatch.notices import Caller
from tests.servers.smtp_sink import SmtpSink
from triage.record.charge import note_taken_in_charge
from triage.record.destinations import note_destination_moved
from triage.rules import Rules
from triage.vocabulary import Mode

WEEKDAYS = replace(RULES.service, opening_hours=())
"""Without opening hours Monday to Friday are working days."""


def reminding(**changes: object) -> Rules:
    values = {"takes_charge": True, "remind_after_days": 3, "weekly_digest": True} | changes
    return change_project(replace(RULES, service=WEEKDAYS), "nord", **values)


@pytest.fixture
def caller(desk: Desk, smtp_sink: SmtpSink) -> Caller:
    desk.rules = reminding(weekly_digest=False)
    return Caller(desk, smtp_sink.port)


def texts(sink: SmtpSink, word: str) -> list[str]:
    """Bodies of what was sent to Nord whose subject begins with this."""
    found = []
    for message in sink.messages:
        parsed = message_from_bytes(message.octets, policy=policy.default)
        if message.forward_paths == (NORD,) and str(parsed["Subject"]).startswith(word):
            found.append(parsed.get_content())
    return found


def forward(desk: Desk, *contents: bytes) -> list[int]:
    keys = desk.take_in(*contents)
    desk.send()
    assert {desk.outcome(key)[0] for key in keys} == {"forwarded"}
    return keys


def pass_days(caller: Caller, days: int) -> None:
    """Look every hour, as at night and at weekends too."""
    for _ in range(days * 24):
        caller.pass_time(timedelta(hours=1))


def test_the_forward_carries_the_link_only_for_a_project_that_uses_it(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.take_in(a_mail())
    desk.send()
    desk.rules = reminding()
    desk.take_in(from_family(1))
    desk.send()
    bodies = [
        message_from_bytes(m.octets, policy=policy.default).get_body(("plain",)).get_content()  # type: ignore[union-attr]
        for m in smtp_sink.messages
        if m.forward_paths == (NORD,)
    ]
    assert ["Preso%20in%20carico" in body for body in bodies] == [False, True]
    assert f"mailto:{OURS}?subject=Preso%20in%20carico%20%5B" in bodies[1]


def test_a_silent_project_is_reminded_of_a_case_once_after_so_many_working_days(
    desk: Desk, smtp_sink: SmtpSink, caller: Caller
) -> None:
    """Forwarded on a Wednesday; Thursday and Friday count, the weekend does not, Monday is the third."""
    [key] = forward(desk, a_mail())
    code = message_from_bytes(smtp_sink.messages[0].octets)["X-Reti-Smistamento"].split()[0]
    pass_days(caller, 4)
    assert texts(smtp_sink, "Promemoria") == []
    pass_days(caller, 1)
    [text] = texts(smtp_sink, "Promemoria")
    assert code in text
    assert "Preso%20in%20carico" in text
    for word in ("anna", "rossi", ANNA, "altavilla", "orari"):
        assert word not in text.casefold()
    pass_days(caller, 20)
    assert len(texts(smtp_sink, "Promemoria")) == 1
    assert desk.outcome(key)[0] == "forwarded"


def test_a_case_that_was_taken_in_charge_is_not_reminded_of(desk: Desk, smtp_sink: SmtpSink, caller: Caller) -> None:
    keys = forward(desk, a_mail(), from_family(1))
    with desk.store.write("taken") as tx:
        case_id = desk.message(keys[0]).case_id
        assert case_id is not None
        assert note_taken_in_charge(tx, case_id, "nord")
        assert not note_taken_in_charge(tx, case_id, "nord"), "said twice"
    pass_days(caller, 10)
    assert len(texts(smtp_sink, "Promemoria")) == 1


@pytest.mark.parametrize("why", ["off", "no link", "ombra", "moved", "unconfirmed"])
def test_nobody_is_reminded_who_did_not_ask_or_may_not_be_written_to(
    desk: Desk, smtp_sink: SmtpSink, caller: Caller, why: str
) -> None:
    forward(desk, a_mail())
    if why == "off":
        desk.rules = reminding(remind_after_days=0, weekly_digest=False)
    elif why == "no link":
        desk.rules = reminding(takes_charge=False)
    elif why == "ombra":
        desk.rules = reminding(mode=Mode.SHADOW)
    elif why == "moved":
        with desk.store.write("moved") as tx:
            note_destination_moved(tx, "nord", NORD)
    else:
        rules = reminding()
        address = replace(rules.projects["nord"].addresses["default"], confirmed=False)
        desk.rules = change_project(rules, "nord", addresses={**rules.projects["nord"].addresses, "default": address})
    pass_days(caller, 10)
    assert texts(smtp_sink, "Promemoria") == []
    assert texts(smtp_sink, "Riepilogo") == []


def test_once_a_week_a_project_is_told_the_codes_of_what_is_open(
    desk: Desk, smtp_sink: SmtpSink, caller: Caller
) -> None:
    desk.rules = reminding(remind_after_days=0)
    forward(desk, *[from_family(number) for number in range(3)])
    pass_days(caller, 14)
    found = texts(smtp_sink, "Riepilogo")
    assert len(found) == 2, "on two Mondays"
    assert [text.count("inoltrato il 25 novembre 2026") for text in found] == [3, 3]
    assert "@" not in found[0].replace(OURS, "")
    assert "famiglia" not in found[0]


def test_a_week_in_which_nothing_is_open_brings_no_digest(desk: Desk, smtp_sink: SmtpSink, caller: Caller) -> None:
    desk.rules = reminding()
    pass_days(caller, 8)
    assert smtp_sink.messages == ()


def test_on_a_holiday_monday_the_digest_waits_for_tuesday(desk: Desk, smtp_sink: SmtpSink, caller: Caller) -> None:
    desk.rules = reminding(remind_after_days=0)
    desk.advance(timedelta(days=121))  # Friday, 26 March 2027, before Easter
    forward(desk, a_mail())
    pass_days(caller, 3)
    assert texts(smtp_sink, "Riepilogo") == [], "Easter Monday"
    pass_days(caller, 1)
    assert len(texts(smtp_sink, "Riepilogo")) == 1


# --------------------------------------------------------------------------- what a project answers


def answer(desk: Desk, sink: SmtpSink, **changes: object) -> int:
    """What the link in the newest forward to Nord makes, sent from Nord's address."""
    octets = next(m.octets for m in reversed(sink.messages) if m.forward_paths == (NORD,))
    code = message_from_bytes(octets)["X-Reti-Smistamento"].split()[0]
    values = {"author": f"Centro <{NORD}>", "return_path": NORD, "subject": f"Preso in carico [{code}]"} | changes
    body = str(values.pop("body", "Codice: {code}\n")).replace("{code}", code)
    [key] = desk.take_in(a_mail(body, **values))
    return key


def test_the_mail_that_the_link_makes_ends_the_reminders_and_is_filed(
    desk: Desk, smtp_sink: SmtpSink, caller: Caller
) -> None:
    forward(desk, a_mail())
    key = answer(desk, smtp_sink)
    assert desk.decision(key).action == "archivia"
    pass_days(caller, 10)
    assert texts(smtp_sink, "Promemoria") == []


def test_what_a_project_adds_to_it_is_read_by_a_person(desk: Desk, smtp_sink: SmtpSink, caller: Caller) -> None:
    forward(desk, a_mail())
    key = answer(desk, smtp_sink, body="Codice: {code}\n\nMa la famiglia abita a Dossobuono, non da noi.\n")
    assert desk.outcome(key) == ("held", "preso_in_carico")
    pass_days(caller, 10)
    assert texts(smtp_sink, "Promemoria") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"author": "Centro <centro@stranger.example>"},
        {"author": f"Altro <{SUD}>"},
        {"subject": "Preso in carico [22-22222222]", "body": "Codice: 22-22222222\n"},
        {"subject": "Non ancora preso in carico"},
    ],
    ids=["a stranger", "another project", "a made-up code", "another subject"],
)
def test_nobody_else_takes_a_case_in_charge(
    desk: Desk, smtp_sink: SmtpSink, caller: Caller, changes: dict[str, object]
) -> None:
    forward(desk, a_mail())
    key = answer(desk, smtp_sink, **changes)
    assert desk.outcome(key)[0] == "held"
    pass_days(caller, 6)
    assert len(texts(smtp_sink, "Promemoria")) == 1
