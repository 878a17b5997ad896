"""What staff do about one message, over the whole way: they ask for the comune, or send it to another centre."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.dispatch.builders import (
    ANNA,
    NORD,
    RULES,
    SUD,
    Desk,
    a_mail,
    acknowledgements_in,
    acknowledging,
    change_project,
    forwards_in,
    readdress,
    returns_about,
)
from tests.dispatch.test_coming_back import code_of, from_project, further, report
from tests.dispatch.test_telling import to
from tests.servers.smtp_sink import SmtpSink
from triage.acts.asking import ask_comune, messages_named, waiting_for_place, with_a_centre
from triage.acts.centres import Choice
from triage.acts.correcting import correct as correct_one
from triage.acts.outcome import Outcome
from triage.acts.people import Person, Role
from triage.record.audit import history
from triage.record.charge import charges_of
from triage.vocabulary import DispatchKind, DispatchState, MessageState, Mode

QUESTION, REROUTE = DispatchKind.QUESTION, DispatchKind.REROUTE


@pytest.fixture
def desk(make_desk: Callable[..., Desk], smtp_sink: SmtpSink, store_url: str) -> Desk:
    """The ordinary desk, on each kind of record."""
    return make_desk(smtp_sink.port, url=store_url)


CARLA = Person(None, "cli:carla", "cli:carla", Role.ADMINISTRATOR)
AT_ONCE = timedelta()


def ask(desk: Desk, key: int) -> Outcome:
    with desk.store.write("ask", "cli:carla") as tx:
        return ask_comune(tx, desk.rules, desk.parsed, CARLA, key, undo=AT_ONCE)


def correct(desk: Desk, key: int, where: str = "sud", why: str = "zona", address: str = "default") -> Outcome:
    with desk.store.write("correct", "cli:carla") as tx:
        return correct_one(tx, desk.rules, desk.parsed, CARLA, key, Choice(where, address), why, undo=AT_ONCE)


def last_acts(desk: Desk, key: int) -> list[tuple[str, str, dict[str, object]]]:
    """What a person did to a message: event, who, parameters."""
    with desk.store.read("acts") as tx:
        events = history(tx, "message", key)
    return [(one["event"], one["actor"], one["params"]) for one in events if one["actor"] == "cli:carla"]


def forwarded(desk: Desk) -> int:
    """A message that the north has, whose family was told so."""
    [key] = desk.take_in(a_mail(message_id="<prima@family.example>"))
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    return key


def placeless(desk: Desk) -> int:
    [key] = desk.take_in(a_mail(subject="nessun luogo", message_id="<prima@family.example>"))
    assert desk.outcome(key) == (MessageState.HELD, "territorio_non_indicato")
    return key


# --------------------------------------------------------------------------- asking for the comune


def test_the_family_is_asked_once_and_who_asked_is_on_record(desk: Desk, smtp_sink: SmtpSink) -> None:
    key = placeless(desk)
    done = ask(desk, key)
    assert (done.ok, done.message_it) == (
        True,
        "Chiediamo alla famiglia il suo comune. Il messaggio aspetta la risposta.",
    )
    desk.send()
    [(subject, text)] = to(smtp_sink)
    assert subject.startswith("Auto: una domanda")
    assert "il comune in cui abita" in text
    again = ask(desk, key)
    assert (again.ok, again.code) == (False, "gia_chiesto")
    assert again.message_it.endswith("Il comune è già stato chiesto a questa famiglia: non si chiede due volte.")
    desk.send()
    assert len(to(smtp_sink)) == 1
    assert last_acts(desk, key) == [("settled", "cli:carla", {"settlement": 1, "exit": "domanda", "generation": 1})]
    assert desk.outcome(key) == (MessageState.HELD, "territorio_non_indicato"), "it waits for the answer"
    desk.assert_ledger_closes()


def test_the_answer_to_a_question_of_staff_sends_both_on(desk: Desk, smtp_sink: SmtpSink) -> None:
    key = placeless(desk)
    ask(desk, key)
    desk.send()
    ours = desk.dispatch(key, QUESTION).rfc_message_id
    [answer] = desk.take_in(a_mail("Abito ad Altavilla.\n", subject="Re: nord", headers=[("In-Reply-To", ours)]))
    desk.send()
    desk.advance(minutes=3)
    desk.decide()
    desk.send()
    assert desk.message(key).comune_given == "Altavilla"
    assert [desk.message(one).state for one in (key, answer)] == [MessageState.FORWARDED] * 2
    assert forwards_in(smtp_sink) == [NORD, NORD]
    # The question, and the one acknowledgement of the case.
    assert acknowledgements_in(smtp_sink) == [ANNA, ANNA]
    desk.assert_ledger_closes()


@pytest.mark.parametrize(
    ("subject", "code", "sentence"),
    [
        ("Orari", "stato_decided", "È già deciso e sta partendo."),
        ("reclamo", "domanda_non_serve", ""),
        ("nessun luogo, pericolo", "domanda_non_serve", ""),
    ],
)
def test_nobody_is_asked_where_the_place_is_not_what_is_missing(
    desk: Desk, smtp_sink: SmtpSink, subject: str, code: str, sentence: str
) -> None:
    [key] = desk.take_in(a_mail(subject=subject))
    refused = ask(desk, key)
    assert (refused.ok, refused.code) == (False, code)
    assert sentence in refused.message_it
    assert desk.dispatches(key, QUESTION) == []


def test_a_robot_a_stranger_to_us_and_a_family_without_address_are_not_asked(desk: Desk, smtp_sink: SmtpSink) -> None:
    keys = desk.take_in(
        a_mail(subject="nessun luogo", headers=[("Auto-Submitted", "auto-generated")]),
        a_mail(subject="nessun luogo", return_path=""),
        a_mail(subject="nessun luogo", to="altri@elsewhere.example"),
    )
    assert [ask(desk, key).code for key in keys] == ["auto_submitted", "percorso_nullo", "non_indirizzata_a_noi"]
    desk.send()
    assert to(smtp_sink) == []


def test_in_ombra_nobody_is_asked(desk: Desk) -> None:
    key = placeless(desk)
    desk.rules = replace(desk.rules, service=replace(desk.rules.service, mode=Mode.SHADOW))
    assert ask(desk, key).code == "modo_ombra"


def test_the_question_is_not_sent_once_the_message_was_corrected(desk: Desk, smtp_sink: SmtpSink) -> None:
    key = placeless(desk)
    ask(desk, key)
    assert correct(desk, key).ok
    desk.send()
    assert desk.dispatch(key, QUESTION).state == DispatchState.CANCELLED
    assert forwards_in(smtp_sink) == [SUD]
    [(subject, _)] = to(smtp_sink)
    assert subject.startswith("Auto: abbiamo ricevuto")


# --------------------------------------------------------------------------- another centre


def test_a_late_bounce_of_the_wrong_centre_is_noted_and_opens_nothing(desk: Desk, smtp_sink: SmtpSink) -> None:
    key = forwarded(desk)
    first = desk.dispatch(key)
    assert correct(desk, key).ok
    desk.send()
    assert forwards_in(smtp_sink) == [NORD, SUD]
    [about] = desk.take_in(report(first.rfc_message_id))
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.incidents() == []
    assert desk.message(about).state == MessageState.DECIDED
    with desk.store.read("returns") as tx:
        assert [(row["dispatch_id"], row["kind"]) for row in returns_about(tx, key)] == [(first.id, "failed")]
    desk.assert_ledger_closes()


def test_a_bounce_of_the_right_centre_opens_the_corrected_message(desk: Desk) -> None:
    key = forwarded(desk)
    assert correct(desk, key).ok
    desk.send()
    [second] = [one for one in desk.dispatches(key) if one.kind == DispatchKind.FORWARD and one.forward_path == SUD]
    desk.take_in(report(second.rfc_message_id, recipient=SUD))
    assert desk.outcome(key) == (MessageState.HELD, "inoltro_respinto")
    desk.assert_ledger_closes()


def test_a_misrouted_message_goes_to_the_right_centre_and_the_family_is_told_once(
    desk: Desk, smtp_sink: SmtpSink
) -> None:
    key = forwarded(desk)
    done = correct(desk, key)
    assert (done.ok, done.told, done.have_it) == (True, "avviso", ("nord",))
    assert done.message_it == (
        "Va a «Ente Sud». La famiglia viene avvisata, una volta sola, quando il centro lo ha "
        "ricevuto. «Ente Nord» ha già il messaggio. A «Ente Nord» chiediamo di cancellarlo."
    )
    smtp_sink.answer("rcpt", 451, times=1, when=lambda path: path == SUD)
    desk.send()
    assert len(to(smtp_sink)) == 1, "not before the new centre has it"
    desk.advance(minutes=20)
    desk.send()
    assert forwards_in(smtp_sink) == [NORD, SUD]
    (_, first), (subject, second) = to(smtp_sink)
    assert "Centro Nord" in first
    assert subject.startswith("Auto: il suo messaggio è in un altro centro")
    assert "Centro Sud" in second
    assert desk.message(key).state == MessageState.FORWARDED
    decision = desk.decision(key)
    assert (decision.project, decision.forward_path, decision.confidence) == ("sud", SUD, 1.0)
    assert [(event, params.get("why")) for event, _, params in last_acts(desk, key)] == [
        ("opened_again", None),
        ("corrected", "zona"),
        ("decided", None),
        ("taken_in_charge", None),
        ("settled", None),
    ]
    assert last_acts(desk, key)[1][2] == {"from": "nord", "to": "sud", "why": "zona", "had_it": True}
    desk.assert_ledger_closes()


def test_a_second_correction_tells_staff_that_the_family_is_theirs_to_tell(desk: Desk, smtp_sink: SmtpSink) -> None:
    rules = readdress(RULES, "sud", to=SUD)
    desk.rules = rules
    key = forwarded(desk)
    correct(desk, key)
    desk.send()
    refused = correct(desk, key, "sud")
    assert (refused.ok, refused.code) == (False, "lo_ha_gia")
    third = replace(rules.projects["sud"], code="third", centre="Centro Terzo")
    address = replace(third.addresses["default"], to="terzo@third.example")
    third = replace(third, addresses={"default": address}, domains=())
    desk.rules = replace(rules, projects={**rules.projects, "third": third})
    done = correct(desk, key, "third")
    assert (done.ok, done.told) == (True, "gia_avvisata")
    assert "questa volta avvisala tu" in done.message_it
    assert done.have_it == ("sud",), "the north was asked to delete it"
    desk.send()
    assert len(to(smtp_sink)) == 2
    desk.assert_ledger_closes()


def test_a_message_that_was_handed_back_goes_on_and_its_family_is_told(desk: Desk, smtp_sink: SmtpSink) -> None:
    key = forwarded(desk)
    code = code_of(desk, key)
    desk.take_in(from_project(f"Non è per noi [{code}]", "Non è per noi.\n"))
    assert desk.outcome(key) == (MessageState.HELD, "restituito")
    assert correct(desk, key).told == "avviso"
    [more] = desk.take_in(further(desk, key, subject="Re: senza luogo"))
    assert desk.message(more).state == MessageState.HELD, "nobody has the case at this moment"
    desk.send()
    assert forwards_in(smtp_sink) == [NORD, SUD]
    [then] = desk.take_in(further(desk, key, subject="Re: Re: senza luogo"))
    desk.send()
    assert forwards_in(smtp_sink) == [NORD, SUD, SUD]
    assert desk.message(then).state == MessageState.FORWARDED
    assert len(to(smtp_sink)) == 2
    desk.assert_ledger_closes()


def test_a_forward_that_came_back_may_go_to_the_same_centre_again(desk: Desk, smtp_sink: SmtpSink) -> None:
    key = forwarded(desk)
    desk.take_in(report(desk.dispatch(key).rfc_message_id))
    assert [kind for kind, _ in desk.incidents()] == ["forward_returned"]
    done = correct(desk, key, "nord", "altro")
    assert (done.ok, done.told, done.have_it) == (True, "niente", ())
    assert desk.incidents() == []
    desk.send()
    assert forwards_in(smtp_sink) == [NORD, NORD]
    assert len(to(smtp_sink)) == 1
    desk.assert_ledger_closes()


def test_a_held_message_is_sent_where_staff_say_and_its_family_gets_the_ordinary_acknowledgement(
    desk: Desk, smtp_sink: SmtpSink
) -> None:
    [key] = desk.take_in(a_mail(subject="reclamo"))
    done = correct(desk, key, "sud", "altro")
    assert (done.ok, done.told) == (True, "ricevuta")
    desk.send()
    assert forwards_in(smtp_sink) == [SUD]
    [(_, text)] = to(smtp_sink)
    assert "Centro Sud" in text
    with desk.store.read("charge") as tx:
        assert charges_of(tx, [key])[key].taken_by == "cli:carla"


def test_undone_in_time_the_family_never_hears_of_the_wrong_centre(
    make_desk: Callable[..., Desk], smtp_sink: SmtpSink, store_url: str
) -> None:
    desk = make_desk(smtp_sink.port, url=store_url, rules=acknowledging(RULES, undo_minutes=10))
    [key] = desk.take_in(a_mail())
    desk.send()
    assert forwards_in(smtp_sink) == [NORD]
    done = correct(desk, key)
    assert (done.ok, done.told, done.have_it) == (True, "ricevuta", ("nord",))
    desk.send()
    desk.advance(minutes=11)
    desk.send()
    [(_, text)] = to(smtp_sink)
    assert "Centro Sud" in text
    assert "Centro Nord" not in text


def test_a_forward_that_still_waits_is_withdrawn(desk: Desk, smtp_sink: SmtpSink) -> None:
    smtp_sink.answer("rcpt", 451, when=lambda path: path == NORD)
    [key] = desk.take_in(a_mail())
    desk.send()
    assert desk.message(key).state == MessageState.DECIDED
    assert correct(desk, key).ok
    desk.advance(hours=1)
    desk.send()
    assert forwards_in(smtp_sink) == [SUD]
    first = desk.dispatches(key, DispatchKind.FORWARD)[0]
    assert (first.forward_path, first.state) == (NORD, DispatchState.CANCELLED)
    desk.assert_ledger_closes()


def test_what_is_on_the_wire_is_waited_for(desk: Desk) -> None:
    [key] = desk.take_in(a_mail())
    desk.abandon()
    refused = correct(desk, key)
    assert (refused.ok, refused.code) == (False, "in_partenza")
    assert refused.message_it.endswith("Sta partendo in questo momento: riprova fra un minuto.")
    assert desk.message(key).state == MessageState.DECIDED


def test_staff_may_send_in_proposta_and_to_an_address_that_nobody_confirmed(desk: Desk, smtp_sink: SmtpSink) -> None:
    """A person has looked: that is what *proposta* waits for."""
    desk.rules = change_project(readdress(RULES, "nord", confirmed=False), "nord", mode=Mode.PROPOSAL)
    [key] = desk.take_in(a_mail())
    assert desk.message(key).state == MessageState.HELD
    assert correct(desk, key, "nord", "altro").ok
    desk.send()
    assert forwards_in(smtp_sink) == [NORD]


def test_in_ombra_not_even_staff_can_send(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.rules = change_project(RULES, "sud", mode=Mode.SHADOW)
    key = forwarded(desk)
    before = desk.events(key)
    refused = correct(desk, key)
    assert (refused.ok, refused.code) == (False, "modo_ombra")
    assert desk.events(key) == before
    assert desk.message(key).state == MessageState.FORWARDED


def test_what_a_person_has_chosen_no_machine_decides_anew(desk: Desk, smtp_sink: SmtpSink) -> None:
    """The address changes before it leaves: a person must look, and it does not go back to the wrong centre."""
    key = forwarded(desk)
    correct(desk, key)
    desk.rules = readdress(RULES, "sud", to="nuovo@sud.example")
    desk.send()
    desk.decide()
    assert desk.outcome(key) == (MessageState.HELD, "indirizzo_non_attuale")
    assert forwards_in(smtp_sink) == [NORD]
    desk.assert_ledger_closes()


def test_a_wrong_name_wrong_state_or_wrong_author_is_a_clear_sentence(desk: Desk) -> None:
    [key] = desk.receive(a_mail())
    assert correct(desk, key).message_it.endswith("Il servizio lo sta ancora valutando: riprova fra poco.")
    desk.decide()
    assert correct(desk, key, "west").message_it.endswith("Non c'è un centro con questo nome.")
    assert correct(desk, key, "sud", address="piano").code == "centro_sconosciuto"
    [told] = desk.take_in(from_project("Orari", "Ecco gli orari.\n"))
    assert correct(desk, told).code == "scritto_da_noi"


def test_of_two_who_act_at_once_one_is_told_that_it_has_changed(desk: Desk) -> None:
    [key] = desk.take_in(a_mail(subject="reclamo"))
    seen = desk.message(key).generation
    desk.retry(key)
    desk.decide()
    with desk.store.write("correct", "cli:carla") as tx:
        late = correct_one(tx, desk.rules, desk.parsed, CARLA, key, Choice("sud"), "zona", seen=seen)
    assert (late.ok, late.code) == (False, "cambiato")
    assert last_acts(desk, key) == []


# --------------------------------------------------------------------------- by the case's code


def test_a_code_stands_for_all_of_a_case_that_a_centre_has(desk: Desk, smtp_sink: SmtpSink) -> None:
    key = forwarded(desk)
    [more] = desk.take_in(further(desk, key))
    [urgent] = desk.take_in(further(desk, key, subject="Re: pericolo"))
    desk.send()
    code = code_of(desk, key)
    with desk.store.read("code") as tx:
        rows = messages_named(tx, code.lower())
        assert [row.id for row in rows] == [key, more, urgent]
        assert [row.id for row in with_a_centre(tx, rows)] == [key, more], "what waits is a person's to read"
        assert messages_named(tx, f"{code[:-1]}{'2' if code[-1] != '2' else '3'}") == []
        assert [row.id for row in messages_named(tx, str(more))] == [more]
        assert messages_named(tx, "9" * 30) == []
    assert [correct(desk, one).told for one in (key, more)] == ["avviso", "avviso"]
    desk.send()
    assert forwards_in(smtp_sink) == [NORD, NORD, SUD, SUD]
    assert len(to(smtp_sink)) == 2
    desk.assert_ledger_closes()


def test_a_code_finds_the_message_that_lacks_its_place(desk: Desk) -> None:
    key = placeless(desk)
    with desk.store.read("code") as tx:
        assert [row.id for row in waiting_for_place(tx, messages_named(tx, code_of(desk, key)))] == [key]
