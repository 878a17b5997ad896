"""What comes back of what was sent: failures, absences, hand-backs, and what a family adds to its case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.dispatch.builders import ANNA, NORD, SUD, Desk, a_mail, acknowledgements_in, acknowledging, forwards_in
from tests.servers.smtp_sink import SmtpSink
from triage.ids import case_code, cases_named
from triage.record.identity import known_secret
from triage.record.returned import returns_about
from triage.vocabulary import DispatchKind, DispatchState, MessageState, Mode


def report(
    rfc_message_id: str, action: str = "failed", status: str = "5.1.1", *, recipient: str = NORD, proved: bool = True
) -> bytes:
    """A delivery report of RFC 3464; not ``proved``: a server that marks it as nothing special."""
    head = "Return-Path: <>\r\nAuto-Submitted: auto-replied\r\n" if proved else "Return-Path: <mx@mx.example.net>\r\n"
    kind = "multipart/report; report-type=delivery-status" if proved else "multipart/mixed"
    subject = "Undelivered Mail Returned to Sender" if proved else "Avviso"
    return (
        f"{head}From: MAILER-DAEMON@mx.example.net\r\nTo: famiglie@agency.example\r\nSubject: {subject}\r\n"
        f"Message-ID: <{action}.{status}.{proved}@mx.example.net>\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: {kind}; boundary="b"\r\n\r\n--b\r\n\r\nNon consegnato.\r\n'
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {rfc_message_id}\r\n--b--\r\n"
    ).encode()


def code_of(desk: Desk, key: int) -> str:
    with desk.store.read("code") as tx:
        return case_code(known_secret(tx), desk.message(key).case_id or 0)


def came_back(desk: Desk, key: int) -> list[tuple[str, str]]:
    with desk.store.read("returns") as tx:
        return [(row["kind"], row["status"]) for row in returns_about(tx, key)]


def forwarded(desk: Desk, **options: object) -> int:
    [key] = desk.take_in(a_mail(**options))  # type: ignore[arg-type]
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    return key


def from_project(subject: str, text: str, author: str = NORD, *, kind: str = "") -> bytes:
    extra = [("Auto-Submitted", "auto-replied")] if kind == "auto" else []
    return a_mail(text, subject=subject, author=f"Centro <{author}>", return_path=author, headers=extra)


# --------------------------------------------------------------------------- reports


def test_a_forward_that_fails_later_is_open_again_and_can_be_sent_again(desk: Desk, smtp_sink: SmtpSink) -> None:
    key = forwarded(desk)
    first = desk.dispatch(key)
    [about] = desk.take_in(report(first.rfc_message_id))
    assert desk.outcome(key) == (MessageState.HELD, "inoltro_respinto")
    assert desk.dispatch(key).state == DispatchState.RETURNED
    assert came_back(desk, key) == [("failed", "5.1.1")]
    assert ("forward_returned", 1) in desk.incidents()
    assert desk.message(about).state == MessageState.DECIDED, "to be filed: the record has it"
    assert desk.message(about).case_id == desk.message(key).case_id
    desk.assert_ledger_closes()
    desk.retry(key)
    desk.decide()
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert forwards_in(smtp_sink) == [NORD, NORD]
    assert desk.dispatch(key).rfc_message_id != first.rfc_message_id, "a copy that did not arrive is not this one"
    assert [kind for kind, _ in desk.incidents()] == []
    assert len(acknowledgements_in(smtp_sink)) == 1
    desk.assert_ledger_closes()


def test_the_same_report_twice_changes_nothing_more(desk: Desk) -> None:
    key = forwarded(desk)
    told = report(desk.dispatch(key).rfc_message_id)
    desk.take_in(told)
    desk.take_in(told.replace(b"Non consegnato", b"Ancora non consegnato"))
    assert desk.outcome(key) == (MessageState.HELD, "inoltro_respinto")
    assert desk.events(key).count("opened_again") == 1
    desk.assert_ledger_closes()


def test_a_report_without_proof_opens_its_message_and_is_read_by_a_person(desk: Desk) -> None:
    key = forwarded(desk)
    [about] = desk.take_in(report(desk.dispatch(key).rfc_message_id, proved=False))
    assert desk.outcome(key) == (MessageState.HELD, "inoltro_respinto")
    assert desk.outcome(about) == (MessageState.HELD, "avviso_su_nostro_invio")


@pytest.mark.parametrize(("action", "status"), [("delayed", "4.4.1"), ("delivered", "2.0.0"), ("relayed", "2.0.0")])
def test_a_delay_or_a_delivery_is_only_noted(desk: Desk, action: str, status: str) -> None:
    key = forwarded(desk)
    [about] = desk.take_in(report(desk.dispatch(key).rfc_message_id, action, status))
    assert desk.message(key).state == MessageState.FORWARDED
    assert came_back(desk, key) == [("delayed" if action == "delayed" else "delivered", status)]
    assert desk.message(about).state == MessageState.DECIDED
    assert desk.incidents() == []


def test_an_acknowledgement_that_fails_is_noted_and_nobody_is_written_to(desk: Desk, smtp_sink: SmtpSink) -> None:
    """F1: the bounce of an acknowledgement triggers nothing."""
    key = forwarded(desk)
    desk.send()
    smtp_sink.forget()
    told = report(desk.dispatch(key, DispatchKind.ACKNOWLEDGEMENT).rfc_message_id, recipient=ANNA)
    desk.take_in(told)
    desk.advance(hours=5)
    desk.send()
    assert desk.message(key).state == MessageState.FORWARDED
    assert came_back(desk, key) == [("failed", "5.1.1")]
    assert desk.dispatch(key, DispatchKind.ACKNOWLEDGEMENT).state == DispatchState.RETURNED
    assert smtp_sink.messages == ()
    desk.assert_ledger_closes()


def test_a_forged_report_about_nothing_of_ours_opens_nothing(desk: Desk) -> None:
    key = forwarded(desk)
    desk.take_in(report("<0123456789abcdef0123456789abcdef@agency.example>"))
    assert desk.message(key).state == MessageState.FORWARDED
    assert came_back(desk, key) == []


def test_nothing_is_filed_unseen_in_ombra(desk: Desk) -> None:
    key = forwarded(desk)
    desk.rules = replace(desk.rules, service=replace(desk.rules.service, mode=Mode.SHADOW))
    [about] = desk.take_in(report(desk.dispatch(key).rfc_message_id))
    assert desk.message(about).state == MessageState.HELD
    assert desk.outcome(key) == (MessageState.HELD, "inoltro_respinto")


# --------------------------------------------------------------------------- projects


def test_hand_back_with_the_code_opens_the_case_for_a_person(desk: Desk, smtp_sink: SmtpSink) -> None:
    key = forwarded(desk)
    smtp_sink.forget()
    [back] = desk.take_in(from_project(f"Non è per noi [{code_of(desk, key)}]", "La signora abita altrove.\n"))
    desk.advance(hours=5)
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "restituito")
    assert desk.outcome(back) == (MessageState.HELD, "restituzione")
    assert desk.message(back).case_id == desk.message(key).case_id
    assert came_back(desk, key) == [("handed_back", "")]
    assert smtp_sink.messages == (), "nothing goes anywhere without a person"
    desk.assert_ledger_closes()


@pytest.mark.parametrize(
    ("author", "text"),
    [
        ("mallory@elsewhere.example", "Non è per noi.\n"),
        (SUD, "Non è per noi.\n"),
        (NORD, "Grazie, abbiamo sentito la signora e la vediamo giovedì.\n"),
    ],
    ids=["a stranger", "another project", "a project that only tells"],
)
def test_what_is_no_hand_back_opens_nothing(desk: Desk, author: str, text: str) -> None:
    """F86, F87: a code alone gives no rights."""
    key = forwarded(desk)
    [told] = desk.take_in(from_project(f"Re: [{code_of(desk, key)}] Orari", text, author))
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.message(told).state == MessageState.HELD
    assert came_back(desk, key) == []


def test_a_stranger_with_a_true_code_is_shown_to_a_person_and_joins_nothing(desk: Desk) -> None:
    key = forwarded(desk)
    [told] = desk.take_in(from_project(f"[{code_of(desk, key)}]", "Sono io.\n", "mallory@elsewhere.example"))
    assert desk.outcome(told) == (MessageState.HELD, "codice_di_altri")
    assert desk.message(told).case_id != desk.message(key).case_id


def test_a_false_code_is_no_code(desk: Desk) -> None:
    key = forwarded(desk)
    code = code_of(desk, key)
    wrong = code[:-1] + ("2" if code[-1] != "2" else "3")
    with desk.store.read("secret") as tx:
        secret = known_secret(tx)
    assert cases_named(secret, f"Re: [{code.lower()}] e {wrong}") == (desk.message(key).case_id,)
    [told] = desk.take_in(from_project(f"Non è per noi [{wrong}]", "Non è per noi.\n"))
    assert desk.outcome(told) == (MessageState.HELD, "dal_progetto")
    assert desk.message(key).state == MessageState.FORWARDED


def answer_of_a_robot(desk: Desk, key: int, text: str) -> bytes:
    ours = desk.dispatch(key).rfc_message_id
    head = [("In-Reply-To", ours), ("Auto-Submitted", "auto-replied"), ("X-Undelivered", "no")]
    return a_mail(text, subject="undelivered: assente", author=NORD, return_path=NORD, headers=head)


def test_absence_of_a_project_is_noted_and_filed(desk: Desk) -> None:
    key = forwarded(desk)
    [absent] = desk.take_in(answer_of_a_robot(desk, key, "Sono in ferie fino al 7 gennaio.\n"))
    assert came_back(desk, key) == [("absent", "")]
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.message(absent).state == MessageState.DECIDED


def test_address_that_has_changed_is_told_to_a_person(desk: Desk) -> None:
    """F105: a routing table rots where nobody reads such answers."""
    key = forwarded(desk)
    [moved] = desk.take_in(answer_of_a_robot(desk, key, "Questo indirizzo non è più attivo.\n"))
    assert came_back(desk, key) == [("moved", "")]
    assert desk.outcome(moved) == (MessageState.HELD, "centro_cambia_indirizzo")


# --------------------------------------------------------------------------- families


def further(desk: Desk, key: int, *, subject: str = "Re: Orari", author: str = ANNA, code: bool = False) -> bytes:
    said = f"{subject} [{code_of(desk, key)}]" if code else subject
    head = [] if code else [("In-Reply-To", "<prima@family.example>")]
    return a_mail("E il sabato?\n", subject=said, author=author, return_path=author, headers=head)


@pytest.mark.parametrize("code", [False, True], ids=["by thread", "by code"])
def test_a_further_message_goes_where_its_case_went(desk: Desk, smtp_sink: SmtpSink, code: bool) -> None:
    """And gets no second acknowledgement, although it says no place and is in doubt."""
    key = forwarded(desk, message_id="<prima@family.example>")
    [more] = desk.take_in(further(desk, key, subject="Re: senza luogo", code=code))
    desk.advance(hours=5)
    desk.send()
    assert desk.message(more).case_id == desk.message(key).case_id
    assert desk.message(more).state == MessageState.FORWARDED
    assert "stesso_caso" in [reason.code for reason in desk.decision(more).reasons]
    assert (forwards_in(smtp_sink), acknowledgements_in(smtp_sink)) == ([NORD, NORD], [ANNA])


def test_a_further_message_that_names_another_zone_waits(desk: Desk) -> None:
    key = forwarded(desk, message_id="<prima@family.example>")
    [more] = desk.take_in(further(desk, key, subject="Re: al sud"))
    assert desk.outcome(more) == (MessageState.HELD, "cambia_zona")


def test_a_further_message_with_danger_in_it_is_urgent_all_the_same(desk: Desk) -> None:
    key = forwarded(desk, message_id="<prima@family.example>")
    [more] = desk.take_in(further(desk, key, subject="Re: pericolo"))
    assert desk.message(more).urgent
    assert desk.outcome(more) == (MessageState.HELD, "urgente")


def test_a_further_message_of_somebody_else_is_a_message_of_its_own(desk: Desk) -> None:
    key = forwarded(desk, message_id="<prima@family.example>")
    [more] = desk.take_in(further(desk, key, author="vicina@family.example"))
    assert desk.message(more).case_id != desk.message(key).case_id


def test_after_a_hand_back_a_further_message_does_not_go_there_again(desk: Desk, smtp_sink: SmtpSink) -> None:
    key = forwarded(desk, message_id="<prima@family.example>")
    desk.take_in(from_project(f"Non è per noi [{code_of(desk, key)}]", "Non è per noi.\n"))
    [more] = desk.take_in(further(desk, key, subject="Re: senza luogo"))
    assert "stesso_caso" not in [reason.code for reason in desk.decision(more).reasons]


# --------------------------------------------------------------------------- the one question


def asked(desk: Desk) -> int:
    """A message that only lacks its place, whose family was asked for it."""
    desk.rules = acknowledging(desk.rules, ask_comune=True)
    [key] = desk.take_in(a_mail(subject="nessun luogo", message_id="<prima@family.example>"))
    desk.send()
    assert desk.outcome(key) == (MessageState.HELD, "territorio_non_indicato")
    assert desk.dispatch(key, DispatchKind.ACKNOWLEDGEMENT).state == DispatchState.ACCEPTED
    return key


def their_answer(desk: Desk, key: int, *, subject: str = "Re: nord", author: str = ANNA) -> bytes:
    ours = desk.dispatch(key, DispatchKind.ACKNOWLEDGEMENT).rfc_message_id
    head = [("In-Reply-To", ours)]
    return a_mail("Abito ad Altavilla.\n", subject=subject, author=author, return_path=author, headers=head)


def test_the_answer_to_our_question_sends_both_on_and_asks_nothing_more(desk: Desk, smtp_sink: SmtpSink) -> None:
    key = asked(desk)
    [answer] = desk.take_in(their_answer(desk, key))
    desk.send()
    assert desk.message(key).comune_given == "Altavilla"
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.message(answer).state == MessageState.RECEIVED, "rests until its case has gone"
    desk.advance(minutes=3)
    desk.decide()
    desk.send()
    assert desk.message(answer).state == MessageState.FORWARDED
    assert desk.message(answer).case_id == desk.message(key).case_id
    assert (forwards_in(smtp_sink), acknowledgements_in(smtp_sink)) == ([NORD, NORD], [ANNA])
    desk.assert_ledger_closes()


def test_an_answer_that_may_speak_of_danger_or_of_no_place_is_read_by_a_person(desk: Desk) -> None:
    key = asked(desk)
    urgent, vague = desk.take_in(
        their_answer(desk, key, subject="Re: pericolo"), their_answer(desk, key, subject="Re: senza luogo")
    )
    assert desk.message(key).state == MessageState.HELD
    assert desk.message(urgent).urgent
    assert desk.outcome(vague) == (MessageState.HELD, "risposta_a_noi")


def test_a_stranger_does_not_answer_for_a_family(desk: Desk) -> None:
    key = asked(desk)
    desk.take_in(their_answer(desk, key, author="mallory@elsewhere.example"))
    assert desk.outcome(key) == (MessageState.HELD, "territorio_non_indicato")
    assert desk.message(key).comune_given is None


def test_an_answer_after_a_person_has_settled_the_message_changes_nothing(desk: Desk) -> None:
    key = asked(desk)
    desk.retry(key)
    desk.decide()
    desk.take_in(their_answer(desk, key))
    desk.take_in(their_answer(desk, key).replace(b"Altavilla", b"Altavilla, grazie"))
    desk.assert_ledger_closes()
