"""A message about two families or two places goes to a further centre; each centre's copy stands for itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.acts.builders import Office, sent
from tests.acts.test_correcting import register
from tests.acts.test_preview import left, letters, look
from tests.acts.test_settling import file_due, held
from tests.acts.test_undoing import forwarded, take_back
from tests.decide.builders import classification
from tests.dispatch.builders import ANNA, NORD, SUD, a_mail, change_project, readdress
from tests.dispatch.test_coming_back import code_of, from_project, further, report
from tests.rules.builders import PROJECTS, build_rules
from tests.servers.smtp_sink import SmtpSink
from triage.acts.also import also
from triage.acts.answering import reply
from triage.acts.cases import split
from triage.acts.centres import Choice
from triage.acts.correcting import correct
from triage.acts.preview import Further
from triage.acts.settling import close, forward
from triage.record.audit import history
from triage.record.destinations import note_destination_failure
from triage.record.ledger import compute_ledger
from triage.record.settlements import Exit, Said, add_settlement
from triage.rules.types import Rules
from triage.vocabulary import DispatchKind, DispatchState, MessageState, Mode

EST = "est@est.example"
THREE = f"""{PROJECTS}  est:
    name: Ente Est
    centre: Centro Est
    contact: {EST}
    addresses: {{default: {{to: {EST}, confirmed: true}}}}
    area: {{comuni: [Fontanelle]}}
