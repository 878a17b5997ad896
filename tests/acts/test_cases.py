"""Cases are joined and parted by people, their acknowledgement waits or stays away, and two people see each other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.acts.builders import Office, sent
from tests.acts.test_preview import left, letters, look
from tests.acts.test_settling import file_due, held
from tests.acts.test_undoing import forwarded, take_back
from tests.dispatch.builders import ANNA, NORD, RULES, SUD, acknowledging
from tests.dispatch.test_coming_back import code_of, further
from tests.servers.smtp_sink import SmtpSink
from triage.acts.cases import acknowledgement, join, split
from triage.acts.centres import Choice
from triage.acts.claims import claim, release
from triage.acts.people import Person, Role
from triage.acts.settling import forward
from triage.ids import case_code
from triage.record.identity import secret_of
from triage.vocabulary import DispatchKind, DispatchState, MessageState

ACK = DispatchKind.ACKNOWLEDGEMENT
GRANDMA = {"author": "nonna@altra.example", "return_path": "nonna@altra.example"}


def test_a_message_is_joined_to_a_case_and_its_family_is_not_acknowledged_again(
    office: Office, smtp_sink: SmtpSink
) -> None:
    desk = office.desk
    first = forwarded(desk)
    other = held(office, **GRANDMA)
    code = code_of(desk, first)
    done = office.act_unread(join, other, f" {code.lower().replace('-', '')} ", note="la nonna")
    assert (done.ok, done.message_it) == (True, "Unito al caso. Il messaggio si smista ancora.")
    assert desk.message(other).case_id == desk.message(first).case_id
    assert desk.outcome(other) == (MessageState.HELD, "reclamo")
    assert desk.message(other).let_in_by is None, "nobody has said where it is to go"
    assert office.act_unread(join, other, code).code == "gia_di_questo_caso"
    assert office.act_unread(join, other, "23-ABCDEFGH").code == "caso_sconosciuto"
    assert office.act(forward, other, Choice("nord")).ok
    desk.advance(hours=5)
    desk.send()
    assert [mail.to for mail in sent(smtp_sink)] == [NORD, ANNA, NORD]
    office.assert_all_closes()


def test_a_message_that_its_case_deals_with_ends_there(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    first = forwarded(desk)
    other = held(office, **GRANDMA)
    assert office.act_unread(join, other, code_of(desk, first), ends=True).ok
    desk.advance(hours=5)
    desk.send()
    assert other in file_due(office)
    assert [mail.to for mail in sent(smtp_sink)] == [NORD, ANNA]
    assert desk.message(other).case_id == desk.message(first).case_id
    office.assert_all_closes()


@pytest.mark.parametrize("ends", [True, False])
def test_a_joining_that_is_taken_back_leaves_everything_as_it_was(
    office: Office, smtp_sink: SmtpSink, ends: bool
) -> None:
    desk = office.desk
    first = forwarded(desk)
    other = held(office, **GRANDMA)
    case = desk.message(other).case_id
    desk.advance(seconds=1)
    take_back(office, office.act_unread(join, other, code_of(desk, first), ends=ends))
    assert desk.message(other).case_id == case
    assert desk.outcome(other) == (MessageState.HELD, "reclamo")
    desk.advance(hours=5)
    desk.send()
    assert [mail.to for mail in sent(smtp_sink)] == [NORD, ANNA, "nonna@altra.example"]
    office.assert_all_closes()


def test_a_message_that_has_nothing_to_do_with_its_case_becomes_one_of_its_own(
    office: Office, smtp_sink: SmtpSink
) -> None:
    desk = office.desk
    first = forwarded(desk)
    [more] = desk.take_in(further(desk, first, subject="Re: pericolo"))
    case = desk.message(first).case_id
    assert desk.message(more).case_id == case
    done = office.act_unread(split, more)
    assert (done.ok, done.message_it) == (True, "Separato: ora è un caso a sé.")
    assert desk.message(more).case_id != case
    take_back(office, done)
    assert desk.message(more).case_id == case
    assert office.act_unread(split, more).ok
    assert office.act(forward, more, Choice("sud")).told in ("ricevuta", "niente")
    desk.advance(minutes=2)
    desk.send()
    assert SUD in [mail.to for mail in sent(smtp_sink)]
    office.assert_all_closes()


def test_a_message_that_is_alone_in_its_case_is_not_parted(office: Office) -> None:
    key = held(office)
    done = office.act_unread(split, key)
    assert (done.ok, done.message_it) == (False, "È l'unico messaggio del suo caso: non c'è niente da separare.")
    assert office.settlements(key) == []


def two_in_a_case(office: Office) -> tuple[int, int]:
    """One that waits, whose family is to be acknowledged, and a later one that was joined to it by mistake."""
    key = held(office)
    later = held(office, **GRANDMA)
    assert office.act_unread(join, later, code_of_case(office, key)).ok
    return key, later


def code_of_case(office: Office, key: int) -> str:
    return office.look(lambda tx: case_code(secret_of(tx), office.desk.message(key).case_id or 0))


@pytest.mark.parametrize("stopped", ["before", "after"])
def test_an_acknowledgement_that_was_stopped_does_not_leave_after_parting(
    office: Office, smtp_sink: SmtpSink, stopped: str
) -> None:
    desk = office.desk
    key, _ = two_in_a_case(office)
    if stopped == "before":
        assert office.act_unread(acknowledgement, key, wait=None, never=True).ok
    assert office.act_unread(split, key).ok
    if stopped == "after":
        assert office.act_unread(acknowledgement, key, wait=None, never=True).ok
    before = look(office, key, Choice("sud"))
    assert [one.to for one in before.leaving] == [SUD]
    assert before.notes == ("La conferma di ricevuta di questo caso è fermata: la famiglia non riceve niente.",)
    assert office.act(forward, key, Choice("sud")).told == "fermata"
    desk.advance(days=1)
    desk.send()
    assert [mail.to for mail in sent(smtp_sink)] == [SUD]
    office.assert_all_closes()


def test_what_was_parted_is_acknowledged_once_as_it_was_shown(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key, _ = two_in_a_case(office)
    assert office.act_unread(split, key).ok
    before = look(office, key, Choice("sud"))
    assert office.act(forward, key, Choice("sud")).told == "ricevuta"
    assert left(office, smtp_sink, 0) == letters(office, before)
    desk.advance(days=1)
    desk.send()
    assert [mail.to for mail in sent(smtp_sink)] == [SUD, ANNA]
    office.assert_all_closes()


def test_what_was_acknowledged_before_it_was_parted_is_not_acknowledged_again(
    office: Office, smtp_sink: SmtpSink
) -> None:
    desk = office.desk
    key, _ = two_in_a_case(office)
    desk.advance(hours=5)
    desk.send()
    assert office.act_unread(split, key).ok
    assert [one.to for one in look(office, key, Choice("sud")).leaving] == [SUD]
    assert office.act(forward, key, Choice("sud")).told == "gia_ricevuta"
    desk.advance(days=1)
    desk.send()
    assert [mail.to for mail in sent(smtp_sink)] == [ANNA, SUD]
    office.assert_all_closes()


@pytest.mark.parametrize("stopped", [False, True])
def test_a_parting_that_is_taken_back_gives_the_acknowledgement_back_too(
    office: Office, smtp_sink: SmtpSink, stopped: bool
) -> None:
    """What was stopped meanwhile stays stopped: it may be for somebody's safety."""
    desk = office.desk
    key, _ = two_in_a_case(office)
    case, before = desk.message(key).case_id, desk.dispatch(key, ACK)
    done = office.act_unread(split, key)
    assert desk.dispatch(key, ACK).case_id == desk.message(key).case_id != case
    if stopped:
        assert office.act_unread(acknowledgement, key, wait=None, never=True).ok
    take_back(office, done)
    after = desk.dispatch(key, ACK)
    assert (after.case_id, after.state, after.due_at) == (case, before.state, before.due_at)
    assert desk.message(key).case_id == case
    desk.advance(hours=5)
    desk.send()
    assert [mail.to for mail in sent(smtp_sink)] == ([] if stopped else [ANNA])
    office.assert_all_closes()


