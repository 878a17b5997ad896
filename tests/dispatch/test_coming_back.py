"""What comes back of what was sent: failures, absences, hand-backs, and what a family adds to its case."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.dispatch.builders import (
    ANNA,
    NORD,
    SUD,
    Desk,
    a_mail,
    acknowledgements_in,
    acknowledging,
    forwards_in,
    returns_about,
)
from tests.servers.smtp_sink import SmtpSink
from triage.dispatch.acknowledging import correction_link
from triage.ids import case_code, cases_named, return_tag
from triage.keeping import purge
from triage.record.filing import record_filed
from triage.record.identity import known_secret
from triage.record.tables import samples
from triage.rules.retention import RetentionRules
from triage.rules.types import Envelope
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


@pytest.mark.parametrize("what", ["report", "hand-back"])
def test_what_comes_back_of_an_erased_message_is_told(desk: Desk, what: str) -> None:
    """Nothing of it can be opened again: the centre's own mail waits, or an incident says that the forward failed."""
    key = forwarded(desk)
    sent, subject = desk.dispatch(key).rfc_message_id, f"Non è per noi [{code_of(desk, key)}]"
    filed = desk.message(key)
    with desk.store.write("file") as tx:
        record_filed(tx, [filed], "Smistati", "filed")
        tx.execute(samples.update().values(labelled_at=tx.now))  # what waits to be judged would stay
    desk.clock.forward(timedelta(days=400))
    assert purge(desk.store, RetentionRules()) is not None
    assert desk.message(key).state == MessageState.ERASED
    [back] = desk.take_in(report(sent) if what == "report" else from_project(subject, ""))
    assert desk.message(key).state == MessageState.ERASED
    if what == "report":
        assert [kind for kind, _ in desk.incidents()] == ["forward_returned"]
    else:
        assert desk.outcome(back) == (MessageState.HELD, "restituzione")
    desk.assert_ledger_closes()


def test_a_report_about_a_forward_that_a_server_renamed_is_known_by_our_sealed_field(
    desk: Desk, smtp_sink: SmtpSink
) -> None:
    """Its Message-ID is Microsoft's by then, and the project passes mail on to another address."""
    key = forwarded(desk)
    [sent] = [mail for mail in smtp_sink.messages if NORD in mail.forward_paths]
    [field] = [line for line in sent.octets.decode().split("\r\n") if line.startswith("X-Reti-Smistamento:")]
    told = report(f"<AM0PR01@mail.example>\r\n{field}", recipient="inside@nord.example")
    desk.take_in(told)
    assert desk.outcome(key) == (MessageState.HELD, "inoltro_respinto")
    assert came_back(desk, key) == [("failed", "5.1.1")]


@pytest.mark.parametrize("where", ["subject", "returned"])
def test_a_report_with_the_code_is_about_what_was_sent_to_the_recipient_it_names(desk: Desk, where: str) -> None:
    key = forwarded(desk)
    desk.send()
    code = f"[{code_of(desk, key)}]"
    told = report("<AM0PR01@mail.example>" + (f"\r\nSubject: {code} Orari" if where == "returned" else ""))
    desk.take_in(told.replace(b"Undelivered", f"Undelivered {code}".encode()) if where == "subject" else told)
    assert desk.outcome(key) == (MessageState.HELD, "inoltro_respinto")
    assert desk.dispatch(key).state == DispatchState.RETURNED
    assert desk.dispatch(key, DispatchKind.ACKNOWLEDGEMENT).state == DispatchState.ACCEPTED


def test_a_report_with_the_code_and_an_unknown_recipient_waits_with_an_incident(desk: Desk) -> None:
    key = forwarded(desk)
    told = report(f"<AM0PR01@mail.example>\r\nSubject: [{code_of(desk, key)}] Orari", recipient="x@inside.example")
    [about] = desk.take_in(told)
    assert desk.message(key).state == MessageState.FORWARDED
    assert desk.outcome(about) == (MessageState.HELD, "segnalazione_su_nostro_invio")
    assert [kind for kind, _ in desk.incidents()] == ["forward_returned"]


