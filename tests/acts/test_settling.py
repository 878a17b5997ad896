"""Messages that wait are sent where a person says, or ended without a centre; everything closes the ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tests.acts.builders import Office, sent
from tests.dispatch.builders import ANNA, NORD, RULES, SUD, a_mail, change_project, forwards_in, readdress
from tests.dispatch.test_coming_back import from_project, further
from tests.servers.smtp_sink import SmtpSink
from triage.acts.centres import Choice
from triage.acts.correcting import correct
from triage.acts.letters import read_letter
from triage.acts.outcome import Outcome
from triage.acts.people import Person
from triage.acts.preview import preview
from triage.acts.settling import by_phone, close, forward, not_for_us, take
from triage.acts.undoing import undo
from triage.bootstrap import folder_of
from triage.dispatch.shown import shown
from triage.dispatch.text_files import shipped_texts
from triage.leaving import When
from triage.record.charge import charges_of
from triage.record.filing import due_for_filing, record_filed
from triage.record.let_in import send_again
from triage.record.mailboxes import mailbox_row
from triage.record.messages import Reception, list_messages, messages_in, record_receptions
from triage.record.staff_acts import acts_about
from triage.vocabulary import DispatchKind, DispatchState, ListedMessage, MessageState, Mode

ACK = DispatchKind.ACKNOWLEDGEMENT


def held(office: Office, subject: str = "reclamo", **options: Any) -> int:
    [key] = office.desk.take_in(a_mail(subject=subject, **options))
    assert office.desk.message(key).state == MessageState.HELD
    return key


def file_due(office: Office) -> list[int]:
    """What the mailbox's reader would move away now, moved."""
    with office.desk.store.write("filed") as tx:
        rows = due_for_filing(tx, mailbox_row(tx, "generale"), 100)
        record_filed(tx, rows, "Smistati", "filed")
    return [row.id for row in rows]


# --------------------------------------------------------------------------- to a centre


