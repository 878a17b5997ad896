"""A message over the size limit: a person reads it where it lies, and its family is told that it has come."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.decide.builders import classification
from tests.dispatch.builders import ANNA, NORD, ON_CALL, OURS, Desk, a_mail, acknowledgements_in, forwards_in
from tests.dispatch.notices import on_call_told
from tests.dispatch.test_telling import to
from tests.fakes import ChosenClassifier
from tests.servers.smtp_sink import SmtpSink
from triage.acts.people import Person, Role
from triage.acts.settling import close
from triage.record.charge import charges_of
from triage.record.let_in import send_again
from triage.record.mailboxes import mailbox_row
from triage.record.messages import Reception, get_message, record_receptions
from triage.record.octets import digest
from triage.record.waiting_list import Group, Wanted, group_of, waiting_page
from triage.vocabulary import DispatchKind, DispatchState, MessageState

CARLA = Person(None, "cli:carla", "cli:carla", Role.ADMINISTRATOR)
ACKNOWLEDGEMENT = DispatchKind.ACKNOWLEDGEMENT


def too_large(desk: Desk, *, waits: timedelta = timedelta(), **options: object) -> int:
    """What the reader makes of such a message; the service looks at it after it has waited."""
    [key] = desk.receive(a_mail(**options), too_large=True)  # type: ignore[arg-type]  # the same keywords
    desk.advance(waits)
    desk.decide()
    return key


def test_its_family_gets_the_neutral_acknowledgement_once_and_it_goes_on_waiting(
    desk: Desk, smtp_sink: SmtpSink
) -> None:
    key = too_large(desk)
    assert desk.outcome(key) == (MessageState.OVERSIZE, "troppo_grande")
    desk.send()
    assert to(smtp_sink) == [], "as for all that waits: not at once"
    desk.advance(hours=4)
    desk.decide()
    desk.send()
    [(subject, text)] = to(smtp_sink)
    assert subject.startswith("Auto: abbiamo ricevuto")
    assert "Centro" not in text.replace("Centri", ""), "no centre is named"
    assert forwards_in(smtp_sink) == []
    desk.advance(hours=4)
    desk.decide()
    desk.send()
    assert acknowledgements_in(smtp_sink) == [ANNA]
    assert desk.outcome(key) == (MessageState.OVERSIZE, "troppo_grande")
    assert [reason.code for reason in desk.decision(key).reasons] == ["troppo_grande"]
    desk.assert_ledger_closes()


@pytest.mark.parametrize(
    "options",
    [
        {"headers": [("Auto-Submitted", "auto-generated")]},
        {"return_path": ""},
        {"to": "altri@elsewhere.example"},
        {"author": f"Noi <{OURS}>"},
        {"waits": timedelta(days=4)},
    ],
    ids=["a machine", "null path", "not to us", "ourselves", "of an earlier release"],
)
def test_nobody_is_told_whom_the_gate_does_not_answer(
    desk: Desk, smtp_sink: SmtpSink, options: dict[str, object]
) -> None:
    key = too_large(desk, **options)  # type: ignore[arg-type]
    desk.advance(hours=5)
    desk.send()
    assert smtp_sink.messages == ()
    assert desk.message(key).state == MessageState.OVERSIZE


def test_once_a_person_has_closed_it_nothing_leaves(desk: Desk, smtp_sink: SmtpSink) -> None:
    key = too_large(desk)
    with desk.store.write("closed", CARLA.name) as tx:
        assert close(tx, desk.rules, CARLA, key, "telefonato").ok
    desk.advance(hours=5)
    desk.send()
    assert smtp_sink.messages == ()
    assert desk.dispatch(key, ACKNOWLEDGEMENT).state == DispatchState.CANCELLED
    desk.assert_ledger_closes()


def test_read_whole_after_the_limit_was_raised_it_goes_its_way_and_the_family_hears_once(
    desk: Desk, smtp_sink: SmtpSink
) -> None:
    key = too_large(desk)
    with desk.store.write("retry", CARLA.name) as tx:
        row = get_message(tx, key)
        assert row is not None
        send_again(tx, row, MessageState.LISTED)
        whole = a_mail()
        record_receptions(
            tx, mailbox_row(tx, "generale"), [Reception(key, MessageState.RECEIVED, whole, digest(whole))]
        )
    desk.decide()
    desk.send()
    desk.advance(hours=5)
    desk.send()
    assert forwards_in(smtp_sink) == [NORD]
    [(_, text)] = to(smtp_sink)
    assert "Centro Nord" in text
    desk.assert_ledger_closes()


def test_the_same_letter_in_two_mailboxes_and_a_further_one_are_one_case(desk: Desk, smtp_sink: SmtpSink) -> None:
    first = too_large(desk, message_id="<grande@family.example>")
    again = too_large(desk, message_id="<grande@family.example>")
    [more] = desk.take_in(a_mail(headers=[("In-Reply-To", "<grande@family.example>")]))
    assert len({desk.message(key).case_id for key in (first, again, more)}) == 1
    desk.advance(hours=5)
    desk.send()
    assert acknowledgements_in(smtp_sink) == [ANNA]


def test_danger_in_its_subject_calls_somebody_and_stands_at_the_top(desk: Desk, smtp_sink: SmtpSink) -> None:
    calm, key = too_large(desk), too_large(desk, subject="pericolo", author="Lia <lia@family.example>")
    desk.send()
    assert on_call_told(smtp_sink) == [ON_CALL]
    row = desk.message(key)
    assert (row.state, row.hold_reason, row.urgent) == (MessageState.OVERSIZE, "troppo_grande", True)
    with desk.store.read("list") as tx:
        assert [one.id for one in waiting_page(tx, Group.DANGER, Wanted()).rows] == [key]
        assert [one.id for one in waiting_page(tx, Group.ASIDE, Wanted()).rows] == [calm]
        assert charges_of(tx, [key])[key].waits
    assert (group_of(row), group_of(desk.message(calm))) == (Group.DANGER, Group.ASIDE)
    with desk.store.write("closed", CARLA.name) as tx:
        assert close(tx, desk.rules, CARLA, key, "telefonato").ok
    desk.assert_ledger_closes()


def test_one_that_cannot_be_looked_at_keeps_no_other_waiting_and_is_looked_at_again(
    desk: Desk, smtp_sink: SmtpSink
) -> None:
    [bad] = desk.receive(a_mail(subject="veleno"), too_large=True)
    [good] = desk.receive(a_mail(author="Ugo <ugo@family.example>", return_path="ugo@family.example"), too_large=True)
    for _ in range(3):
        desk.decider.work()
    assert [desk.message(key).generation for key in (bad, good)] == [0, 1]
    desk.knowledge.classifier = ChosenClassifier(lambda _: classification())
    desk.advance(seconds=31)
    desk.decider.work()
    assert desk.message(bad).generation == 1
    desk.assert_ledger_closes()