def test_a_report_that_leaves_out_the_action_failed_by_its_status(desk: Desk) -> None:
    key = forwarded(desk)
    desk.take_in(report(desk.dispatch(key).rfc_message_id).replace(b"Action: failed\r\n", b""))
    assert desk.outcome(key) == (MessageState.HELD, "inoltro_respinto")


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


@pytest.mark.parametrize(
    "said",
    [
        "Il messaggio non può essere recapitato: la casella di destinazione ha superato la quota.",
        "La casella ha superato la quota.",
        "The recipient's mailbox is over quota.",
        "Your message was rejected by the recipient's spam filter (554).",
        "Risposta del server (550).",
        "Destinatario sconosciuto",
        "Il messaggio non ha raggiunto alcuni o tutti i destinatari desiderati.",
    ],
)
@pytest.mark.parametrize("return_path", ["Return-Path: <>\r\n", ""], ids=["null path", "author"])
def test_a_daemon_that_says_in_its_own_words_that_a_forward_failed_opens_it(
    desk: Desk, said: str, return_path: str
) -> None:
    key = forwarded(desk)
    told = (
        f"{return_path}From: Mail Delivery <MAILER-DAEMON@mx.example.net>\r\nTo: famiglie@agency.example\r\n"
        "Subject: Mail delivery failed\r\nMessage-ID: <u@mx.example.net>\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        f"{said}\r\n\r\nMessage-ID: {desk.dispatch(key).rfc_message_id}\r\n"
    )
    desk.take_in(told.encode())
    assert desk.outcome(key) == (MessageState.HELD, "inoltro_respinto")
    assert ("forward_returned", 1) in desk.incidents()


def bounce(text: str, author: str = "MAILER-DAEMON@mx.example.net", *fields: str, kind: str = "plain") -> bytes:
    """A daemon's mail with a null path, its text in base64."""
    body = base64.encodebytes(text.encode()).decode().replace("\n", "\r\n")
    head = "".join(f"{field}\r\n" for field in fields)
    return (
        f"Return-Path: <>\r\nFrom: Posta <{author}>\r\nTo: famiglie@agency.example\r\nSubject: Undelivered\r\n{head}"
        f"Message-ID: <b{len(text)}@mx.example.net>\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Type: text/{kind}; charset=utf-8\r\n\r\n{body}"
    ).encode()


@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize("brackets", [True, False], ids=["in brackets", "bare"])
def test_our_message_id_is_found_in_text_that_is_encoded(desk: Desk, kind: str, brackets: bool) -> None:
    key = forwarded(desk)
    named = desk.dispatch(key).rfc_message_id
    named = html.escape(named) if brackets and kind == "html" else named if brackets else named.strip("<>")
    desk.take_in(bounce(f"{NORD}: utente sconosciuto\n\nMessage-ID: {named}.\n", kind=kind))
    assert desk.outcome(key) == (MessageState.HELD, "inoltro_respinto")


def test_our_message_id_is_found_over_a_soft_line_break(desk: Desk) -> None:
    key = forwarded(desk)
    named = desk.dispatch(key).rfc_message_id
    text = f"Utente sconosciuto: {named[:20]}=\r\n{named[20:]}\r\n".encode()
    head = bounce("").partition(b"\r\n\r\n")[0].replace(b"base64", b"quoted-printable")
    desk.take_in(head + b"\r\n\r\n" + text)
    assert desk.outcome(key) == (MessageState.HELD, "inoltro_respinto")


@pytest.mark.parametrize("names", ["id", "code"])
def test_a_projects_own_postmaster_is_no_absence(desk: Desk, names: str) -> None:
    """In words that nobody knows; it is shown with its case, and alarms."""
    key = forwarded(desk)
    ours = desk.dispatch(key).rfc_message_id if names == "id" else f"Oggetto: [{code_of(desk, key)}] Orari"
    [told] = desk.take_in(bounce(f"La posta di {NORD} torna.\n\n{ours}\n", "postmaster@nord.example"))
    assert desk.outcome(told) == (MessageState.HELD, "segnalazione_su_nostro_invio")
    assert desk.message(told).case_id == desk.message(key).case_id
    assert came_back(desk, key) == [("complaint", "")]
    assert [kind for kind, _ in desk.incidents()] == ["forward_returned"]


