"""Staff answer a family themselves, or name another office: in a person's mail, once, and found out when it fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.acts.builders import Office, sent
from tests.acts.test_settling import file_due, held
from tests.acts.test_undoing import take_back
from tests.dispatch.builders import ANNA, RULES, a_mail
from tests.dispatch.test_coming_back import report
from tests.rules.builders import OTHERS, build_rules
from tests.rules.test_offices import OFFICES
from tests.servers.smtp_sink import SmtpSink
from triage.acts.answering import answered_elsewhere, refer, reply
from triage.acts.centres import Choice
from triage.acts.settling import forward
from triage.record.settlements import texts_of
from triage.vocabulary import DispatchKind, DispatchState, MessageState, Mode

REPLY, REFERRAL = DispatchKind.REPLY, DispatchKind.REFERRAL
WITH_OFFICES = build_rules(others=OTHERS + OFFICES)
TEXT = "Buongiorno signora,\n\nil laboratorio è sabato alle 10.\nNon serve iscriversi.\n\n## Carla Neri\n=> x"


@pytest.fixture
def office(make_office: Callable[..., Office]) -> Office:
    return make_office(rules=WITH_OFFICES)


def test_a_reply_leaves_in_the_persons_words_and_the_message_is_done_then(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = held(office, message_id="<prima@family.example>", headers=[("Reply-To", "anna@lavoro.example")])
    done = office.act(reply, key, TEXT, note="verificato con il centro")
    assert (done.ok, done.code) == (True, "risposta")
    assert file_due(office) == []
    desk.advance(minutes=1)
    desk.send()
    assert sent(smtp_sink) == []
    desk.advance(minutes=1)
    desk.send()
    [mail] = sent(smtp_sink)
    assert mail.to == "anna@lavoro.example", "where the family wants its answers"
    assert mail.subject.startswith("Risposta al suo messaggio (")
    assert mail.text.startswith(
        "Buongiorno signora,\n\nil laboratorio è sabato alle 10.\nNon serve iscriversi.\n\n## Carla"
    )
    assert "Questo elenco è uguale per tutti" in mail.text
    assert mail.fields["in-reply-to"] == "<prima@family.example>"
    assert {"auto-submitted", "x-auto-response-suppress"} & mail.fields.keys() == set(), "a person wrote it"
    assert mail.sender.endswith("<famiglie@agency.example>")
    assert "verificato" not in mail.text
    assert file_due(office) == [key]
    desk.advance(hours=6)
    desk.send()
    assert len(sent(smtp_sink)) == 1, "no acknowledgement follows an answer"
    [row] = office.settlements(key)
    assert row.exit == "risposta"
    assert office.look(lambda tx: texts_of(tx, [key]))[key, row.generation].text == TEXT
    office.assert_all_closes()


def test_what_the_family_writes_back_comes_to_a_person(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = held(office)
    office.act(reply, key, "Va bene sabato?")
    desk.advance(minutes=2)
    desk.send()
    ours = desk.dispatch(key, REPLY).rfc_message_id
    [answer] = desk.take_in(a_mail("Sì, grazie.\n", subject="Re: x", headers=[("In-Reply-To", ours)]))
    assert desk.outcome(answer) == (MessageState.HELD, "risposta_a_noi")
    assert desk.message(answer).case_id == desk.message(key).case_id


def test_an_office_is_named_with_what_is_known_of_it_and_never_written_to(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = held(office)
    assert office.act(refer, key, "nessuno").code == "ufficio_sconosciuto"
    assert office.act(refer, key, "vicino", words="Chieda di Luca.").ok
    desk.advance(minutes=2)
    desk.send()
    [mail] = sent(smtp_sink)
    assert mail.to == ANNA
    assert mail.subject.startswith("A chi può rivolgersi per il suo messaggio (")
    assert "Può rivolgersi a: Centro vicino" in mail.text
    assert "Contatti: via Prima 1; mail: vicino@office.example" in mail.text
    assert "Chieda di Luca." in mail.text
    assert "reclamo" not in mail.text
    assert file_due(office) == [key]
    assert desk.message(key).state == MessageState.FILED
    office.assert_all_closes()


@pytest.mark.parametrize("act", ["reply", "refer"])
def test_an_answer_that_is_taken_back_never_leaves(office: Office, smtp_sink: SmtpSink, act: str) -> None:
    desk = office.desk
    key = held(office)
    for _ in range(2):
        done = office.act(reply, key, "Testo") if act == "reply" else office.act(refer, key, "tutti")
        take_back(office, done)
    desk.advance(hours=1)
    desk.send()
    assert sent(smtp_sink) == []
    assert desk.outcome(key) == (MessageState.HELD, "reclamo")
    office.assert_all_closes()


@pytest.mark.parametrize(("code", "reason"), [(550, "risposta_non_partita"), (None, "risposta_incerta")])
def test_an_answer_that_does_not_arrive_brings_the_message_back(
    office: Office, smtp_sink: SmtpSink, code: int | None, reason: str
) -> None:
    desk = office.desk
    key = held(office)
    if code is None:
        smtp_sink.drop("after_data_dot", times=1)
    else:
        smtp_sink.answer("rcpt", code)
    office.act(reply, key, "Testo")
    desk.advance(minutes=2)
    desk.send()
    desk.advance(hours=1)
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, reason)
    assert len(desk.attempts(desk.dispatch(key, REPLY).id)) == 1, "what a family gets, it gets once"
    assert office.act(forward, key, Choice("sud")).ok, "and it has its exits as before"
    office.assert_all_closes()


def test_an_answer_that_comes_back_later_brings_the_message_back(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = held(office)
    office.act(reply, key, "Testo")
    desk.advance(minutes=2)
    desk.send()
    assert file_due(office) == [key]
    desk.take_in(report(desk.dispatch(key, REPLY).rfc_message_id))
    assert desk.outcome(key) == (MessageState.HELD, "risposta_non_partita")
    assert desk.dispatch(key, REPLY).state == DispatchState.RETURNED
    office.assert_all_closes()


def test_an_office_that_was_deleted_meanwhile_is_not_named(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = held(office)
    office.act(refer, key, "tutti")
    desk.rules = RULES
    desk.advance(minutes=2)
    desk.send()
    assert sent(smtp_sink) == []
    assert desk.outcome(key) == (MessageState.HELD, "ufficio_sconosciuto")
    office.assert_all_closes()


def test_staff_write_to_a_family_only(office: Office) -> None:
    desk = office.desk
    rules = desk.rules
    keys = [
        held(office, author="nord@nord.example", return_path="nord@nord.example"),
        held(office, headers=[("Reply-To", "famiglie@agency.example")]),
        held(office, author="Nessuno", return_path=""),
    ]
    assert [office.act(reply, key, "Testo").code for key in keys] == [
        "percorso_di_progetto",
        "indirizzo_nostro",
        "indirizzo_non_valido",
    ]
    other = held(office)
    assert office.act(reply, other, "  ").code == "manca_testo"
    assert office.act(reply, other, "x" * 20_001).code == "testo_troppo_lungo"
    desk.rules = replace(rules, service=replace(rules.service, mode=Mode.SHADOW))
    assert office.act(reply, other, "Testo").code == "modo_ombra"


def test_an_answer_from_the_persons_own_program_ends_the_message_with_a_note(
    office: Office, smtp_sink: SmtpSink
) -> None:
    desk = office.desk
    key = held(office)
    assert office.act_unread(answered_elsewhere, key, "").code == "manca_nota"
    assert office.act_unread(answered_elsewhere, key, "risposto da Outlook").ok
    desk.advance(hours=6)
    desk.send()
    assert file_due(office) == [key]
    assert sent(smtp_sink) == []
    assert [(row.exit, row.note) for row in office.settlements(key)] == [("risposta", "risposto da Outlook")]
    office.assert_all_closes()
