"""A misroute is put right: the right centre has it, the wrong one is asked to delete it, the register knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.acts.builders import Office, sent
from tests.acts.test_settling import file_due
from tests.acts.test_undoing import forwarded, take_back
from tests.dispatch.builders import ANNA, NORD, SUD, a_mail, readdress
from tests.dispatch.test_coming_back import code_of, from_project, further, report
from tests.servers.smtp_sink import SmtpSink
from triage.acts.centres import Choice
from triage.acts.correcting import correct
from triage.acts.settling import forward
from triage.record.audit import history
from triage.record.misroutes import Misroute, misroutes_of_case
from triage.vocabulary import DispatchKind, DispatchState, MessageState

RECALL = DispatchKind.RECALL


def register(office: Office, key: int) -> list[Misroute]:
    case = office.desk.message(key).case_id or 0
    return office.look(lambda tx: misroutes_of_case(tx, case))


def corrected(office: Office, why: str = "zona") -> int:
    """A message that the north got by mistake, corrected and sent on."""
    key = forwarded(office.desk)
    file_due(office)
    done = office.act(correct, key, Choice("sud"), why, categories=["minori", "inventata", "contatti"])
    assert done.ok
    office.desk.advance(minutes=2)
    office.desk.send()
    return key


def test_a_misroute_is_put_right_everywhere(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = forwarded(desk)
    file_due(office)
    done = office.act(correct, key, Choice("sud"), "zona", categories=["minori", "inventata", "contatti"])
    assert done.message_it == (
        "Va a «Ente Sud». La famiglia viene avvisata, una volta sola, quando il centro lo ha ricevuto. «Ente Nord» "
        "ha già il messaggio. A «Ente Nord» chiediamo di cancellarlo."
    )
    before = len(sent(smtp_sink))
    desk.advance(seconds=119)
    desk.send()
    assert len(sent(smtp_sink)) == before, "it can still be taken back"
    desk.advance(seconds=1)
    desk.send()
    mails = {mail.to: mail for mail in sent(smtp_sink)[before:]}
    assert set(mails) == {NORD, SUD, ANNA}
    code = code_of(desk, key)
    recall = mails[NORD]
    assert recall.subject == f"Da cancellare: un messaggio inviato a voi per errore [{code}]"
    assert "Vi chiediamo di cancellarlo" in recall.text
    assert "25 novembre 2026, ore 10.00" in recall.text
    assert "rossi" not in recall.text.casefold(), "nothing of whom it is about"
    assert "orari" not in f"{recall.subject} {recall.text}".casefold()
    assert "Cancellato" in recall.text
    assert recall.fields["auto-submitted"] == "auto-generated", "no robot answers it, and a person can"
    assert recall.fields["x-auto-response-suppress"] == "OOF, AutoReply", "a failure comes back"
    assert "reply-to" not in recall.fields
    assert "Centro Sud" in mails[ANNA].text
    [row] = register(office, key)
    assert (row.wrong_project, row.right_project, row.note_code) == ("nord", "sud", "zona")
    assert list(row.categories) == ["contatti", "minori"], "codes only, and only known ones"
    assert (row.found_by, row.family_told, row.recall_answer) == ("carla", "avviso", "")
    assert row.recall_dispatch_id == desk.dispatch(key, RECALL).id
    assert [one.exit for one in office.settlements(key)] == ["correzione"]
    office.assert_all_closes()


@pytest.mark.parametrize("bare", [True, False])
def test_the_project_says_by_the_link_that_it_is_deleted(office: Office, smtp_sink: SmtpSink, bare: bool) -> None:
    desk = office.desk
    key = corrected(office)
    code = code_of(desk, key)
    text = f"Codice: {code}\n" if bare else f"Codice: {code}\nMa l'abbiamo già detto alla signora.\n"
    [answer] = desk.take_in(from_project(f"Cancellato [{code}]", text))
    assert [row.recall_answer for row in register(office, key)] == ["cancellato"]
    state = MessageState.DECIDED if bare else MessageState.HELD
    assert desk.message(answer).state == state
    assert desk.message(key).state == MessageState.FORWARDED, "the correction stands"
    office.assert_all_closes()


def test_an_answer_in_words_is_read_by_a_person(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = corrected(office)
    ours = desk.dispatch(key, RECALL).rfc_message_id
    [answer] = desk.take_in(
        a_mail("Fatto.\n", subject="Re: Da cancellare", author=NORD, headers=[("In-Reply-To", ours)])
    )
    assert desk.outcome(answer) == (MessageState.HELD, "richiamo_risposto")
    assert [row.recall_answer for row in register(office, key)] == ["risposto"]


def test_a_stranger_cannot_say_that_it_is_deleted(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = corrected(office)
    code = code_of(desk, key)
    desk.take_in(from_project(f"Cancellato [{code}]", f"Codice: {code}\n", author="ladro@elsewhere.example"))
    assert [row.recall_answer for row in register(office, key)] == [""]


def test_a_recall_that_does_not_arrive_stands_in_the_register(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = corrected(office)
    desk.take_in(report(desk.dispatch(key, RECALL).rfc_message_id))
    assert [row.recall_answer for row in register(office, key)] == ["non_consegnato"]
    assert desk.dispatch(key, RECALL).state == DispatchState.RETURNED


def test_a_recall_that_is_refused_stands_in_the_register(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = forwarded(desk)
    office.act(correct, key, Choice("sud"), "zona")
    smtp_sink.answer("rcpt", 550, when=lambda path: path == NORD)
    desk.advance(minutes=2)
    desk.send()
    assert [row.recall_answer for row in register(office, key)] == ["non_consegnato"]
    assert desk.message(key).state == MessageState.FORWARDED
    office.assert_all_closes()


def test_a_centre_that_was_only_full_made_no_mistake_and_is_asked_nothing(office: Office, smtp_sink: SmtpSink) -> None:
    key = corrected(office, "pieno")
    assert register(office, key) == []
    assert office.desk.dispatches(key, RECALL) == []
    assert [mail.to for mail in sent(smtp_sink)].count(NORD) == 1


def test_where_no_mail_can_go_staff_are_told_to_telephone(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = forwarded(desk)
    desk.rules = readdress(desk.rules, "nord", to="nuovo@nord.example")
    done = office.act(correct, key, Choice("sud"), "zona")
    assert done.message_it.endswith("A «Ente Nord» da qui non si può scrivere: telefona e chiedi di cancellarlo.")
    [row] = register(office, key)
    assert row.recall_dispatch_id is None
    assert row.wrong_project == "nord"


# --------------------------------------------------------------------------- the first centre after a recall


def test_a_centre_that_was_asked_to_delete_it_gets_it_again_when_staff_say_so(
    office: Office, smtp_sink: SmtpSink
) -> None:
    """Staff had corrected wrongly: the first centre was the right one."""
    desk = office.desk
    key = corrected(office)
    done = office.act(correct, key, Choice("nord"), "zona")
    assert (done.ok, done.have_it) == (True, ("sud",))
    desk.advance(minutes=2)
    desk.send()
    assert [mail.to for mail in sent(smtp_sink) if "Da cancellare" not in mail.subject and mail.to != ANNA] == [
        *(NORD, SUD, NORD)
    ]
    assert desk.message(key).state == MessageState.FORWARDED
    first, second = (one for one in desk.dispatches(key, DispatchKind.FORWARD) if one.forward_path == NORD)
    assert first.rfc_message_id != second.rfc_message_id, "the first copy is to be deleted: this is another"
    assert [(one.wrong_project, one.right_project) for one in register(office, key)] == [
        *(("nord", "sud"), ("sud", "nord"))
    ]
    office.assert_all_closes()


def test_a_case_that_the_second_centre_hands_back_may_go_to_the_first_again(
    office: Office, smtp_sink: SmtpSink
) -> None:
    desk = office.desk
    key = corrected(office)
    code = code_of(desk, key)
    desk.take_in(from_project(f"Non è per noi [{code}]", f"Codice: {code}\n", author=SUD))
    assert desk.outcome(key) == (MessageState.HELD, "restituito")
    assert office.act(forward, key, Choice("nord")).ok
    desk.advance(minutes=2)
    desk.send()
    assert [mail.to for mail in sent(smtp_sink)][-1] == NORD
    assert desk.message(key).state == MessageState.FORWARDED
    desk.take_in(from_project(f"Non è per noi [{code}]", f"Codice: {code}\n"))
    assert desk.outcome(key) == (MessageState.HELD, "restituito"), "it has it rightly now, and may hand it back"
    office.assert_all_closes()


def test_by_itself_nothing_goes_to_a_centre_that_was_asked_to_delete_it(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = corrected(office)
    code = code_of(desk, key)
    desk.take_in(from_project(f"Non è per noi [{code}]", f"Codice: {code}\n", author=SUD))
    before = len(sent(smtp_sink))
    desk.retry(key)
    desk.decide()
    [more] = desk.take_in(further(desk, key, subject="Re: orari"))
    desk.advance(minutes=2)
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "centro_richiamato")
    assert desk.outcome(more) == (MessageState.HELD, "centro_richiamato")
    assert [mail.to for mail in sent(smtp_sink)[before:] if mail.to in (NORD, SUD)] == []
    office.assert_all_closes()


def test_a_centre_whose_recall_has_not_left_still_has_it(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = forwarded(desk)
    assert office.act(correct, key, Choice("sud"), "zona").ok
    refused = office.act(correct, key, Choice("nord"), "zona")
    assert (refused.ok, refused.code) == (False, "richiamo_in_partenza")
    assert "Annulla la correzione" in refused.message_it


@pytest.mark.parametrize("bare", [True, False])
@pytest.mark.parametrize("in_time", [True, False])
def test_a_late_hand_back_of_a_centre_that_has_it_no_more_is_noted_and_opens_nothing(
    office: Office, smtp_sink: SmtpSink, bare: bool, in_time: bool
) -> None:
    """Also while the new centre's forward still waits for its two minutes."""
    desk = office.desk
    key = forwarded(desk)
    file_due(office)
    assert office.act(correct, key, Choice("sud"), "zona").ok
    if not in_time:
        desk.advance(minutes=2)
        desk.send()
    code = code_of(desk, key)
    text = f"Codice: {code}\n" if bare else f"Codice: {code}\nLa famiglia abita altrove.\n"
    [told] = desk.take_in(from_project(f"Non è per noi [{code}]", text))
    assert desk.outcome(told) == ((MessageState.DECIDED, "") if bare else (MessageState.HELD, "restituzione_tardiva"))
    desk.advance(minutes=2)
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.incidents() == []
    case = desk.message(key).case_id or 0
    noted = [one for one in office.look(lambda tx: history(tx, "case", case)) if one["event"] == "handed_back_late"]
    assert [one["params"] for one in noted] == [{"project": "nord", "by": told}]
    desk.take_in(from_project(f"Non è per noi [{code}]", f"Codice: {code}\n", author=SUD))
    assert desk.outcome(key) == (MessageState.HELD, "restituito"), "the present centre's own opens it"
    office.assert_all_closes()