def test_a_projects_postmaster_who_says_that_the_mailbox_is_off_opens_the_forward(desk: Desk) -> None:
    key = forwarded(desk)
    text = f"La mailbox {NORD} risulta disabilitata.\nNon ha potuto consegnare: {desk.dispatch(key).rfc_message_id}\n"
    desk.take_in(bounce(text, "postmaster@nord.example"))
    assert desk.outcome(key) == (MessageState.HELD, "inoltro_respinto")


@pytest.mark.parametrize(
    "status", ["", "--b\r\nContent-Type: text/plain\r\n\r\nAction: failed\r\n"], ids=["none", "plain"]
)
def test_a_projects_report_without_a_status_part_is_no_absence(desk: Desk, status: str) -> None:
    key = forwarded(desk)
    head = report(desk.dispatch(key).rfc_message_id).replace(b"mx.example.net", b"nord.example")
    head = head.replace(b"Non consegnato.", b"Torna indietro.")
    before, _, after = head.partition(b"--b\r\nContent-Type: message/delivery-status")
    [told] = desk.take_in(before + status.encode() + b"--b" + after.partition(b"\r\n--b")[2])
    assert desk.outcome(told) == (MessageState.HELD, "segnalazione_su_nostro_invio")


def test_a_null_path_without_auto_submitted_is_no_absence_that_is_filed(desk: Desk) -> None:
    key = forwarded(desk)
    subject = f"undelivered: [{code_of(desk, key)}] Orari"
    [told] = desk.take_in(a_mail("Torna indietro.\n", subject=subject, author=NORD, return_path=""))
    assert desk.outcome(told) == (MessageState.HELD, "segnalazione_su_nostro_invio")


@pytest.mark.parametrize("text", [f"{NORD}: user unknown\n", "La posta torna indietro.\n", "Casella piena.\n"])
def test_a_failure_that_matches_nothing_is_never_filed_unseen(desk: Desk, text: str) -> None:
    forwarded(desk)
    [told] = desk.take_in(bounce(text))
    assert desk.outcome(told) == (MessageState.HELD, "avviso_su_nostro_invio")
    [told] = desk.take_in(report("<0123456789abcdef0123456789abcdef@agency.example>"))
    assert desk.outcome(told) == (MessageState.HELD, "avviso_su_nostro_invio")


@pytest.mark.parametrize(("action", "status"), [("delayed", "4.4.1"), ("delivered", "2.0.0"), ("relayed", "2.0.0")])
def test_a_delay_or_a_delivery_is_only_noted(desk: Desk, action: str, status: str) -> None:
    key = forwarded(desk)
    [about] = desk.take_in(report(desk.dispatch(key).rfc_message_id, action, status))
    assert desk.message(key).state == MessageState.FORWARDED
    assert came_back(desk, key) == [("delayed" if action == "delayed" else "delivered", status)]
    assert desk.message(about).state == MessageState.DECIDED
    assert desk.incidents() == []


@pytest.mark.parametrize(
    ("disposition", "kind", "state"),
    [
        ("manual-action/MDN-sent-manually; displayed", "displayed", MessageState.DECIDED),
        ("automatic-action/MDN-sent-automatically; Dispatched", "delivered", MessageState.DECIDED),
        ("automatic-action/MDN-sent-automatically; deleted", "complaint", MessageState.HELD),
        ("automatic-action/MDN-sent-automatically; failed", "complaint", MessageState.HELD),
        ("", "complaint", MessageState.HELD),
    ],
)
def test_what_a_project_deleted_unread_is_not_called_opened(
    desk: Desk, disposition: str, kind: str, state: MessageState
) -> None:
    """RFC 8098 section 3.2.6.2; Outlook's "Non letto:"."""
    key = forwarded(desk)
    told = report(desk.dispatch(key).rfc_message_id)
    told = told.replace(b"delivery-status", b"disposition-notification")
    told = told.replace(b"Action: failed\r\nStatus: 5.1.1", f"Disposition: {disposition}".encode())
    told = told.replace(b"Reporting-MTA: dns; mx.example.net\r\n\r\n", b"")
    [about] = desk.take_in(told)
    assert came_back(desk, key) == [(kind, "")]
    assert desk.message(about).state == state
    assert desk.message(key).state == MessageState.FORWARDED


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


