"""A forged author has no rights where the agency's own server tells: no project's, and no family's in its case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.dispatch.builders import ANNA, NORD, SUD, Desk, a_mail, acknowledgements_in, acknowledging, forwards_in
from tests.dispatch.test_coming_back import came_back, code_of
from tests.dispatch.test_staff_acts import correct
from tests.servers.smtp_sink import SmtpSink
from triage.rules.types import WebForm
from triage.vocabulary import DispatchKind, MessageState

SERVER = "mx.agency.example"
FORGED = f"{SERVER}; dmarc=fail header.from=nord.example; spf=fail smtp.mailfrom=evil.example"
TRUE = f"{SERVER}; dmarc=pass header.from=nord.example"
FAMILY = f"{SERVER}; dmarc=pass header.from=family.example"


def telling(desk: Desk) -> Desk:
    """The same desk, whose agency has named its server."""
    desk.rules = replace(desk.rules, service=replace(desk.rules.service, authserv_id=SERVER))
    return desk


def with_results(subject: str, text: str, results: str, author: str = f"Centro <{NORD}>") -> bytes:
    field = [("Authentication-Results", results)] if results else []
    return a_mail(text, subject=subject, author=author, return_path=NORD, headers=field)


def forwarded(desk: Desk) -> int:
    [key] = telling(desk).take_in(a_mail(headers=[("Authentication-Results", FAMILY)]))
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    return key


HAND_BACK, TAKEN = ("Non è per noi [{}]", "La signora abita altrove.\n"), ("Preso in carico [{}]", "Codice: {}\n")


@pytest.mark.parametrize(("subject", "text"), [HAND_BACK, TAKEN], ids=["hand-back", "taken"])
def test_a_forged_project_is_a_stranger_with_a_code(desk: Desk, subject: str, text: str) -> None:
    key = forwarded(desk)
    code = code_of(desk, key)
    [told] = desk.take_in(with_results(subject.format(code), text.format(code), FORGED))
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.outcome(told) == (MessageState.HELD, "codice_di_altri")
    assert desk.message(told).case_id != desk.message(key).case_id
    assert came_back(desk, key) == []
    desk.assert_ledger_closes()


@pytest.mark.parametrize("results", [TRUE, ""], ids=["recognised", "our server says nothing"])
def test_a_project_that_is_not_doubted_hands_back(desk: Desk, results: str) -> None:
    key = forwarded(desk)
    desk.take_in(with_results(HAND_BACK[0].format(code_of(desk, key)), HAND_BACK[1], results))
    assert desk.outcome(key) == (MessageState.HELD, "restituito")


@pytest.mark.parametrize("named", [True, False], ids=["server named", "no server named"])
def test_a_project_beside_another_author_is_a_stranger(desk: Desk, named: bool) -> None:
    key = forwarded(desk)
    if not named:
        desk.rules = replace(desk.rules, service=replace(desk.rules.service, authserv_id=""))
    authors = f"M <mallory@evil.example>, Centro <{NORD}>"
    [told] = desk.take_in(with_results(HAND_BACK[0].format(code_of(desk, key)), HAND_BACK[1], "", authors))
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.outcome(told) == (MessageState.HELD, "codice_di_altri")


def test_a_forged_project_does_not_answer_a_recall(desk: Desk) -> None:
    key = forwarded(desk)
    correct(desk, key)
    desk.send()
    desk.advance(minutes=5)
    desk.decide()
    desk.send()
    code = code_of(desk, key)
    before = came_back(desk, key)
    [told] = desk.take_in(with_results(f"Cancellato [{code}]", f"Codice: {code}\n", FORGED))
    assert desk.outcome(told) == (MessageState.HELD, "codice_di_altri")
    assert came_back(desk, key) == before
    desk.take_in(with_results(f"Cancellato [{code}]", f"Codice: {code}\n\n", TRUE))
    assert came_back(desk, key) == [*before, ("deleted", "")]


def test_a_forged_family_does_not_say_where_its_message_goes(desk: Desk, smtp_sink: SmtpSink) -> None:
    desk.rules = acknowledging(telling(desk).rules, ask_comune=True)
    [key] = desk.take_in(a_mail(subject="nessun luogo", headers=[("Authentication-Results", FAMILY)]))
    desk.send()
    assert acknowledgements_in(smtp_sink) == [ANNA]
    code, forged = code_of(desk, key), FAMILY.replace("pass", "fail")
    desk.take_in(
        a_mail("Abito a Dossobuono\n", subject=f"Re: sud [{code}]", headers=[("Authentication-Results", forged)])
    )
    assert desk.outcome(key) == (MessageState.HELD, "territorio_non_indicato")
    assert desk.message(key).comune_given is None
    desk.take_in(
        a_mail("Abito a Dossobuono.\n", subject=f"Re: sud [{code}]", headers=[("Authentication-Results", FAMILY)])
    )
    desk.send()
    assert desk.message(key).comune_given == "Dossobuono"
    assert SUD in forwards_in(smtp_sink)


@pytest.mark.parametrize("by", ["code", "thread", "our mail"])
def test_a_forged_family_joins_nothing_and_waits(desk: Desk, smtp_sink: SmtpSink, by: str) -> None:
    """Else the project would answer the forger's Reply-To about the family."""
    results = [("Authentication-Results", FAMILY)]
    [key] = telling(desk).take_in(a_mail(headers=results, message_id="<prima@family.example>"))
    desk.send()
    desk.advance(hours=1)
    desk.send()
    acknowledgement = desk.dispatch(key, DispatchKind.ACKNOWLEDGEMENT).rfc_message_id
    subject = f"Re: [{code_of(desk, key)}]" if by == "code" else "Re: Orari"
    named = {"thread": "<prima@family.example>", "our mail": acknowledgement}.get(by)
    answers = [("In-Reply-To", named)] if named else []
    forged = [("Authentication-Results", FAMILY.replace("pass", "fail")), ("Reply-To", "evil@evil.example")]
    smtp_sink.forget()
    [told] = desk.take_in(a_mail("A che punto siete?\n", subject=subject, headers=[*forged, *answers]))
    desk.send()
    assert desk.outcome(told) == (MessageState.HELD, "codice_di_altri")
    assert desk.message(told).case_id != desk.message(key).case_id
    assert smtp_sink.messages == ()
    [true] = desk.take_in(a_mail("E il sabato?\n", subject=subject, headers=[*results, *answers]))
    assert desk.message(true).case_id == desk.message(key).case_id