def test_what_a_centre_has_may_be_parted_from_its_case_too(office: Office) -> None:
    desk = office.desk
    key = forwarded(desk)
    desk.take_in(further(desk, key, subject="Re: pericolo"))
    done = office.act_unread(split, key)
    assert (done.ok, desk.message(key).state) == (True, MessageState.FORWARDED)
    take_back(office, done)
    assert desk.message(key).state == MessageState.FORWARDED
    office.assert_all_closes()


# --------------------------------------------------------------------------- the acknowledgement


@pytest.fixture
def patient(make_office: Callable[..., Office]) -> Office:
    """Acknowledgements leave ten minutes after the forward."""
    return make_office(rules=acknowledging(RULES, undo_minutes=10))


def test_an_acknowledgement_is_put_off(patient: Office, smtp_sink: SmtpSink) -> None:
    desk = patient.desk
    key = forwarded(desk)
    done = patient.act_unread(acknowledgement, key, wait=timedelta(hours=3))
    assert (done.ok, done.code) == (True, "ricevuta_rimandata")
    desk.advance(minutes=30)
    desk.send()
    assert [mail.to for mail in sent(smtp_sink)] == [NORD]
    desk.advance(hours=3)
    desk.send()
    assert [mail.to for mail in sent(smtp_sink)] == [NORD, ANNA]
    assert patient.act_unread(acknowledgement, key, wait=None, never=True).code == "ricevuta_partita"
    patient.assert_all_closes()