@pytest.mark.parametrize("field", ["Delivered-To", "X-Original-To", "To"])
def test_a_bounce_to_a_return_address_of_ours_is_about_the_mail_that_had_it(
    make_desk: Callable[..., Desk], smtp_sink: SmtpSink, field: str
) -> None:
    """F18: it quotes nothing; the address that it came to says what it is about."""
    desk = make_desk(smtp_sink.port)
    desk.plus = True
    desk.rules = acknowledging(desk.rules, envelope=Envelope.PLUS)
    key = forwarded(desk)
    desk.send()
    [answer] = [mail for mail in smtp_sink.messages if ANNA in mail.forward_paths]
    to = answer.reverse_path if field == "To" else "famiglie@agency.example"
    extra = "" if field == "To" else f"{field}: <{answer.reverse_path}>\r\n"
    told = (
        f"Return-Path: <>\r\n{extra}From: MAILER-DAEMON@mx.example.net\r\nTo: {to}\r\nSubject: failure notice\r\n"
        f"Message-ID: <q9@mx.example.net>\r\n\r\n<{ANNA}>: user unknown 550 5.1.1\r\n"
    )
    desk.take_in(told.encode())
    assert desk.message(key).state == MessageState.FORWARDED
    assert came_back(desk, key) == [("failed", "5.1.1")]
    assert desk.dispatch(key, DispatchKind.ACKNOWLEDGEMENT).state == DispatchState.RETURNED


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


@pytest.mark.parametrize(
    "text",
    [
        "Questa casella di posta non è presidiata.\n",
        "Indirizzo di solo invio, si prega di non rispondere.\n",
        "L'indirizzo non è abilitato alla ricezione di messaggi.\n",
        "I messaggi inviati a questo indirizzo non verranno letti.\n",
        "This mailbox is not monitored.\n",
    ],
)
def test_a_mailbox_that_nobody_reads_is_told_to_a_person_and_gets_no_more(desk: Desk, text: str) -> None:
    """By its headers an absence like any other, and the family's mail lies where nobody looks."""
    key = forwarded(desk)
    [told] = desk.take_in(answer_of_a_robot(desk, key, text))
    assert came_back(desk, key) == [("moved", "")]
    assert desk.outcome(told) == (MessageState.HELD, "centro_cambia_indirizzo")
    [further] = desk.take_in(a_mail("Altro\n", author="altra@family.example", return_path="altra@family.example"))
    assert desk.outcome(further) == (MessageState.HELD, "destinazione_malata")


@pytest.mark.parametrize(
    ("text", "kind", "outcome"),
    [
        ("Questo indirizzo non è più attivo. Scrivere a nuovo@nord.example.\n", "moved", MessageState.HELD),
        ("Sono in ferie fino al 7 gennaio.\n", "absent", MessageState.DECIDED),
    ],
)
def test_a_projects_robot_is_understood_by_the_code_in_its_subject(
    desk: Desk, text: str, kind: str, outcome: MessageState
) -> None:
    """Some programs answer without In-Reply-To."""
    key = forwarded(desk)
    subject = f"Risposta automatica: [{code_of(desk, key)}] Orari"
    head = [("Auto-Submitted", "auto-replied")]
    [told] = desk.take_in(a_mail(text, subject=f"undelivered: {subject}", author=NORD, return_path="", headers=head))
    assert came_back(desk, key) == [(kind, "")]
    assert desk.message(told).state == outcome
    assert [incident for incident, _ in desk.incidents()] == (["destination"] if kind == "moved" else [])


def test_a_strangers_robot_with_the_code_says_nothing_of_a_centre(desk: Desk) -> None:
    key = forwarded(desk)
    subject = f"undelivered: Risposta automatica: [{code_of(desk, key)}] Orari"
    head = [("Auto-Submitted", "auto-replied")]
    text = "Questo indirizzo non è più attivo.\n"
    desk.take_in(a_mail(text, subject=subject, author="x@elsewhere.example", return_path="", headers=head))
    assert (came_back(desk, key), desk.incidents()) == ([], [])


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