def test_a_late_hand_back_of_a_centre_that_was_full_opens_nothing(office: Office, smtp_sink: SmtpSink) -> None:
    """It is in no register, and another has the message all the same."""
    desk = office.desk
    key = corrected(office, "pieno")
    [told] = desk.take_in(from_project(f"Non è per noi [{code_of(desk, key)}]", "Non è per noi.\n"))
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.outcome(told) == (MessageState.HELD, "restituzione_tardiva")


def test_a_correction_that_is_taken_back_stands_in_the_register_as_such(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    key = forwarded(desk)
    take_back(office, office.act(correct, key, Choice("sud"), "zona"))
    [row] = register(office, key)
    assert row.withdrawn_at is not None
    office.act(correct, key, Choice("sud"), "zona")
    desk.advance(minutes=2)
    desk.send()
    assert [mail.to for mail in sent(smtp_sink)].count(NORD) == 2
    assert [one.withdrawn_at is None for one in register(office, key)] == [False, True]
    office.assert_all_closes()


# --------------------------------------------------------------------------- a second correction before the first left


def third_centre(office: Office) -> None:
    """A centre besides the north and the south."""
    rules = office.desk.rules
    south = rules.projects["sud"]
    address = replace(south.addresses["default"], to="est@est.example")
    third = replace(south, code="est", name="Ente Est", addresses={"default": address}, domains=())
    office.desk.rules = replace(rules, projects={**rules.projects, "est": third})


def test_the_first_of_two_corrections_stands_once_the_second_is_undone(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    third_centre(office)
    key = forwarded(desk)
    file_due(office)
    before = len(sent(smtp_sink))
    assert office.act(correct, key, Choice("sud"), "zona").ok
    desk.advance(seconds=5)
    second = office.act(correct, key, Choice("est"), "zona")
    assert [row.right_project for row in register(office, key)] == ["est"], "not a centre that never gets it"
    desk.advance(seconds=5)
    undone = take_back(office, second)
    assert undone.message_it == "Annullato: non è partito niente. Torna com'era prima: va a «Ente Sud»."
    [row] = register(office, key)
    assert (row.right_project, row.withdrawn_at) == ("sud", None)
    assert [one.undone_at is None for one in office.settlements(key)] == [True, False]
    desk.advance(hours=1)
    desk.send()
    assert sorted(mail.to for mail in sent(smtp_sink)[before:]) == sorted([NORD, SUD, ANNA])
    [mail] = [mail for mail in sent(smtp_sink)[before:] if mail.to == ANNA]
    assert "Centro Sud" in mail.text
    assert desk.message(key).state == MessageState.FORWARDED
    office.assert_all_closes()


def test_of_two_corrections_both_undone_nothing_leaves(office: Office, smtp_sink: SmtpSink) -> None:
    desk = office.desk
    third_centre(office)
    key = forwarded(desk)
    file_due(office)
    before = len(sent(smtp_sink))
    first = office.act(correct, key, Choice("sud"), "zona")
    desk.advance(seconds=5)
    take_back(office, office.act(correct, key, Choice("est"), "zona"))
    take_back(office, first)
    desk.advance(hours=1)
    desk.send()
    assert sent(smtp_sink)[before:] == [], "no request to delete what nobody else has"
    assert desk.decision(key).project == "nord"
    assert file_due(office) == [key]
    [row] = register(office, key)
    assert row.withdrawn_at is not None
    office.assert_all_closes()


def test_a_second_correction_undone_after_the_request_to_delete_has_left_lets_the_first_go_on(
    office: Office, smtp_sink: SmtpSink
) -> None:
    desk = office.desk
    third_centre(office)
    key = forwarded(desk)
    assert office.act(correct, key, Choice("sud"), "zona").ok
    desk.advance(seconds=119)
    second = office.act(correct, key, Choice("est"), "zona")
    desk.advance(seconds=60)
    desk.send()
    assert [row.state for row in desk.dispatches(key, RECALL)] == [DispatchState.ACCEPTED]
    take_back(office, second)
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.decision(key).project == "sud"
    [row] = register(office, key)
    assert (row.right_project, row.withdrawn_at) == ("sud", None)
    office.assert_all_closes()


def test_of_two_corrections_the_second_stands_and_the_first_centre_is_asked_once(
    office: Office, smtp_sink: SmtpSink
) -> None:
    desk = office.desk
    third_centre(office)
    key = forwarded(desk)
    assert office.act(correct, key, Choice("sud"), "zona").ok
    assert office.act(correct, key, Choice("est"), "zona").ok
    desk.advance(minutes=2)
    desk.send()
    assert len(desk.dispatches(key, RECALL)) == 1
    assert [(row.wrong_project, row.right_project) for row in register(office, key)] == [("nord", "est")]
    office.assert_all_closes()