def test_a_message_goes_where_a_person_says_and_not_before_two_minutes(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = held(office)
    generation = desk.message(key).generation
    choice = Choice("sud", comune="Erbezzo", topic="laboratori")
    done = office.act(forward, key, choice, seen=generation, note="chiamata la madre")
    assert (done.ok, done.code) == (True, "inoltro")
    assert done.message_it == "Va a «Ente Sud». La conferma di ricevuta alla famiglia dirà che lo ha questo centro."
    assert done.undo_until == desk.clock.now() + timedelta(minutes=2)
    desk.advance(seconds=119)
    desk.send()
    assert forwards_in(smtp_sink) == []
    desk.advance(seconds=1)
    desk.send()
    [out, told] = sent(smtp_sink)
    assert out.to == SUD
    assert "Luogo:              Erbezzo" in out.text
    assert "Servizio richiesto: laboratori e attività" in out.text
    assert "chiamata la madre" not in out.text, "a note is for colleagues only"
    assert (told.to, "Centro Sud" in told.text, "laboratori" in told.text) == (ANNA, True, False)
    decision = desk.decision(key)
    assert (decision.territory, decision.topic, decision.project, decision.confidence) == (
        "sud",
        "laboratori",
        "sud",
        1.0,
    )
    [row] = office.settlements(key)
    assert (row.exit, row.person_id, row.actor, row.generation) == ("inoltro", office.carla.id, "carla", generation + 1)
    assert (row.comune, row.topic, row.project, row.note, row.teaches) == (
        "Erbezzo",
        "laboratori",
        "sud",
        "chiamata la madre",
        "solo",
    )
    [act] = office.look(lambda tx: acts_about(tx, "message", key))
    assert (act["act"], act["params"]["exit"], "note" in act["params"]) == ("settle", "inoltro", False)
    office.assert_all_closes()


def test_what_the_page_shows_before_is_what_leaves(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = held(office)
    choice = Choice("sud", comune="Erbezzo", topic="ascolto")
    with desk.store.read("look") as tx:
        before = preview(tx, desk.rules, desk.parsed, key, choice)
    assert before.refused is None
    assert [(one.kind, one.to, one.when, one.waits_already) for one in before.leaving] == [
        (DispatchKind.FORWARD, SUD, When.UNDO_OVER, False),
        (ACK, ANNA, When.CENTRE_HAS_IT, True),
    ]
    assert desk.dispatches(key, DispatchKind.FORWARD) == [], "looking writes nothing"
    assert office.act(forward, key, choice).ok
    desk.advance(minutes=2)
    desk.send()
    texts = shipped_texts()
    assert [(one.to, one.sender, one.subject, one.text) for one in sent(smtp_sink)] == [
        (mail.to, mail.sender, mail.subject, mail.text)
        for mail in (shown(one, desk.rules, texts) for one in before.leaving)
    ]


def test_the_page_says_why_a_choice_cannot_be_and_what_to_think_of(office: Office) -> None:
    desk = office.desk
    key = held(office)
    urgent = held(office, "oggi", author="vicina@family.example", return_path="vicina@family.example")
    desk.rules = readdress(RULES, "sud", confirmed=False)
    with desk.store.read("look") as tx:
        assert preview(tx, desk.rules, desk.parsed, key, Choice("sud")).notes == (
            "L'indirizzo di questo centro non è ancora confermato da una mail di prova.",
        )
        assert any(
            "da leggere oggi" in note for note in preview(tx, desk.rules, desk.parsed, urgent, Choice("nord")).notes
        )
        for choice, code in (
            (Choice("west"), "centro_sconosciuto"),
            (Choice("nord", "casa"), "centro_sconosciuto"),
            (Choice("nord", comune="Roma"), "comune_sconosciuto"),
            (Choice("nord", topic="gite"), "argomento_sconosciuto"),
        ):
            refused = preview(tx, desk.rules, desk.parsed, key, choice).refused
            assert refused is not None
            assert refused.code == code
            assert refused.message_it.endswith(".")
        stale = preview(tx, desk.rules, desk.parsed, key, Choice("nord"), seen=7).refused
        assert stale is not None
        assert stale.code == "cambiato"
    assert office.act(forward, key, Choice("west")).code == "centro_sconosciuto"
    assert office.settlements(key) == []


def test_a_zone_of_another_centre_is_warned_of_like_a_comune(office: Office) -> None:
    desk, key = office.desk, held(office)
    with desk.store.read("look") as tx:
        elsewhere = preview(tx, desk.rules, desk.parsed, key, Choice("sud", territory="nord")).notes
        same = preview(tx, desk.rules, desk.parsed, key, Choice("sud", territory="sud")).notes
    assert any(note.startswith("Attenzione: la zona scelta è quella di «Ente Nord»") for note in elsewhere)
    assert not any("Attenzione" in note for note in same)


def test_whoever_forwards_is_told_why_the_family_hears_nothing(office: Office) -> None:
    """Nobody had ever told the family anything: the reason is what speaks against an acknowledgement."""
    desk, key = office.desk, held(office, to="altri@family.example")
    words = "Alla famiglia non parte niente: il nostro indirizzo non è tra i destinatari."
    with desk.store.read("look") as tx:
        assert words in preview(tx, desk.rules, desk.parsed, key, Choice("sud")).notes
    done = office.act(forward, key, Choice("sud"))
    assert (done.told, done.message_it) == ("niente", f"Va a «Ente Sud». {words}")


def test_whoever_presses_twice_is_told_that_it_was_they(office: Office) -> None:
    key = held(office)
    generation = office.desk.message(key).generation
    assert office.act(forward, key, Choice("sud"), seen=generation).ok
    again = office.act(forward, key, Choice("sud"), seen=generation)
    assert (again.code, again.message_it) == (
        "cambiato",
        "L'hai già smistato tu, alle 10:00: se era sbagliato, annulla o correggi.",
    )


def test_two_people_never_settle_the_same_message_twice(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = held(office)
    seen = desk.message(key).generation
    assert office.act(forward, key, Choice("sud"), seen=seen).ok
    late = office.act(forward, key, Choice("nord"), seen=seen, person=office.bruno)
    assert (late.ok, late.code) == (False, "cambiato")
    assert late.message_it == "Nel frattempo è già stato smistato da Carla Neri, alle 10:00: guardalo di nuovo."
    assert office.act_unread(close, key, "nota", seen=seen, person=office.bruno).code == "cambiato"
    assert office.act(forward, key, Choice("nord"), person=office.bruno).code == "stato_decided"
    desk.advance(minutes=2)
    desk.send()
    assert forwards_in(smtp_sink) == [SUD]
    office.assert_all_closes()


def test_of_two_who_confirm_in_the_same_instant_one_settles_and_one_is_told(
    office: Office, smtp_sink: SmtpSink
) -> None:
    desk = office.desk
    key = held(office)
    seen = desk.message(key).generation
    together = threading.Barrier(2)

    def confirm(person: Person, project: str) -> str:
        together.wait(10)
        return office.act(forward, key, Choice(project), seen=seen, person=person).code

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(confirm, office.carla, "sud"), pool.submit(confirm, office.bruno, "nord")]
        assert sorted(one.result(30) for one in both) == ["cambiato", "inoltro"]
    desk.advance(minutes=2)
    desk.send()
    assert len(forwards_in(smtp_sink)) == 1
    assert len(office.settlements(key)) == 1
    office.assert_all_closes()


def test_in_proposta_a_persons_word_is_enough_and_in_ombra_it_is_not(
    make_office: Callable[..., Office], smtp_sink: SmtpSink
) -> None:
    office = make_office(rules=change_project(RULES, "nord", mode=Mode.PROPOSAL))
    [key] = office.desk.take_in(a_mail())
    assert office.desk.outcome(key) == (MessageState.HELD, "modo_proposta")
    office.desk.rules = change_project(RULES, "nord", mode=Mode.SHADOW)
    refused = office.act(forward, key, Choice("nord"))
    assert (refused.code, refused.message_it) == (
        "modo_ombra",
        "Il centro è in prova (ombra): da qui non parte ancora niente.",
    )
    office.desk.rules = change_project(RULES, "nord", mode=Mode.PROPOSAL)
    assert office.act(forward, key, Choice("nord")).ok
    office.desk.advance(minutes=2)
    office.desk.send()
    assert forwards_in(smtp_sink) == [NORD]


def test_what_a_project_wrote_is_not_forwarded_as_a_familys(office: Office) -> None:
    [key] = office.desk.take_in(from_project("Orari", "Ecco gli orari.\n"))
    assert office.act(forward, key, Choice("sud")).code == "scritto_da_noi"


def test_the_machine_never_decides_anew_what_a_person_sent(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = held(office)
    office.act(forward, key, Choice("sud"))
    desk.rules = readdress(RULES, "sud", to="nuovo@sud.example")
    desk.advance(minutes=2)
    desk.send()
    desk.decide()
    assert desk.outcome(key) == (MessageState.HELD, "indirizzo_non_attuale")
    assert forwards_in(smtp_sink) == []
    office.assert_all_closes()


# --------------------------------------------------------------------------- without a centre


@pytest.mark.parametrize(("act", "code"), [(close, "chiuso"), (by_phone, "telefono")])
def test_a_closed_message_is_filed_and_its_family_hears_nothing_from_us(
    office: Office, smtp_sink: SmtpSink, act: Callable[..., Outcome], code: str
) -> None:
    desk = office.desk
    key = held(office)
    assert office.act_unread(act, key, "  ").code == "manca_nota"
    assert desk.message(key).state == MessageState.HELD
    done = office.act_unread(act, key, "parlato con la famiglia")
    assert (done.ok, done.code) == (True, code)
    assert file_due(office) == [], "it can still be taken back"
    desk.advance(minutes=2)
    assert file_due(office) == [key]
    assert folder_of(desk.rules, desk.decision(key)) == desk.rules.service.folders.settled
    desk.advance(hours=5)
    desk.send()
    assert sent(smtp_sink) == []
    assert desk.dispatch(key, ACK).state == DispatchState.CANCELLED
    assert desk.message(key).state == MessageState.FILED
    [row] = office.settlements(key)
    assert (row.exit, row.note) == (code, "parlato con la famiglia")
    office.assert_all_closes()


def test_not_for_us_is_one_act_for_many_and_leaves_danger_and_what_changed_alone(
    office: Office, smtp_sink: SmtpSink
) -> None:
    desk = office.desk
    keys = [held(office, author=f"f{n}@family.example", return_path=f"f{n}@family.example") for n in range(3)]
    danger = held(office, "oggi")
    seen = {key: desk.message(key).generation for key in (*keys, danger)}
    office.act(forward, keys[1], Choice("sud"), person=office.bruno)
    done = office.act_unread(not_for_us, seen)
    assert [one.code for one in done] == ["non_per_noi", "cambiato", "non_per_noi", "possibile_pericolo"]
    assert [desk.message(key).state for key in (*keys, danger)] == ["decided", "decided", "decided", "held"]
    assert len({row.id for key in keys for row in office.settlements(key)}) == 3
    desk.advance(hours=5)
    desk.send()
    assert sorted(file_due(office)) == sorted(keys)
    assert folder_of(desk.rules, desk.decision(keys[0])) == desk.rules.service.folders.not_for_us
    assert [one.to for one in sent(smtp_sink) if one.to not in (SUD, "f1@family.example")] == [ANNA]
    [alone] = office.act_unread(not_for_us, {danger: None}, note="letto: è la locandina di uno spettacolo")
    assert alone.ok, "read and settled by itself, with a word why, it may be nobody's"
    office.assert_all_closes()


def test_possible_danger_is_not_put_away_as_not_for_us_without_a_word(office: Office) -> None:
    desk, danger = office.desk, held(office, "oggi")
    for note in ("", " \n"):
        [done] = office.act_unread(not_for_us, {danger: desk.message(danger).generation}, note=note)
        assert (done.ok, done.code) == (False, "manca_nota_pericolo")
        assert "Qui può esserci un pericolo" in done.message_it
    assert desk.message(danger).state == MessageState.HELD
    assert office.settlements(danger) == []


def test_a_message_that_was_set_aside_unread_can_be_closed_too(office: Office) -> None:
    desk = office.desk
    [key] = desk.receive(a_mail(subject="veleno"))
    desk.decide()
    assert desk.message(key).state == MessageState.QUARANTINED
    assert office.act(forward, key, Choice("sud")).code == "stato_quarantined"
    assert office.act_unread(close, key, "guardato nella casella").ok
    desk.advance(minutes=2)
    assert file_due(office) == [key]
    office.assert_all_closes()


def test_what_stopped_the_parser_is_not_read_by_any_act_once_it_is_closed(office: Office) -> None:
    """Closing it, taking that back and closing it again do not make it safe; a person who sends it again does."""
    desk = office.desk
    [key] = desk.receive(a_mail(subject="veleno"))
    desk.decide()
    done = office.act_unread(close, key, "guardato nella casella")
    assert desk.message(key).stopped_the_parser
    assert office.act_unread(undo, done.settlement_id).ok
    assert desk.outcome(key) == (MessageState.QUARANTINED, "errore_imprevisto")
    assert office.act_unread(close, key, "guardato davvero").ok
    desk.advance(minutes=2)
    assert file_due(office) == [key]
    with desk.store.read("its letter") as tx:
        row = desk.message(key)
        assert (row.stopped_the_parser, row.sha256 is not None) == (True, True)
        assert read_letter(tx, desk.rules, desk.parsed, row) is None
    assert office.act(correct, key, Choice("sud"), "zona").code == "mai_deciso"
    with desk.store.write("sent again") as tx:
        send_again(tx, desk.message(key), MessageState.RECEIVED)
    assert not desk.message(key).stopped_the_parser


@pytest.mark.parametrize("state", [MessageState.OVERSIZE, MessageState.UNREADABLE])
def test_what_could_not_be_read_is_closed_where_it_lies_and_taken_back(office: Office, state: MessageState) -> None:
    desk = office.desk
    desk.receive(a_mail())
    with desk.store.write("listed once more") as tx:
        box = mailbox_row(tx, "generale")
        list_messages(tx, box, [ListedMessage(77, 1 << 30, tx.now)], state=MessageState.LISTED, last_uid=77)
        [row] = [row for row in messages_in(tx, [MessageState.LISTED]) if row.uid == 77]
        record_receptions(tx, box, [Reception(row.id, state, hold_reason="troppo_grande")])
    assert office.act_unread(close, row.id, "").code == "manca_nota"
    assert office.act(forward, row.id, Choice("sud")).code == f"stato_{state}"
    done = office.act_unread(close, row.id, "letto nella casella")
    assert (done.ok, desk.outcome(row.id)) == (True, (MessageState.CLOSED, ""))
    assert office.act_unread(undo, done.settlement_id).ok
    assert desk.outcome(row.id) == (state, "troppo_grande")
    assert office.act_unread(close, row.id, "letto davvero").ok
    assert file_due(office) == [], "it stays where it is"
    desk.decide()
    office.assert_all_closes()


def test_whoever_takes_a_message_first_keeps_it(office: Office) -> None:
    key = held(office, "pericolo")
    assert office.act_unread(take, key).ok
    again = office.act_unread(take, key, person=office.bruno)
    assert (again.ok, again.message_it) == (False, "È già in carico a Carla Neri.")
    assert office.look(lambda tx: charges_of(tx, [key]))[key].taken_by == "carla"
    assert [act["act"] for act in office.look(lambda tx: acts_about(tx, "message", key))] == ["take"]


def test_what_is_filed_is_not_taken_in_charge(office: Office) -> None:
    key = held(office, "pericolo")
    assert office.act_unread(not_for_us, {key: None}, note="letto: non serve altro")[0].ok
    office.desk.advance(minutes=2)
    assert file_due(office) == [key]
    done = office.act_unread(take, key, person=office.bruno)
    assert (done.ok, done.message_it) == (False, "È già stato trattato e archiviato.")


def test_nothing_is_done_about_a_message_that_is_not_there(office: Office) -> None:
    assert office.act(forward, 99, Choice("sud")).code == "non_c_e"
    assert office.act_unread(close, 99, "nota").code == "non_c_e"
    assert office.act_unread(take, 99).code == "non_c_e"


def test_whoever_closes_a_message_reads_what_its_case_s_family_is_still_to_get(
    office: Office, smtp_sink: SmtpSink
) -> None:
    desk = office.desk
    [first] = desk.take_in(a_mail(message_id="<prima@family.example>"))
    desk.send()
    assert office.act(correct, first, Choice("sud"), "zona").told == "avviso"
    [more] = desk.take_in(further(desk, first, subject="reclamo"))
    assert desk.message(more).case_id == desk.message(first).case_id
    assert desk.message(more).state == MessageState.HELD
    assert office.act_unread(close, more, "sentita per telefono").message_it == (
        "Chiuso. Per questo messaggio non parte niente. "
        "Per altri messaggi del caso alla famiglia deve ancora partire l'avviso del nuovo centro."
    )
    desk.advance(minutes=3)
    desk.send()
    assert [one.to for one in sent(smtp_sink)].count(ANNA) == 2, "the acknowledgement and the notice"
    office.assert_all_closes()