@pytest.mark.parametrize("subject", ["{}", "Re: {}", "I: {}"])
@pytest.mark.parametrize("comune", ["", " Altavilla", " Dossobuono"], ids=["none", "the same centre's", "another's"])
def test_a_familys_correction_by_our_link_always_waits_for_a_person(
    desk: Desk, smtp_sink: SmtpSink, subject: str, comune: str
) -> None:
    """A new mail, as the link makes it: no thread, the code alone. Whatever comune it names, a person decides."""
    key = forwarded(desk)
    link = correction_link("famiglie@agency.example", code_of(desk, key))
    written = parse_qs(urlsplit(link).query)
    body = f"{written['body'][0]}{comune}\n"
    [told] = desk.take_in(a_mail(body, subject=subject.format(written["subject"][0])))
    desk.advance(hours=5)
    desk.send()
    assert desk.outcome(told) == (MessageState.HELD, "correzione_della_famiglia")
    assert desk.message(told).case_id == desk.message(key).case_id
    assert desk.message(key).state == MessageState.FORWARDED
    assert (forwards_in(smtp_sink), acknowledgements_in(smtp_sink)) == ([NORD], [ANNA])


def test_a_correction_is_no_answer_to_our_question(desk: Desk) -> None:
    key = asked(desk)
    body = "Codice: x\nIl mio comune è: Altavilla\n"
    [told] = desk.take_in(a_mail(body, subject=f"Non è la mia zona [{code_of(desk, key)}]"))
    assert desk.outcome(told) == (MessageState.HELD, "correzione_della_famiglia")
    assert desk.outcome(key) == (MessageState.HELD, "territorio_non_indicato")


@pytest.mark.parametrize("said", ["Non Ã¨ la mia zona", "Non e` la mia zona", "Non e\u0300 la mia zona"])
def test_a_correction_whose_accent_a_program_spoilt_still_waits_for_a_person(desk: Desk, said: str) -> None:
    key = forwarded(desk)
    [told] = desk.take_in(a_mail(subject=f"{said} [{code_of(desk, key)}]"))
    assert desk.outcome(told) == (MessageState.HELD, "correzione_della_famiglia")


def test_a_stranger_who_uses_that_link_joins_nothing(desk: Desk) -> None:
    key = forwarded(desk)
    subject = f"Non è la mia zona [{code_of(desk, key)}]"
    [told] = desk.take_in(a_mail(subject=subject, author="mallory@elsewhere.example"))
    assert desk.outcome(told) == (MessageState.HELD, "codice_di_altri")


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


@pytest.mark.parametrize("kind", ["", "list"])
def test_a_projects_own_words_about_a_case_are_shown_beside_it(desk: Desk, kind: str) -> None:
    """Never filed unseen, nor among what is settled in bulk."""
    key = forwarded(desk)
    head = [("Precedence", "bulk")] if kind else []
    subject = f"{'undelivered ' if kind else ''}Re: [{code_of(desk, key)}] Orari"
    [told] = desk.take_in(a_mail("Abita a Suzzara.\n", subject=subject, author=NORD, return_path=NORD, headers=head))
    if not kind:
        assert desk.outcome(told) == (MessageState.HELD, "forse_restituito")
    assert desk.message(told).case_id == desk.message(key).case_id
    assert desk.message(key).state == MessageState.FORWARDED


GROUPS = {
    "a list": [("List-Id", "<operatori.nord.example>"), ("Precedence", "list")],
    "bulk": [("Precedence", "bulk")],
    "a ticket system": [("Precedence", "bulk"), ("X-RT-Ticket", "nord.example #12")],
}


@pytest.mark.parametrize("answers", [True, False], ids=["in reply to ours", "by the code alone"])
@pytest.mark.parametrize("group", GROUPS)
def test_whoever_writes_behind_a_groups_address_is_not_absent(desk: Desk, group: str, answers: bool) -> None:
    """A group or a ticket system marks what people write as bulk; it was filed as an absence, and the case stayed."""
    one = forwarded(desk, message_id="<una@family.example>")
    other = forwarded(desk, message_id="<altra@family.example>")

    def answer(key: int, text: str) -> bytes:
        ours = [("In-Reply-To", desk.dispatch(key).rfc_message_id)] if answers else []
        subject = f"undelivered: [{code_of(desk, key)}]"  # what the header section alone makes of it: a machine's
        return a_mail(text, subject=subject, author=NORD, return_path=NORD, headers=[*GROUPS[group], *ours])

    sure, words = desk.take_in(answer(one, "Non è per noi.\n"), answer(other, "Abita a Suzzara, non la seguiamo.\n"))
    assert desk.outcome(one) == (MessageState.HELD, "restituito")
    assert desk.outcome(sure) == (MessageState.HELD, "restituzione")
    assert desk.outcome(words) == (MessageState.HELD, "forse_restituito")
    assert came_back(desk, other) == []


