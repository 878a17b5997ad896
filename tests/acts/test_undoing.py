"""What a person did is taken back in time, whatever it was; nothing of it has left, and nothing is lost by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.acts.builders import Office, sent
from tests.acts.test_settling import file_due, held
from tests.decide.builders import classification
from tests.dispatch.builders import ANNA, NORD, SUD, Desk, a_mail, forwards_in
from tests.servers.smtp_sink import SmtpSink
from triage.acts.asking import ask_comune
from triage.acts.centres import Choice
from triage.acts.correcting import correct
from triage.acts.outcome import Outcome
from triage.acts.people import Person
from triage.acts.settling import close, forward, take
from triage.acts.undoing import undo
from triage.record.charge import charges_of
from triage.record.undoable import undoable
from triage.vocabulary import Classification, DispatchKind, DispatchState, InboundMessage, MessageState

ACK, FORWARD, QUESTION = DispatchKind.ACKNOWLEDGEMENT, DispatchKind.FORWARD, DispatchKind.QUESTION


def take_back(office: Office, done: Outcome) -> Outcome:
    assert done.ok
    return office.act_unread(undo, done.settlement_id)


def forwarded(desk: Desk) -> int:
    [key] = desk.take_in(a_mail(message_id="<prima@family.example>"))
    desk.send()
    return key


def test_a_forward_is_taken_back_and_the_message_waits_as_before(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = held(office)
    before = desk.decision(key)
    done = office.act(forward, key, Choice("sud", topic="ascolto"))
    desk.advance(seconds=119)
    undone = take_back(office, done)
    assert (undone.ok, undone.message_it) == (True, "Annullato: non è partito niente.")
    assert desk.outcome(key) == (MessageState.HELD, "reclamo")
    assert desk.decision(key) == before, "what the service had thought of it"
    desk.advance(hours=1)
    desk.decide()
    desk.send()
    assert sent(smtp_sink) == []
    assert desk.outcome(key) == (MessageState.HELD, "reclamo"), "no machine decides it anew"
    assert office.act(forward, key, Choice("sud")).ok
    desk.advance(minutes=2)
    desk.send()
    assert [one.to for one in sent(smtp_sink)] == [SUD, ANNA]
    assert [row.undone_at is None for row in office.settlements(key)] == [False, True]
    office.assert_all_closes()


def test_an_acknowledgement_that_only_the_undone_act_planned_may_be_planned_again(
    make_office: Callable[..., Office], smtp_sink: SmtpSink
) -> None:
    """The service took it for advertising, so nobody was to be answered."""

    def choose(message: InboundMessage) -> Classification:
        return classification(topic="non_pertinente", topic_scores={"non_pertinente": 1.0})

    office = make_office(choose=choose)
    desk = office.desk
    key = held(office)
    assert desk.dispatches(key, ACK) == []
    take_back(office, office.act(forward, key, Choice("sud", topic="ascolto")))
    desk.advance(hours=5)
    desk.send()
    assert sent(smtp_sink) == [], "and nobody is answered after all"
    assert office.act(forward, key, Choice("nord", topic="ascolto")).told == "ricevuta"
    desk.advance(minutes=2)
    desk.send()
    assert [one.to for one in sent(smtp_sink)] == [NORD, ANNA]
    office.assert_all_closes()


def test_after_two_minutes_or_once_it_has_left_nothing_is_taken_back(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key, other = held(office), held(office, author="v@family.example", return_path="v@family.example")
    late = office.act(forward, key, Choice("sud"))
    at_once = office.act(forward, other, Choice("sud"), undo=timedelta())
    desk.send()
    assert take_back(office, at_once).code == "troppo_tardi"
    desk.advance(minutes=2)
    refused = take_back(office, late)
    assert (refused.ok, refused.code) == (False, "troppo_tardi")
    desk.send()
    assert forwards_in(smtp_sink) == [SUD, SUD]
    office.assert_all_closes()


def test_what_is_on_the_wire_is_not_taken_back(office: Office) -> None:
    desk = office.desk
    key = held(office)
    done = office.act(forward, key, Choice("sud"), undo=timedelta(seconds=1))
    desk.advance(seconds=1)
    desk.abandon()
    desk.clock.forward(timedelta(seconds=-1))
    assert take_back(office, done).code == "troppo_tardi"


def test_taken_back_twice_is_once(office: Office) -> None:
    key = held(office)
    done = office.act(forward, key, Choice("sud"))
    assert take_back(office, done).ok
    again = office.act_unread(undo, done.settlement_id, person=office.bruno)
    assert (again.ok, again.message_it) == (False, "È già stato annullato.")
    assert office.act_unread(undo, 99).code == "non_c_e"
    office.assert_all_closes()


def test_a_closed_message_waits_again_and_its_family_is_acknowledged_after_all(
    office: Office, smtp_sink: SmtpSink
) -> None:
    desk = office.desk
    key = held(office)
    take_back(office, office.act_unread(close, key, "sbagliato"))
    desk.advance(hours=5)
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "reclamo")
    assert file_due(office) == []
    assert [one.to for one in sent(smtp_sink)] == [ANNA]
    office.assert_all_closes()


def test_a_correction_that_is_taken_back_leaves_the_first_centre_with_it(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = forwarded(desk)
    assert file_due(office) == [key]
    take_back(office, office.act(correct, key, Choice("sud"), "zona"))
    desk.advance(hours=1)
    desk.send()
    assert file_due(office) == [key]
    assert (desk.message(key).state, desk.decision(key).project) == (MessageState.FILED, "nord")
    assert forwards_in(smtp_sink) == [NORD]
    assert [one.to for one in sent(smtp_sink) if one.to == ANNA] == [ANNA], "the family heard of the first alone"
    assert office.act(correct, key, Choice("sud"), "zona").told == "avviso"
    desk.advance(minutes=2)
    desk.send()
    assert [one.to for one in sent(smtp_sink) if one.to == ANNA] == [ANNA, ANNA]
    office.assert_all_closes()


def test_a_forward_that_waited_and_was_corrected_goes_on_once_that_is_taken_back(
    office: Office, smtp_sink: SmtpSink
) -> None:
    desk = office.desk
    smtp_sink.answer("rcpt", 451, times=1, when=lambda path: path == NORD)
    [key] = desk.take_in(a_mail())
    desk.send()
    before, *_ = desk.dispatches(key, FORWARD)
    undone = take_back(office, office.act(correct, key, Choice("sud"), "zona"))
    assert undone.message_it == "Annullato: non è partito niente. Torna com'era prima: va a «Ente Nord»."
    after, _ = desk.dispatches(key, FORWARD)
    assert (after.id, after.due_at, after.rfc_message_id) == (before.id, before.due_at, before.rfc_message_id)
    desk.advance(hours=1)
    desk.decide()
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert [one.to for one in sent(smtp_sink)] == [NORD, ANNA]
    office.assert_all_closes()


def test_a_forward_of_a_person_goes_on_once_its_correction_is_taken_back_and_can_be_taken_back_itself(
    office: Office, smtp_sink: SmtpSink
) -> None:
    desk = office.desk
    key = held(office)
    first = office.act(forward, key, Choice("sud", topic="ascolto"))
    [planned] = desk.dispatches(key, FORWARD)
    desk.advance(seconds=30)
    take_back(office, office.act(correct, key, Choice("nord"), "zona"))
    assert desk.message(key).state == MessageState.DECIDED
    assert desk.dispatches(key, FORWARD)[0].due_at == planned.due_at
    desk.advance(seconds=30)
    assert offered(office, office.carla) == [first.settlement_id]
    assert take_back(office, first).ok
    assert desk.outcome(key) == (MessageState.HELD, "reclamo")
    desk.advance(hours=1)
    desk.send()
    assert sent(smtp_sink) == []
    office.assert_all_closes()


@pytest.mark.parametrize("again", ["nord", "sud"], ids=["another centre", "the same centre"])
def test_what_stands_again_leaves_when_its_own_time_is_over(office: Office, smtp_sink: SmtpSink, again: str) -> None:
    """Also where the second act had sent it to the same address, with another topic."""
    desk = office.desk
    key = held(office)
    office.act(forward, key, Choice("sud", topic="ascolto"))
    desk.advance(seconds=60)
    take_back(office, office.act(correct, key, Choice(again, topic="orientamento"), "tema"))
    desk.advance(seconds=59)
    desk.send()
    assert sent(smtp_sink) == []
    desk.advance(seconds=1)
    desk.send()
    assert [one.to for one in sent(smtp_sink)] == [SUD, ANNA]
    assert desk.decision(key).topic == "ascolto"
    assert desk.message(key).state == MessageState.FORWARDED
    office.assert_all_closes()


def test_three_acts_are_undone_one_after_the_other(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = held(office)
    acts = [office.act(forward, key, Choice("sud", topic="ascolto"))]
    acts.append(office.act(correct, key, Choice("nord"), "zona"))
    acts.append(office.act(correct, key, Choice("sud"), "zona"))
    for act, project in zip(acts[::-1], ("nord", "sud", ""), strict=True):
        assert offered(office, office.carla) == [act.settlement_id]
        assert take_back(office, act).ok
        assert project in ("", desk.decision(key).project)
    assert desk.outcome(key) == (MessageState.HELD, "reclamo")
    assert [row.undone_at is None for row in office.settlements(key)] == [False] * 3
    office.assert_all_closes()


def test_a_message_that_was_closed_and_sent_on_after_all_is_closed_again(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = held(office)
    first = office.act_unread(close, key, "sentita per telefono")
    desk.advance(seconds=30)
    take_back(office, office.act(correct, key, Choice("nord"), "altro"))
    assert file_due(office) == []
    assert offered(office, office.carla) == [first.settlement_id]
    desk.advance(seconds=90)
    desk.send()
    assert file_due(office) == [key]
    assert sent(smtp_sink) == []
    office.assert_all_closes()


def test_a_question_that_is_taken_back_may_be_asked_again(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = held(office, "nessun luogo")
    take_back(office, office.act(ask_comune, key))
    assert desk.outcome(key) == (MessageState.HELD, "territorio_non_indicato")
    assert office.act(ask_comune, key).ok
    assert office.act(ask_comune, key).code == "gia_chiesto"
    desk.advance(minutes=2)
    desk.send()
    assert [one.subject.startswith("Auto: una domanda") for one in sent(smtp_sink)] == [True]
    assert [row.state for row in desk.dispatches(key, QUESTION)] == [DispatchState.CANCELLED, DispatchState.ACCEPTED]
    office.assert_all_closes()


def test_a_message_set_aside_unread_is_set_aside_again(office: Office) -> None:
    desk = office.desk
    [key] = desk.receive(a_mail(subject="veleno"))
    desk.decide()
    before = desk.outcome(key)
    take_back(office, office.act_unread(close, key, "visto"))
    assert desk.outcome(key) == before
    assert office.act_unread(close, key, "visto davvero").ok
    office.assert_all_closes()


@pytest.mark.parametrize("person", ["carla", "bruno"])
def test_a_colleague_may_take_back_what_somebody_did(office: Office, person: str) -> None:
    key = held(office)
    done = office.act(forward, key, Choice("sud"), person=office.bruno)
    assert office.act_unread(undo, done.settlement_id, person=getattr(office, person)).ok


def test_after_it_nobody_insists_any_more(office: Office) -> None:
    """A message that a person had sent on passes fewer guards; one that was given back passes all of them again."""
    key = held(office)
    done = office.act(forward, key, Choice("nord"))
    assert office.desk.message(key).let_in_by == "person"
    take_back(office, done)
    assert office.desk.message(key).let_in_by is None


@pytest.mark.parametrize("subject", ["reclamo", "pericolo"])
def test_nobody_has_in_hand_what_an_undone_act_had_taken(office: Office, subject: str) -> None:
    """And the calls about a possible danger go on."""
    desk = office.desk
    key = held(office, subject)
    done = office.act(forward, key, Choice("sud"))
    assert office.look(lambda tx: charges_of(tx, [key]))[key].taken_by == "carla"
    desk.advance(seconds=30)
    take_back(office, done)
    charge = office.look(lambda tx: charges_of(tx, [key]))[key]
    assert (charge.taken_at, charge.taken_by) == (None, "")
    assert charge.due_at == (desk.clock.now() if subject == "pericolo" else None)
    office.assert_all_closes()


def test_who_had_it_in_hand_before_an_undone_act_has_it_still(office: Office) -> None:
    key = held(office, "pericolo")
    assert office.act_unread(take, key, person=office.bruno).ok
    take_back(office, office.act(forward, key, Choice("sud")))
    assert office.look(lambda tx: charges_of(tx, [key]))[key].taken_by == "bruno"


def test_what_a_later_step_followed_is_not_offered_any_more(office: Office) -> None:
    key = held(office)
    first = office.act(forward, key, Choice("sud", topic="ascolto"))
    office.desk.advance(seconds=5)
    second = office.act(correct, key, Choice("nord"), "zona", person=office.bruno)
    assert offered(office, office.carla) == []
    refused = office.act_unread(undo, first.settlement_id)
    assert refused.message_it == (
        "Dopo questo c'è stato un altro passo sullo stesso messaggio: annulla prima quello."
    ), "nobody else was faster"
    assert offered(office, office.bruno) == [second.settlement_id]
    assert office.act_unread(undo, second.settlement_id, person=office.bruno).ok
    assert offered(office, office.carla) == [first.settlement_id], "it stands again"
    office.desk.advance(seconds=115)
    assert offered(office, office.carla) == [], "for its own two minutes"
    assert office.act_unread(undo, first.settlement_id).code == "troppo_tardi"


def offered(office: Office, person: Person) -> list[int]:
    return [one.id for one in office.look(lambda tx: undoable(tx, person.id))]
