"""Our own mail that comes back is known by its seal; a forged seal is shown and proves nothing (failures F3, F9)."""

from __future__ import annotations

import re
from email import message_from_bytes

import pytest

from tests.dispatch.builders import NORD, OURS, Desk, a_mail, acknowledgements_in, forwards_in, from_family
from tests.servers.smtp_sink import SmtpSink
from triage.record.breaker import Limits, too_many
from triage.vocabulary import DispatchKind


def own_field(sink: SmtpSink, to: str = NORD) -> tuple[str, str]:
    """The Message-ID and our own field of what was sent."""
    octets = next(message.octets for message in sink.messages if to in message.forward_paths)
    parsed = message_from_bytes(octets)
    return parsed["Message-ID"], parsed["X-Reti-Smistamento"]


def reasons(desk: Desk, key: int) -> list[str]:
    return [reason.code for reason in desk.decision(key).reasons]


@pytest.mark.parametrize("kept", ["Message-ID", "X-Microsoft-Original-Message-ID", "nothing"])
def test_f9_our_own_mail_that_comes_back_is_held_and_never_answered(desk: Desk, smtp_sink: SmtpSink, kept: str) -> None:
    """Whoever sends it back has another From, and the server may have given it another Message-ID."""
    desk.take_in(a_mail())
    desk.send()
    message_id, field = own_field(smtp_sink)
    before = len(smtp_sink.messages)
    fields = [("X-Reti-Smistamento", field)]
    if kept.startswith("X-"):
        fields.append((kept, message_id))
    redirected = from_family(
        1, message_id=message_id if kept == "Message-ID" else "<new@elsewhere.example>", headers=fields
    )
    [key] = desk.take_in(redirected)
    desk.send()
    desk.advance(hours=5)
    desk.send()
    assert desk.outcome(key) == ("held", "da_noi")
    assert len(smtp_sink.messages) == before
    assert "sigillo_falso" not in reasons(desk, key)


@pytest.mark.parametrize("field", ["2B-ABCDEFGH 0123456789abcdef0123456789abcdef", "x", "", "=?utf-8?q?=00?= y"])
def test_a_forged_field_is_shown_and_keeps_no_family_from_its_answer(
    desk: Desk, smtp_sink: SmtpSink, field: str
) -> None:
    [key] = desk.take_in(a_mail(headers=[("X-Reti-Smistamento", field)]))
    desk.send()
    assert desk.outcome(key)[0] == "forwarded"
    assert "sigillo_falso" in reasons(desk, key)
    assert forwards_in(smtp_sink) == [NORD]
    assert len(acknowledgements_in(smtp_sink)) == 1


def test_a_genuine_code_with_a_made_up_seal_is_a_forgery(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.take_in(a_mail())
    desk.send()
    _, field = own_field(smtp_sink)
    code = field.split()[0]
    assert re.fullmatch(r"[0-9A-Z]+-[0-9A-Z]{8}", code)
    [key] = desk.take_in(from_family(3, headers=[("X-Reti-Smistamento", f"{code} {'0' * 32}")]))
    assert "sigillo_falso" in reasons(desk, key)


def test_our_own_urgent_mail_that_comes_back_calls_nobody_a_second_time(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.take_in(a_mail(subject="pericolo"))
    desk.send()
    [notice] = smtp_sink.messages
    parsed = message_from_bytes(notice.octets)
    back = from_family(
        1,
        subject="pericolo",
        message_id=parsed["Message-ID"],
        headers=[("X-Reti-Smistamento", parsed["X-Reti-Smistamento"])],
    )
    [key] = desk.take_in(back)
    desk.send()
    assert desk.outcome(key)[0] == "held"
    assert desk.dispatches(key, DispatchKind.NOTICE) == []
    assert len(smtp_sink.messages) == 1


def test_a_message_with_too_many_hops_is_held_and_never_answered(desk: Desk, smtp_sink: SmtpSink) -> None:
    hops = [("Received", f"from a{n}.example by b{n}.example; Wed, 25 Nov 2026 09:00:00 +0000") for n in range(51)]
    [key] = desk.take_in(a_mail(headers=hops))
    desk.advance(hours=5)
    desk.send()
    assert desk.outcome(key) == ("held", "troppi_passaggi")
    assert smtp_sink.messages == ()


@pytest.mark.parametrize(
    "form",
    ["Famiglie+modulo@Agency.Example", "famiglie@AGENCY.example", "centri@agency.example", "x@old-agency.example"],
)
def test_f3_whatever_form_our_own_address_has_it_gets_nothing(desk: Desk, smtp_sink: SmtpSink, form: str) -> None:
    [key] = desk.take_in(a_mail(author=form, return_path=form))
    desk.advance(hours=5)
    desk.send()
    assert desk.outcome(key) == ("held", "da_noi")
    assert smtp_sink.messages == ()
    assert OURS not in str(desk.states(key))


def test_a_robot_that_answers_what_we_sent_counts_as_what_came_back(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.take_in(from_family(1))
    desk.send()
    message_id, _ = own_field(smtp_sink, "famiglia1@family.example")
    desk.take_in(from_family(1, subject="undelivered", headers=[("In-Reply-To", message_id)]))
    with desk.store.read("look") as tx:
        assert too_many(tx, Limits(1000, 1))
        assert not too_many(tx, Limits(1000, 2))