"""
FORWARD, RECALL, REROUTE = DispatchKind.FORWARD, DispatchKind.RECALL, DispatchKind.REROUTE


@pytest.fixture
def three(make_office: Callable[..., Office]) -> Office:
    """An office with one centre more."""
    return make_office(rules=build_rules(projects=THREE))


def two_minutes(office: Office) -> None:
    office.desk.advance(minutes=2)
    office.desk.send()


def shared(office: Office) -> int:
    """A message that the north has, and the south as well."""
    key = forwarded(office.desk)
    file_due(office)
    assert office.act(also, key, Choice("sud")).ok
    two_minutes(office)
    return key


def hand_back(office: Office, key: int, author: str) -> int:
    code = code_of(office.desk, key)
    [told] = office.desk.take_in(from_project(f"Non è per noi [{code}]", f"Codice: {code}\n", author=author))
    return told


def test_a_further_centre_gets_the_message_and_the_first_keeps_it(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = forwarded(desk)
    file_due(office)
    since = len(sent(smtp_sink))
    done = office.act(also, key, Choice("sud"), note="due famiglie")
    assert done.message_it == (
        "Va anche a «Ente Sud». «Ente Nord» lo tiene. "
        "La famiglia viene avvisata, una volta sola, quando il centro lo ha ricevuto."
    )
    desk.advance(seconds=119)
    desk.send()
    assert len(sent(smtp_sink)) == since, "it can still be taken back"
    desk.advance(seconds=1)
    desk.send()
    mails = {mail.to: mail for mail in sent(smtp_sink)[since:]}
    assert set(mails) == {SUD, ANNA}, "nobody is asked to delete anything"
    first, second = desk.dispatches(key, FORWARD)
    assert (first.forward_path, second.forward_path) == (NORD, SUD)
    assert (first.state, second.state) == (DispatchState.ACCEPTED, DispatchState.ACCEPTED)
    assert first.rfc_message_id != second.rfc_message_id
    assert first.case_id == second.case_id
    code = code_of(desk, key)
    assert code in mails[SUD].subject
    assert mails[ANNA].subject == f"Auto: il suo messaggio è in più di un centro ({code})"
    assert "Ora il suo messaggio è qui: Centro Nord; Centro Sud." in mails[ANNA].text
    assert desk.message(key).state == MessageState.FORWARDED
    assert [(one.exit, one.project, one.note) for one in office.settlements(key)] == [("anche", "sud", "due famiglie")]
    events = [one["event"] for one in office.look(lambda tx: history(tx, "message", key))]
    assert events.count("settled") == 1
    office.assert_all_closes()


def test_what_is_shown_before_is_what_leaves(office: Office, smtp_sink: SmtpSink) -> None:
    key = forwarded(office.desk)
    before = look(office, key, Further(Choice("sud", topic="ascolto")))
    assert {one.to for one in before.leaving} == {SUD, ANNA}
    assert before.notes == ("«Ente Nord»: lo ha già, e lo tiene.",)
    since = len(sent(smtp_sink))
    assert office.act(also, key, Choice("sud", topic="ascolto")).ok
    assert left(office, smtp_sink, since) == letters(office, before)


def test_while_the_first_can_still_be_undone_both_leave_and_the_acknowledgement_names_both(
    office: Office, smtp_sink: SmtpSink
) -> None:
    desk = office.desk
    key = held(office)
    assert office.act(forward, key, Choice("nord")).ok
    [before] = desk.dispatches(key, FORWARD)
    desk.advance(seconds=60)
    done = office.act(also, key, Choice("sud"))
    assert done.message_it == (
        "Va anche a «Ente Sud». «Ente Nord» lo riceve lo stesso. "
        "La conferma alla famiglia nominerà tutti i centri che lo hanno."
    )
    desk.advance(seconds=60)
    desk.send()
    assert [mail.to for mail in sent(smtp_sink)] == [NORD], "the first leaves when it would have"
    assert desk.message(key).state == MessageState.DECIDED, "until the second has it"
    desk.advance(seconds=60)
    desk.send()
    desk.advance(minutes=15)
    desk.send()
    assert [mail.to for mail in sent(smtp_sink)] == [NORD, SUD, ANNA]
    assert "Lo abbiamo inviato a: Centro Nord; Centro Sud." in sent(smtp_sink)[-1].text
    assert desk.dispatches(key, FORWARD)[0].rfc_message_id == before.rfc_message_id
    assert desk.message(key).state == MessageState.FORWARDED
    office.assert_all_closes()


@pytest.mark.parametrize("moment", ["neither has left", "the first has left", "the first was refused"])
def test_taking_it_back_leaves_the_first_centre_alone(office: Office, smtp_sink: SmtpSink, moment: str) -> None:
    desk = office.desk
    key = held(office)
    assert office.act(forward, key, Choice("nord")).ok
    desk.advance(seconds=60)
    done = office.act(also, key, Choice("sud"))
    if moment == "the first was refused":
        smtp_sink.answer("rcpt", 550, when=lambda path: path == NORD)
    if moment != "neither has left":
        desk.advance(seconds=60)
        desk.send()
    assert take_back(office, done).message_it == "Annullato: a questo centro non è partito niente."
    office.assert_all_closes()
    two_minutes(office)
    desk.decide()
    desk.send()
    forwards = [mail.to for mail in sent(smtp_sink) if mail.to != ANNA]
    if moment == "the first was refused":
        assert forwards == []
        assert desk.message(key).state == MessageState.HELD
        assert desk.message(key).hold_reason != "annullato_da_una_persona", "why it waits is the refusal"
    else:
        assert forwards == [NORD]
        assert desk.message(key).state in (MessageState.FORWARDED, MessageState.DECIDED)
    office.assert_all_closes()


def test_taken_back_after_it_was_filed_it_is_done_as_before(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = forwarded(desk)
    file_due(office)
    before = len(sent(smtp_sink))
    take_back(office, office.act(also, key, Choice("sud")))
    two_minutes(office)
    assert [mail.to for mail in sent(smtp_sink)[before:]] == []
    file_due(office)
    assert desk.message(key).state == MessageState.FILED
    assert office.act(also, key, Choice("sud")).ok, "and may be done once more"
    two_minutes(office)
    assert [mail.to for mail in sent(smtp_sink)[before:]] == [SUD, ANNA]
    office.assert_all_closes()


# --------------------------------------------------------------------------- refused


def shadow(rules: Rules) -> Rules:
    return change_project(rules, "sud", mode=Mode.SHADOW)


def unconfirmed(rules: Rules) -> Rules:
    return readdress(rules, "sud", confirmed=False)


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (shadow, "modo_ombra", "in prova (ombra)"),
        (unconfirmed, "anche_non_confermato", "non è ancora confermato"),
    ],
)
def test_a_centre_that_may_not_get_it_is_refused(
    office: Office, smtp_sink: SmtpSink, change: Callable[[Rules], Rules], code: str, words: str
) -> None:
    key = forwarded(office.desk)
    office.desk.rules = change(office.desk.rules)
    refused = office.act(also, key, Choice("sud"))
    assert (refused.ok, refused.code) == (False, code)
    assert words in refused.message_it
    shown = look(office, key, Further(Choice("sud"))).refused
    assert shown is not None
    assert shown.code == code
    assert office.settlements(key) == []


def test_a_sick_centre_is_refused(office: Office, smtp_sink: SmtpSink) -> None:
    key = forwarded(office.desk)
    with office.desk.store.write("sick") as tx:
        note_destination_failure(tx, "sud", SUD, "5.2.2")
    refused = office.act(also, key, Choice("sud"))
    assert (refused.ok, refused.code) == (False, "destinazione_malata")
    assert "telefona" in refused.message_it


def test_a_centre_that_has_it_or_is_about_to_is_refused(office: Office, smtp_sink: SmtpSink) -> None:
    key, waiting = forwarded(office.desk), held(office, author="v@family.example", return_path="v@family.example")
    assert office.act(also, key, Choice("nord")).code == "lo_ha_gia"
    assert office.act(also, key, Choice("sud")).ok
    assert office.act(also, key, Choice("sud")).code == "lo_ha_gia"
    assert office.act(also, waiting, Choice("sud")).code == "stato_held"
    office.assert_all_closes()


def test_what_no_centre_has_and_what_the_service_is_still_sending_is_refused(
    office: Office, smtp_sink: SmtpSink
) -> None:
    desk = office.desk
    ended = held(office)
    assert office.act_unread(close, ended, "sentita per telefono").ok
    assert office.act(also, ended, Choice("sud")).code == "nessun_centro"
    [key] = desk.take_in(a_mail(author="w@family.example", return_path="w@family.example"))
    assert desk.message(key).state == MessageState.DECIDED
    refused = office.act(also, key, Choice("sud"))
    assert (refused.code, refused.message_it) == (
        "primo_in_partenza",
        "L'invio al primo centro non è ancora riuscito: riprova quando lo ha ricevuto.",
    )


# --------------------------------------------------------------------------- what comes back, by project


@pytest.mark.parametrize("author", [NORD, SUD])
def test_a_hand_back_of_either_opens_it_for_that_centre_only(office: Office, smtp_sink: SmtpSink, author: str) -> None:
    desk = office.desk
    key = shared(office)
    since = len(sent(smtp_sink))
    told = hand_back(office, key, author)
    assert desk.outcome(told)[1] in ("", "restituzione"), "not late: each answers for itself"
    assert desk.outcome(key) == (MessageState.HELD, "restituito")
    assert desk.dispatches(key, RECALL) == []
    assert office.act_unread(close, key, "sentita per telefono").ok
    two_minutes(office)
    assert sent(smtp_sink)[since:] == [], "the other keeps it, and hears nothing"
    office.assert_all_closes()


@pytest.mark.parametrize("path", [NORD, SUD])
def test_a_bounce_of_either_opens_it(office: Office, smtp_sink: SmtpSink, path: str) -> None:
    desk = office.desk
    key = shared(office)
    bounced = next(one for one in desk.dispatches(key, FORWARD) if one.forward_path == path)
    desk.take_in(report(bounced.rfc_message_id))
    assert desk.outcome(key) == (MessageState.HELD, "inoltro_respinto")
    states = {one.forward_path: one.state for one in desk.dispatches(key, FORWARD)}
    assert states.pop(path) == DispatchState.RETURNED
    assert list(states.values()) == [DispatchState.ACCEPTED]
    office.assert_all_closes()


@pytest.mark.parametrize(("wrong", "path", "kept"), [("nord", NORD, "sud"), ("sud", SUD, "nord")])
def test_correcting_one_recalls_that_one_alone(
    three: Office, smtp_sink: SmtpSink, wrong: str, path: str, kept: str
) -> None:
    office, desk = three, three.desk
    key = shared(office)
    asked = office.act(correct, key, Choice("est"), "zona")
    assert (asked.ok, asked.code) == (False, "quale_centro")
    since = len(sent(smtp_sink))
    assert office.act(correct, key, Choice("est"), "zona", wrong=wrong).ok
    two_minutes(office)
    assert sorted(mail.to for mail in sent(smtp_sink)[since:]) == sorted([path, EST])
    [recall] = desk.dispatches(key, RECALL)
    assert recall.forward_path == path
    assert [(one.wrong_project, one.right_project) for one in register(office, key)] == [(wrong, "est")]
    told = hand_back(office, key, path)
    assert desk.outcome(told)[1] in ("", "restituzione_tardiva")
    assert desk.message(key).state == MessageState.FORWARDED, "it is the wrong one's no more"
    hand_back(office, key, {"nord": NORD, "sud": SUD}[kept])
    assert desk.outcome(key) == (MessageState.HELD, "restituito"), "the one that kept it may still hand it back"
    office.assert_all_closes()


def test_correcting_the_first_while_the_further_one_waits_and_undoing_it_leaves_both_as_they_were(
    three: Office, smtp_sink: SmtpSink
) -> None:
    office, desk = three, three.desk
    key = held(office)
    assert office.act(forward, key, Choice("nord")).ok
    assert office.act(also, key, Choice("sud")).ok
    done = office.act(correct, key, Choice("est"), "zona", wrong="nord")
    assert done.ok
    states = {one.forward_path: one.state for one in desk.dispatches(key, FORWARD)}
    assert states == {
        NORD: DispatchState.CANCELLED,
        SUD: DispatchState.PENDING,
        EST: DispatchState.PENDING,
    }, "the first alone is withdrawn"
    assert take_back(office, done).ok
    two_minutes(office)
    assert sorted(mail.to for mail in sent(smtp_sink) if mail.to in (NORD, SUD, EST)) == sorted([NORD, SUD])
    assert desk.message(key).state == MessageState.FORWARDED
    office.assert_all_closes()


def test_what_waits_for_one_centre_is_not_ended_while_another_is_about_to_get_it(
    office: Office, smtp_sink: SmtpSink
) -> None:
    desk = office.desk
    key = held(office)
    assert office.act(forward, key, Choice("nord")).ok
    desk.advance(seconds=60)
    assert office.act(also, key, Choice("sud")).ok
    smtp_sink.answer("rcpt", 550, when=lambda path: path == NORD)
    desk.advance(seconds=60)
    desk.send()
    assert desk.message(key).state == MessageState.HELD
    for refused in (
        office.act_unread(close, key, "sentita"),
        office.act(reply, key, "Buongiorno, ne parliamo sabato."),
        office.act_unread(split, key),
    ):
        assert (refused.ok, refused.code) == (False, "anche_in_partenza")
    desk.advance(seconds=60)
    desk.send()
    assert [mail.to for mail in sent(smtp_sink) if mail.to == SUD] == [SUD], "and gets it"
    assert desk.message(key).state == MessageState.HELD, "for the one that refused it a person must find another way"
    assert office.act_unread(close, key, "sentita").ok
    office.assert_all_closes()


def test_forwarding_for_the_one_that_refused_it_keeps_the_other_that_is_about_to_get_it(
    three: Office, smtp_sink: SmtpSink
) -> None:
    office, desk = three, three.desk
    key = held(office)
    assert office.act(forward, key, Choice("nord")).ok
    desk.advance(seconds=60)
    assert office.act(also, key, Choice("sud")).ok
    smtp_sink.answer("rcpt", 550, when=lambda path: path == NORD)
    desk.advance(seconds=60)
    desk.send()
    assert desk.message(key).state == MessageState.HELD
    assert office.act(forward, key, Choice("est")).ok
    two_minutes(office)
    assert sorted(mail.to for mail in sent(smtp_sink) if mail.to != ANNA) == sorted([SUD, EST])
    assert desk.message(key).state == MessageState.FORWARDED
    office.assert_all_closes()


# --------------------------------------------------------------------------- the family


def test_the_family_is_told_once_whatever_follows(three: Office, smtp_sink: SmtpSink) -> None:
    office = three
    key = shared(office)
    done = office.act(also, key, Choice("est"))
    assert done.told == "gia_avvisata"
    assert "avvisala tu" in done.message_it
    two_minutes(office)
    assert [mail.to for mail in sent(smtp_sink)].count(ANNA) == 2, "the acknowledgement and one notice"
    office.assert_all_closes()


def test_a_family_that_was_told_nothing_is_told_nothing(
    make_office: Callable[..., Office], smtp_sink: SmtpSink
) -> None:
    rules = build_rules()
    office = make_office(rules=replace(rules, acknowledgements=replace(rules.acknowledgements, enabled=False)))
    key = forwarded(office.desk)
    assert office.act(also, key, Choice("sud")).told == "niente"
    two_minutes(office)
    assert [mail.to for mail in sent(smtp_sink)] == [NORD, SUD]


def test_a_machine_is_told_nothing(make_office: Callable[..., Office], smtp_sink: SmtpSink) -> None:
    office = make_office(choose=lambda _message: classification(topic="reclamo", automatic=True))
    desk = office.desk
    key = held(office, headers=[("Auto-Submitted", "auto-generated")])
    assert office.act(forward, key, Choice("nord")).ok
    two_minutes(office)
    assert office.act(also, key, Choice("sud")).told == "niente"
    two_minutes(office)
    assert [mail.to for mail in sent(smtp_sink)] == [NORD, SUD]
    assert desk.dispatches(key, REROUTE) == []


def test_a_further_message_of_the_family_waits_for_a_person(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = shared(office)
    [more] = desk.take_in(further(desk, key))
    assert desk.outcome(more) == (MessageState.HELD, "piu_centri_nel_caso")
    office.assert_all_closes()


def test_it_is_no_label_and_the_ledger_knows_one_without_a_forward(office: Office, smtp_sink: SmtpSink) -> None:
    key = shared(office)
    with office.desk.store.write("forged") as tx:
        row = office.desk.message(key)
        add_settlement(tx, office.carla, key, Exit.ALSO, row.generation, {}, Said(project="est"))
        assert "messages sent to a further centre without a forward to it: 1" in compute_ledger(tx).differences