def test_an_acknowledgement_that_staff_do_not_want_never_leaves(patient: Office, smtp_sink: SmtpSink) -> None:
    desk = patient.desk
    key = forwarded(desk)
    assert patient.act_unread(acknowledgement, key, wait=None, never=True).ok
    desk.advance(days=2)
    desk.send()
    assert [mail.to for mail in sent(smtp_sink)] == [NORD]
    assert desk.dispatch(key, ACK).state == DispatchState.CANCELLED
    patient.assert_all_closes()


def test_an_acknowledgement_leaves_as_usual_when_staff_think_better_of_it(patient: Office, smtp_sink: SmtpSink) -> None:
    desk = patient.desk
    key = forwarded(desk)
    patient.act_unread(acknowledgement, key, wait=None, never=True)
    assert patient.act_unread(acknowledgement, key, wait=None).code == "ricevuta_come_al_solito"
    assert patient.act_unread(acknowledgement, key, wait=timedelta(days=8)).code == "attesa_non_valida"
    desk.advance(minutes=30)
    desk.send()
    assert [mail.to for mail in sent(smtp_sink)] == [NORD, ANNA]


# --------------------------------------------------------------------------- two people


def test_whoever_opens_a_message_has_it_for_ten_minutes_and_the_other_is_told(office: Office) -> None:
    desk = office.desk
    key = held(office)

    def opened(person: Person, *, over: bool = False) -> str:
        with desk.store.write("open", person.name) as tx:
            found = claim(tx, person, key, over=over)
        assert found is not None
        return found.display

    assert opened(office.carla) == "Carla Neri"
    assert opened(office.bruno) == "Carla Neri", "who looks later is told"
    desk.advance(minutes=9)
    assert opened(office.carla) == "Carla Neri"
    desk.advance(minutes=9)
    assert opened(office.bruno) == "Carla Neri", "the open page has renewed it"
    assert opened(office.bruno, over=True) == "Bruno Verdi"
    assert opened(office.carla) == "Bruno Verdi"
    with desk.store.write("left", "bruno") as tx:
        release(tx, office.bruno, key)
    assert opened(office.carla) == "Carla Neri"
    desk.advance(minutes=10)
    assert opened(office.bruno) == "Bruno Verdi", "nobody keeps a message by going home"
    with desk.store.write("command", "cli") as tx:
        assert claim(tx, Person(None, "cli", "cli", Role.ADMINISTRATOR), key) is None
    assert office.act(forward, key, Choice("sud"), person=office.carla).ok, "a claim forbids nothing"