def test_a_groups_robot_that_says_so_is_absent_all_the_same(desk: Desk) -> None:
    key = forwarded(desk)
    told = answer_of_a_robot(desk, key, "Sono in ferie fino al 7 gennaio.\n")
    [absent] = desk.take_in(b"Precedence: bulk\r\nList-Id: <operatori.nord.example>\r\n" + told)
    assert came_back(desk, key) == [("absent", "")]
    assert desk.message(absent).state == MessageState.DECIDED


@pytest.mark.parametrize("link", ["[EXTERNAL] Non è per noi", "Non Ã¨ per noi"])
def test_a_hand_back_by_a_link_that_a_gateway_touched_opens_the_case(desk: Desk, link: str) -> None:
    key = forwarded(desk)
    code = code_of(desk, key)
    desk.take_in(from_project(f"{link} [{code}]", f"Codice: {code}\n"))
    assert desk.outcome(key) == (MessageState.HELD, "restituito")


STRANGER = "estraneo@altrove.example"


def invented_report(desk: Desk, key: int) -> bytes:
    """A report about nobody, with the case's code: it is kept with the case, for a person."""
    told = report("<x@altrove.example>", recipient="nessuno@altrove.example")
    return told.replace(b"Undelivered", f"Undelivered [{code_of(desk, key)}]".encode())


def invented_receipt(desk: Desk, key: int) -> bytes:
    """A read receipt for the acknowledgement, which the family may have passed on."""
    sent = desk.dispatch(key, DispatchKind.ACKNOWLEDGEMENT).rfc_message_id
    return (
        "Return-Path: <>\r\nFrom: <mx@mx.example.net>\r\nTo: famiglie@agency.example\r\nSubject: Letto\r\n"
        "Message-ID: <letto@altrove.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: message/disposition-notification\r\n\r\n"
        f"Final-Recipient: rfc822; {STRANGER}\r\nOriginal-Message-ID: {sent}\r\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\r\n--b--\r\n"
    ).encode()


def to_return_address(desk: Desk, key: int) -> bytes:
    with desk.store.read("secret") as tx:
        tag = return_tag(known_secret(tx), desk.dispatch(key, DispatchKind.ACKNOWLEDGEMENT).id)
    return a_mail(
        "Letto.\n", to=f"famiglie+{tag}@agency.example", author="mx@mx.example.net", return_path="x@x.example"
    )


@pytest.mark.parametrize("made", [invented_report, invented_receipt, to_return_address])
@pytest.mark.parametrize("together", [False, True])
def test_f86_a_stranger_gets_no_part_in_a_case_by_reporting_on_its_mail(
    desk: Desk, smtp_sink: SmtpSink, made: Callable[[Desk, int], bytes], together: bool
) -> None:
    """He would answer the question for the comune, and choose which centre reads the family's letter."""
    key = forwarded(desk)
    desk.send()
    told = made(desk, key).replace(b"MAILER-DAEMON@mx.example.net", STRANGER.encode())
    told = told.replace(b"mx@mx.example.net", STRANGER.encode())
    code, refers = f"Re: [{code_of(desk, key)}] Orari", re.findall(rb"Message-ID: (<[^>]*>)", told)[0].decode()
    further = a_mail("E poi?\n", subject=code, author=STRANGER, return_path=STRANGER, headers=[("In-Reply-To", refers)])
    smtp_sink.forget()
    batches = [[told, further]] if together else [[told], [further]]
    about, joined = [number for batch in batches for number in desk.take_in(*batch)]
    desk.send()
    assert desk.message(about).case_id == desk.message(key).case_id, "kept with what it is about"
    assert desk.outcome(joined) == (MessageState.HELD, "codice_di_altri")
    assert desk.message(joined).case_id != desk.message(key).case_id
    assert smtp_sink.messages == ()