def test_a_web_forms_person_takes_part_and_not_the_form(desk: Desk) -> None:
    form = WebForm("modulo@form.example", 1, "dmarc")
    desk.rules = acknowledging(telling(desk).rules, web_forms=(form,))
    proof = ("Authentication-Results", f"{SERVER}; dmarc=pass header.from=form.example")

    def by_form(person: str, text: str) -> bytes:
        fields = [proof, ("Reply-To", person)]
        return a_mail(text, author="Sito <modulo@form.example>", return_path="modulo@form.example", headers=fields)

    [key] = desk.take_in(by_form(ANNA, "Che orari fate?\n"))
    desk.send()
    case, code = desk.message(key).case_id, code_of(desk, key)
    strangers = [by_form("stranger@else.example", f"Il mio caso: {code}\n"), by_form(f"{ANNA}, x@else.example", code)]
    for told in desk.take_in(*strangers):
        assert desk.outcome(told) == (MessageState.HELD, "codice_di_altri")
        assert desk.message(told).case_id != case
    [again] = desk.take_in(by_form(ANNA, f"Il mio caso: {code}\n"))
    own = [("Authentication-Results", FAMILY)]
    [answer] = desk.take_in(a_mail("Ho due figli.\n", subject=f"Re: ({code})", headers=own))
    assert {desk.message(again).case_id, desk.message(answer).case_id} == {case}
